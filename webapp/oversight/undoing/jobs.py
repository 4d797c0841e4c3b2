"""Undoing more than somebody waits for: the same, by a job as one transaction."""

from webapp.access.identity import SignedIn
from webapp.core.errors import DomainError
from webapp.core.language import _, format_number
from webapp.jobs import queue
from webapp.oversight.undo_schemas import Undoing
from webapp.oversight.undoing import applying, planning
from webapp.oversight.undoing.kinds import Context
from webapp.oversight.undoing.steps import NotWhole, Plan

AT_ONCE = 100  # steps that are made while somebody waits


@queue.task("audit.undo_request", attempts=2, minutes=10)
def undo_request(progress: queue.Progress, *, request_id: str, command: dict[str, object]) -> None:
    """Undo a request as the person who saw the preview, if things still are what it showed."""
    assert progress.actor is not None  # noqa: S101 # nosec B101 - for the type checker
    asked = Undoing.model_validate(command)
    ctx = Context(actor=progress.actor, request_id=request_id, reason=asked.reason)
    try:
        applying.undo(
            ctx,
            lambda: planning.plan_request(ctx, lock=True),
            applying.Consent(seen=asked.seen, part=asked.part, agreed=asked.agreed),
            told=progress.tell,
        )
    except NotWhole as error:
        raise DomainError(_in_words(error.plan)) from error


def _in_words(plan: Plan) -> str:
    """Name the first thing that forbids it."""
    first = next(iter(plan.refused), None)
    if first is None:
        return str(_("Not all of this can be undone, so nothing was."))
    what = first.row.object_label or str(first.key)
    return str(
        _("Nothing was undone, because of “%(what)s”: %(why)s", what=what, why=first.why or "")
    )


def start(actor: SignedIn, plan: Plan, command: Undoing, *, url: str) -> int | None:
    """Have a job do it, if it is about many things: return its id; ``url`` shows what came of it."""
    if plan.request_id is None or len(plan.ready) <= AT_ONCE:
        return None
    return queue.defer(
        undo_request,
        title=str(_("Undo %(n)s changes", n=format_number(len(plan.ready)))),
        user_id=actor.id, page="audit", url=url, lock=f"audit:undo:{actor.id}",
        request_id=plan.request_id, command=command.model_dump(mode="json"),
    )  # fmt: skip
