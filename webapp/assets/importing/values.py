"""Cells become dates, amounts and states, as the person says that they are written."""

import re
import unicodedata
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.numbers import is_currency

from webapp.assets.importing.reader import Cell, as_text, shortened
from webapp.assets.models import Status
from webapp.core.language import _

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_DAY = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})", re.ASCII)
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?(Z|[+-]\d{2}:?\d{2})?$")
_SPACES = re.compile(r"[\s\u00a0\u2007\u202f]+")
_HEAD = re.compile(r"([^\d+-]*?) ?([+-]?\d.*)", re.DOTALL)
_TAIL = re.compile(r"(.*\d) ?(\D*)", re.DOTALL)
_SIGNS = frozenset("€$£¥")
# An amount with a decimal point: whole, in groups of three, or with an exponent.
_PLAIN = re.compile(r"[+-]?\d{1,15}(\.\d{1,30})?", re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}([,' ])\d{3}(\1\d{3}){0,4}(\.\d{1,30})?", re.ASCII)
_POWER = re.compile(r"[+-]?\d{1,15}(\.\d{1,30})?[eE][+-]?\d{1,2}", re.ASCII)
MOST = Decimal(10) ** 15
CENTURY = 70  # 69 is 2069, 70 is 1970
ORDERS = ("iso", "day", "month")

STATUSES = {
    Status.PLANNED: "planned pending ordered planificado previsto pendiente",
    Status.IN_STOCK: "in_stock stock ready_to_deploy deployable available en_stock en_almacen disponible",
    Status.IN_USE: "in_use deployed assigned active checked_out en_uso asignado activo",
    Status.IN_REPAIR: "in_repair repair out_for_repair out_for_diagnostics broken undeployable en_reparacion averiado",
    Status.RETIRED: "retired archived disposed retirado baja archivado",
    Status.LOST: "lost stolen lost_stolen perdido robado",
}
_BY_WORD = {word: status for status, words in STATUSES.items() for word in words.split()}


@lru_cache(maxsize=20_000)
def folded(text: str) -> str:
    """Return a name as it is compared: without case, accents and marks."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(plain.split())


def day(cell: Cell, order: str) -> date:
    """Read a date; year-month-day is understood in any order, as nothing else looks like it.

    Raises:
        ValueError: if it is none, with words for the person.
    """
    if isinstance(cell, date):
        return cell
    text = _TIME.sub("", as_text(cell).strip())
    try:
        if found := _ISO.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
        if found := _DAY.fullmatch(text):
            first, second, year = int(found[1]), int(found[2]), _year(found[3])
            return date(year, first, second) if order == "month" else date(year, second, first)
    except ValueError:
        pass
    raise ValueError(_wrong_day(order, text))


def _wrong_day(order: str, text: str) -> str:
    value = quoted(text)
    if _ISO.fullmatch(text):
        return _("“%(value)s” is year-month-day, but there is no such day.", value=value)
    if order == "day":
        return _("“%(value)s” is no date. Write it as day/month/year.", value=value)
    if order == "month":
        return _("“%(value)s” is no date. Write it as month/day/year.", value=value)
    return _("“%(value)s” is no date. Write it as year-month-day.", value=value)


def quoted(cell: Cell) -> str:
    """Return as much of a cell as a message quotes."""
    return shortened(cell, 60)


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:  # noqa: PLR2004 - a whole year
        return year
    return year + (2000 if year < CENTURY else 1900)


def orders_of(text: str) -> set[str]:
    """Return the orders in which a text is a date."""
    fitting = set()
    if _ISO.match(text):
        return set(ORDERS)
    for order in ("day", "month"):
        try:
            day(text, order)
        except ValueError:
            continue
        fitting.add(order)
    return fitting


def amount(cell: Cell, *, decimal_comma: bool, unit: str | None = None) -> Decimal:
    """Read a number that has at most its unit at one end: a currency, or the ``unit`` of an attribute.

    Raises:
        ValueError: if it is none, with words for the person.
    """
    if isinstance(cell, int | Decimal):
        return Decimal(cell)
    text = _bare(_SPACES.sub(" ", as_text(cell)).strip(), unit).replace("\u2019", "'")
    if decimal_comma:
        text = text.translate(str.maketrans(",.", ".,"))
    if _GROUPED.fullmatch(text):
        text = re.sub("[,' ]", "", text)
    if _PLAIN.fullmatch(text) or _POWER.fullmatch(text):
        number = Decimal(text).normalize() + 0
        if abs(number) < MOST:
            return Decimal(f"{number:f}")
    raise ValueError(_("“%(value)s” is no number. Write it such as 12 or 3.5.", value=quoted(cell)))


def _bare(text: str, unit: str | None) -> str:
    """Take the unit from one end; whatever else is there stays, and makes it no number."""
    if unit is not None:
        end = bool(unit) and text.endswith(unit)
        return (text.removesuffix(unit) if end else text.removeprefix(unit)).strip()
    before, after = _HEAD.fullmatch(text), _TAIL.fullmatch(text)
    if before and before[1]:
        return before[2] if _is_currency(before[1]) else text
    if after and after[2]:
        return after[1] if _is_currency(after[2]) else text
    return text


def _is_currency(word: str) -> bool:
    return word in _SIGNS or (word.isupper() and is_currency(word))


def status(cell: Cell) -> Status:
    """Read a status, by our words or by those of other registers.

    Raises:
        ValueError: if it is none, with words for the person.
    """
    found = _BY_WORD.get(folded(as_text(cell)).replace(" ", "_"))
    if found is None:
        raise ValueError(
            _(
                "There is no status “%(value)s”. Known are planned, in stock, in use, in repair, retired and lost.",
                value=quoted(cell),
            )
        )
    return found


def months_later(start: date, months: int) -> date:
    """Return the day so many months later, at most the last of its month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
