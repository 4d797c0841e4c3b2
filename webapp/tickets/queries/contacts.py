"""Reads of contacts."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, func, or_, select

from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import cleaned
from webapp.core.typed import number_in
from webapp.organisation.models import Client
from webapp.tickets.models import Contact, Message, Ticket

LISTING = Listing(id=Contact.id, sorts={"name": Contact.name}, default="name")
MAX_WORDS = 8
FEW = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """Which contacts a list shows."""

    q: str = ""
    client_id: int | None = None

    @classmethod
    def of(cls, args: Any) -> "Filters":
        """Read the query string.

        Raises:
            UnknownFilter: if the client is no number.
        """
        return cls(q=cleaned(args.get("q")), client_id=number_in(args.get("client", "")))


def list_contacts(chosen: Filters, args: Any) -> Page:
    """One page of contacts in sight, with how many open tickets they have."""
    few = (
        select(Ticket.id)
        .where(Ticket.requester_contact_id == Contact.id, Ticket.is_open)
        .limit(100)
        .correlate(Contact)
        .subquery()
        .lateral()
    )
    counted = select(func.count()).select_from(few).scalar_subquery()
    statement = select(
        Contact.id,
        Contact.name,
        Contact.email,
        Contact.phone,
        Contact.client_id,
        Client.name.label("client"),
        counted.label("open"),
    ).join(Client, Client.id == Contact.client_id)
    if chosen.client_id is not None:
        statement = statement.where(Contact.client_id == chosen.client_id)
    for word in chosen.q.split()[:MAX_WORDS]:
        columns = (Contact.name, Contact.email, Contact.phone)
        statement = statement.where(or_(*(one.icontains(word, autoescape=True) for one in columns)))
    return paginate(statement, LISTING, args, counted=True)


def get_contact(contact_id: int) -> Contact | None:
    """Find a contact in sight."""
    return db.session.get(Contact, contact_id)


def has_tickets(contact_id: int) -> bool:
    """Tell whether any ticket or message names a contact."""
    asked = exists().where(Ticket.requester_contact_id == contact_id)
    wrote = exists().where(and_(Message.contact_id == contact_id))
    return bool(db.session.scalar(select(or_(asked, wrote))))


def tickets_of(contact_id: int, *, limit: int = FEW) -> list[Any]:
    """The latest tickets of a contact: rows (number, subject, status, updated_at)."""
    statement = (
        select(Ticket.number, Ticket.subject, Ticket.status, Ticket.updated_at)
        .where(Ticket.requester_contact_id == contact_id)
        .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
        .limit(limit)
    )
    return list(db.session.execute(statement))
