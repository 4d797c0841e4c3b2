"""When a person is not to be disturbed, by the clock on their wall."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; UTC for one that does not exist."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def end_of_quiet(
    moment: datetime, *, quiet_from: time | None, quiet_until: time | None, zone: str
) -> datetime | None:
    """Return when the quiet hours end in which ``moment`` lies; None if it lies in none.

    They may go over midnight. An hour that the clock skips or repeats belongs to them as the wall shows it.
    """
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return None
    here = zone_of(zone)
    local = moment.astimezone(here)
    now = local.time()
    if quiet_from < quiet_until:
        if not quiet_from <= now < quiet_until:
            return None
        day = local.date()
    elif now >= quiet_from:
        day = local.date() + timedelta(days=1)
    elif now < quiet_until:
        day = local.date()
    else:
        return None
    # Of an hour that comes twice the second one is meant if the first has passed.
    ends = [
        datetime.combine(day, quiet_until, here).replace(fold=fold).astimezone(UTC)
        for fold in (0, 1)
    ]
    return next((end for end in ends if end > moment), moment + timedelta(hours=1))
