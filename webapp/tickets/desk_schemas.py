"""What a person may say about teams, their rota, canned replies and time spent."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from webapp.core.forms import CommandModel, Line
from webapp.core.language import _
from webapp.tickets.durations import read_minutes

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _day(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value.strip()):
        raise ValueError(_("Write a date as year-month-day."))
    return value.strip() if isinstance(value, str) else value


Day = Annotated[date, BeforeValidator(_day)]
Minutes = Annotated[int, BeforeValidator(read_minutes)]


class TimeSpent(CommandModel):
    """Time that a person spent on a ticket on a day."""

    minutes: Minutes
    note: Annotated[Line, Field(max_length=300)] = ""
    spent_on: Day
