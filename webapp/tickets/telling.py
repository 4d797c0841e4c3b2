"""Who is told what about a ticket. Each function defers its notices in the transaction of the change."""

from collections.abc import Iterable

from webapp.access.identity import SignedIn
from webapp.tickets.models import Message, Ticket


def opened(ticket: Ticket, actor: SignedIn | None) -> None:
    """Tell a new ticket's assignee, or its team where nobody has it."""


def assigned(ticket: Ticket, actor: SignedIn | None, *, note: str = "") -> None:
    """Tell who got the ticket; ``note`` is what whoever hands it over says."""


def replied(
    ticket: Ticket,
    message: Message,
    actor: SignedIn | None,
    *,
    mentioned: Iterable[int] = (),
) -> None:
    """Tell those who are mentioned, then assignee and watchers, but not the author."""


def status_changed(ticket: Ticket, actor: SignedIn | None) -> None:
    """Tell assignee and watchers that it was resolved or opened again."""


def sla_warned(ticket: Ticket, what: str) -> None:
    """Warn assignee, or else the team: ``what`` is "response" or "resolution"."""


def sla_breached(ticket: Ticket, what: str) -> None:
    """Tell assignee, who is on duty and the team's leads that a target is missed."""
