"""The life of a ticket: status, resolution, reopening."""

from webapp.access.identity import SignedIn
from webapp.tickets.models import Status, Ticket


def change(
    actor: SignedIn | None,
    ticket: Ticket,
    status: Status,
    *,
    resolution: str | None = None,
    reason: str | None = None,
) -> None:
    """Take a ticket to another status, if the table of transitions allows it to the actor.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if the change is not allowed, or a resolution is missing.
    """
    raise NotImplementedError
