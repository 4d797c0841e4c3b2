"""What a person, a file or a program may say about tickets."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _
from webapp.tickets.models import Kind, Level, Priority

MAX_ID = 2**63 - 1
MAX_BODY = 50_000
MAX_TAGS = 30
_TAG = re.compile(r"[\w][\w.+-]{0,39}", re.UNICODE)


def split_tags(value: Any) -> Any:
    """Return what was typed as a sorted list of tags in lower case; words are parted by spaces or commas."""
    words = re.split(r"[\s,]+", value) if isinstance(value, str) else value or []
    return sorted({str(word).lower() for word in words if word})


def _tags(value: tuple[str, ...]) -> tuple[str, ...]:
    for tag in value:
        if not _TAG.fullmatch(tag):
            raise ValueError(_("Use letters, digits, dots, dashes and underscores, at most 40."))
    if len(value) > MAX_TAGS:
        raise ValueError(_("Use at most %(most)s tags.", most=MAX_TAGS))
    return value


Id = Annotated[int, Field(ge=1, le=MAX_ID)]
MaybeId = Annotated[Annotated[int, Field(ge=1, le=MAX_ID)] | None, BlankIsNone]
Subject = Annotated[Line, Field(min_length=1, max_length=300)]
Body = Annotated[Paragraphs, Field(min_length=1, max_length=MAX_BODY)]
Tags = Annotated[tuple[str, ...], BeforeValidator(split_tags), AfterValidator(_tags)]
Reason = Annotated[Annotated[Line, Field(max_length=500)] | None, BlankIsNone]


class TicketFields(CommandModel):
    """What can be said of a ticket at any time. ``priority`` None: what impact and urgency give."""

    subject: Subject
    kind: Kind = Kind.INCIDENT
    client_id: Id
    project_id: MaybeId = None
    asset_id: MaybeId = None
    requester_user_id: MaybeId = None
    requester_contact_id: MaybeId = None
    impact: Level = Level.MEDIUM
    urgency: Level = Level.MEDIUM
    priority: Annotated[Priority | None, BlankIsNone] = None
    priority_reason: Reason = None
    tags: Tags = ()


class TicketDraft(TicketFields):
    """A new ticket with its first message."""

    body: Body
    team_id: MaybeId = None
    assignee_id: MaybeId = None
