"""What a person may say about teams, their rota, canned replies and time spent."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from webapp.core.forms import CommandModel, Line, Paragraphs
from webapp.core.language import _, listed
from webapp.tickets import filling
from webapp.tickets.durations import read_minutes
from webapp.tickets.schemas import Id

MAX_WEEKS = 104
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_SHORTCUT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def _day(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value.strip()):
        raise ValueError(_("Write a date as year-month-day."))
    return value.strip() if isinstance(value, str) else value


def _time(value: Any) -> Any:
    if isinstance(value, str) and not _TIME.fullmatch(value.strip()):
        raise ValueError(_("Write a time of day, such as 08:30."))
    return value.strip() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    if isinstance(value, str) and not _MOMENT.fullmatch(value.strip()):
        raise ValueError(_("Write a day and a time, such as 2027-03-01 08:30."))
    return value.strip() if isinstance(value, str) else value


def _weeks(value: Any) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:5]) <= MAX_WEEKS):
        raise ValueError(_("Write a number of weeks from 1 to %(most)s.", most=MAX_WEEKS))
    return int(text)


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError(_("Choose one of the list."))
    return value


def _shortcut(value: Any) -> Any:
    value = value.strip().lower().removeprefix("::") if isinstance(value, str) else value
    if isinstance(value, str) and value and not _SHORTCUT.fullmatch(value):
        raise ValueError(
            _("Use at most 40 letters, digits or dashes, beginning with a letter or digit.")
        )
    return value


def _known_variables(body: str) -> str:
    if unknown := filling.unknown_in(body):
        names = listed(f"{{{{{name}}}}}" for name in unknown)
        raise ValueError(_("There is no variable %(names)s.", names=names))
    return body


Title = Annotated[Line, Field(min_length=1, max_length=200)]
Day = Annotated[date, BeforeValidator(_day)]
Minutes = Annotated[int, BeforeValidator(read_minutes)]


class TeamEdit(CommandModel):
    """A team."""

    name: Title
    description: Annotated[Paragraphs, Field(max_length=2000)] = ""


class MemberAdd(CommandModel):
    """A person who joins a team."""

    user_id: Id
    is_lead: bool = False


class ShiftAdd(CommandModel):
    """Who is on duty from when to when, by the clocks of whoever writes it down."""

    user_id: Id
    starts_at: Annotated[datetime, BeforeValidator(_moment)]
    ends_at: Annotated[datetime, BeforeValidator(_moment)]

    @model_validator(mode="after")
    def _in_order(self) -> "ShiftAdd":
        if self.ends_at <= self.starts_at:
            raise ValueError(_("The end lies before the start."))
        return self


class Rotation(CommandModel):
    """Members who follow each other, a week each. ``places`` has who comes when: pairs of a place and a person."""

    places: tuple[tuple[int, int], ...] = ()
    since: Day
    weekday: Annotated[int, Field(ge=0, le=6)]
    at: Annotated[time, BeforeValidator(_time)]
    timezone: Annotated[Line, AfterValidator(_zone)]
    weeks: Annotated[int, BeforeValidator(_weeks)]

    @model_validator(mode="after")
    def _somebody_each_once(self) -> "Rotation":
        places = [place for place, _user in self.places]
        if not places:
            raise ValueError(_("Give at least one member a place in the order."))
        if len(set(places)) < len(places):
            raise ValueError(_("Two members have the same place in the order."))
        return self

    @property
    def order(self) -> list[int]:
        """The members, the first one first."""
        return [user_id for _place, user_id in sorted(self.places)]


class ReplyEdit(CommandModel):
    """A canned reply: one's own, a team's, or everybody's."""

    shortcut: Annotated[Line, BeforeValidator(_shortcut), Field(min_length=1)]
    title: Title
    body: Annotated[
        Paragraphs, Field(min_length=1, max_length=10_000), AfterValidator(_known_variables)
    ]
    whose: Annotated[Line, Field(pattern=r"^(mine|all|team:[1-9]\d{0,17})$")]

    @property
    def team_id(self) -> int | None:
        """The team whose it is."""
        kind, _colon, number = self.whose.partition(":")
        return int(number) if kind == "team" else None


class TimeSpent(CommandModel):
    """Time that a person spent on a ticket on a day."""

    minutes: Minutes
    note: Annotated[Line, Field(max_length=300)] = ""
    spent_on: Day
