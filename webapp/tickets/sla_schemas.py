"""What a person may say about service levels and business hours."""

import re
from collections.abc import Mapping
from datetime import date
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from webapp.core.forms import BlankIsNone, CommandModel, Line
from webapp.core.language import _
from webapp.tickets import lengths
from webapp.tickets.business_time import DAY, Span
from webapp.tickets.lengths import Length
from webapp.tickets.models import Kind, Priority
from webapp.tickets.schemas import Id, MaybeId
from webapp.users.schemas import timezones

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
WHATS = ("response", "resolution")
MAX_LINES = 400
MAX_SPANS = 12  # a day
_TIME = r"(\d{1,2})(?:[:.h](\d{2}))?h?"
_SPAN = re.compile(
    rf"{_TIME}\s*(?:-|\N{{EN DASH}}|\N{{EM DASH}}|to|a|until|hasta)\s*{_TIME}", re.ASCII
)
_LINE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[\s,;:]+(\S.*)")
CLOSED = frozenset({"", "-", "closed", "cerrado"})


def _length(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    found = lengths.read(value)
    if found is None:
        raise ValueError(_("Write a length of time, such as 30m, 4h or 2d 4h."))
    return found


def _known_zone(value: str) -> str:
    if value not in timezones():
        raise ValueError(_("Choose one of the list."))
    return value


def read_spans(value: Any) -> Any:
    """Return what was typed for a weekday as spans in their order: "9-13, 14:00-18:00"; nothing is closed.

    Raises:
        ValueError: if it is something else, or spans overlap.
    """
    if not isinstance(value, str | None):
        return value
    text = " ".join((value or "").lower().split())
    if text in CLOSED:
        return ()
    found = sorted(_span(part.strip()) for part in re.split(r"[,;]| y | and ", text))
    if any(first[1] > second[0] for first, second in pairwise(found)):
        raise ValueError(_("These times overlap."))
    if len(found) > MAX_SPANS:
        raise ValueError(_("Use at most %(most)s times a day.", most=MAX_SPANS))
    return tuple(found)


def _span(text: str) -> Span:
    parts = _SPAN.fullmatch(text)
    if parts is None:
        raise ValueError(_("Write times of the day, such as 09:00-13:00, 14:00-18:00."))
    opens, closes = (
        int(hour) * 60 + int(minute or 0)
        for hour, minute in ((parts[1], parts[2]), (parts[3], parts[4]))
    )
    if max(opens, closes) > DAY or int(parts[2] or 0) > 59 or int(parts[4] or 0) > 59:  # noqa: PLR2004
        raise ValueError(_("A day ends at 24:00."))
    if opens >= closes:
        raise ValueError(
            _("What closes after midnight is two times: until 24:00, and from 00:00 the next day.")
            if closes
            else _("Write 24:00 for midnight at the end of the day.")
        )
    return opens, closes


def typed_spans(spans: Any) -> str:
    """Return spans as a person would type them."""
    return ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


Name = Annotated[Line, Field(min_length=1, max_length=200)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Spans = Annotated[tuple[Span, ...], BeforeValidator(read_spans)]
Target = Annotated[Length | None, BeforeValidator(_length)]


class HoursEdit(CommandModel):
    """A calendar: when it is open on each day of the week, by the clock of a zone."""

    name: Name
    timezone: Zone
    monday: Spans = ()
    tuesday: Spans = ()
    wednesday: Spans = ()
    thursday: Spans = ()
    friday: Spans = ()
    saturday: Spans = ()
    sunday: Spans = ()

    @property
    def week(self) -> tuple[tuple[Span, ...], ...]:
        """The spans from Monday on."""
        return tuple(getattr(self, day) for day in WEEKDAYS)


class PolicyEdit(CommandModel):
    """A service level: for whom, by which hours, and the targets of each priority."""

    name: Name
    client_id: MaybeId = None
    kind: Annotated[Kind | None, BlankIsNone] = None
    hours_id: Id
    warn_percent: Annotated[int, Field(ge=1, le=99)] = 80
    urgent_response: Target = None
    urgent_resolution: Target = None
    high_response: Target = None
    high_resolution: Target = None
    normal_response: Target = None
    normal_resolution: Target = None
    low_response: Target = None
    low_resolution: Target = None

    @model_validator(mode="after")
    def _some_target(self) -> "PolicyEdit":
        if not any(length for pair in self.targets.values() for length in pair):
            raise ValueError(_("Give at least one priority a target."))
        return self

    @property
    def targets(self) -> Mapping[Priority, tuple[Length | None, Length | None]]:
        """Response and resolution by priority."""
        return {
            priority: (
                getattr(self, target_name(priority, "response")),
                getattr(self, target_name(priority, "resolution")),
            )
            for priority in Priority
        }


def target_name(priority: Priority, what: str) -> str:
    """Return the name of the field of a target."""
    return f"{priority.value}_{what}"


# --- holidays -------------------------------------------------------------------------


def read_lines(value: Any) -> Any:
    """Return pasted holidays by their day, one a line: "2026-12-25 Christmas".

    Raises:
        ValueError: naming the first line that is something else.
    """
    if not isinstance(value, str):
        return value
    found = {}
    for number, line in enumerate(value.splitlines(), 1):
        if line.strip():
            day, name = _holiday(number, line.strip())
            found[day] = name
    if len(found) > MAX_LINES:
        raise ValueError(_("Paste at most %(most)s lines at a time.", most=MAX_LINES))
    return found


def _holiday(number: int, line: str) -> tuple[date, str]:
    parts = _LINE.fullmatch(line)
    if parts is None:
        raise ValueError(
            _("Line %(n)s: write a day and a name, such as 2026-12-25 Christmas.", n=number)
        )
    try:
        day = date(int(parts[1]), int(parts[2]), int(parts[3]))
    except ValueError:
        raise ValueError(_("Line %(n)s: there is no such day.", n=number)) from None
    if len(parts[4]) > 200 or not parts[4].isprintable():  # noqa: PLR2004 - as the column has it
        raise ValueError(_("Line %(n)s: the name is too long, or no text.", n=number))
    return day, parts[4]


class HolidaysAdd(CommandModel):
    """Days on which a calendar stays closed."""

    lines: Annotated[dict[date, str], BeforeValidator(read_lines), Field(min_length=1)]
