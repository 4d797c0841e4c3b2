"""Being at a ticket: others are told when that changes, and not each time a page says that it is still open."""

from datetime import timedelta

from sqlalchemy import delete, func, null
from sqlalchemy.dialects.postgresql import insert

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.live import hub
from webapp.tickets.models import Presence, Ticket
from webapp.tickets.queries import presence as queries

FORGOTTEN = timedelta(minutes=10)


def touch(actor: SignedIn, ticket: Ticket, *, typing: bool) -> None:
    """Note that a person looks at a ticket, and whether an answer is being typed."""
    before = queries.of_person(ticket.id, actor.id)
    if before is None:  # seldom, so that this is the time to clean up
        db.session.execute(delete(Presence).where(Presence.seen_at < func.now() - FORGOTTEN))
    values = {"seen_at": func.now(), "typing_at": func.now() if typing else null()}
    row = insert(Presence).values(
        client_id=ticket.client_id, ticket_id=ticket.id, user_id=actor.id, **values
    )
    db.session.execute(row.on_conflict_do_update(constraint="pk_ticket_presence", set_=values))
    if before is None or not before.here or before.typing != typing:
        _tell(ticket)


def leave(actor: SignedIn, ticket: Ticket) -> None:
    """Note that a person closed a ticket."""
    was_there = db.session.scalar(
        delete(Presence)
        .where(Presence.ticket_id == ticket.id, Presence.user_id == actor.id)
        .returning(Presence.user_id)
    )
    if was_there is not None:
        _tell(ticket)


def _tell(ticket: Ticket) -> None:
    hub.publish(
        "presence",
        id=ticket.id,
        number=ticket.number,
        client=ticket.client_id,
        project=ticket.project_id,
    )
