"""Reads for mails to the contacts who asked, and for saying beforehand whom a reply reaches."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, select

from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.tickets.models import Contact, Message, Ticket
from webapp.tickets.queries import people
from webapp.users.models import User


def addresses(contact_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the addresses of contacts."""
    ids = {one for one in contact_ids if one is not None}
    if not ids:
        return {}
    found = select(Contact.id, Contact.email).where(Contact.id.in_(ids))
    return {row.id: row.email for row in db.session.execute(found)}


def contact(contact_id: int) -> Any:
    """Return a contact as a row (name, email)."""
    return db.session.execute(
        select(Contact.name, Contact.email).where(Contact.id == contact_id)
    ).first()


def person(ticket: Ticket, user_id: int) -> Any:
    """Return a person as a row (name, is_active, sees): whether the ticket is in their sight."""
    statement = _person(ticket.client_id, ticket.project_id)
    return db.session.execute(statement, {"user": user_id}).first()


@lru_cache(maxsize=512)
def _person(client_id: int, project_id: int | None) -> Any:
    spot = people.Spot(client_id, project_id)
    sees = User.id.in_(people.who_can_see(spot)).label("sees")
    return select(User.name, User.is_active, sees).where(User.id == bindparam("user"))


def to_mail(message_id: int) -> tuple[Message, Ticket] | None:
    """Find a message with its ticket."""
    found = select(Message, Ticket).join(Ticket, Ticket.id == Message.ticket_id)
    row = db.session.execute(found.where(Message.id == message_id)).first()
    return (row[0], row[1]) if row else None


def get_ticket(ticket_id: int) -> Ticket | None:
    """Find a ticket."""
    return db.session.get(Ticket, ticket_id)


def get_message(message_id: int) -> Message:
    """Find a message that is there, and hold it."""
    return db.session.get_one(Message, message_id, with_for_update=True)


def files_of(message_id: int) -> Sequence[Attachment]:
    """Return the files of a message, in the order in which they came."""
    return db.session.scalars(
        select(Attachment)
        .where(Attachment.message_id == message_id, Attachment.deleted_at.is_(None))
        .order_by(Attachment.id)
    ).all()
