"""One row becomes what the asset shall be, by the same schema that the form has."""

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from webapp.assets.import_models import Verdict
from webapp.assets.importing import values
from webapp.assets.importing.lookups import Named
from webapp.assets.importing.mapping import ATTRIBUTE, DATES, Options
from webapp.assets.importing.naming import Said, Wrong
from webapp.assets.importing.reader import MAX_CELL, Cell, Row, as_text, shortened
from webapp.assets.models import Status
from webapp.assets.queries.custody import Holder
from webapp.assets.schemas import AssetDraft, attributes_of
from webapp.core.forms import MESSAGES
from webapp.core.language import N_, _, gettext

PLAIN = ("tag", "name", "serial", "manufacturer", "model", "notes")
KEPT = (
    "tag", "name", "type_id", "client_id", "project_id", "parent_id", "serial", "manufacturer", "model",
    "purchased_on", "cost", "warranty_until", "notes", "status",
)  # fmt: skip
MAX_MONTHS = 1200
FORMULA = N_("The spreadsheet shows an error here. Mend its formula.")
_MONTHS = re.compile(r"(\d{1,6})(?:\.0+)?(?: ?(?:months?|meses|mes))?", re.ASCII | re.IGNORECASE)
# What a spreadsheet shows where its formula failed, in English and Spanish.
ERRORS = {
    *("#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#SPILL!", "#CALC!", "#FIELD!"),
    *("#BLOCKED!", "#GETTING_DATA", "#¡NULO!", "#¡DIV/0!", "#¡VALOR!", "#¡REF!", "#¿NOMBRE?", "#¡NUM!"),
    "#N/D",
}  # fmt: skip
MAY_BE_EMPTY = frozenset({"cost", *DATES})
# What the dry run tells of a new asset, besides what others are called.
SHOWN = (
    "status",
    "serial",
    "manufacturer",
    "model",
    "purchased_on",
    "cost",
    "warranty_until",
    "notes",
)
# Where a message of the schema belongs: columns have names of their own.
_COLUMN = {"type_id": "type", "client_id": "client", "project_id": "project", "parent_id": "parent"}


@dataclass(slots=True)
class Outcome:
    """What became of a row: a verdict, and all that applying it needs."""

    row: Row
    verdict: Verdict = Verdict.WRONG
    label: str = ""
    said: Said = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)
    command: AssetDraft | None = None
    existing: Any = None
    client: Named | None = None
    kind: Named | None = None
    holder: Holder | None = None
    goes_into: str = ""  # the tag of what the row says that it lies in
    container: str = ""  # the same as it is compared, if that is still to be added
    unique: list[tuple[Any, ...]] = field(default_factory=list)
    stored: list[list[str]] = field(default_factory=list)  # of a new asset: field and text

    def cells(self) -> list[str]:
        """Return the row as it was, to be mended."""
        return [shortened(cell, MAX_CELL) for cell in self.row.cells]

    def refuse(self, name: str, words: str) -> None:
        """Say what is wrong; of a cell, the first thing."""
        self.verdict = Verdict.WRONG
        if name and any(field == name for field, _words in self.problems):
            return
        text, value = str(words), values.quoted(self.said.get(name, ""))
        if value and value not in text:
            text = gettext("“%(value)s”: %(words)s", value=value, words=text)
        self.problems.append((name, text))

    def warn(self, name: str, words: str) -> None:
        """Say what is left out, though the row is applied."""
        self.problems.append((name, str(words)))


def said_by(row: Row, columns: tuple[str, ...]) -> Said:
    """Return what a row says, by field; empty cells say nothing.

    Raises:
        Wrong: if the row has more cells than the header has columns.
    """
    if any(cell != "" for cell in row.cells[len(columns) :]):
        raise Wrong("", _("The row has more cells than the header. Perhaps a quote is missing."))
    return {
        name: cell for name, cell in zip(columns, row.cells, strict=False) if name and cell != ""
    }


def draft(said: Said, options: Options, existing: Any) -> tuple[dict[str, Any], list[Wrong]]:
    """Return the values of the asset that the schema is to check, and the cells that mean nothing."""
    data: dict[str, Any] = {name: getattr(existing, name) for name in KEPT} if existing else {}
    data.setdefault("status", options.status)
    wrong: list[Wrong] = []
    if options.clear_blank and existing:
        empty = [name for name in _cleared(options) if name not in said]
        data |= {"parent_id" if name == "parent" else name: None for name in empty}
    for name in PLAIN:
        if name in said:
            data[name] = as_text(said[name])
    if "model_number" in said:
        data["model"] = f"{as_text(said.get('model', ''))} {as_text(said['model_number'])}".strip()
    for name in (*DATES, "cost", "status"):
        if name in said:
            try:
                data[name] = _read(name, said[name], options)
            except ValueError as error:
                wrong.append(Wrong(name, error.args[0]))
    _add_warranty(said, data, wrong)
    data["name"] = data.get("name") or data.get("model") or data.get("tag") or data.get("serial")
    return data, wrong


