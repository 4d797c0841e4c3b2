"""Changes of more tickets than somebody waits for: the same, done by a job as one transaction."""

from typing import Any

from webapp.access.identity import SignedIn
from webapp.core.errors import DomainError
from webapp.core.language import _, format_number
from webapp.jobs import queue
from webapp.tickets.bulk_schemas import BulkChange
from webapp.tickets.queries import bulk as queries
from webapp.tickets.services import bulk

PAGE = "tickets"


@queue.task("tickets.change_many", attempts=2, minutes=15)
def change_many(progress: queue.Progress, *, command: dict[str, Any]) -> None:
    """Change them as the person who saw the preview, if they still are what it showed."""
    outcome = bulk.apply(_actor(progress), BulkChange.model_validate(command), told=progress.tell)
    if not outcome.changed:
        raise DomainError(_("None of those selected would be different afterwards."))


@queue.task("tickets.undo_many", attempts=2, minutes=15)
def undo_many(progress: queue.Progress, *, request_id: str) -> None:
    """Set back what is still as the request left it."""
    if not bulk.undo(_actor(progress), request_id, told=progress.tell).changed:
        raise DomainError(_("Everything is as it was before, or changed since."))


def _actor(progress: queue.Progress) -> SignedIn:
    assert progress.actor is not None  # noqa: S101 # nosec B101 - for the type checker
    return progress.actor


def start_change(actor: SignedIn, command: BulkChange, *, url: str) -> int | None:
    """Have a job make the change, if it is about many tickets: return its id; ``url`` shows what came of it.

    Raises:
        Changed: if the tickets are not what the preview showed.
    """
    count = bulk.count(actor, command)
    if count <= bulk.AT_ONCE:
        return None
    return queue.defer(
        change_many,
        title=str(_("Change %(n)s tickets", n=format_number(count))),
        user_id=actor.id, page=PAGE, url=url, lock=f"{PAGE}:many:{actor.id}",
        command=command.model_dump(mode="json"),
    )  # fmt: skip


def start_undo(actor: SignedIn, request_id: str, *, url: str) -> int | None:
    """Have a job undo a change, if that was about many tickets: return its id."""
    count = len(queries.LOG.changes_of(request_id, actor.id, limit=2 * bulk.AT_ONCE + 1))
    if count <= bulk.AT_ONCE:
        return None
    return queue.defer(
        undo_many,
        title=str(_("Undo a change of many tickets")),
        user_id=actor.id, page=PAGE, url=url, lock=f"{PAGE}:many:{actor.id}",
        request_id=request_id,
    )  # fmt: skip
