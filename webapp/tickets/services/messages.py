"""What is said on a ticket."""

from collections.abc import Sequence

from webapp.access.identity import SignedIn
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.tickets.models import Message, Status, Ticket


class Arrived(DomainError):
    """Something was said since the person opened the ticket; they see it first and choose."""

    code = "arrived"

    def __init__(self) -> None:
        """Say so."""
        super().__init__(_("Something arrived since you opened this ticket. Nothing was sent."))


def post(
    actor: SignedIn | None,
    ticket: Ticket,
    *,
    body: str,
    is_note: bool = False,
    file_ids: Sequence[int] = (),
    seen: int | None = None,
    status: Status | None = None,
    resolution: str | None = None,
) -> Message:
    """Write a reply or note, with files that wait, and perhaps change the status with it.

    ``seen`` is the id of the last message that the person saw (None: do not look).

    Raises:
        Denied: if the actor may not answer, or not change the status.
        Arrived: if there are later messages than ``seen``.
        DomainError: if a rule refuses it.
    """
    raise NotImplementedError
