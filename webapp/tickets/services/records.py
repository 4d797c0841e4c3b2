"""Opening tickets and changing what they say."""

from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied
from webapp.core.language import _
from webapp.tickets import telling
from webapp.tickets.models import Level, Message, Priority, PriorityRule, Ticket, Watcher
from webapp.tickets.schemas import TicketDraft
from webapp.tickets.services import base, sla

FIELDS = (
    *("subject", "kind", "client_id", "project_id", "asset_id"),
    *("requester_user_id", "requester_contact_id", "impact", "urgency"),
)


def create(actor: SignedIn | None, command: TicketDraft) -> Ticket:
    """Open a ticket with its first message; ``actor`` is None where the system does.

    The message is the requester's, whoever types it. Who opens it watches it.

    Raises:
        Denied: if the actor may not open tickets there.
        DomainError: if a rule refuses it.
    """
    place = base.place_of(command.client_id, command.project_id)
    if actor is not None and not actor.can("tickets.create", on=place):
        raise Denied(_("Your permission does not reach this place."), key="tickets.create")
    given = priority_of(command.impact, command.urgency)
    priority = command.priority or given
    ticket = Ticket(
        priority=priority,
        priority_reason="" if priority == given else command.priority_reason or "",
        tags=list(command.tags),
        team_id=command.team_id,
        assignee_id=command.assignee_id,
        **{name: getattr(command, name) for name in FIELDS},
    )
    trail.tell(ticket, "ticket.opened")
    with base.saying():
        db.session.add(ticket)
    sla.begin(ticket)
    _first_message(actor, ticket, command.body)
    db.session.flush()
    telling.opened(ticket, actor)
    return ticket


def _first_message(actor: SignedIn | None, ticket: Ticket, body: str) -> None:
    author = ticket.requester_user_id or (
        None if ticket.requester_contact_id or actor is None else actor.id
    )
    message = Message(
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        author_id=author,
        contact_id=None if author else ticket.requester_contact_id,
        body=body,
    )
    trail.tell(message, "ticket.described")
    db.session.add(message)
    if actor is not None:
        db.session.add(Watcher(client_id=ticket.client_id, ticket_id=ticket.id, user_id=actor.id))


def priority_of(impact: Level, urgency: Level) -> Priority:
    """Return the priority that impact and urgency give, by the matrix in the database."""
    found = select(PriorityRule.priority).where(
        PriorityRule.impact == impact, PriorityRule.urgency == urgency
    )
    return db.session.scalars(found).one()
