"""Links between tickets: what one is to the other, seen from both ends."""

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.tickets.models import Link, LinkKind, Ticket
from webapp.tickets.queries import common, relations
from webapp.tickets.services import base

PERMISSION = "tickets.merge"
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_ticket_links_pair": (_("These tickets are linked like this already."), "other"),
    "ck_ticket_links_not_to_itself": (_("A ticket is not linked to itself."), "other"),
    "fk_ticket_links_other": (_("There is no such ticket."), "other"),
}


def add(
    actor: SignedIn | None, ticket: Ticket, *, kind: LinkKind, other: int, back: bool = False
) -> Link:
    """Link a ticket to the one with the number ``other``; with ``back`` the other one is what ``kind`` says.

    Raises:
        Denied: if the actor may not link this ticket.
        DomainError: if it was merged, or the other one is out of sight, the same, or linked like this already.
    """
    base.require_on(actor, PERMISSION, ticket)
    base.require_unmerged(ticket)
    found = common.get_by_number(other)
    if found is None:
        raise DomainError(_("There is no such ticket."), field="other")
    one, two = (found, ticket) if back else (ticket, found)
    link = Link(
        client_id=one.client_id,
        ticket_id=one.id,
        other_client_id=two.client_id,
        other_id=two.id,
        kind=kind,
        created_by_id=actor.id if actor else None,
    )
    with base.saying(REFUSALS):
        db.session.add(link)
    _note("ticket.linked", one, kind, two)
    _note("ticket.linked", two, kind, one)
    return link


def remove(actor: SignedIn | None, ticket: Ticket, link_id: int) -> None:
    """Take a link of a ticket away.

    Raises:
        Denied: if the actor may not link this ticket.
        DomainError: if there is no such link any more.
    """
    base.require_on(actor, PERMISSION, ticket)
    link = relations.get_link(link_id, ticket_id=ticket.id)
    if link is None:
        raise DomainError(_("This link is gone already."))
    ends = {one.id: one for one in common.get_many([link.ticket_id, link.other_id])}
    db.session.delete(link)
    db.session.flush()
    for here, there in ((link.ticket_id, link.other_id), (link.other_id, link.ticket_id)):
        _note("ticket.unlinked", ends[here], link.kind, ends[there])


def _note(action: str, ticket: Ticket, kind: LinkKind, other: Ticket) -> None:
    """Tell a ticket's history, which is read without that of the link."""
    trail.note(
        action,
        object_type="ticket",
        object_id=ticket.id,
        object_label=ticket.audit_label,
        client_id=ticket.client_id,
        changes={"link": kind.value, "other": f"#{other.number}"},
    )
