"""When people are on duty. Hours are those of the clock on the wall, so a change of the clocks moves nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle, islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEK = timedelta(days=7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """Who is on duty from when to when."""

    user_id: int
    starts_at: datetime
    ends_at: datetime


def zone_of(name: str | None) -> ZoneInfo:
    """Return a time zone by its name; UTC if there is no such one."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when the clocks of a zone show this, in UTC; an hour that is skipped ends when it would have begun."""
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def first_day(since: date, weekday: int) -> date:
    """Return the first such weekday (0 is Monday) on or after a day."""
    return since + timedelta(days=(weekday - since.weekday()) % 7)


def weekly(
    order: Sequence[int], *, since: date, weekday: int, at: time, zone: ZoneInfo, weeks: int
) -> Iterator[Shift]:
    """Yield shifts of a week each, one person after the other, without a gap between them."""
    start = first_day(since, weekday)
    edges = (moment(start + number * WEEK, at, zone) for number in range(weeks + 1))
    people = islice(cycle(order), weeks)
    for user_id, (begins, ends) in zip(people, pairwise(edges), strict=True):
        yield Shift(user_id=user_id, starts_at=begins, ends_at=ends)
