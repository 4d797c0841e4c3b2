"""Undoing for real: as one change, by the services, with their permissions and their rows of the log."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.exc import IntegrityError

from webapp.audit.queries.search import SAYS_IT_ALL
from webapp.core import trail
from webapp.core.bulk import Told
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _, english
from webapp.oversight.undoing.kinds import KINDS, Context
from webapp.oversight.undoing.steps import Changed, NotWhole, Plan, Step

UNDONE = "audit.undone"
LOT = 200  # steps after which the log is written out
REASON = "Undoing request %(request)s: %(reason)s"  # ``audit.reasons`` has it translated


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What the person saw, and what they agreed to leave: the marks of a preview."""

    seen: str
    part: bool = False
    agreed: str = ""


def undo(
    ctx: Context,
    planned: Callable[[], Plan],
    consent: Consent,
    *,
    event_id: int | None = None,
    told: Told | None = None,
) -> Plan:
    """Take it back: all of it, or what the person agreed to take back; return what was done.

    Raises:
        Changed: if things are not what the preview showed.
        NotWhole: if some of it cannot be undone, and nobody agreed to leave exactly that; nothing is changed then.
    """
    ctx.reason = _reason(ctx)
    plan = planned()
    if plan.seal != consent.seen:
        raise Changed(plan)
    tried = plan.ready
    if not tried or not (plan.whole or consent.part):
        _note_denied(plan.refused)
        raise NotWhole(plan)
    with db.session.begin_nested() as trial:
        done = _carry_out(ctx, tried, told)
        if refused := not done or not (plan.whole or consent.agreed == plan.agreement):
            trial.rollback()
    if refused:
        _note_denied(plan.refused)
        raise NotWhole(plan)
    _note_denied(tried)  # what somebody agreed to leave was not tried
    trail.because(ctx.reason)
    clients = {step.row.client_id for step in done}
    trail.note(
        UNDONE,
        client_id=clients.pop() if len(clients) == 1 else None,
        changes={"request": plan.request_id, "steps": len(done)}
        | ({"event": event_id} if event_id else {})
        | _about(done),
    )
    return plan


def _about(done: Iterable[Step]) -> dict[str, Any]:
    """The one thing that was set back, by its name; texts are not told."""
    rows = [step.row for step in done]
    things = {(row.object_type, row.object_id) for row in rows}
    if len(things) != 1 or rows[0].object_type in SAYS_IT_ALL or not rows[0].object_label:
        return {}
    return {"object_type": rows[0].object_type, "object": rows[0].object_label}


def _note_denied(steps: Iterable[Step]) -> None:
    """Keep in the log that a permission was missing, as if its page had refused: once for each permission."""
    for key, step in {step.missing: step for step in steps if step.missing is not None}.items():
        trail.note(
            "access.denied",
            category="access",
            outcome="denied",
            object_type=step.row.object_type,
            object_id=step.row.object_id,
            object_label=step.row.object_label,
            client_id=step.row.client_id,
            reason=english(step.why or ""),
            changes={"missing": key} if key else {},
        )


def _reason(ctx: Context) -> str:
    return REASON % {"request": ctx.request_id or "?", "reason": ctx.reason}


def _carry_out(ctx: Context, steps: list[Step], told: Told | None) -> list[Step]:
    """Try each step; note why one is refused."""
    done = []
    for number, step in enumerate(steps, 1):
        step.why = _try(ctx, step)
        if step.why is None:
            done.append(step)
        if told is not None:
            told(number, len(steps))
            if number % LOT == 0:
                trail.write_out()
    return done


def _try(ctx: Context, step: Step) -> str | None:
    trail.because(ctx.reason)
    try:
        with db.session.begin_nested():
            KINDS[step.kind].apply(ctx, step)
            trail.because(ctx.reason)  # some services have a reason of their own
            db.session.flush()
    except DomainError as error:
        if isinstance(error, Denied):
            step.missing = error.key or ""
        return error.message
    except IntegrityError:
        return _("A rule of the database forbids it.")
    return None
