"""Worked examples of business time, and a comparison with counting minute by minute."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from webapp.tickets.business_time import (
    Calendar,
    add_business,
    business_between,
    calendar,
    is_open,
)

Pause = tuple[str, str | None]
OFFICE = (((540, 1080),),) * 5 + ((),) * 2  # Monday to Friday, 09:00 to 18:00
LUNCH = (((540, 780), (840, 1080)),) * 5 + ((),) * 2  # 09:00 to 13:00, 14:00 to 18:00
NIGHT = (((0, 360),),) * 7  # midnight to 06:00, the hours in which clocks change
LATE = (((1200, 1440),),) * 7  # 20:00 to midnight
WHOLE = (((0, 1440),),) * 7  # every day from midnight to midnight
HALF = (((0, 150),),) * 7  # closes at 02:30, which is left out or comes twice when clocks change
ALWAYS = ((),) * 7
MADRID, NEW_YORK, UTC_ZONE = "Europe/Madrid", "America/New_York", "UTC"
# 25 December 2026 is a Friday.
CHRISTMAS = frozenset({date(2026, 12, 25)})
HOUR = 60


def hours(
    spans: tuple[tuple[tuple[int, int], ...], ...], zone: str, days: frozenset[date] = frozenset()
) -> Calendar:
    return calendar(zone, spans, days)


def at(text: str, zone: str) -> datetime:
    """A moment by the clock on the wall; a trailing * is the second of two."""
    naive = datetime.fromisoformat(text.removesuffix("*"))
    return naive.replace(tzinfo=ZoneInfo(zone), fold=int(text.endswith("*")))


def paused(pauses: tuple[Pause, ...], zone: str) -> list[tuple[datetime, datetime | None]]:
    return [(at(start, zone), at(end, zone) if end else None) for start, end in pauses]


# what it shows: hours, zone, holidays, opened, minutes, pauses, due
EXAMPLES = {
    # Tuesday 10:00 and four hours: Tuesday 14:00.
    "within a day": (OFFICE, MADRID, (), "2026-06-09 10:00", 240, (), "2026-06-09 14:00"),
    # 12:00 to 13:00 is one hour, the lunch break none, 14:00 to 17:00 three.
    "over a break": (LUNCH, MADRID, (), "2026-06-09 12:00", 240, (), "2026-06-09 17:00"),
    # The full nine hours of a day end when it closes, not when it opens again.
    "to the end of a day": (OFFICE, MADRID, (), "2026-06-09 09:00", 540, (), "2026-06-09 18:00"),
    "a minute more": (OFFICE, MADRID, (), "2026-06-09 09:00", 541, (), "2026-06-10 09:01"),
    # Friday 17:00: one hour on Friday, three on Monday.
    "over a weekend": (OFFICE, MADRID, (), "2026-06-12 17:00", 240, (), "2026-06-15 12:00"),
    # Opened on Saturday: counted from Monday 09:00 on.
    "opened outside hours": (OFFICE, MADRID, (), "2026-06-13 11:30", 60, (), "2026-06-15 10:00"),
    "opened before hours": (OFFICE, MADRID, (), "2026-06-09 03:00", 60, (), "2026-06-09 10:00"),
    # Twenty hours are two days of nine and two more: Tue 9 h, Wed 9 h, Thu 2 h.
    "longer than a day": (OFFICE, MADRID, (), "2026-06-09 09:00", 1200, (), "2026-06-11 11:00"),
    # Thursday 24th 17:00: one hour, Friday is Christmas, Saturday and Sunday closed, Monday three hours.
    "over a holiday": (OFFICE, MADRID, CHRISTMAS, "2026-12-24 17:00", 240, (), "2026-12-28 12:00"),
    "opened on a holiday": (
        OFFICE,
        MADRID,
        CHRISTMAS,
        "2026-12-25 10:00",
        60,
        (),
        "2026-12-28 10:00",
    ),
    # 24 hours a day: also on holidays.
    "always open": (ALWAYS, MADRID, CHRISTMAS, "2026-12-24 22:00", 1440, (), "2026-12-25 22:00"),
    # A day of 24 open hours that holidays do close: two hours on the 24th, two on the 26th.
    "all day but holidays": (
        WHOLE,
        MADRID,
        CHRISTMAS,
        "2026-12-24 22:00",
        240,
        (),
        "2026-12-26 02:00",
    ),
    # 23:00 to midnight is an hour, the next one begins at 20:00.
    "span to midnight": (LATE, MADRID, (), "2026-06-09 23:00", 120, (), "2026-06-10 21:00"),
    "ends at midnight": (LATE, MADRID, (), "2026-06-09 22:00", 120, (), "2026-06-10 00:00"),
    "midnight to midnight": (WHOLE, MADRID, (), "2026-06-09 23:00", 120, (), "2026-06-10 01:00"),
    # Friday 16:00, waits for the requester from 17:00 to Monday 11:00: one hour on Friday, three on Monday.
    "pause over a weekend": (
        *(OFFICE, MADRID, (), "2026-06-12 16:00", 240),
        *((("2026-06-12 17:00", "2026-06-15 11:00"),), "2026-06-15 14:00"),
    ),
    # A pause while it is closed anyway changes nothing: as over a weekend.
    "pause outside hours": (
        *(OFFICE, MADRID, (), "2026-06-12 17:00", 240),
        *((("2026-06-12 20:00", "2026-06-14 20:00"),), "2026-06-15 12:00"),
    ),
    # Pending Tue 10:00 to 12:00, resolved Tue 13:00, opened again Thu 09:00: 09-10 and 12-13 are two hours on
    # Tuesday, the other two on Thursday from 09:00 on.
    "pending, resolved, reopened": (
        *(OFFICE, MADRID, (), "2026-06-09 09:00", 240),
        (("2026-06-09 10:00", "2026-06-09 12:00"), ("2026-06-09 13:00", "2026-06-11 09:00")),
        "2026-06-11 11:00",
    ),
    "pauses that overlap": (
        *(OFFICE, MADRID, (), "2026-06-09 09:00", 120),
        (("2026-06-09 10:00", "2026-06-09 12:00"), ("2026-06-09 11:00", "2026-06-09 11:30")),
        "2026-06-09 13:00",
    ),
    "pause before it was opened": (
        *(OFFICE, MADRID, (), "2026-06-09 09:00", 60),
        *((("2026-06-08 09:00", "2026-06-08 12:00"),), "2026-06-09 10:00"),
    ),
    # The clocks stand: it is never due.
    "pause without end": (
        *(OFFICE, MADRID, (), "2026-06-09 09:00", 120),
        *((("2026-06-09 10:00", None),), None),
    ),
    # It was due before the pause began.
    "due before the pause": (
        *(OFFICE, MADRID, (), "2026-06-09 09:00", 60),
        *((("2026-06-09 10:00", None),), "2026-06-09 10:00"),
    ),
    # 2026-03-29: 02:00 becomes 03:00. Two hours to 03:00, 03:00 to 05:00 two more.
    "Madrid forward": (NIGHT, MADRID, (), "2026-03-29 00:00", 240, (), "2026-03-29 05:00"),
    # 24 hours after Saturday noon it is Sunday 13:00.
    "Madrid forward, always open": (
        *(ALWAYS, MADRID, (), "2026-03-28 12:00", 1440, (), "2026-03-29 13:00"),
    ),
    # 2026-10-25: 03:00 becomes 02:00. Four hours from midnight: the second 03:00, the only one there is.
    "Madrid back": (NIGHT, MADRID, (), "2026-10-25 00:00", 240, (), "2026-10-25 03:00"),
    "Madrid back, the second 02:30": (
        *(NIGHT, MADRID, (), "2026-10-25 00:00", 210, (), "2026-10-25 02:30*"),
    ),
    "Madrid back, always open": (
        *(ALWAYS, MADRID, (), "2026-10-24 12:00", 1440, (), "2026-10-25 11:00"),
    ),
    # Office hours do not see the change: Friday 16:00 and four hours are Monday 11:00 on either side of it.
    "Madrid forward, office": (OFFICE, MADRID, (), "2026-03-27 16:00", 240, (), "2026-03-30 11:00"),
    "Madrid back, office": (OFFICE, MADRID, (), "2026-10-23 16:00", 240, (), "2026-10-26 11:00"),
    # 2026-03-08: 02:00 becomes 03:00; 2026-11-01: 02:00 becomes 01:00.
    "New York forward": (NIGHT, NEW_YORK, (), "2026-03-08 01:00", 120, (), "2026-03-08 04:00"),
    "New York back": (NIGHT, NEW_YORK, (), "2026-11-01 00:30", 120, (), "2026-11-01 01:30*"),
    # Six hours of wall clock are five that pass, then the next night begins.
    "New York forward, over the end": (
        *(NIGHT, NEW_YORK, (), "2026-03-08 00:00", 360, (), "2026-03-09 01:00"),
    ),
    "New York back, within": (NIGHT, NEW_YORK, (), "2026-11-01 00:00", 420, (), "2026-11-01 06:00"),
    # No clock shows 02:30 on 2026-03-29: it closes at 03:30, two and a half hours after midnight.
    "closes in the gap": (HALF, MADRID, (), "2026-03-29 00:00", 150, (), "2026-03-29 03:30"),
    # 02:30 comes twice on 2026-10-25: it closes at the first.
    "closes at what comes twice": (
        HALF,
        MADRID,
        (),
        "2026-10-25 00:00",
        151,
        (),
        "2026-10-26 00:01",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_worked_examples(name: str) -> None:
    spans, zone, days, opened, minutes, pauses, due = EXAMPLES[name]
    desk, start = hours(spans, zone, frozenset(days)), at(opened, zone)
    stood = paused(pauses, zone)
    found = add_business(desk, start, minutes, stood)
    if due is None:
        assert found is None
        return
    assert found == at(due, zone).astimezone(UTC)
    assert business_between(desk, start, found, stood) == minutes


# 00:00 to 06:00 by the wall, as it passes.
@pytest.mark.parametrize(
    ("zone", "day", "passed"),
    [
        (MADRID, "2026-03-29", 5),
        (MADRID, "2026-10-25", 7),
        (MADRID, "2026-06-09", 6),
        (NEW_YORK, "2026-03-08", 5),
        (NEW_YORK, "2026-11-01", 7),
        (UTC_ZONE, "2026-03-29", 6),
    ],
)
def test_a_span_over_a_change_has_its_real_length(zone: str, day: str, passed: int) -> None:
    start = at(f"{day} 00:00", zone)
    end = at(f"{day} 12:00", zone)
    assert business_between(hours(NIGHT, zone), start, end) == passed * HOUR


def test_the_same_moment_in_any_zone() -> None:
    desk = hours(OFFICE, MADRID)
    for zone in (MADRID, NEW_YORK, "Asia/Kathmandu", "Pacific/Auckland"):
        start = at("2026-06-09 10:00", MADRID).astimezone(ZoneInfo(zone))
        assert add_business(desk, start, 240) == at("2026-06-09 14:00", MADRID)


def test_it_never_looks_for_ever() -> None:
    """One minute a week: more than ten years of waiting is never; a calendar of holidays alone never opens."""
    hardly = calendar("UTC", (((0, 1),),) + ((),) * 6, frozenset())
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert add_business(hardly, start, 525_600) is None
    assert add_business(hardly, start, 500) == datetime(2035, 7, 30, 0, 1, tzinfo=UTC)
    closed = calendar(
        "UTC", OFFICE, frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(3700))
    )
    assert add_business(closed, start, 1) is None
    assert business_between(closed, start, start + timedelta(days=3000)) == 0
    assert add_business(calendar("UTC", ALWAYS, frozenset()), start, 525_600) == start + timedelta(
        minutes=525_600
    )


def test_small_things() -> None:
    desk = hours(OFFICE, MADRID)
    opened = at("2026-06-09 10:00", MADRID)
    assert add_business(desk, opened, 0) == opened
    assert business_between(desk, opened, opened - timedelta(hours=1)) == 0
    assert is_open(desk, opened) and not is_open(desk, at("2026-06-09 18:00", MADRID))
    assert (desk.day_minutes, hours(ALWAYS, MADRID).day_minutes) == (540, 1440)
    # Nothing is rounded away.
    odd = opened + timedelta(microseconds=7)
    assert add_business(desk, odd, 240) == odd + timedelta(hours=4)


def by_the_minute(
    desk: Calendar, start: datetime, end: datetime, pauses: list[tuple[datetime, datetime | None]]
) -> list[datetime]:
    """The minutes in which it is open: those whose clock on the wall shows a time within a span."""
    zone = ZoneInfo(desk.zone)
    found = []
    moment = start
    while moment < end:
        wall = moment.astimezone(zone)
        shown = wall.hour * 60 + wall.minute
        inside = desk.never_closes or (
            wall.date() not in desk.holidays
            and any(opens <= shown < closes for opens, closes in desk.spans[wall.weekday()])
        )
        if inside and not any(a <= moment and (b is None or moment < b) for a, b in pauses):
            found.append(moment)
        moment += timedelta(minutes=1)
    return found


# Zones whose clocks change at 02:00, at 01:00, at midnight, by half an hour; and one that never does.
ZONES = (MADRID, NEW_YORK, "Europe/London", "America/Santiago", "Africa/Cairo", "Asia/Kolkata")
CHANGES = (
    *((2026, 3, 28), (2026, 10, 24), (2026, 3, 7), (2026, 10, 31), (2026, 4, 4), (2026, 9, 5)),
    *((2026, 4, 23), (2026, 10, 29), (2026, 6, 9)),
)


@pytest.mark.parametrize("seed", range(40))
def test_like_counting_by_the_minute(seed: int) -> None:
    """Ends of spans are full hours here: what a half within the change means is a rule, not a count."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    week = []
    for _ in range(7):
        ends = sorted(dice.sample(range(25), dice.choice([0, 2, 2, 4])))
        pairs = zip(ends[::2], ends[1::2], strict=True)
        week.append(tuple((a * 60, b * 60) for a, b in pairs))
    first = datetime(*dice.choice(CHANGES), tzinfo=UTC)
    days = frozenset({first.date() + timedelta(days=dice.randrange(5))} if seed % 3 else ())
    desk = calendar(dice.choice(ZONES), tuple(week), days)
    start = first + timedelta(minutes=dice.randrange(1440))
    end = start + timedelta(minutes=dice.randrange(1, 5000))
    cuts = sorted(start + timedelta(minutes=dice.randrange(-300, 5000)) for _ in range(4))
    pauses: list[tuple[datetime, datetime | None]] = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
    counted = by_the_minute(desk, start, end, pauses)
    assert business_between(desk, start, end, pauses) == len(counted)
    for wanted in {1, len(counted) // 2, len(counted)} - {0}:
        if wanted <= len(counted):
            due = counted[wanted - 1] + timedelta(minutes=1)
            assert add_business(desk, start, wanted, pauses) == due
