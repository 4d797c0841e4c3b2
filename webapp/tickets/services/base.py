"""What every change of a ticket needs: rights on its place, words for what the database refuses."""

from collections.abc import Iterator
from contextlib import contextmanager

from webapp.access.identity import SignedIn
from webapp.core import refusals
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.organisation import tree
from webapp.tickets.models import Ticket

# What the database refuses: the words for the person, and the field that they belong to.
REFUSALS: refusals.Refusals = {
    "priority_reason": (
        _("This is not the priority that impact and urgency give. Say why."),
        "priority_reason",
    ),
    "ticket_transition": (_("A ticket with this status cannot get that one."), "status"),
    "ticket_transition_role": (
        _("None of your roles may change the status this way."),
        "status",
    ),
    "ck_tickets_resolution_given": (_("Say how it was resolved."), "resolution"),
    "fk_tickets_asset_id_assets": (_("Choose one of the list."), "asset_id"),
    "fk_tickets_requester_contact_id_contacts": (
        _("Choose one of the list."),
        "requester_contact_id",
    ),
    "fk_tickets_requester_user_id_users": (_("Choose one of the list."), "requester_user_id"),
    "fk_tickets_assignee_id_users": (_("Choose one of the list."), "assignee_id"),
    "fk_tickets_team_id_teams": (_("Choose one of the list."), "team_id"),
    "fk_tickets_project": (_("This client has no such project."), "project_id"),
    "fk_tickets_client_id_clients": (_("Choose one of the list."), "client_id"),
    "fk_tickets_merged_into_id_tickets": (_("There is no such ticket of this client."), None),
    "fk_ticket_merges_source": (_("It was merged with others of its client, so it stays."), None),
    "fk_ticket_merges_target": (_("It was merged with others of its client, so it stays."), None),
    "parent_deleted": (_("The client or the project is deleted. Restore that first."), None),
}


def require_on(actor: SignedIn | None, permission: str, ticket: Ticket) -> None:
    """Refuse unless the actor (None: the system) holds ``permission`` where the ticket lies.

    Raises:
        Denied: if no grant covers it.
    """
    if actor is not None and not actor.can(
        permission, on=tree.place_of(ticket.client_id, ticket.project_id)
    ):
        raise Denied(_("Your permission does not reach this ticket."), key=permission)


def require_unmerged(ticket: Ticket) -> None:
    """Refuse to add anything to a ticket that only points to another one.

    Raises:
        DomainError: if the ticket was merged.
    """
    if ticket.merged_into_id is not None:
        raise DomainError(_("This ticket was merged into another one. Do it there."))


@contextmanager
def saying(more: refusals.Refusals | None = None) -> Iterator[None]:
    """Flush what happens inside; turn the database's refusal into words, those of ``more`` first."""
    with refusals.told({**REFUSALS, **(more or {})}):
        yield
