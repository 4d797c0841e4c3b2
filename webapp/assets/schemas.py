"""What a person, a file or a program may say about assets and their types."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from webapp.assets.models import Condition, Status
from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _

MAX_ID = 2**63 - 1
MAX_ATTRIBUTES = 40
MAX_CHOICES = 100
# Addresses below /assets that are pages, so that a tag cannot be one of them.
RESERVED_TAGS = frozenset(
    {"new", "tree", "types", "import", "imports", "labels", "bulk", "export.csv", "export.xlsx"}
    | {"scan", "overdue", "move", "undo", "views", "pickers"}
)
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MONEY = re.compile(r"\d{1,12}(\.\d{1,2})?", re.ASCII)
_LINK = re.compile(r"https?://[^\s<>\"']{3,400}")


def _tag(value: str | None) -> str | None:
    if value is None:
        return None
    if not _TAG.fullmatch(value):
        raise ValueError(_("Use letters, digits, dots, dashes and underscores, at most 64."))
    if value.lower() in RESERVED_TAGS:
        raise ValueError(_("This word is an address of its own. Choose another tag."))
    return value


def _day(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value.strip()):
        raise ValueError(_("Write a date as year-month-day."))
    return value.strip() if isinstance(value, str) else value


def _none_is_blank(value: Any) -> Any:
    return "" if value is None else value


def _money(value: Any) -> Any:
    text = str(value).replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not _MONEY.fullmatch(text):
        raise ValueError(_("Write an amount, such as 1250 or 1250.50."))
    return text


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
MaybeId = Annotated[Annotated[int, Field(ge=1, le=MAX_ID)] | None, BlankIsNone]
Day = Annotated[Annotated[date, BeforeValidator(_day)] | None, BlankIsNone]
Tag = Annotated[Line | None, BlankIsNone, AfterValidator(_tag)]
Prose = Annotated[Paragraphs, BeforeValidator(_none_is_blank), Field(max_length=5000)]
Short = Annotated[Line, BeforeValidator(_none_is_blank), Field(max_length=120)]
Cost = Annotated[
    Annotated[Decimal, Field(ge=0, max_digits=14, decimal_places=2), BeforeValidator(_money)]
    | None,
    BlankIsNone,
]
Reason = Annotated[Annotated[Line, Field(max_length=500)] | None, BlankIsNone]


class Attribute(CommandModel):
    """One attribute of a type. ``unit`` is for numbers, ``choices`` for choices."""

    key: Annotated[Line, Field(min_length=1, max_length=40)]
    label: Annotated[Line, Field(min_length=1, max_length=80)]
    kind: Literal["text", "number", "date", "choice", "yesno", "link"] = "text"
    unit: Annotated[Line, Field(max_length=20)] = ""
    choices: Annotated[
        tuple[Annotated[Line, Field(min_length=1, max_length=120)], ...],
        Field(max_length=MAX_CHOICES),
    ] = ()
    required: bool = False
    unique: bool = False

    @field_validator("key")
    @classmethod
    def _plain(cls, value: str) -> str:
        if not _KEY.fullmatch(value):
            raise ValueError(
                _("Use small letters, digits and underscores, beginning with a letter.")
            )
        return value

    @model_validator(mode="after")
    def _fitting(self) -> "Attribute":
        if self.kind == "choice" and len({c.lower() for c in self.choices}) != len(self.choices):
            raise ValueError(_("A choice is named twice."))
        if self.kind == "choice" and not self.choices:
            raise ValueError(_("Name the choices, one a line."))
        return self


class TypeEdit(CommandModel):
    """A type of asset and its attributes."""

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    description: Prose = ""
    attributes: Annotated[tuple[Attribute, ...], Field(max_length=MAX_ATTRIBUTES)] = ()

    @field_validator("attributes")
    @classmethod
    def _distinct(cls, value: tuple[Attribute, ...]) -> tuple[Attribute, ...]:
        if len({one.key for one in value}) != len(value):
            raise ValueError(_("Two attributes have the same key."))
        return value


class AssetEdit(CommandModel):
    """An asset as it shall be; its status and holder change by commands of their own.

    ``attributes`` are checked against the type by ``attributes_of``, in the service.
    """

    tag: Tag = None
    name: Annotated[Line, Field(min_length=1, max_length=200)]
    type_id: Id
    client_id: Id
    project_id: MaybeId = None
    parent_id: MaybeId = None
    serial: Short = ""
    manufacturer: Short = ""
    model: Annotated[Line, BeforeValidator(_none_is_blank), Field(max_length=160)] = ""
    purchased_on: Day = None
    cost: Cost = None
    warranty_until: Day = None
    notes: Prose = ""
    attributes: dict[str, Any] = Field(default_factory=dict)


class AssetDraft(AssetEdit):
    """A new asset; without a tag it gets the next free one."""

    status: Status = Status.IN_STOCK


class StatusChange(CommandModel):
    """The status that an asset shall have, and why."""

    status: Status
    reason: Reason = None


class Archiving(CommandModel):
    """Why an asset is archived."""

    reason: Reason = None


class CheckOut(CommandModel):
    """Who or what place gets an asset: ``user:3`` or ``location:4``; until when, and why."""

    holder: Annotated[
        Line, Field(min_length=1, max_length=40, pattern=r"^(user|location):\d{1,18}$")
    ]
    due_on: Day = None
    note: Prose = ""


class CheckIn(CommandModel):
    """How an asset came back, and where it goes: into stock or to repair."""

    condition: Condition = Condition.GOOD
    status: Literal["in_stock", "in_repair", "retired"] = "in_stock"
    note: Prose = ""


class Extend(CommandModel):
    """Until when somebody keeps an asset; empty for no end."""

    due_on: Day = None


class Scanned(CommandModel):
    """The tags of a scan, and the seal of what was refused when the person agreed to leave it out.

    ``kept_as`` is the name that the browser gave to its list, by which it knows afterwards that this one is done.
    """

    tags: Annotated[
        tuple[Annotated[Line, Field(min_length=1, max_length=100)], ...],
        Field(min_length=1, max_length=500),
    ]
    agreed: Annotated[str, Field(max_length=64)] = ""
    kept_as: Annotated[str, Field(pattern=r"^[0-9a-f]{0,16}$")] = ""


class ScanOut(CheckOut, Scanned):
    """Everything scanned goes to one holder."""


class ScanIn(CheckIn, Scanned):
    """Everything scanned comes back."""


def attributes_of(
    rules: list[dict[str, Any]], typed: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Check what was typed against a type's attributes.

    Args:
        rules: ``AssetType.attributes``.
        typed: values by key, as text from a form or file, or already typed.

    Returns:
        The values to store, and for each wrong key what is wrong.
    """
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for rule in rules:
        key, raw = rule["key"], typed.get(rule["key"])
        raw = raw.strip() if isinstance(raw, str) else raw
        if raw is None or raw == "":
            if rule.get("required"):
                wrong[key] = str(_("Fill this in."))
            continue
        try:
            values[key] = _value(rule, raw)
        except ValueError as error:
            wrong[key] = str(error)
    known = {rule["key"] for rule in rules}
    for key, raw in typed.items():
        if key not in known and raw not in (None, ""):
            wrong[key] = str(_("This type has no such attribute."))
    return values, wrong