def _read(name: str, cell: Cell, options: Options) -> Any:
    if name == "cost":
        return values.amount(cell, decimal_comma=options.decimal_comma)
    return values.status(cell) if name == "status" else values.day(cell, options.date_order)


def _cleared(options: Options) -> set[str]:
    able = {"serial", "manufacturer", "model", "notes", "cost", "parent", *DATES}
    return able & set(options.columns)


def _add_warranty(said: Said, data: dict[str, Any], wrong: list[Wrong]) -> None:
    if "warranty_months" not in said or "warranty_until" in said:
        return
    found = _MONTHS.fullmatch(as_text(said["warranty_months"]))
    if found is None or int(found[1]) > MAX_MONTHS:
        wrong.append(Wrong("warranty_months", _("Write the warranty as a number of months.")))
    elif bought := data.get("purchased_on"):
        data["warranty_until"] = values.months_later(bought, int(found[1]))


def validated(data: dict[str, Any], said: Said) -> tuple[AssetDraft | None, list[Wrong]]:
    """Check the values by the schema of the form."""
    try:
        return AssetDraft.model_validate(data | {"attributes": {}}), []
    except ValidationError as error:
        return None, [_from_schema(problem, said) for problem in error.errors()]


def _from_schema(problem: Any, said: Said) -> Wrong:
    name = str(problem["loc"][0]) if problem["loc"] else ""
    name = _COLUMN.get(name, name)
    if name == "name" and "name" not in said:
        return Wrong(name, _("The row names neither the asset nor its model or tag."))
    text = MESSAGES.get(problem["type"])
    if name == "cost":
        return Wrong(name, _("Write an amount, such as 1250 or 1250.50."))
    if text:
        return Wrong(name, gettext(text, **problem.get("ctx", {})))
    told = problem.get("ctx", {}).get("error")
    return Wrong(name, told.args[0] if told else problem["msg"])


def attributes(
    said: Said, kind: Named, options: Options, before: dict[str, Any]
) -> tuple[dict[str, Any], list[Wrong]]:
    """Return the attributes of the asset: what it has, changed by what the row says."""
    rules = {rule["key"]: rule for rule in kind.rules}
    typed = {key: value for key, value in before.items() if key in rules}
    wrong: list[Wrong] = []
    for column in options.columns:
        if not column.startswith(ATTRIBUTE):
            continue
        key = column.removeprefix(ATTRIBUTE)
        if column in said:
            try:
                typed[key] = _plain(said[column], rules.get(key, {}), options)
            except ValueError as error:
                wrong.append(Wrong(column, error.args[0]))
        elif options.clear_blank:
            typed.pop(key, None)
    found, told = attributes_of(list(kind.rules), typed)
    broken = {one.field for one in wrong}
    wrong += [Wrong(ATTRIBUTE + k, w) for k, w in told.items() if ATTRIBUTE + k not in broken]
    return found, wrong


def _plain(cell: Cell, rule: dict[str, Any], options: Options) -> str:
    kind = rule.get("kind", "text")
    if kind == "date":
        return values.day(cell, options.date_order).isoformat()
    if kind == "number":
        unit = rule.get("unit") or ""
        number = values.amount(cell, decimal_comma=options.decimal_comma, unit=unit)
        return f"{number:f}"
    return as_text(cell)


def failed(said: Said) -> list[str]:
    """Return the fields whose cell holds the error of a formula."""
    return [name for name, cell in said.items() if isinstance(cell, str) and cell in ERRORS]


def stored(command: AssetDraft, names: dict[str, str]) -> list[list[str]]:
    """Return all that a new asset gets, as people read it; ``names`` has what the command knows by number."""
    shown = names | {name: text_of(getattr(command, name)) for name in SHOWN}
    told = [[name, shortened(text, 100)] for name, text in shown.items() if text]
    return told + [
        [ATTRIBUTE + key, shortened(text_of(value), 100)]
        for key, value in command.attributes.items()
    ]


def unique_values(found: dict[str, Any], kind: Named, client: Named) -> list[tuple[Any, ...]]:
    """Return the values that no other asset of the client and type may have, as the database keeps them."""
    keys = [rule["key"] for rule in kind.rules if rule.get("unique") and rule["key"] in found]
    return [(client.key, kind.key, key, _stored(found[key])) for key in keys]


def _stored(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:500].lower()


def text_of(value: Any) -> str:
    """Return a value as the list of changes shows it."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value.value if isinstance(value, Status) else value)
