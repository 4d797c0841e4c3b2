"""Opening tickets and changing what they say."""

from collections.abc import Sequence

from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.organisation import tree
from webapp.organisation.tree import Place
from webapp.tickets import telling
from webapp.tickets.life_schemas import TicketEdit
from webapp.tickets.models import Level, Message, Priority, PriorityRule, Ticket, Watcher
from webapp.tickets.queries import people as people_queries
from webapp.tickets.queries import records as queries
from webapp.tickets.schemas import TicketDraft
from webapp.tickets.services import base, drafts, messages, people, sla, status

FIELDS = (
    *("subject", "kind", "client_id", "project_id", "asset_id"),
    *("requester_user_id", "requester_contact_id", "impact", "urgency"),
)
# A change of one of these may mean another service level.
OF_LEVEL = ("client_id", "kind", "priority")
TAKEN: dict[str, tuple[str, str | None]] = {
    "uq_tickets_external_ref": (
        _("Another ticket of this client has this reference."),
        "external_ref",
    )
}


def create(
    actor: SignedIn | None,
    command: TicketDraft,
    *,
    draft: str | None = None,
    file_ids: Sequence[int] = (),
) -> Ticket:
    """Open a ticket with its first message; ``actor`` is None where the system does.

    The message is the requester's, whoever types it. Who opens it watches it. ``draft`` is the key of what the
    actor typed so far; of the files that wait with it, these go with the message.

    Raises:
        Denied: if the actor may not open tickets there.
        DomainError: if a rule refuses it.
    """
    place = tree.place_of(command.client_id, command.project_id)
    if actor is not None and not actor.can("tickets.create", on=place):
        if command.project_id is None and _of_projects(actor):
            raise DomainError(
                _("Choose a project: your role is for some only."), field="project_id"
            )
        raise Denied(_("Your permission does not reach this place."), key="tickets.create")
    if actor is not None:
        _check_given(actor, command, place)
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
    sla.begin(ticket)
    with base.saying():
        db.session.add(ticket)
    body, mentioned = messages.said(ticket, command.body)
    message = _first_message(actor, ticket, body)
    db.session.flush()
    if actor is not None:
        drafts.send_new(actor, draft, message, file_ids=file_ids)
    telling.opened(ticket, actor)
    telling.described(ticket, message, actor, mentioned=mentioned)
    return ticket


def _of_projects(actor: SignedIn) -> bool:
    """Tell whether somebody may open tickets in single projects."""
    return any(
        grant.project_id is not None and "tickets.create" in grant.permissions
        for grant in actor.grants
    )


def _check_given(actor: SignedIn, command: TicketDraft, place: Place) -> None:
    """Refuse an assignee whom the actor may not choose, or who would not see the ticket; any live team will do."""
    mine = command.assignee_id == actor.id and actor.can("tickets.edit", on=place)
    if command.assignee_id and not (mine or actor.can("tickets.assign", on=place)):
        raise DomainError(_("You may not assign tickets there."), field="assignee_id")
    people.check(command, assignee_id=command.assignee_id, team_id=command.team_id)


def _first_message(actor: SignedIn | None, ticket: Ticket, body: str) -> Message:
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
    return message


def priority_of(impact: Level, urgency: Level) -> Priority:
    """Return the priority that impact and urgency give, by the matrix in the database."""
    found = select(PriorityRule.priority).where(
        PriorityRule.impact == impact, PriorityRule.urgency == urgency
    )
    return db.session.scalars(found).one()


def save(
    actor: SignedIn | None, ticket: Ticket, command: TicketEdit, *, version: int | None
) -> Ticket:
    """Change what a ticket says to what ``command`` says.

    Raises:
        Denied: if the actor may not change it, or not put it there.
        StaleVersion: if it was saved since ``version``.
        DomainError: if a rule refuses it, or it is closed.
    """
    base.require_on(actor, "tickets.edit", ticket)
    check_version(ticket, version)
    status.require_changeable(ticket)
    before = {name: getattr(ticket, name) for name in OF_LEVEL}
    if (command.client_id, command.project_id) != (ticket.client_id, ticket.project_id):
        _check_place(actor, ticket, command)
    with base.saying(TAKEN):
        for name in (*FIELDS, "external_ref"):
            if getattr(ticket, name) != getattr(command, name):
                setattr(ticket, name, getattr(command, name))
        _prioritise(ticket, command.priority, command.priority_reason)
        if ticket.tags != list(command.tags):
            ticket.tags = list(command.tags)
        db.session.flush()
        if any(getattr(ticket, name) != value for name, value in before.items()):
            sla.refresh(ticket)
    return ticket


def _check_place(actor: SignedIn | None, ticket: Ticket, command: TicketEdit) -> None:
    """Refuse a place out of reach, or one where what the ticket hangs on would be another client's."""
    place = tree.place_of(command.client_id, command.project_id)
    if actor is not None and not actor.can("tickets.edit", on=place):
        raise Denied(_("Your permission does not reach this place."), key="tickets.edit")
    if command.asset_id and not queries.is_asset_of(command.asset_id, command.client_id):
        raise DomainError(_("This client has no such asset."), field="asset_id")
    contact = command.requester_contact_id
    if contact and not queries.is_contact_of(contact, command.client_id):
        raise DomainError(_("This client has no such contact."), field="requester_contact_id")
    assignee = ticket.assignee_id
    if assignee and not people_queries.can_see(command, [assignee]):
        raise DomainError(
            _("Whoever has this ticket would not see it there. Give it to somebody else first."),
            field="client_id",
        )


def prioritise(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    impact: Level,
    urgency: Level,
    priority: Priority | None = None,
    reason: str | None = None,
) -> None:
    """Change impact and urgency, and so the priority; another one than they give needs a reason.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if the reason is missing, or it is closed.
    """
    base.require_on(actor, "tickets.edit", ticket)
    status.require_changeable(ticket)
    was = ticket.priority
    with base.saying():
        if (ticket.impact, ticket.urgency) != (impact, urgency):
            ticket.impact, ticket.urgency = impact, urgency
        _prioritise(ticket, priority, reason)
        db.session.flush()
        if ticket.priority != was:
            sla.refresh(ticket)


def _prioritise(ticket: Ticket, priority: Priority | None, reason: str | None) -> None:
    """Set the priority, which is what impact and urgency give unless there is a reason; the database insists."""
    with db.session.no_autoflush:  # impact alone would be refused before its priority is there
        given = priority_of(ticket.impact, ticket.urgency)
    wanted = priority or given
    said = "" if wanted == given else (reason or "").strip()
    if (ticket.priority, ticket.priority_reason) != (wanted, said):
        ticket.priority, ticket.priority_reason = wanted, said


def tag(actor: SignedIn | None, ticket: Ticket, tags: tuple[str, ...]) -> None:
    """Give a ticket these tags instead of those it has.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if it is closed.
    """
    base.require_on(actor, "tickets.edit", ticket)
    status.require_changeable(ticket)
    if ticket.tags != list(tags):
        with base.saying():
            ticket.tags = list(tags)
