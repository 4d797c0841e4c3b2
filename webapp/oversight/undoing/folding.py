"""The rows of a request together: what they did to each thing in the end. Plain functions, no database."""

from collections.abc import Sequence
from typing import Any

from webapp.audit.sentences import pair
from webapp.core.language import _
from webapp.oversight.undoing import effects
from webapp.oversight.undoing.effects import effect_of, why_left
from webapp.oversight.undoing.steps import OPPOSITE, Effect, Left, Pair, Step

CAME_AND_WENT = _("It came and went within the request, so nothing of it is left to undo.")


def fold(rows: Sequence[Any], *, single: bool = False) -> tuple[list[Step], list[Left]]:
    """Return a step for each thing that is different since, the last change first; and the rows without one."""
    merged = not single and any(row.action in effects.MERGES for row in rows)
    found: dict[tuple[str, Any], list[tuple[Any, Effect]]] = {}
    without = []
    for row in rows:
        effect = None if _goes_along(row, merged=merged) else effect_of(row)
        if effect is None:
            without.append(row)
        else:
            found.setdefault((effect.kind, effect.key), []).append((row, effect))
    left, steps = [], []
    for parts in found.values():
        step = _together(parts)
        if step is None:
            left += [Left(row=row, why=CAME_AND_WENT, blocks=False) for row, _effect in parts]
        else:
            steps.append(step)
    _note_states(steps, rows)
    for row in without:
        told = _goes_along(row, merged=merged)
        why, blocks = (effects.WITH_MERGE, False) if told else why_left(row, among=bool(found))
        left.append(Left(row=row, why=why, blocks=blocks))
    steps.sort(key=lambda step: (step.row.recorded_at, step.row.id), reverse=True)
    return steps, left


def _goes_along(row: Any, *, merged: bool) -> bool:
    """Tell whether a row is part of a merge, which is taken back as one."""
    return (
        merged and row.action not in effects.MERGES and row.object_type in effects.MOVED_BY_MERGES
    )


def _together(parts: Sequence[tuple[Any, Effect]]) -> Step | None:
    first, last = parts[0][1], parts[-1][1]
    if (first.did, last.did) in (("created", "deleted"), ("deleted", "created")):
        return None
    did = "created" if first.did == "created" else last.did
    fields: dict[str, Pair] = {}
    for _row, effect in parts:
        for name, (old, new) in effect.fields.items():
            fields[name] = (fields[name][0] if name in fields else old, new)
    if did == "updated":
        fields = {name: pair for name, pair in fields.items() if pair[0] != pair[1]} or fields
    rows = [row for row, _effect in parts]
    return Step(kind=last.kind, key=last.key, verb=OPPOSITE[did], fields=fields, rows=rows)


def _note_states(steps: Sequence[Step], rows: Sequence[Any]) -> None:
    """Whoever hands an asset out changes its status, too; taking that back needs the status from before."""
    before = {
        row.object_id: pair(row.changes["status"])[0]
        for row in rows
        if row.action == "asset.followed" and "status" in row.changes
    }
    for step in steps:
        if step.kind == "custody" and step.key in before:
            step.context["status"] = before[step.key]


def outermost_first(steps: list[Step]) -> list[Step]:
    """Assets move with all inside them: what contains others goes first, and is archived last. Needs the records."""
    mine = [step for step in steps if step.kind == "asset"]
    up = {step.key: _parent(step) for step in mine}

    def depth(step: Step) -> int:
        key, above = up[step.key], 0
        while key in up and above < len(up):
            key, above = up[key], above + 1
        return above

    removed = sorted((s for s in mine if s.verb == "remove"), key=depth, reverse=True)
    others = sorted((s for s in mine if s.verb != "remove"), key=depth)
    ordered = iter([*removed, *others])
    return [next(ordered) if step.kind == "asset" else step for step in steps]


def _parent(step: Step) -> Any:
    """What contains it: when it is back, or else as it is now."""
    if step.verb == "change" and "parent_id" in step.fields:
        return step.fields["parent_id"][0]
    return getattr(step.record, "parent_id", None)
