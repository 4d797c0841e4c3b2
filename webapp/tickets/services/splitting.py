"""Splitting: some messages of a ticket become a ticket of their own."""

from collections.abc import Iterable

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, ngettext
from webapp.tickets import telling
from webapp.tickets.models import Link, LinkKind, Message, Ticket, Watcher
from webapp.tickets.models.conversation import Via
from webapp.tickets.queries import merging as queries
from webapp.tickets.services import base, merging, sla

PERMISSION = "tickets.merge"
INHERITED = (
    *("kind", "client_id", "project_id", "asset_id", "requester_user_id", "requester_contact_id"),
    *("impact", "urgency", "priority", "priority_reason", "team_id"),
)
# What a ticket keeps when it goes to another client.
MAY_BE_GONE = ("asset_id", "requester_contact_id")


def split(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    message_ids: Iterable[int],
    subject: str,
    note: str | None = None,
) -> Ticket:
    """Open a ticket with some messages of this one, which keep author and time; its clocks begin now.

    ``note`` becomes an internal note of the new ticket.

    Raises:
        Denied: if the actor may not split this ticket.
        DomainError: if no messages are chosen, all of them, or some that are not there any more.
    """
    queries.lock_tickets([ticket.id])
    base.require_on(actor, PERMISSION, ticket)
    messages = _chosen(ticket, set(message_ids))
    made = _open(actor, ticket, subject)
    for message in messages:
        message.origin_id = message.origin_id or ticket.id
    merging.go([*messages, *queries.files_of(one.id for one in messages)], made)
    _say(ticket, made, len(messages))
    _write_note(actor, made, note)
    db.session.flush()
    merging.touch(ticket)
    telling.opened(made, actor)
    return made


def _chosen(ticket: Ticket, ids: set[int]) -> list[Message]:
    here = queries.rows_of(Message, ticket.id)
    chosen = [one for one in here if one.id in ids]
    if not ids:
        raise DomainError(_("Choose at least one message."), field="messages")
    if len(chosen) < len(ids):
        raise DomainError(
            _("Some of these messages are not here any more. Look again."), field="messages"
        )
    if len(chosen) == len(here):
        raise DomainError(_("At least one message stays. Leave one out."), field="messages")
    return chosen


def _open(actor: SignedIn | None, ticket: Ticket, subject: str) -> Ticket:
    made = _add(ticket, subject)
    sla.begin(made)
    link = Link(
        client_id=made.client_id,
        ticket_id=made.id,
        other_client_id=ticket.client_id,
        other_id=ticket.id,
        kind=LinkKind.RELATED,
        created_by_id=actor.id if actor else None,
    )
    db.session.add(link)
    if actor is not None:
        db.session.add(Watcher(client_id=made.client_id, ticket_id=made.id, user_id=actor.id))
    db.session.flush()
    return made


def _add(ticket: Ticket, subject: str) -> Ticket:
    """Add the new ticket, without an asset or a contact that the client has no more; who splits may not see which."""
    values = {name: getattr(ticket, name) for name in INHERITED}
    while True:
        made = Ticket(subject=subject, **values)
        trail.tell(made, "ticket.split_off", changes={"from": f"#{ticket.number}"})
        try:
            with base.saying():
                db.session.add(made)
        except DomainError as error:
            if error.field not in MAY_BE_GONE or values[error.field] is None:
                raise
            values[error.field] = None
        else:
            return made


def _say(ticket: Ticket, made: Ticket, count: int) -> None:
    """Tell both where the messages went: the old one in its conversation and in its history."""
    trail.note(
        "ticket.split",
        object_type="ticket",
        object_id=ticket.id,
        object_label=ticket.audit_label,
        client_id=ticket.client_id,
        changes={"to": f"#{made.number}", "messages": count},
    )
    words = ngettext(
        "%(num)s message was split off into #%(number)s “%(subject)s”.",
        "%(num)s messages were split off into #%(number)s “%(subject)s”.",
        count,
        number=made.number,
        subject=made.subject,
    )
    _add_note(ticket, str(words), via=Via.SYSTEM)


def _write_note(actor: SignedIn | None, made: Ticket, note: str | None) -> None:
    if note:
        _add_note(made, note, via=Via.WEB, author_id=actor.id if actor else None)


def _add_note(ticket: Ticket, body: str, *, via: Via, author_id: int | None = None) -> None:
    message = Message(
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        is_note=True,
        body=body,
        via=via,
        author_id=author_id,
    )
    trail.tell(message, "ticket_message.added_by_split")
    db.session.add(message)
