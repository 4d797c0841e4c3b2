"""The span of time that is asked for: its ends, by whose clock on the wall, and by which clock of the log."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from wtforms import StringField

from webapp.core.language import _, gettext
from webapp.core.moments import zone_of

PERIODS = (
    ("", _("Any time")),
    ("hour", _("Last hour")),
    ("today", _("Today")),
    ("yesterday", _("Yesterday")),
    ("7", _("Last 7 days")),
    ("30", _("Last 30 days")),
    ("month", _("This month")),
    ("quarter", _("This quarter")),
    ("exact", _("From … to …")),
)
PRESETS = frozenset(name for name, _title in PERIODS if name != "exact")
CLOCKS = (
    ("recorded", _("When it was recorded")),
    ("happened", _("When it happened")),
)
COLUMNS = {"recorded": "recorded_at", "happened": "occurred_at"}
_OFFSET = re.compile(r"(T.*)[ ](\d\d:?\d\d)$", re.ASCII)  # a plus that an address made a space
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+/-]{1,63}", re.ASCII)
_DAY = timedelta(days=1)

Ends = tuple[datetime | None, datetime | None]


class MomentField(StringField):
    """A moment as browsers write it, or ISO 8601 with an offset; without one it is of the zone beside it."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it to the second."""
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        try:
            self.data = datetime.fromisoformat(_OFFSET.sub(r"\1+\2", typed))
        except ValueError as error:
            raise ValueError(
                gettext("Type a moment like 2026-11-22T06:03 or 2026-11-22T06:03+01:00.")
            ) from error

    def shown(self, zone: str) -> str:
        """Write it as the browser's field has it, by the clock of ``zone``; what was typed wrong as it was."""
        if not isinstance(self.data, datetime):
            return ""
        local = self.data
        if local.tzinfo is not None:
            local = _safely(local, lambda at: at.astimezone(zone_of(zone))).replace(tzinfo=None)
        return local.isoformat(timespec="seconds" if local.second else "minutes")


def is_zone(name: str) -> bool:
    """Tell whether it is the name of a zone."""
    try:
        return bool(_NAME.fullmatch(name)) and ZoneInfo(name).key == name
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is none
        return False


def bounds(period: str, ends: Ends, *, now: datetime, zone: str) -> Ends:
    """Return from when to when a period lasts, or the ends that were typed, by the clock of ``zone``."""
    here = now.astimezone(zone_of(zone))
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    presets: Mapping[str, Ends] = {
        "hour": (here - timedelta(hours=1), None),
        "today": (midnight, None),
        "yesterday": (midnight - _DAY, midnight),
        "7": (midnight - 6 * _DAY, None),
        "30": (midnight - 29 * _DAY, None),
        "month": (midnight.replace(day=1), None),
        "quarter": (midnight.replace(month=(here.month - 1) // 3 * 3 + 1, day=1), None),
    }
    since, until = presets.get(period, ends)
    return instant(since, zone), instant(until, zone)


def instant(typed: datetime | None, zone: str) -> datetime | None:
    """Return when that is."""
    if typed is None:
        return None
    return _safely(
        typed if typed.tzinfo else typed.replace(tzinfo=zone_of(zone)),
        lambda at: at.astimezone(UTC),
    )


def _safely(at: datetime, change: Callable[[datetime], datetime]) -> datetime:
    try:
        return change(at)
    except OverflowError:  # the first or last hours of the calendar
        return at.replace(tzinfo=UTC)
