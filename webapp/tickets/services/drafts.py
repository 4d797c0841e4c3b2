"""What a person has typed and not sent yet."""

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.tickets.models import Draft, Ticket


def save(actor: SignedIn, ticket: Ticket, *, is_note: bool, body: str) -> None:
    """Keep what was typed, instead of what was before; nothing but blanks is no draft."""
    if not body.strip():
        discard(actor, ticket, is_note=is_note)
        return
    values = {"body": body, "saved_at": func.now()}
    typed = insert(Draft).values(ticket_id=ticket.id, user_id=actor.id, is_note=is_note, **values)
    db.session.execute(
        typed.on_conflict_do_update(index_elements=["ticket_id", "user_id", "is_note"], set_=values)
    )


def discard(actor: SignedIn, ticket: Ticket, *, is_note: bool) -> None:
    """Forget a draft: it was sent, or emptied."""
    db.session.execute(
        delete(Draft).where(
            Draft.ticket_id == ticket.id, Draft.user_id == actor.id, Draft.is_note.is_(is_note)
        )
    )
