"""Lengths of business time as people type and read them: "30m", "4h", "2d 4h", or minutes.

A day is an ordinary day of the hours that count: of an office that is open for eight hours, "2d" are sixteen.
"""

import re
from dataclasses import dataclass

from webapp.core.language import gettext

MOST = 525_600  # minutes, as the database has it
_PART = r"(\d{1,6}(?:[.,]\d{1,2})?)\s*"
_DAYS = r"d(?:ays?|[ií]as?)?"
_HOURS = r"h(?:rs?|ours?|oras?)?"
_MINUTES = r"m(?:in|ins|inutes?|inutos?)?\.?"
_TYPED = re.compile(
    rf"(?:{_PART}{_DAYS})?[\s,]*(?:{_PART}{_HOURS})?[\s,]*(?:{_PART}(?:{_MINUTES})?)?", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Length:
    """A length that knows its days only once the hours are known."""

    days: float
    minutes: float

    def in_minutes(self, day: int) -> int:
        """Return the minutes, where a day of work has ``day`` of them."""
        return round(self.days * day + self.minutes)


def read(text: str) -> Length | None:
    """Return what was typed; None if it is no length."""
    text = " ".join(text.lower().split())
    if clock := re.fullmatch(r"(\d{1,3}):([0-5]\d)", text, re.ASCII):
        return Length(0, int(clock[1]) * 60 + int(clock[2]))
    found = _TYPED.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes = (float((part or "0").replace(",", ".")) for part in found.groups())
    return Length(days, hours * 60 + minutes)


def parts(minutes: int, day: int) -> tuple[int, int, int]:
    """Return days, hours and minutes."""
    days, rest = divmod(minutes, day)
    return days, *divmod(rest, 60)


def typed(minutes: int | None, day: int) -> str:
    """Return a length as a person would type it."""
    if minutes is None:
        return ""
    named = zip(parts(minutes, day), "dhm", strict=True)
    return " ".join(f"{number}{unit}" for number, unit in named if number)


def said(minutes: int | None, day: int) -> str:
    """Return a length as pages say it: "2 d 4 h"."""
    if minutes is None:
        return ""
    days, hours, rest = parts(minutes, day)
    words = (
        gettext("%(d)s d", d=days) if days else "",
        gettext("%(h)s h", h=hours) if hours else "",
        gettext("%(m)s min", m=rest) if rest else "",
    )
    return " ".join(word for word in words if word)
