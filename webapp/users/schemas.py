"""What a person may type about people; the rules of every form, API body and import of this domain."""

import unicodedata
from functools import lru_cache
from typing import Annotated, Literal
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, Field, model_validator

from webapp.core.bulk import MAX_QUERY
from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _

LOCALES = {"en": "English", "es": "Español"}
MAX_BULK = 100


def email_key(email: str) -> str:
    """Return an address as it is compared: one spelling for wide letters and capitals."""
    return unicodedata.normalize("NFKC", email).strip().casefold()[:254]


@lru_cache(maxsize=1)
def timezones() -> tuple[str, ...]:
    """Return the time zones that people live in, by name."""
    named = (zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/"))
    return ("UTC", *sorted(named))


def zone_name(zone: str) -> str:
    """Return a time zone as people read it."""
    return zone.replace("_", " ")


def _valid_email(value: str) -> str:
    try:
        return validate_email(email_key(value), check_deliverability=False).normalized
    except EmailNotValidError:
        raise ValueError(_("Write a full address, like name@example.com.")) from None


def _known_zone(value: str) -> str:
    if value not in timezones():
        raise ValueError(_("Choose one of the list."))
    return value


Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
Name = Annotated[Line, Field(min_length=1, max_length=200)]
Email = Annotated[Line, Field(min_length=1, max_length=254), AfterValidator(_valid_email)]
Zone = Annotated[str, AfterValidator(_known_zone)]
Reason = Annotated[Paragraphs, Field(min_length=1, max_length=500)]
Typed = Annotated[str, Field(min_length=1, max_length=1000)]
Scope = Annotated[str, Field(pattern=r"^(everywhere|(location|client|project):[1-9][0-9]{0,17})$")]


class SignIn(CommandModel):
    """An address and a password; anything may be tried."""

    email: Annotated[Line, Field(min_length=1, max_length=254)]
    password: Typed


class Invite(CommandModel):
    """A new colleague, possibly with a first role."""

    name: Name
    email: Email
    role_id: Annotated[Id | None, BlankIsNone] = None
    scope: Annotated[Scope | None, BlankIsNone] = "everywhere"


class EditPerson(CommandModel):
    """What may be changed about somebody, and the version that was seen."""

    name: Name
    email: Email
    locale: Literal["en", "es"]
    timezone: Zone
    version: Annotated[int, Field(ge=1)]


class GiveRole(CommandModel):
    """A role, where it holds, and why."""

    role_id: Id
    scope: Scope
    reason: Reason


class Because(CommandModel):
    """A reason for something that needs one."""

    reason: Reason


class DeactivateMany(CommandModel):
    """The people to shut out, each or all that match a filter as they were seen, and why."""

    ids: Annotated[tuple[Id, ...], Field(max_length=MAX_BULK)] = ()
    matching: Annotated[str | None, Field(max_length=MAX_QUERY)] = None
    seen: Annotated[str, Field(max_length=64)] = ""
    reason: Reason

    @model_validator(mode="after")
    def _somebody(self) -> "DeactivateMany":
        if not self.ids and self.matching is None:
            raise ValueError(str(_("Choose somebody.")))
        return self


class NewPassword(CommandModel):
    """A password, typed twice."""

    password: Typed
    again: Typed


class ChangePassword(CommandModel):
    """The password so far, and a new one."""

    current: Typed
    password: Typed
    again: Typed
    end_others: bool = False


class Profile(CommandModel):
    """What people say about themselves."""

    name: Name
    locale: Literal["en", "es"]
    timezone: Zone


class ChooseTheme(CommandModel):
    """How pages shall look."""

    theme: Literal["system", "light", "dark"]
