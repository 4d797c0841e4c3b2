"""The form of a type of asset, with a row of fields for each of its attributes."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.assets.schemas import MAX_ATTRIBUTES, TypeEdit
from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _

KINDS = {
    "text": _("Text"),
    "number": _("Number"),
    "date": _("Date"),
    "choice": _("Choice"),
    "yesno": _("Yes or no"),
    "link": _("Link"),
}
PARTS = ("key", "label", "kind", "unit", "choices", "required", "unique")
MOST_ROWS = MAX_ATTRIBUTES + 5  # so that the schema can say that these are too many
_NAME = re.compile(r"attributes-(\d{1,2})-[a-z]+", re.ASCII)
_NO_KEY = re.compile(r"[^a-z0-9]+")
Row = dict[str, Any]


class TypeForm(SchemaForm[TypeEdit]):
    """A type. ``type_form`` adds the rows."""

    schema: ClassVar = TypeEdit
    rows_drawn: ClassVar[int] = 0
    name = StringField("Name", render_kw={"autocomplete": "off"})
    description = TextAreaField("Description", render_kw={"rows": 2})
    hide = BooleanField("Hide these values")

    def all_rows(self) -> list[Row]:
        """What the rows hold, in their order."""
        return [
            {part: self.part(number, part).data for part in PARTS}
            for number in range(self.rows_drawn)
        ]

    def rows(self) -> list[Row]:
        """The same without the rows that nobody began to fill in."""
        found = self.all_rows()
        return [
            row for row in found if any(row[part] for part in ("key", "label", "unit", "choices"))
        ]

    def part(self, number: int, part: str) -> Field:
        """One field of a row."""
        field: Field = self._fields[part_name(number, part)]
        return field

    def values(self) -> dict[str, Any]:
        """Return the rows as the schema wants them, each with a key."""
        return super().values() | {
            "attributes": [_attribute(row) for row in with_keys(self.rows())]
        }

    def _complain(self, problem: Any) -> None:
        where = problem["loc"]
        if len(where) > 1 and where[0] == "attributes":
            problem = problem | {"loc": (self._place_of(where, problem),)}
        super()._complain(problem)

    def _place_of(self, where: Sequence[Any], problem: Mapping[str, Any]) -> str:
        """The field of the row that a message belongs to."""
        number = self._numbers()[where[1]]
        part = where[2] if len(where) > 2 else "choices"  # noqa: PLR2004 - a rule about the whole row
        if part == "key":
            part = "label"  # the key is made of it
        return part_name(number, str(part))

    def _numbers(self) -> list[int]:
        """The numbers of the rows that count, as ``rows`` leaves empty ones out."""
        wanted = ("key", "label", "unit", "choices")
        return [
            number
            for number in range(self.rows_drawn)
            if any(self.part(number, part).data for part in wanted)
        ]


def part_name(number: int, part: str) -> str:
    """Return the name of a field of a row."""
    return f"attributes-{number}-{part}"


def type_form(rows: int) -> type[TypeForm]:
    """Make the form of a type with so many rows."""
    fields = {
        part_name(number, part): field
        for number in range(rows)
        for part, field in _row_fields().items()
    }
    return type("TypeForm", (TypeForm,), {"rows_drawn": rows, "__module__": __name__, **fields})


def _row_fields() -> dict[str, Any]:
    return {
        "key": HiddenField(),
        "label": StringField(
            "Label", render_kw={"maxlength": 80, "autocomplete": "off", "required": True}
        ),
        "kind": SelectField(
            "Kind",
            choices=lambda: [SelectChoice(value, str(word)) for value, word in KINDS.items()],
            default="text",
            validate_choice=False,
        ),
        "unit": StringField("Unit", render_kw={"maxlength": 20, "autocomplete": "off"}),
        "choices": TextAreaField("Choices, one a line", render_kw={"rows": 4}),
        "required": BooleanField("Required"),
        "unique": BooleanField("Unique"),
    }


def rows_sent(names: Iterable[str]) -> int:
    """Return how many rows a form was sent with."""
    numbers = [int(found[1]) for name in names if (found := _NAME.fullmatch(name))]
    return min(max(numbers, default=-1) + 1, MOST_ROWS)


def filled_in(rows: Sequence[Mapping[str, Any]], **data: Any) -> TypeForm:
    """Return a form that holds these rows, not what was sent."""
    values = {
        part_name(number, part): _as_text(row.get(part))
        for number, row in enumerate(rows)
        for part in PARTS
    }
    return type_form(len(rows))(formdata=None, data=data | values)


def _as_text(value: Any) -> Any:
    return "\n".join(value) if isinstance(value, list | tuple) else value


def change_rows(rows: list[Row], wish: str) -> tuple[list[Row], int | None]:
    """Add, move or remove a row (``add``, ``up-2``, ``down-2``, ``remove-2``); return the row to go on with, too."""
    verb, _minus, text = wish.partition("-")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else -1  # noqa: PLR2004
    rows = list(rows)
    if verb == "add" and len(rows) < MAX_ATTRIBUTES:
        return [*rows, {"kind": "text"}], len(rows)
    if not 0 <= number < len(rows):
        return rows, None
    if verb == "remove":
        del rows[number]
        return rows, min(number, len(rows) - 1) if rows else None
    other = number + {"up": -1, "down": 1}.get(verb, 0)
    if 0 <= other < len(rows):
        rows[number], rows[other] = rows[other], rows[number]
        return rows, other
    return rows, number


def with_keys(rows: Iterable[Row]) -> list[Row]:
    """Give rows without a key one that is made of the label and that no other row has."""
    rows = [dict(row) for row in rows]
    taken = {row["key"] for row in rows if row["key"]}
    for row in rows:
        if not row["key"]:
            row["key"] = _key_of(row["label"] or "", taken)
            taken.add(row["key"])
    return rows


def _key_of(label: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    key = _NO_KEY.sub("_", plain).strip("_")
    key = (key if key[:1].isalpha() else f"a_{key}".strip("_"))[:36].strip("_")
    number = 1
    found = key
    while found in taken:
        number += 1
        found = f"{key}_{number}"
    return found


def _attribute(row: Row) -> Row:
    """What is for another kind is not said: a unit for numbers only, choices for choices only."""
    lines = [line.strip() for line in (row["choices"] or "").splitlines()]
    return row | {
        "kind": row["kind"] or "",
        "unit": (row["unit"] or "") if row["kind"] == "number" else "",
        "choices": [line for line in lines if line] if row["kind"] == "choice" else [],
    }
