"""Contacts: people of a client who ask by e-mail and have no account."""

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.organisation import tree
from webapp.organisation.tree import Place
from webapp.tickets.life_schemas import ContactEdit
from webapp.tickets.models import Contact
from webapp.tickets.queries import contacts as queries
from webapp.tickets.queries import records as of_records
from webapp.tickets.services import base

REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_contacts_client_email": (_("This client has a contact with this address."), "email"),
    "ck_contacts_email_format": (_("Write an e-mail address, such as ana@example.com."), "email"),
    "ck_contacts_name_not_blank": (_("Fill this in."), "name"),
    "fk_contacts_client_id_clients": (_("Choose one of the list."), "client_id"),
}


def require_at(actor: SignedIn | None, permission: str, place: Place) -> None:
    """Refuse unless the actor (None: the system) holds ``permission`` at a place.

    Raises:
        Denied: if no grant covers it.
    """
    if actor is not None and not actor.can(permission, on=place):
        raise Denied(_("Your permission does not reach this place."), key=permission)


def create(
    actor: SignedIn | None, command: ContactEdit, *, project_id: int | None = None
) -> Contact:
    """Write down a contact; ``project_id`` is that of the ticket in which it is done.

    Raises:
        Denied: if the actor may not open tickets there.
        DomainError: if the client has one with this address.
    """
    require_at(actor, "tickets.create", tree.place_of(command.client_id, project_id))
    contact = Contact(**command.model_dump())
    with base.saying(REFUSALS):
        db.session.add(contact)
    return contact


def find_or_create(
    actor: SignedIn | None, command: ContactEdit, *, project_id: int | None = None
) -> Contact:
    """Return the client's contact with this address, or write it down."""
    known = of_records.contact_by_email(command.client_id, command.email)
    return known or create(actor, command, project_id=project_id)


def save(
    actor: SignedIn | None, contact: Contact, command: ContactEdit, *, version: int | None
) -> Contact:
    """Change a contact. One with tickets stays with its client.

    Raises:
        Denied: if the actor may not change tickets of the client.
        StaleVersion: if it was saved since ``version``.
        DomainError: if a rule refuses it.
    """
    require_at(actor, "tickets.edit", tree.place_of(contact.client_id, None))
    check_version(contact, version)
    if command.client_id != contact.client_id:
        require_at(actor, "tickets.edit", tree.place_of(command.client_id, None))
        if queries.has_tickets(contact.id):
            raise DomainError(
                _("Tickets name this contact, so it stays with its client."), field="client_id"
            )
    with base.saying(REFUSALS):
        for name, value in command.model_dump().items():
            if getattr(contact, name) != value:
                setattr(contact, name, value)
    return contact
