"""Which column says what: guessed from its name, in English, Spanish and the words of other registers."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from webapp.assets.importing import values
from webapp.assets.importing.reader import Cell, as_text
from webapp.assets.importing.values import folded
from webapp.assets.models import Status
from webapp.assets.schemas import MaybeId
from webapp.core.forms import CommandModel
from webapp.core.language import N_, _

ATTRIBUTE = "attribute:"

# What a column may say, with how people call it.
FIELDS: dict[str, str] = {
    "tag": N_("Tag"),
    "name": N_("Name"),
    "type": N_("Type"),
    "client": N_("Client (name or code)"),
    "client_code": N_("Client code"),
    "project": N_("Project"),
    "parent": N_("Lies in (tag)"),
    "location": N_("Location (finds the client)"),
    "status": N_("Status"),
    "serial": N_("Serial number"),
    "manufacturer": N_("Manufacturer"),
    "model": N_("Model"),
    "model_number": N_("Model number"),
    "purchased_on": N_("Purchased on"),
    "cost": N_("Cost"),
    "warranty_until": N_("Warranty until"),
    "warranty_months": N_("Warranty in months"),
    "notes": N_("Notes"),
    "holder": N_("Holder (e-mail or name)"),
    "holder_location": N_("Holder (location)"),
}
# What a change may name besides.
SHOWN = {
    "type_id": N_("Type"),
    "client_id": N_("Client"),
    "project_id": N_("Project"),
    "parent_id": N_("Lies in"),
    "parent": N_("Lies in"),
    "client": N_("Client"),
    "location": N_("Location"),
    "warranty_months": N_("Warranty in months"),
    "holder": N_("Holder"),
    "holder_location": N_("Holder"),
}
DATES = ("purchased_on", "warranty_until")

_NAMES = {
    "tag": "asset tag;tag;asset id;inventory number;inventory no;asset number;barcode;etiqueta;codigo;"
    "numero de inventario;placa;etiqueta de activo",
    "name": "name;asset name;item name;device name;hostname;nombre;nombre del activo;denominacion;equipo",
    "type": "category;type;asset type;device type;kind;categoria;tipo;tipo de activo;clase",
    "client": "company;client;customer;organization;organisation;tenant;account;cliente;empresa;compania;organizacion;"
    "client name or code;cliente nombre o codigo",
    "client_code": "client code;company code;customer code;codigo del cliente;codigo de cliente",
    "project": "project;site project;proyecto;obra",
    "parent": "lies in;lies inside;lies inside the asset;parent;parent asset;parent tag;parent asset tag;contained in;"
    "container;inside;located in asset;"
    "esta en;dentro de;contenido en;contenedor;activo padre;padre;esta dentro del activo;"
    "lies in tag;esta en codigo",
    "location": "location;site;default location;place;ubicacion;lugar;sede;localizacion;sitio;"
    "location finds the client;ubicacion encuentra el cliente",
    "status": "status;state;status label;asset status;estado;situacion",
    "serial": "serial;serial number;serial no;s n;sn;service tag;numero de serie;n de serie;serie;no de serie",
    "manufacturer": "manufacturer;make;brand;maker;vendor;fabricante;marca",
    "model": "model;model name;device model;modelo",
    "model_number": "model number;model no;part number;part no;numero de modelo;referencia",
    "purchased_on": "purchase date;purchased;purchased on;date of purchase;bought;acquired;fecha de compra;"
    "fecha de adquisicion;comprado;comprado el",
    "cost": "purchase cost;cost;price;purchase price;value;coste;costo;precio;importe;valor;precio de compra",
    "warranty_until": "warranty until;warranty expires;warranty end;warranty expiration;warranty expiry;"
    "end of warranty;garantia hasta;fin de garantia;vencimiento de garantia",
    "warranty_months": "warranty months;warranty;warranty in months;months of warranty;garantia;"
    "meses de garantia;garantia meses;garantia en meses",
    "notes": "asset notes;notes;note;comments;comment;remarks;description;notas;comentarios;observaciones;descripcion",
    "holder": "checked out to email;email;e mail;user email;assigned to;checked out to;checked out to username;"
    "username;holder;owner;user;assigned user;asignado a;usuario;responsable;correo;"
    "correo electronico;custodio;quien lo tiene;"
    "holder e mail or name;quien lo tiene correo o nombre",
    "holder_location": "checked out to location;assigned location;ubicacion asignada;"
    "holder location;quien lo tiene ubicacion",
}
# The titles of Steward's own export in its languages, which attributes of the same name do not take over.
EXPORTED = (
    *("Tag", "Name", "Type", "Status", "Client", "Client code", "Location", "Project", "Lies in"),
    *("Holder", "Serial number", "Manufacturer", "Model", "Purchased", "Cost", "Warranty until"),
    *("Notes", "Código", "Nombre", "Tipo", "Estado", "Cliente", "Código del cliente", "Ubicación"),
    *("Proyecto", "Está en", "Quien lo tiene", "Número de serie", "Fabricante", "Modelo"),
    *("Comprado", "Coste", "Garantía hasta", "Notas"),
)
_EXPORTED = frozenset(folded(name) for name in EXPORTED)
_KEY = 3  # how little a column counts that is called like an attribute's key
_BY_NAME = {
    name: (field, rank)
    for field, names in _NAMES.items()
    for rank, name in enumerate(names.split(";"))
}


class Options(CommandModel):
    """How a file is to be understood, as the person says."""

    columns: Annotated[tuple[Annotated[str, Field(max_length=60)], ...], Field(max_length=200)]
    match: Literal["tag", "serial"] = "tag"
    client_id: MaybeId = None
    project_id: MaybeId = None
    type_id: MaybeId = None
    status: Status = Status.IN_STOCK
    date_order: Literal["iso", "day", "month"] = "iso"
    decimal_comma: bool = False
    clear_blank: bool = False
    unknown_types: Literal["refuse", "create"] = "refuse"
    unknown_clients: Literal["refuse", "create"] = "refuse"
    location_id: Annotated[MaybeId, Field(validate_default=True)] = None

    @model_validator(mode="after")
    def _sound(self) -> "Options":
        named = [one for one in self.columns if one]
        # Types may call an attribute differently: each row takes the column of its type.
        fields = [one for one in named if not one.startswith(ATTRIBUTE)]
        if len(set(fields)) != len(fields):
            raise ValueError(_("Two columns go to the same field. Ignore one of them."))
        strange = [one for one in named if one not in FIELDS and not one.startswith(ATTRIBUTE)]
        if strange:
            raise ValueError(_("Choose one of the list."))
        if not {"tag", "serial", "name"} & set(named):
            raise ValueError(_("Say which column holds the tag, the serial number or the name."))
        if self.match == "serial" and "serial" not in named:
            raise ValueError(_("Say which column holds the serial number, or match by tag."))
        return self

    @field_validator("location_id")
    @classmethod
    def _home(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and info.data.get("unknown_clients") == "create":
            raise ValueError(_("Say in which location new clients are."))
        return value


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """An attribute that some type has."""

    key: str
    label: str
    unit: str = ""

    @property
    def title(self) -> str:
        """How the export heads its column."""
        return f"{self.label} ({self.unit})" if self.unit else self.label

    @property
    def names(self) -> tuple[str, ...]:
        """How its column may be headed; a whole title counts more than a label, and that more than a key."""
        return (f"{self.title} [{self.key}]", self.title, self.label, self.key)


def header_hash(header: Sequence[str]) -> str:
    """Name a header, so that its mapping is found again."""
    packed = json.dumps([folded(name) for name in header])
    return hashlib.sha256(packed.encode()).hexdigest()


def guess(header: Sequence[str], attributes: Iterable[Rule] = ()) -> list[str]:
    """Return for each column the field that its name means, or nothing; of two, the better name wins.

    An attribute may have a column for each of the names that types give it.
    """
    own = _own(attributes)
    best: dict[str, tuple[int, int]] = {}
    titled: dict[int, str] = {}
    names = [folded(name) for name in header]
    for number, name in enumerate(names):
        field, rank = _meaning(name, own)
        if field.startswith(ATTRIBUTE) and rank < _KEY and name not in names[:number]:
            titled[number] = field
        if field and (field not in best or rank < best[field][0]):
            best[field] = (rank, number)
    taken = titled | {number: field for field, (_rank, number) in best.items()}
    return [taken.get(number, "") for number in range(len(header))]


def _own(attributes: Iterable[Rule]) -> dict[str, tuple[str, int]]:
    """The names of the attributes, each with how much it counts."""
    own: dict[str, tuple[str, int]] = {}
    for rule in attributes:
        for rank, name in enumerate(rule.names):
            if name := folded(name):
                own[name] = min(own.get(name, (rule.key, rank)), (rule.key, rank), key=_rank)
    return own


def _rank(found: tuple[str, int]) -> int:
    return found[1]


def _meaning(name: str, own: dict[str, tuple[str, int]]) -> tuple[str, int]:
    """What a column means: by the export's own title, an attribute, or a word of other registers."""
    key, rank = own.get(name, ("", 0))
    if name in _BY_NAME and (not key or name in _EXPORTED or rank == _KEY):
        return _BY_NAME[name]
    return (ATTRIBUTE + key, rank) if key else ("", 0)


