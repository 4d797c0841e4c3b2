"""Merging: a ticket becomes part of another one, which takes all that hangs on it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.tickets.models import Contact, Merge, Message, Status, Ticket, TimeEntry
from webapp.tickets.models.conversation import Via
from webapp.tickets.queries import common
from webapp.tickets.queries import merging as queries
from webapp.tickets.services import base, sla, snapshots, tying
from webapp.users.models import User

PERMISSION = "tickets.merge"
# Not by the ORM: what is said is no change of what people edit, and must not make their forms stale.
_TOUCH = text("UPDATE tickets SET updated_at = now() WHERE id = ANY (:ids)")
REFUSALS: dict[str, tuple[str, str | None]] = {
    "merged_into_closed": (_("That ticket is closed. Reopen it first, or choose another."), "into"),
    "ck_tickets_not_merged_into_itself": (_("A ticket is not merged into itself."), "into"),
    "ck_ticket_merges_not_into_itself": (_("A ticket is not merged into itself."), "into"),
    "uq_ticket_merges_source": (_("This ticket was merged already."), "into"),
    "fk_tickets_merged_into_id_tickets": (_("There is no such ticket of this client."), "into"),
}


def why_not(source: Ticket, target: Ticket) -> str | None:
    """Return what forbids a merge, whoever wants it."""
    if source.id == target.id:
        return _("A ticket is not merged into itself.")
    if source.client_id != target.client_id:
        return _("There is no such ticket of this client.")
    if source.merged_into_id is not None:
        return _("This ticket was merged already.")
    if target.merged_into_id is not None:
        return _("That ticket was merged into another one itself. Choose that one.")
    if target.status == Status.CLOSED:
        return _("That ticket is closed. Reopen it first, or choose another.")
    return None


def check(actor: SignedIn | None, source: Ticket, target: Ticket) -> None:
    """Refuse a merge that is not allowed.

    Raises:
        Denied: if the actor may not merge both.
        DomainError: if a rule refuses it.
    """
    if why := why_not(source, target):
        raise DomainError(why, field="into")
    for ticket in (source, target):
        base.require_on(actor, PERMISSION, ticket)


def find_target(number: int) -> Ticket:
    """Return the ticket with this number.

    Raises:
        DomainError: if there is none in sight.
    """
    found = common.get_by_number(number)
    if found is None:
        raise DomainError(_("There is no such ticket of this client."), field="into")
    return found


def merge(
    actor: SignedIn | None, source: Ticket, target: Ticket, *, reason: str | None = None
) -> Merge:
    """Make ``source`` part of ``target``: what hangs on it moves there, and it is closed as a pointer.

    Raises:
        Denied: if the actor may not merge both.
        DomainError: if a rule refuses it.
    """
    queries.take_turns(source.client_id)
    queries.lock_tickets([source.id, target.id])
    check(actor, source, target)
    trail.because(reason)
    done = Merge(
        client_id=source.client_id,
        source_id=source.id,
        target_id=target.id,
        merged_by_id=actor.id if actor else None,
        merged_at=queries.now(),
    )
    before = snapshots.take(source)
    with base.saying(REFUSALS):
        moved = _move(source, target)
        _close(source, target)
        moved["note"] = _say(source, target).id
        done.moved = moved | {"before": before, "after": snapshots.take(source)}
        db.session.add(done)
        touch(target)
    _record(source, target, moved)
    return done


def _move(source: Ticket, target: Ticket) -> dict[str, Any]:
    """Move what hangs on the ticket; return what undoing that needs."""
    messages = queries.rows_of(Message, source.id)
    moved: dict[str, Any] = {"messages": [[one.id, one.origin_id] for one in messages]}
    for message in messages:
        message.origin_id = message.origin_id or source.id
    files = queries.files_of(one.id for one in messages)
    entries = queries.rows_of(TimeEntry, source.id)
    go(messages, target)
    go(files, target)
    go(entries, target)
    moved |= {"files": [one.id for one in files], "entries": [one.id for one in entries]}
    return moved | tying.merge(source, target)


def go(rows: Iterable[Any], target: Ticket) -> None:
    """Hang rows on another ticket of the same client."""
    for row in rows:
        trail.tell(row, f"{row.audit_type}.moved", changes={"to": f"#{target.number}"})
        row.ticket_id = target.id
    db.session.flush()


def touch(*tickets: Ticket) -> None:
    """Have tickets whose conversation changed stand first among the recently updated ones."""
    db.session.execute(_TOUCH, {"ids": [ticket.id for ticket in tickets]})
    for ticket in tickets:
        db.session.expire(ticket, ["updated_at"])


def _close(source: Ticket, target: Ticket) -> None:
    now = queries.now()
    was_closed = source.status == Status.CLOSED
    # The log tells the merge and the change of the status in one sentence.
    trail.tell(source, "ticket.merged", changes={"into": f"#{target.number}"})
    source.merged_into_id = target.id
    source.status = Status.CLOSED
    source.resolved_at = source.resolved_at or now
    source.closed_at = source.closed_at or now
    db.session.flush()
    if not was_closed:
        sla.status_changed(source)
        db.session.flush()


def _say(source: Ticket, target: Ticket) -> Message:
    """Leave a note in the conversation of the target: what came, and who else asks."""
    subject = f"#{source.number} “{source.subject}”"
    words = str(_("%(ticket)s was merged into this ticket.", ticket=subject))
    if requester := _other_requester(source, target):
        words += "\n\n" + str(_("It was asked for by %(who)s.", who=requester))
    note = Message(
        client_id=target.client_id,
        ticket_id=target.id,
        is_note=True,
        body=words,
        via=Via.SYSTEM,
        sent_at=queries.now(),
    )
    trail.tell(note, "ticket_message.added_by_merge")
    db.session.add(note)
    db.session.flush()
    return note


def _other_requester(source: Ticket, target: Ticket) -> str | None:
    """Name who asked for the source, if it is somebody else than who asked for the target."""
    user, contact = source.requester_user_id, source.requester_contact_id
    if (user, contact) == (target.requester_user_id, target.requester_contact_id):
        return None
    found: User | Contact | None = None
    if user is not None:
        found = db.session.get(User, user)
    elif contact is not None:
        found = db.session.get(Contact, contact)
    return f"{found.name} ({found.email})" if found else None


def _record(source: Ticket, target: Ticket, moved: dict[str, Any]) -> None:
    """Tell the target's history what came to it."""
    parts = ("messages", "files", "watchers", "entries", "links")
    trail.note(
        "ticket.merged_in",
        object_type="ticket",
        object_id=target.id,
        object_label=target.audit_label,
        client_id=target.client_id,
        changes={"from": f"#{source.number}"} | {part: len(moved[part]) for part in parts},
    )
