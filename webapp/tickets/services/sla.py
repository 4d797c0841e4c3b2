"""Service levels of a ticket: when its targets are due, and when its clocks stand."""

from webapp.tickets.models import Ticket


def begin(ticket: Ticket) -> None:
    """Choose the policy of a new ticket and set when its targets are due."""


def refresh(ticket: Ticket) -> None:
    """Choose the policy anew and set the times again: after a change of client, kind or priority."""


def status_changed(ticket: Ticket) -> None:
    """Let the clocks stand or go on, as the ticket's new status has it."""


def responded(ticket: Ticket) -> None:
    """Note the first public reply by the desk; later ones change nothing."""