def guess_date_order(columns: Sequence[str], sample: Sequence[Sequence[Cell]]) -> tuple[str, bool]:
    """Return in which order the dates of a sample are written, and whether there is no doubt."""
    fitting = {"day", "month"}
    seen = False
    for cells in sample:
        for field, cell in zip(columns, cells, strict=False):
            if field in DATES and isinstance(cell, str) and cell:
                orders = values.orders_of(cell)
                if "iso" not in orders and orders:
                    seen, fitting = True, fitting & orders
    if not seen:
        return "iso", True
    if len(fitting) == 1:
        return fitting.pop(), True
    return "day", False


def guess_decimal_comma(columns: Sequence[str], sample: Sequence[Sequence[Cell]]) -> bool:
    """Tell whether the amounts of a sample are written with a comma."""
    votes = 0
    for cells in sample:
        for field, cell in zip(columns, cells, strict=False):
            if field != "cost" or not isinstance(cell, str):
                continue
            last = max(cell.rfind(","), cell.rfind("."))
            # Three digits after a mark may be thousands, so they do not vote.
            if last >= 0 and len(cell) - last - 1 != 3:  # noqa: PLR2004
                votes += 1 if cell[last] == "," else -1
    return votes > 0


def first_options(
    header: Sequence[str],
    sample: Sequence[Sequence[Cell]],
    attributes: Iterable[Rule],
    remembered: dict[str, Any] | None,
) -> dict[str, Any]:
    """Return what the form shows first: what the person chose for this header before, or a guess."""
    if remembered and len(remembered.get("columns", ())) == len(header):
        return dict(remembered)
    columns = guess(header, attributes)
    order, _sure = guess_date_order(columns, sample)
    return {
        "columns": columns,
        "date_order": order,
        "decimal_comma": guess_decimal_comma(columns, sample),
        "match": "tag" if "tag" in columns or "serial" not in columns else "serial",
    }


def shown(sample: Sequence[Sequence[Cell]], columns: int) -> list[list[str]]:
    """Return a few rows as the form shows them."""
    return [
        [as_text(cells[n])[:60] if n < len(cells) else "" for n in range(columns)]
        for cells in sample[:3]
    ]
