"""Who works on a ticket and who follows it."""

from webapp.access.identity import SignedIn
from webapp.tickets.models import Ticket


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
    raise NotImplementedError


def take(actor: SignedIn, ticket: Ticket) -> None:
    """Assign a ticket to oneself; a new one becomes open."""
    raise NotImplementedError


def watch(actor: SignedIn, ticket: Ticket, *, user_id: int, on: bool = True) -> None:
    """Have a person follow a ticket, or not any more."""
    raise NotImplementedError
