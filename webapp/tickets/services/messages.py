"""What is said on a ticket."""

from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import select, text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, listed
from webapp.tickets import filling, mailing, mentioning, telling
from webapp.tickets.models import Message, Status, Ticket, Watcher
from webapp.tickets.models.conversation import Via
from webapp.tickets.queries import mailing as contacts
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

    def __init__(self, seen: int) -> None:
        """Say so; ``seen`` is the last message that the person did see."""
        self.seen = seen
        super().__init__(_("Something arrived since you opened this ticket. Nothing was sent."))


def post(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    body: str,
    is_note: bool = False,
    file_ids: Sequence[int] = (),
    seen: int | None = None,
    viewed: int | None = None,
    status: Status | None = None,
    resolution: str | None = None,
    heard: Via | None = None,
) -> Message:
    """Write a reply or note, with files that wait, and perhaps change the status with it.

    With ``heard`` the desk writes down what the requester said, and how that came in.

    ``seen`` is the id of the last message that the person was shown (None: do not look), ``viewed`` of the last one
    that stood before their eyes since; what came a moment ago could not be read. What is resolved without a
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
        _require_seen(ticket, seen, viewed)
        message = _message(actor, ticket, body, is_note=is_note, heard=heard)
        mentioned = _write(ticket, message)
        _attach(actor, ticket, message, file_ids)
        if actor is not None:
            _follow(actor, ticket)
            if heard is None:
                drafts.discard(actor, ticket, is_note=is_note)
        _settle(actor, ticket, message, status=status, resolution=resolution)
        telling.replied(ticket, message, actor, mentioned=mentioned)
        mailing.send([(ticket, message)], resolved=status in statuses.DONE)
    return message


def _require_seen(ticket: Ticket, seen: int | None, viewed: int | None) -> None:
    """Refuse if there is a message that the person did not see."""
    if seen is None:
        return
    unseen = queries.first_unseen(ticket.id, seen=seen, viewed=viewed or 0)
    if unseen is not None:
        raise Arrived(unseen - 1)


def said(ticket: Ticket, body: str) -> tuple[str, list[int]]:
    """Return a text with mentions of those only who can see the ticket, by their names, and who they are."""
    wanted = mentioning.mentioned(body)
    people = {row.id: row.name for row in mentions.who_see(ticket, ids=wanted)} if wanted else {}
    return mentioning.named(body, people), list(people)


def _message(
    actor: SignedIn | None, ticket: Ticket, body: str, *, is_note: bool, heard: Via | None
) -> Message:
    """Return the message, not written yet: whose it is, and where it goes.

    Raises:
        DomainError: if nobody asked for the ticket who could have said it, or a variable is not filled in.
    """
    message = Message(
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        is_note=is_note,
        author_id=None if actor is None else actor.id,
        body=body,
        via=Via.SYSTEM if actor is None else Via.WEB,
    )
    if heard is not None:
        _sign(actor, ticket, message, heard)
    elif not is_note:
        _require_filled(body)
        key = ticket.requester_contact_id
        mailing.address(message, contacts.addresses([key]).get(key or 0))
    return message


def _sign(actor: SignedIn | None, ticket: Ticket, message: Message, heard: Via) -> None:
    """Have the requester say it, recorded by the actor."""
    asker = ticket.requester_user_id
    if actor is None or (asker is None and ticket.requester_contact_id is None):
        raise DomainError(_("The ticket has no requester who could have said it."), field="asked")
    if asker == actor.id:
        raise DomainError(_("You are the requester yourself: write a reply."), field="asked")
    message.author_id, message.contact_id = asker, ticket.requester_contact_id
    message.recorded_by_id, message.via = actor.id, heard


def _require_filled(body: str) -> None:
    """Refuse to send a canned reply with a hole in it."""
    if names := filling.unfilled_in(body):
        told = listed(f"{{{{{name}}}}}" for name in names)
        raise DomainError(_("Fill in %(names)s before you send it.", names=told), field="body")


def _write(ticket: Ticket, message: Message) -> list[int]:
    """Add the message; return whom it mentions."""
    message.body, mentioned = said(ticket, message.body)
    action = "ticket.noted" if message.is_note else "ticket.replied"
    if message.recorded_by_id is not None:
        action = "ticket.recorded"
    trail.tell(message, action, object_label=mentioning.plain(message.body)[:LABEL])
    db.session.add(message)
    db.session.flush()
    db.session.execute(_TOUCH, {"at": message.sent_at, "id": ticket.id})
    db.session.expire(ticket, ["last_message_at", "updated_at"])
    return mentioned


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
    by_desk = message.recorded_by_id is None and (
        actor is None or actor.id != ticket.requester_user_id
    )
    if by_desk and not message.is_note:
        sla.responded(ticket)
    if status is not None and status != ticket.status:
        resolved = status in (Status.RESOLVED, Status.CLOSED)
        # What was said how it was resolved stays; a note is no answer to that.
        said_now = "" if message.is_note else message.body[: statuses.MAX_RESOLUTION]
        words = (resolution or ticket.resolution or said_now or None) if resolved else None
        mailed = not message.is_note and message.recorded_by_id is None
        statuses.change(actor, ticket, status, resolution=words, mailed=mailed)
    elif status is None and not message.is_note and _opens(ticket, by_desk=by_desk):
        with suppress(DomainError):  # who may only answer does that, whatever the status
            statuses.apply(actor, ticket, Status.OPEN)


def _opens(ticket: Ticket, *, by_desk: bool) -> bool:
    return ticket.status == Status.NEW if by_desk else ticket.status in WAITING
