"""What undoing rows of the log would do, and what forbids it: found out before anything is changed."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from webapp.access.identity import SignedIn
from webapp.core.language import _
from webapp.oversight.masking import Mask, mask_of
from webapp.oversight.undoing import reading
from webapp.oversight.undoing.effects import CUSTODY, effect_of
from webapp.oversight.undoing.folding import fold, outermost_first
from webapp.oversight.undoing.kinds import KINDS, Context, Kind
from webapp.oversight.undoing.kinds.base import NOT_REMOVED, OUT_OF_REACH
from webapp.oversight.undoing.steps import OPPOSITE, Effect, Plan, Step

PERMISSION = "audit.undo"
LATER = _("It was changed again since then.")
HIDDEN = _("Its values are not for you to see, so they are not for you to set back.")
NOT_HERE = _("Your permission to undo changes does not reach it.")


def everything_for(actor: SignedIn) -> bool:
    """Tell whether a role without a scope opens the log."""
    return any(grant.everywhere and "audit" in grant.pages for grant in actor.grants)


def is_ever_undone(row: Any) -> bool:
    """Tell whether what a row did can be taken back as far as the row alone tells: nothing is asked of the database."""
    effect = effect_of(row)
    if effect is None:
        return False
    kind, verb = KINDS[effect.kind], OPPOSITE[effect.did]
    if verb == "bring_back":
        own = type(kind)
        return own.bring_back is not Kind.bring_back or own.apply is not Kind.apply
    return verb == "change" or kind.removable


def plan_row(ctx: Context, row: Any, *, lock: bool = False) -> Plan:
    """Return what undoing one row would do."""
    rows = [row]
    if row.action in CUSTODY and row.request_id:  # the status is in a row beside it
        beside = reading.rows_of(row.request_id, everything=everything_for(ctx.actor))
        rows += [one for one in beside if one.action == "asset.followed"]
    steps, left = fold(rows, single=True)
    plan = Plan(
        request_id=row.request_id, steps=steps, left=left[:1] if not steps else (), single=True
    )
    return _judged(ctx, plan, [row], lock=lock)


def plan_request(ctx: Context, *, lock: bool = False) -> Plan:
    """Return what undoing all of a request would do; without steps and rows if it is not known."""
    assert ctx.request_id is not None  # noqa: S101 # nosec B101 - for the type checker
    rows = reading.rows_of(ctx.request_id, everything=everything_for(ctx.actor))
    plan = Plan(request_id=ctx.request_id, steps=[], more=len(rows) > reading.MOST)
    if plan.more or not rows:
        return plan.sealed()
    plan.steps, plan.left = fold(rows)
    return _judged(ctx, plan, rows, lock=lock)


def _judged(ctx: Context, plan: Plan, rows: Sequence[Any], *, lock: bool) -> Plan:
    steps = plan.steps
    if not steps:
        return plan.sealed()
    ctx.know(_clients(steps))
    for kind, mine in _by_kind(steps):
        kind.load(mine, lock=lock)
    steps = plan.steps = outermost_first(steps)
    ctx.know(getattr(step.record, "client_id", None) for step in steps)
    mask = mask_of(ctx.actor)
    _note_later(steps, rows, mask)
    for step in steps:
        step.hidden = any(mask.hides_row(row) for row in step.rows) or _moved_out(step, mask)
        step.why = _why_not(ctx, step)
    return plan.sealed()


def _moved_out(step: Step, mask: Mask) -> bool:
    """Tell whether the thing lies by now in another client, where its values are not for this reader."""
    now = getattr(step.record, "client_id", None)
    moved = now is not None and now != step.row.client_id
    return moved and mask.hides(step.row.object_type, now)


def _clients(steps: Iterable[Step]) -> Iterator[Any]:
    for step in steps:
        yield step.row.client_id
        yield from step.fields.get("client_id", ())


def _by_kind(steps: Iterable[Step]) -> Iterator[tuple[Kind, list[Step]]]:
    for name, mine in groupby(sorted(steps, key=lambda step: step.kind), lambda step: step.kind):
        yield KINDS[name], list(mine)


def _note_later(steps: Sequence[Step], rows: Sequence[Any], mask: Mask) -> None:
    """Find the last change of the same values after these rows."""
    since: dict[tuple[str, Any], list[tuple[Any, Effect]]] = {}
    for row in reading.later_than(rows):
        if effect := effect_of(row):
            since.setdefault((effect.kind, effect.key), []).append((row, effect))
    for step in steps:
        found = since.get((step.kind, step.key), ())
        later = next((row for row, effect in found if _touches(step, effect)), None)
        step.later = mask.seen(later) if later is not None else None


def _touches(step: Step, effect: Effect) -> bool:
    if step.verb != "change" or effect.did != "updated":
        return True
    return not step.fields.keys().isdisjoint(effect.fields)


def _why_not(ctx: Context, step: Step) -> str | None:
    kind = KINDS[step.kind]
    if step.hidden:
        return HIDDEN
    if not ctx.can(PERMISSION, kind.place(ctx, step)):
        step.missing = PERMISSION
        return NOT_HERE
    if step.verb == "remove" and not kind.removable:
        return NOT_REMOVED
    if step.later is not None:
        return LATER
    why = kind.why_not(ctx, step)
    if why is OUT_OF_REACH:
        step.missing = kind.lacking(ctx, step) or ""
    return why
