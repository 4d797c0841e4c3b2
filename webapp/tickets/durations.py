"""How long something took: as people type it, and as pages say it."""

import re

from webapp.core.language import _, gettext

MINUTES_OF_DAY = 1440
_PLAIN = re.compile(r"(\d{1,4})\s*(?:m|min|mins|minutes?|minutos?)?", re.ASCII)
_CLOCK = re.compile(r"(\d{1,2}):([0-5]\d)", re.ASCII)
_HOURS = re.compile(r"(\d{1,2}(?:[.,]\d{1,2})?)\s*h(?:rs?|ours?|oras?)?", re.ASCII)
_BOTH = re.compile(
    r"(\d{1,2})\s*h(?:rs?|ours?|oras?)?\s*(\d{1,4})\s*(?:m|min|mins|minutes?|minutos?)?", re.ASCII
)


def minutes_in(text: str) -> int | None:
    """Return the minutes that “90”, “1h 30m”, “1:30” or “1.5 h” mean; None for anything else."""
    text = " ".join(text.lower().split())
    if found := _PLAIN.fullmatch(text):
        return int(found[1])
    if found := _CLOCK.fullmatch(text) or _BOTH.fullmatch(text):
        return int(found[1]) * 60 + int(found[2])
    if found := _HOURS.fullmatch(text):
        return round(float(found[1].replace(",", ".")) * 60)
    return None


def read_minutes(value: object) -> object:
    """Return what was typed as minutes, for a schema.

    Raises:
        ValueError: if it is no time of at most a day.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        return value
    minutes = minutes_in(str(value))
    if minutes is None:
        raise ValueError(_("Write how long it took, such as 45, 1h 30m or 1:30."))
    if not 1 <= minutes <= MINUTES_OF_DAY:
        raise ValueError(_("Write at least a minute and at most a day."))
    return minutes


def said(minutes: int) -> str:
    """Return minutes as people say them: “1 h 30 min”."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(m)s min", m=rest)
    if not rest:
        return gettext("%(h)s h", h=hours)
    return gettext("%(h)s h %(m)s min", h=hours, m=rest)


def typed(minutes: int) -> str:
    """Return minutes as a person would type them."""
    hours, rest = divmod(minutes, 60)
    return " ".join(
        part for part in (f"{hours}h" if hours else "", f"{rest}m" if rest else "") if part
    )
