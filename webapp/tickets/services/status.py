"""The life of a ticket: status, resolution, reopening. The table of transitions is kept by the database."""

from datetime import UTC, datetime

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation import tree
from webapp.tickets import mailing, telling
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import workflow
from webapp.tickets.services import base, sla

DONE = frozenset({Status.RESOLVED, Status.CLOSED})
# How the log tells a change; what is not here it tells as a change of the status.
TOLD = {Status.RESOLVED: "ticket.resolved", Status.CLOSED: "ticket.closed"}
MAX_RESOLUTION = 10_000


def change(
    actor: SignedIn | None,
    ticket: Ticket,
    status: Status,
    *,
    resolution: str | None = None,
    reason: str | None = None,
    mailed: bool = False,
) -> None:
    """Take a ticket to another status, if the table of transitions allows it to the actor.

    A resolved ticket says how it was resolved. One that is opened again forgets that, so that it is said anew; the
    history keeps it. A contact who asked gets the resolution by mail, unless a message is ``mailed`` with it.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if the change is not allowed, or a resolution is missing.
    """
    base.require_on(actor, "tickets.edit", ticket)
    apply(actor, ticket, status, resolution=resolution, reason=reason, mailed=mailed)


def apply(
    actor: SignedIn | None,
    ticket: Ticket,
    status: Status,
    *,
    resolution: str | None = None,
    reason: str | None = None,
    mailed: bool = False,
) -> None:
    """Do what ``change`` does for somebody whose right to it follows from another one, taking a ticket for example."""
    if ticket.merged_into_id is not None:
        raise DomainError(
            _("This ticket was merged into another one. Undo the merge first."), field="status"
        )
    if ticket.status == status:
        return
    said = (resolution or "").strip()
    if status in DONE and not (said or (ticket.status in DONE and ticket.resolution.strip())):
        raise DomainError(_("Say how it was resolved."), field="resolution")
    if actor is not None:
        _require_role(actor, ticket, status)
    was_done, is_done = ticket.status in DONE, status in DONE
    trail.because(reason)
    trail.tell(ticket, TOLD.get(status, "ticket.reopened" if was_done else "ticket.updated"))
    with base.saying():
        write(ticket, status, said)
        sla.status_changed(ticket)
    if was_done != is_done:
        telling.status_changed(ticket, actor)
    elif status == Status.PENDING:
        telling.asked(ticket, actor)
    if is_done and not (was_done or mailed):
        mailing.resolved([ticket])


def _require_role(actor: SignedIn, ticket: Ticket, status: Status) -> None:
    """Refuse unless a role that the change is kept for is held where the ticket lies."""
    needed = workflow.roles_for(ticket.status, status)
    place = tree.place_of(ticket.client_id, ticket.project_id)
    if needed and not needed & workflow.roles_at(actor, place):
        raise DomainError(_("None of your roles may change the status this way."), field="status")


def write(ticket: Ticket, status: Status, resolution: str) -> None:
    """Set a status with the times that go with it. Whether that is allowed, and the clocks, are the caller's."""
    now = datetime.now(UTC)
    was_done, is_done = ticket.status in DONE, status in DONE
    if is_done:
        ticket.resolution = resolution or ticket.resolution
        ticket.resolved_at = ticket.resolved_at or now
    elif was_done:
        ticket.resolution, ticket.resolved_at = "", None
        ticket.reopened += 1
    ticket.closed_at = now if status == Status.CLOSED else None
    ticket.status = status


def reopen(actor: SignedIn | None, ticket: Ticket, *, reason: str | None = None) -> None:
    """Open a resolved or closed ticket again, if the table of transitions allows it to the actor.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if it is open, was merged, or may not be opened again.
    """
    base.require_on(actor, "tickets.edit", ticket)
    if ticket.is_open:
        raise DomainError(_("This ticket is open already."))
    apply(actor, ticket, Status.OPEN, reason=reason)


def require_changeable(ticket: Ticket) -> None:
    """Refuse to change what a closed ticket says, who has it or what it hangs on: it is opened again for that.

    A resolved one can still be changed until it is closed.

    Raises:
        DomainError: if the ticket is closed, or was merged.
    """
    if ticket.merged_into_id is not None:
        raise DomainError(_("This ticket was merged into another one, so it stays as it is."))
    if ticket.status == Status.CLOSED:
        raise DomainError(_("This ticket is closed. Open it again to change it."))
