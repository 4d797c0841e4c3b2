"""What is said on a ticket."""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import select, text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.tickets import mentioning, telling
from webapp.tickets.models import Message, Status, Ticket, Watcher
from webapp.tickets.models.conversation import Via
from webapp.tickets.queries import mentions
from webapp.tickets.queries import messages as queries
from webapp.tickets.services import base, drafts, sla
from webapp.tickets.services import status as statuses

PERMISSION = "tickets.reply"
LABEL = 80  # characters by which the log names a message
WAITING = (Status.PENDING, Status.RESOLVED)  # an answer of the requester opens these again

# Not by the ORM: a message is no change of what people edit, and must not make their forms stale.
_TOUCH = text("UPDATE tickets SET last_message_at = :at, updated_at = now() WHERE id = :id")


class Arrived(DomainError):
    """Something was said since the person opened the ticket; they see it first and choose."""

    code = "arrived"

    def __init__(self) -> None:
        """Say so."""
        super().__init__(_("Something arrived since you opened this ticket. Nothing was sent."))


def post(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    body: str,
    is_note: bool = False,
    file_ids: Sequence[int] = (),
    seen: int | None = None,
    status: Status | None = None,
    resolution: str | None = None,
) -> Message:
    """Write a reply or note, with files that wait, and perhaps change the status with it.

    ``seen`` is the id of the last message that the person saw (None: do not look). What is resolved without a
    ``resolution`` was resolved as the message says.

    Raises:
        Denied: if the actor may not answer, or not change the status.
        Arrived: if there are later messages than ``seen``.
        DomainError: if a rule refuses it.
    """
    base.require_on(actor, PERMISSION, ticket)
    with (
        db.session.begin_nested()
    ):  # what is refused leaves nothing for whoever draws the page again
        queries.lock(ticket)
        if ticket.merged_into_id is not None:
            raise DomainError(_("This ticket was merged into another one. Answer there."))
        if seen is not None and queries.last_id(ticket.id) > seen:
            raise Arrived
        message, mentioned = _write(actor, ticket, body, is_note=is_note)
        _attach(actor, ticket, message, file_ids)
        if actor is not None:
            _follow(actor, ticket)
            drafts.discard(actor, ticket, is_note=is_note)
        _settle(actor, ticket, message, status=status, resolution=resolution)
        telling.replied(ticket, message, actor, mentioned=mentioned)
    return message


def said(ticket: Ticket, body: str) -> tuple[str, list[int]]:
    """Return a text with mentions of those only who can see the ticket, by their names, and who they are."""
    wanted = mentioning.mentioned(body)
    people = {row.id: row.name for row in mentions.who_see(ticket, ids=wanted)} if wanted else {}
    return mentioning.named(body, people), list(people)


def _write(
    actor: SignedIn | None, ticket: Ticket, body: str, *, is_note: bool
) -> tuple[Message, list[int]]:
    """Add the message; return whom it mentions, too."""
    words, mentioned = said(ticket, body)
    message = Message(
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        is_note=is_note,
        author_id=None if actor is None else actor.id,
        body=words,
        via=Via.SYSTEM if actor is None else Via.WEB,
    )
    label = mentioning.plain(message.body)[:LABEL]
    trail.tell(message, "ticket.noted" if is_note else "ticket.replied", object_label=label)
    db.session.add(message)
    db.session.flush()
    db.session.execute(_TOUCH, {"at": message.sent_at, "id": ticket.id})
    db.session.expire(ticket, ["last_message_at", "updated_at"])
    return message, mentioned


def _attach(
    actor: SignedIn | None, ticket: Ticket, message: Message, file_ids: Sequence[int]
) -> None:
    if not file_ids or actor is None:
        return
    rows = queries.waiting(ticket.id, actor.id, file_ids)
    if len(rows) < len(set(file_ids)):
        raise DomainError(drafts.GONE, field="files")
    for row in rows:
        trail.tell(row, "attachment.sent")
        row.message_id = message.id
    db.session.flush()


def _follow(actor: SignedIn, ticket: Ticket) -> None:
    """Whoever answers is told what comes next."""
    there = select(Watcher.id).where(Watcher.ticket_id == ticket.id, Watcher.user_id == actor.id)
    if db.session.scalar(there) is None:
        row = Watcher(client_id=ticket.client_id, ticket_id=ticket.id, user_id=actor.id)
        trail.tell(row, "ticket_watcher.created", object_type="ticket", object_id=ticket.id)
        db.session.add(row)
        db.session.flush()


def _settle(
    actor: SignedIn | None,
    ticket: Ticket,
    message: Message,
    *,
    status: Status | None,
    resolution: str | None,
) -> None:
    """Note the desk's first reply, and set the status: as asked for, else as a reply has it."""
    by_desk = actor is None or actor.id != ticket.requester_user_id
    if by_desk and not message.is_note:
        sla.responded(ticket)
    if status is not None and status != ticket.status:
        resolved = status in (Status.RESOLVED, Status.CLOSED)
        # What was said how it was resolved stays; a note is no answer to that.
        said_now = "" if message.is_note else message.body[: statuses.MAX_RESOLUTION]
        words = (resolution or ticket.resolution or said_now or None) if resolved else None
        statuses.change(actor, ticket, status, resolution=words)
    elif status is None and not message.is_note and _opens(ticket, by_desk=by_desk):
        with suppress(DomainError):  # who may only answer does that, whatever the status
            statuses.apply(actor, ticket, Status.OPEN)


def _opens(ticket: Ticket, *, by_desk: bool) -> bool:
    return ticket.status == Status.NEW if by_desk else ticket.status in WAITING