def _value(rule: dict[str, Any], raw: Any) -> Any:
    return _KINDS[rule["kind"]](rule, raw)


def _text(_rule: dict[str, Any], raw: Any) -> str:
    text = str(raw)
    if len(text) > 500 or not text.isprintable():  # noqa: PLR2004 - said in the message
        raise ValueError(_("Write this in one line of at most 500 characters."))
    return text


def _number(_rule: dict[str, Any], raw: Any) -> int | float:
    text = str(raw).replace("\u00a0", "").replace(" ", "")
    if not re.fullmatch(r"[+-]?\d{1,15}([.,]\d{1,9})?", text, re.ASCII):
        raise ValueError(_("Write a number, such as 12 or 3.5."))
    number = float(text.replace(",", "."))
    return int(number) if number.is_integer() else number


def _date(_rule: dict[str, Any], raw: Any) -> str:
    try:
        return date.fromisoformat(str(raw) if _DAY.fullmatch(str(raw)) else "").isoformat()
    except ValueError:
        raise ValueError(_("Write a date as year-month-day.")) from None


def _choice(rule: dict[str, Any], raw: Any) -> str:
    for choice in rule.get("choices", ()):
        if str(choice).lower() == str(raw).lower():
            return str(choice)
    raise ValueError(_("Choose one of the list."))


def _yesno(_rule: dict[str, Any], raw: Any) -> bool:
    text = str(raw).strip().lower()
    if text in {"yes", "y", "true", "1", "on", "sí", "si"}:
        return True
    if text in {"no", "n", "false", "0", "off"}:
        return False
    raise ValueError(_("Choose yes or no."))


def _link(_rule: dict[str, Any], raw: Any) -> str:
    if not _LINK.fullmatch(str(raw)):
        raise ValueError(_("Write an address that begins with https:// or http://."))
    return str(raw)


_KINDS = {
    "text": _text,
    "number": _number,
    "date": _date,
    "choice": _choice,
    "yesno": _yesno,
    "link": _link,
}
