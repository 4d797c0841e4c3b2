"""Writing down how long something took."""

from typing import Any

from webapp.access.identity import SignedIn
from webapp.assets.queries.custody import today_of
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.tickets.desk_schemas import TimeSpent
from webapp.tickets.models import Ticket, TimeEntry
from webapp.tickets.services import base

PERMISSION = "tickets.edit"


def add(actor: SignedIn, ticket: Ticket, command: TimeSpent) -> TimeEntry:
    """Write down that the actor spent time on a ticket.

    Raises:
        Denied: if the actor may not edit the ticket.
        DomainError: if the day has not come, or the ticket was merged.
    """
    base.require_on(actor, PERMISSION, ticket)
    base.require_unmerged(ticket)
    _refuse_future(actor, command)
    entry = TimeEntry(
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        user_id=actor.id,
        **dict(command),
    )
    trail.tell(entry, "time.added", **_about(ticket))
    with base.saying():
        db.session.add(entry)
    return entry


def change(actor: SignedIn, ticket: Ticket, entry: TimeEntry, command: TimeSpent) -> None:
    """Correct an entry of one's own.

    Raises:
        Denied: if it is somebody else's, or the actor may not edit the ticket.
        DomainError: if the day has not come.
    """
    _require_own(actor, ticket, entry)
    _refuse_future(actor, command)
    trail.tell(entry, "time.changed", **_about(ticket))
    with base.saying():
        for name, value in dict(command).items():
            setattr(entry, name, value)


def delete(actor: SignedIn, ticket: Ticket, entry: TimeEntry) -> None:
    """Take an entry of one's own away.

    Raises:
        Denied: if it is somebody else's, or the actor may not edit the ticket.
    """
    _require_own(actor, ticket, entry)
    trail.tell(entry, "time.removed", **_about(ticket))
    db.session.delete(entry)
    db.session.flush()


def _about(ticket: Ticket) -> dict[str, Any]:
    """The log tells it of the ticket."""
    return {
        "object_type": "ticket",
        "object_id": ticket.id,
        "object_label": ticket.audit_label,
    }


def _require_own(actor: SignedIn, ticket: Ticket, entry: TimeEntry) -> None:
    base.require_on(actor, PERMISSION, ticket)
    if entry.user_id != actor.id:
        raise Denied(_("Only who spent the time changes what is written down."), key=PERMISSION)


def _refuse_future(actor: SignedIn, command: TimeSpent) -> None:
    if command.spent_on > today_of(actor):
        raise DomainError(_("This day has not come yet."), field="spent_on")
