"""What people send about notifications."""

from datetime import time
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from webapp.core.forms import CommandModel, Line, Paragraphs
from webapp.core.language import N_, _
from webapp.core.registry import find_entry
from webapp.notifications.kinds import KINDS


def _known(key: str) -> str:
    if find_entry(key) is None:
        raise ValueError(_("There is no such page or permission."))
    return key


class AskForAccess(CommandModel):
    """Somebody lacks a page or permission, and says what for."""

    key: Annotated[Line, Field(max_length=64), AfterValidator(_known)]
    reason: Annotated[Paragraphs, Field(min_length=1, max_length=1000)]
    path: Annotated[Line, Field(max_length=300)] = ""


USUAL_EVERY = 10
# Minutes for which mails gather.
EVERY = {
    0: N_("At once"),
    10: N_("Every 10 minutes"),
    60: N_("Every hour"),
    1440: N_("Once a day"),
}


def _clock(value: Any) -> Any:
    if isinstance(value, str):
        try:
            return (
                time.fromisoformat(value.strip()).replace(second=0, microsecond=0, tzinfo=None)
                if value.strip()
                else None
            )
        except ValueError:
            raise ValueError(_("Write a time as hours and minutes, like 22:00.")) from None
    return value


def _one_of(value: int) -> int:
    if value not in EVERY:
        raise ValueError(_("Choose one of the list."))
    return value


def _kinds(values: list[str]) -> list[str]:
    if any(value not in KINDS for value in values):
        raise ValueError(_("Choose one of the list."))
    return values


Clock = Annotated[time | None, BeforeValidator(_clock)]
Kinds = Annotated[list[str], Field(max_length=100), AfterValidator(_kinds)]


class Preferences(CommandModel):
    """How somebody wants to be told."""

    in_app: Kinds = Field(default_factory=list)
    email: Kinds = Field(default_factory=list)
    quiet_from: Clock = None
    quiet_until: Clock = None
    mail_every: Annotated[int, AfterValidator(_one_of)] = USUAL_EVERY

    @model_validator(mode="after")
    def whole(self) -> Self:
        """Quiet hours begin and end."""
        if (self.quiet_from is None) != (self.quiet_until is None):
            raise ValueError(_("Quiet hours need a beginning and an end."))
        if self.quiet_from is not None and self.quiet_from == self.quiet_until:
            raise ValueError(_("Quiet hours cannot end when they begin."))
        return self
