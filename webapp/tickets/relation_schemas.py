"""What a person may say about how tickets hang together."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from webapp.core.forms import BlankIsNone, CommandModel, Paragraphs
from webapp.tickets.models import LinkKind
from webapp.tickets.schemas import Id, Reason, Subject

BACK = ":back"  # at the end of a kind: the other ticket is what it says
TIES = (
    *("duplicate", "duplicate:back", "blocks", "blocks:back"),
    *("caused_by", "caused_by:back", "related"),
)
MAX_PICKED = 1000


def _listed(value: object) -> object:
    return () if value is None else value


class LinkAdd(CommandModel):
    """A link to the ticket with the number ``other``."""

    tie: Literal[TIES] = "related"  # type: ignore[valid-type]
    other: Id

    @property
    def kind(self) -> LinkKind:
        """What one of the two is to the other."""
        return LinkKind(str(self.tie).removesuffix(BACK))

    @property
    def back(self) -> bool:
        """True if the other ticket is what ``kind`` says."""
        return str(self.tie).endswith(BACK)


class MergeInto(CommandModel):
    """The number of the ticket that takes everything, and why."""

    into: Id
    reason: Reason = None


class SplitOff(CommandModel):
    """Which messages go, and what the new ticket is about."""

    messages: Annotated[tuple[Id, ...], BeforeValidator(_listed), Field(max_length=MAX_PICKED)] = ()
    subject: Subject
    note: Annotated[Annotated[Paragraphs, Field(max_length=2000)] | None, BlankIsNone] = None
