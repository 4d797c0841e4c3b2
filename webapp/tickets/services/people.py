"""Who works on a ticket and who follows it."""

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.organisation import tree
from webapp.tickets import telling
from webapp.tickets.models import Status, Ticket, Watcher
from webapp.tickets.queries import people as queries
from webapp.tickets.services import base, messages, status


def assign(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    assignee_id: int | None,
    team_id: int | None,
    note: str | None = None,
) -> None:
    """Give a ticket to a person and a team (None: nobody, none); ``note`` becomes an internal note.

    Raises:
        Denied: if the actor may not assign it.
        DomainError: if the person is not active or cannot see the ticket, or there is no such team.
    """
    base.require_on(actor, "tickets.assign", ticket)
    _give(actor, ticket, assignee_id=assignee_id, team_id=team_id, note=(note or "").strip())


def _give(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    assignee_id: int | None,
    team_id: int | None,
    note: str = "",
) -> None:
    status.require_changeable(ticket)
    check(ticket, assignee_id=assignee_id, team_id=team_id, was=ticket)
    someone_else = assignee_id is not None and assignee_id != ticket.assignee_id
    another_team = assignee_id is None and team_id is not None and team_id != ticket.team_id
    had_it = ticket.assignee_id
    if (assignee_id, team_id) != (ticket.assignee_id, ticket.team_id):
        trail.tell(ticket, "ticket.assigned")
        with base.saying():
            ticket.assignee_id, ticket.team_id = assignee_id, team_id
    if note:
        messages.post(actor, ticket, body=note, is_note=True)
    if someone_else or another_team:
        telling.assigned(ticket, actor, note=note)
    telling.taken(ticket, actor, had_it=had_it)


def check(
    place: queries.Lying,
    *,
    assignee_id: int | None,
    team_id: int | None,
    was: Ticket | None = None,
) -> None:
    """Refuse a person who is not active or cannot see what lies there, and a team that is gone.

    What the ticket ``was`` given to already is not asked again.

    Raises:
        DomainError: naming the field.
    """
    kept = was is not None and assignee_id == was.assignee_id
    if assignee_id is not None and not kept and not queries.can_see(place, [assignee_id]):
        raise DomainError(_("Choose somebody who can see this ticket."), field="assignee_id")
    kept = was is not None and team_id == was.team_id
    if team_id is not None and not kept and not queries.is_live_team(team_id):
        raise DomainError(_("Choose one of the list."), field="team_id")


def may_take(actor: SignedIn, ticket: Ticket) -> bool:
    """Tell whether somebody may take a ticket: whoever assigns tickets there, or works on them."""
    place = tree.place_of(ticket.client_id, ticket.project_id)
    return actor.can("tickets.assign", on=place) or actor.can("tickets.edit", on=place)


def require_may_take(actor: SignedIn, ticket: Ticket) -> None:
    """Refuse who may not.

    Raises:
        Denied: if the actor neither assigns tickets there nor works on them.
    """
    if not may_take(actor, ticket):
        raise Denied(_("Your permission does not reach this ticket."), key="tickets.assign")


def take(actor: SignedIn, ticket: Ticket, *, seen: int | None = -1) -> None:
    """Assign a ticket to oneself; a new one becomes open, if the workflow lets it.

    ``seen`` is who had it when the person looked (None: nobody; below 0: it does not matter).

    Raises:
        Denied: if the actor neither assigns tickets there nor works on them.
        DomainError: if it is closed, or somebody else took it since the person looked.
    """
    require_may_take(actor, ticket)
    by_now = ticket.assignee_id
    if by_now not in (actor.id, None, seen) and (seen is None or seen > 0):
        name = queries.name_of(ticket.assignee_id) or _("Somebody else")
        raise DomainError(_("%(name)s took it meanwhile.", name=name))
    _give(actor, ticket, assignee_id=actor.id, team_id=ticket.team_id)
    if ticket.status == Status.NEW:
        _begin(actor, ticket)


def _begin(actor: SignedIn, ticket: Ticket) -> None:
    try:
        status.apply(actor, ticket, Status.OPEN)
    except (
        DomainError
    ):  # a workflow in which a new ticket does not become open, or not by this person
        ticket.audit_told = None


def watch(actor: SignedIn, ticket: Ticket, *, user_id: int, on: bool = True) -> None:
    """Have a person follow a ticket, or not any more: oneself, or others by who may change the ticket.

    Raises:
        Denied: if it is somebody else, and the actor may not change the ticket.
        DomainError: if the person is not active or cannot see the ticket, or the ticket was merged.
    """
    if user_id != actor.id:
        base.require_on(actor, "tickets.edit", ticket)
    row = queries.find_watcher(ticket.id, user_id)
    if on == (row is not None):
        return
    # Of the ticket: the row may be gone one day, and the history would not find it.
    who = "" if user_id == actor.id else queries.name_of(user_id)
    told = {"object_type": "ticket", "object_id": ticket.id, "object_label": who}
    if row is not None:
        trail.tell(row, "ticket_watcher.deleted", **told)
        db.session.delete(row)
        db.session.flush()
        return
    base.require_unmerged(ticket)
    if not queries.can_see(ticket, [user_id]):
        raise DomainError(_("Choose somebody who can see this ticket."), field="user_id")
    row = Watcher(client_id=ticket.client_id, ticket_id=ticket.id, user_id=user_id)
    trail.tell(row, "ticket_watcher.created", **told)
    with base.saying():
        db.session.add(row)
