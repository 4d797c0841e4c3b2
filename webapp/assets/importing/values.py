"""Cells become dates, amounts and states, as the person says that they are written."""

import re
import unicodedata
from calendar import monthrange
from datetime import date
from decimal import Decimal
from functools import lru_cache

from webapp.assets.importing.reader import Cell, as_text
from webapp.assets.models import Status
from webapp.core.language import _

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})", re.ASCII)
_DAY = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4}|\d{2})", re.ASCII)
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp]\.?[Mm]\.?)?(Z|[+-]\d{2}:?\d{2})?$")
_MONEY = re.compile(r"[A-Za-z€$£¥\s\u00a0'\u2019]")
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
    raise ValueError(_WRONG_DAY[order])


_WRONG_DAY = {
    "iso": _("Write a date as year-month-day."),
    "day": _("Write a date as day/month/year."),
    "month": _("Write a date as month/day/year."),
}


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


def amount(cell: Cell, *, decimal_comma: bool) -> Decimal:
    """Read an amount of money or another number.

    Raises:
        ValueError: if it is none, with words for the person.
    """
    if isinstance(cell, int | Decimal):
        return Decimal(cell)
    text = _MONEY.sub("", as_text(cell))
    comma, point = (",", ".") if decimal_comma else (".", ",")
    whole, _mark, part = text.partition(comma)
    groups = whole.split(point)
    fits = len(groups) == 1 or (len(groups[0]) <= 3 and all(len(one) == 3 for one in groups[1:]))  # noqa: PLR2004
    plain = "".join(groups) + ("." + part if part else "")
    if not fits or not re.fullmatch(r"-?\d{1,15}(\.\d{1,30})?", plain, re.ASCII):
        raise ValueError(_("Write a number, such as 12 or 3.5."))
    return Decimal(plain).normalize() + 0 if part else Decimal(plain)


def status(cell: Cell) -> Status:
    """Read a status, by our words or by those of other registers.

    Raises:
        ValueError: if it is none, with words for the person.
    """
    found = _BY_WORD.get(folded(as_text(cell)).replace(" ", "_"))
    if found is None:
        raise ValueError(
            _(
                "There is no such status. Known are planned, in stock, in use, in repair, retired and lost."
            )
        )
    return found


def months_later(start: date, months: int) -> date:
    """Return the day so many months later, at most the last of its month."""
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    return date(year, month + 1, min(start.day, monthrange(year, month + 1)[1]))
