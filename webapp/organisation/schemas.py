"""What a person may type about locations, clients and projects."""

import re
from datetime import date
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _

MAX_ID = 2**63 - 1
_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def _upper(value: Any) -> Any:
    return value.strip().upper() if isinstance(value, str) else value


def _code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise ValueError(
            _("Use 2 to 16 letters, digits or dashes, beginning with a letter or digit.")
        )
    return value


def _email(value: str | None) -> str | None:
    if value is not None and not _EMAIL.fullmatch(value):
        raise ValueError(_("Write an e-mail address, such as name@example.com."))
    return value


def _none_is_blank(value: Any) -> Any:
    return "" if value is None else value


def _day(value: Any) -> Any:
    if isinstance(value, str) and not _DAY.fullmatch(value.strip()):
        raise ValueError(_("Write a date as year-month-day."))
    return value.strip() if isinstance(value, str) else value


Prose = Annotated[Paragraphs, BeforeValidator(_none_is_blank)]
Id = Annotated[int, Field(ge=1, le=MAX_ID)]
MaybeId = Annotated[Annotated[int, Field(ge=1, le=MAX_ID)] | None, BlankIsNone]
Title = Annotated[Line, Field(min_length=1, max_length=200)]
Code = Annotated[Line, BeforeValidator(_upper), Field(min_length=1), AfterValidator(_code)]
Email = Annotated[
    Annotated[Line, Field(max_length=254)] | None, BlankIsNone, AfterValidator(_email)
]
Day = Annotated[Annotated[date, BeforeValidator(_day)] | None, BlankIsNone]


class LocationEdit(CommandModel):
    """A place and where it lies; without a parent it is at the top."""

    name: Title
    parent_id: MaybeId = None
    address: Annotated[Prose, Field(max_length=500)] = ""


class ClientEdit(CommandModel):
    """A client and its location."""

    name: Title
    code: Code
    location_id: Id
    contact_email: Email = None
    notes: Annotated[Prose, Field(max_length=5000)] = ""


class ProjectEdit(CommandModel):
    """A client's project; it ends after it starts."""

    name: Title
    client_id: Id
    starts_on: Day = None
    ends_on: Day = None
    description: Annotated[Prose, Field(max_length=5000)] = ""

    @model_validator(mode="after")
    def _in_order(self) -> "ProjectEdit":
        if self.starts_on and self.ends_on and self.ends_on < self.starts_on:
            raise ValueError(_("The end lies before the start."))
        return self
