"""What a person may say about the life of a ticket: its fields, its status, who has it; contacts and the workflow."""

from typing import Annotated

from pydantic import AfterValidator, Field

from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _
from webapp.tickets.message_schemas import MAX_FILES, DraftKey
from webapp.tickets.models import Level, Priority, Status
from webapp.tickets.schemas import Id, MaybeId, Reason, Tags, TicketDraft, TicketFields

MAX_RESOLUTION = 10_000
MAX_NOTE = 10_000
MAX_EMAIL = 254


def _email(value: str | None) -> str | None:
    if value is None:
        return None
    name, at, domain = value.rpartition("@")
    if not (name and at and domain) or any(c.isspace() or c in ",;<>" for c in value):
        raise ValueError(_("Write an e-mail address, such as ana@example.com."))
    return value


Email = Annotated[Line, Field(max_length=MAX_EMAIL), AfterValidator(_email)]
Note = Annotated[Annotated[Paragraphs, Field(max_length=MAX_NOTE)] | None, BlankIsNone]
Resolution = Annotated[Annotated[Paragraphs, Field(max_length=MAX_RESOLUTION)] | None, BlankIsNone]
MaybePriority = Annotated[Priority | None, BlankIsNone]


class TicketEdit(TicketFields):
    """A ticket as it shall be; status, people and messages change by commands of their own."""

    external_ref: Annotated[Annotated[Line, Field(max_length=64)] | None, BlankIsNone] = None


class NewTicket(TicketDraft):
    """A new ticket whose requester may be a new contact; ``draft`` is the key of what was kept of it so far."""

    draft: Annotated[DraftKey | None, BlankIsNone] = None
    files: Annotated[tuple[Id, ...], Field(max_length=MAX_FILES)] = ()
    contact_name: Annotated[Annotated[Line, Field(max_length=200)] | None, BlankIsNone] = None
    contact_email: Annotated[
        Annotated[Line, Field(max_length=MAX_EMAIL)] | None, BlankIsNone, AfterValidator(_email)
    ] = None
    contact_phone: Annotated[Annotated[Line, Field(max_length=60)] | None, BlankIsNone] = None


class ContactEdit(CommandModel):
    """A contact of a client."""

    client_id: Id
    name: Annotated[Line, Field(min_length=1, max_length=200)]
    email: Annotated[Line, Field(min_length=1, max_length=MAX_EMAIL), AfterValidator(_email)]
    phone: Annotated[Line, Field(max_length=60)] = ""


class Assignment(CommandModel):
    """Who gets a ticket, in which team, and what they should know."""

    assignee_id: MaybeId = None
    team_id: MaybeId = None
    note: Note = None


class HandOver(Assignment):
    """The same with a note that may not be missing."""

    note: Annotated[Paragraphs, Field(min_length=1, max_length=MAX_NOTE)]


class StatusChange(CommandModel):
    """The status that a ticket shall have, and why; how it was resolved."""

    status: Status
    resolution: Resolution = None
    reason: Reason = None


class Solving(CommandModel):
    """How a ticket was resolved."""

    resolution: Annotated[Paragraphs, Field(min_length=1, max_length=MAX_RESOLUTION)]


class Reopening(CommandModel):
    """Why a ticket is opened again."""

    reason: Reason = None


class Prioritising(CommandModel):
    """How bad and how soon; the priority only where it is another than those give."""

    impact: Level
    urgency: Level
    priority: MaybePriority = None
    priority_reason: Reason = None


class Taking(CommandModel):
    """Taking over what somebody else has."""


class Tagging(CommandModel):
    """The tags that a ticket shall have."""

    tags: Tags = ()


class Watching(CommandModel):
    """Who follows a ticket, or does not any more."""

    user_id: MaybeId = None
    on: bool = True


Pair = Annotated[str, Field(pattern=r"^\d{1,18}:\d{1,18}$")]


class Workflow(CommandModel):
    """Ids of the changes of status that are allowed, and who may make them: ``transition:role``."""

    allowed: tuple[Id, ...] = ()
    who: tuple[Pair, ...] = ()

    def roles_of(self, transition_id: int) -> set[int]:
        """Return the roles that may make a change; none: whoever may edit the ticket."""
        pairs = (pair.split(":") for pair in self.who)
        return {int(role) for transition, role in pairs if int(transition) == transition_id}
