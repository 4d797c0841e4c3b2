"""What stands in an address or a hidden field, read strictly: it may be anything."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from webapp.core.search import UnknownFilter

MAX_DIGITS = 18  # of every id; one more might not fit a bigint
_KEYED = re.compile(r"([a-z]{1,12}):([1-9][0-9]{0,17})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
Keyed = tuple[str, int]


def number_of(text: Any) -> int | None:
    """Return the number that a text is, None for anything else."""
    text = str(text or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None


def numbers_of(texts: Iterable[str]) -> list[int]:
    """Return those that are numbers, in their order."""
    return [number for text in texts if (number := number_of(text)) is not None]


def number_in(text: str) -> int | None:
    """Read a filter by a number, None if it is empty.

    Raises:
        UnknownFilter: if it is none.
    """
    number = number_of(text)
    if text and number is None:
        raise UnknownFilter
    return number


def keyed_in(text: str, kinds: Sequence[str]) -> Keyed:
    """Read a kind and an id, such as ``client:4``.

    Raises:
        UnknownFilter: if it is not that, or of another kind.
    """
    found = _KEYED.fullmatch(text)
    if not found or found[1] not in kinds:
        raise UnknownFilter
    return found[1], int(found[2])


def day_in(text: str | None) -> date | None:
    """Read a filter by a day, None if it is empty.

    Raises:
        UnknownFilter: if it is none of the calendar.
    """
    if not text:
        return None
    if not _DAY.fullmatch(text):
        raise UnknownFilter
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UnknownFilter from None


def flag_in(text: str | None) -> bool:
    """Read a filter that is on or off.

    Raises:
        UnknownFilter: if it is neither.
    """
    if text not in (None, "", "0", "1"):
        raise UnknownFilter
    return text == "1"
