"""Moments that people type by the clock on their wall."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from webapp.core.errors import DomainError
from webapp.core.language import _

LENGTH_OF_DAY = 10
CLOCKS = timedelta(minutes=1)  # by which the database's clock may be ahead
LAST = time(23, 59, 59, 999999)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone; one that this server does not know is UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment_from(typed: str, timezone: str) -> datetime | None:
    """Read a moment; a day alone means its end, a time without an offset is one of ``timezone``.

    Raises:
        ValueError: if it is none.
    """
    typed = typed.strip().replace(" ", "+" if "+" not in typed and "T" in typed else " ")
    if not typed:
        return None
    if len(typed) == LENGTH_OF_DAY:
        found = datetime.combine(date.fromisoformat(typed), LAST)
    else:
        found = datetime.fromisoformat(typed)
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone_of(timezone))).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(typed) from error


def past_from(typed: str, timezone: str) -> datetime | None:
    """Read a moment of which the log can tell; today means its end.

    Raises:
        DomainError: if it is none, or has not come yet.
    """
    try:
        found = moment_from(typed, timezone)
    except ValueError as error:
        raise DomainError(_("“%(text)s” is no date and time.", text=typed.strip()[:40])) from error
    now = datetime.now(UTC)
    latest = now + (timedelta(days=1) if len(typed.strip()) == LENGTH_OF_DAY else CLOCKS)
    if found is not None and found > latest:
        raise DomainError(_("That has not come yet: ask for a moment that has passed."))
    return found


def typed_from(moment: datetime | None, timezone: str) -> str:
    """Write a moment as a field of the browser wants it: to the second where it has one."""
    if moment is None:
        return ""
    local = moment.astimezone(zone_of(timezone)).replace(tzinfo=None)
    return local.isoformat(timespec="seconds" if local.second else "minutes")
