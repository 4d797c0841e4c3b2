"""Business time: how much of it lies between two moments, and when so much of it will have passed.

A calendar says by the clock on the wall when it is open; time itself is counted as it passes. So a span over a change
of the clocks has the length that really elapsed: 00:00 to 06:00 in Madrid is five hours on 2026-03-29, when 02:00
becomes 03:00, seven on 2026-10-25, when 03:00 becomes 02:00 again, and six on any other day. Four hours from midnight
end at 05:00, 03:00 (the second one) and 04:00.

This is the rule of RFC 5545. Hours, minutes and seconds of a duration are exact, only days are by the calendar
(3.3.6). A wall clock time that comes twice is the first of both, and one that is left out is read with the offset
before the gap (3.3.5): a calendar that closes at 02:30 in Madrid closes at 03:30 on 2026-03-29, when no clock shows
02:30, and at the first 02:30 on 2026-10-25. ``zoneinfo`` does the same with ``fold=0``. Where an end is moved like
this beyond the beginning of the next span, that begins when the first has ended.

All counting is in whole microseconds since 1970, so that nothing is rounded.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

Pause = tuple[datetime, datetime | None]  # without an end it still goes on
Span = tuple[int, int]  # minutes of the day, the end not included; 1440 is midnight

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
MINUTE = 60_000_000
DAY = 1440
# Nobody waits longer: a due time beyond it is none. It bounds the search in a calendar that is hardly ever open.
HORIZON_DAYS = 3660
HORIZON = HORIZON_DAYS * DAY * MINUTE
NEVER = 2**63


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When a desk is open: spans for each weekday from Monday on, but for holidays. Without any span: always.

    Get one from ``calendar``: those that are equal then share what they have found out about days.
    """

    zone: str
    spans: tuple[tuple[Span, ...], ...] = ((),) * 7
    holidays: frozenset[date] = frozenset()
    _known: dict[int, tuple[tuple[int, int], ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def never_closes(self) -> bool:
        """Whether there is no span at all: 24 hours a day, holidays too."""
        return not any(self.spans)

    @property
    def day_minutes(self) -> int:
        """How long an ordinary day is open: what people mean by a day of work."""
        lengths = [sum(end - start for start, end in spans) for spans in self.spans if spans]
        return max(sorted(lengths, reverse=True), key=lengths.count, default=DAY)

    def open_on(self, ordinal: int) -> tuple[tuple[int, int], ...]:
        """Return when it is open on a day (``date.toordinal``), in microseconds since 1970."""
        known = self._known.get(ordinal)
        if known is None:
            known = self._known[ordinal] = tuple(self._look_up(date.fromordinal(ordinal)))
        return known

    def _look_up(self, day: date) -> Iterator[tuple[int, int]]:
        spans = self.spans[day.weekday()]
        if not spans or day in self.holidays:
            return
        zone = ZoneInfo(self.zone)
        for opens, closes in spans:
            yield _moment(day, opens, zone), _moment(day, closes, zone)


@lru_cache(maxsize=256)
def calendar(zone: str, spans: tuple[tuple[Span, ...], ...], holidays: frozenset[date]) -> Calendar:
    """Return the calendar with these hours; spans in any order, they are sorted here."""
    return Calendar(zone=zone, spans=tuple(tuple(sorted(day)) for day in spans), holidays=holidays)


def add_business(
    hours: Calendar, start: datetime, minutes: float, pauses: Iterable[Pause] = ()
) -> datetime | None:
    """Return the first moment by which so many business minutes have passed since ``start``, pauses left out.

    None if that is never: the calendar does not open, a pause has no end, or it is ten years away.
    """
    left = round(minutes * MINUTE)
    if left <= 0:
        return start
    for begin, end in _open(hours, _micros(start), NEVER, _packed(pauses)):
        if left <= end - begin:
            return _datetime(begin + left)
        left -= end - begin
    return None


def business_between(
    hours: Calendar, start: datetime, end: datetime, pauses: Iterable[Pause] = ()
) -> float:
    """Return how many business minutes lie between two moments, pauses left out; 0 if ``end`` is not later."""
    pieces = _open(hours, _micros(start), _micros(end), _packed(pauses))
    return sum(end - begin for begin, end in pieces) / MINUTE


def is_open(hours: Calendar, moment: datetime) -> bool:
    """Tell whether the calendar is open at this moment."""
    at = _micros(moment)
    return next(_open(hours, at, at + 1, []), None) is not None


def _open(
    hours: Calendar, start: int, end: int, pauses: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, int]]:
    """The pieces between two moments in which the calendar is open and nothing pauses, one after the other."""
    at = start
    for opens, closes in _hours(hours, start, min(end, start + HORIZON)):
        at = max(at, opens)
        for pause, goes_on in pauses:
            if goes_on <= at:
                continue
            if pause >= closes:
                break
            if at < pause:
                yield at, pause
            at = goes_on
        if at < closes:
            yield at, closes
            at = closes


def _hours(hours: Calendar, start: int, end: int) -> Iterator[tuple[int, int]]:
    if hours.never_closes:
        if start < end:
            yield start, end
        return
    zone = ZoneInfo(hours.zone)
    first = _datetime(start).astimezone(zone).toordinal()
    for ordinal in range(first, first + HORIZON_DAYS + 2):
        for opens, closes in hours.open_on(ordinal):
            if opens >= end:
                return
            if closes > start:
                yield opens, min(closes, end)


def _moment(day: date, minute: int, zone: ZoneInfo) -> int:
    """The moment at which a clock on the wall shows this minute of a day."""
    if minute == DAY:
        day, minute = date.fromordinal(day.toordinal() + 1), 0
    hour, minute = divmod(minute, 60)
    return _micros(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))


def _packed(pauses: Iterable[Pause]) -> list[tuple[int, int]]:
    packed = [(_micros(start), NEVER if end is None else _micros(end)) for start, end in pauses]
    packed.sort()
    return packed


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICRO


def _datetime(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
