"""A plan in words, for its page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from webapp.audit import sentences
from webapp.audit.queries import labels
from webapp.audit.wording import COVER, NOTHING, Named, field_title, short, worded
from webapp.core import object_types
from webapp.core.language import Text, _
from webapp.core.registry import find_entry
from webapp.oversight.masking import Mask
from webapp.oversight.undoing import stored
from webapp.oversight.undoing.effects import SCOPE
from webapp.oversight.undoing.steps import Left, Step

SHOWN = 100  # steps that the page names
QUIET = frozenset({"closed_at", "resolved_at", "reopened", "taken_at", "returned_at"})
HOLDERS = {"holder_user_id": "user", "holder_location_id": "location"}
REMOVED: dict[str, Text] = {
    "user": _("is deactivated"),
    "asset": _("is archived"),
    "user_role": _("is taken away again"),
    "team_member": _("leaves the team again"),
    "team_shift": _("is off duty again"),
    "ticket_watcher": _("does not follow any more"),
    "ticket_link": _("is not linked any more"),
}
BACK: dict[str, Text] = {
    "user_role": _("is given again"),
    "team_member": _("joins the team again"),
    "ticket_watcher": _("follows again"),
    "ticket_link": _("is linked again"),
}
DONE: dict[str, Text] = {
    "asset.checked_out": _("is taken back"),
    "asset.checked_in": _("is handed out again to who had it"),
    "asset.transferred": _("goes back to who had it before"),
    "ticket.merged": _("is separate again, as before the merge"),
    "ticket.merge_undone": _("is merged again"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """A step as people read it: what it is about, what becomes of it, and why not."""

    kind: str
    label: str
    url: str | None
    becomes: str | None
    changes: Sequence[tuple[str, str, str]]
    why: str | None
    later: Any
    later_said: str | None


def tell(steps: Iterable[Step]) -> list[Told]:
    """Return the first steps in words; all names are looked up at once."""
    few = list(steps)[:SHOWN]
    names = labels.names_of(row for step in few if not step.hidden for row in _telling(step))
    return [_told(step, names) for step in few]


def _telling(step: Step) -> Iterable[Any]:
    """What has numbers to be named: the rows, the later change, and the thing as it is now."""
    yield from step.rows
    if step.later is not None:
        yield step.later
    now = {name: _now(step, name) for name in step.fields if ":" not in name}
    if step.kind == "custody" and (held := step.context["now"]) is not None:
        now |= {name: getattr(held, name) for name in HOLDERS}
    kind, action = step.row.object_type, step.row.action
    yield SimpleNamespace(object_type=kind, action=action, changes=now)


def _told(step: Step, names: Any) -> Told:
    row = Named(step.row, dict(names))  # by the names of today: it is about what becomes of it
    thing = ("role", step.key) if step.kind == "role" else (row.object_type, row.object_id)
    changes = _holders(step, names) if _by_words(step) else list(_changes(step, row))
    return Told(
        kind=object_types.title_of(thing[0]),
        label=_label(step, names),
        url=object_types.url_of(*thing),
        becomes=_becomes(step),
        changes=changes,
        why=None if step.why is None else str(step.why),
        later=step.later,
        later_said=None
        if step.later is None
        else f"{sentences.who(step.later)} {sentences.predicate(Named(step.later, names))}",
    )


def _label(step: Step, names: Any) -> str:
    label = step.row.object_label or f"#{step.row.object_id}"
    if step.hidden and step.row.object_type == "ticket_message":
        return COVER
    if step.kind == "user_role":
        old, new = step.fields["role"]
        return f"{label}: {short(new or old)}{_where(step, names)}"
    if step.kind == "role":
        return step.record.name if step.record is not None else label
    if step.kind in ("team_member", "team_lead"):
        old, new = step.fields.get("member", (None, step.key[1]))
        return f"{label}: {short(new or old)}"
    if step.kind == "ticket_watcher":
        ticket = step.context.get("ticket")
        label = ticket.audit_label if ticket else label
        who = names.get(("user", step.key[1]))
        return f"{label}: {who}" if who else label
    return label


def _where(step: Step, names: Any) -> str:
    """The place in which a role holds; none: everywhere."""
    for name, key in zip(SCOPE, step.key[2:], strict=True):
        if key is not None:
            kind = name.removesuffix("_id")
            return f" ({names.get((kind, key)) or object_types.title_of(kind)})"
    return ""


def _holders(step: Step, names: Any) -> list[tuple[str, str, str]]:
    """Who has an asset now, and who has it then."""
    told = step.row.changes.get("holder")
    if step.kind != "custody" or step.hidden or not isinstance(told, list):
        return []
    held, now = step.context["now"], None
    for name, kind in HOLDERS.items() if held is not None else ():
        key = getattr(held, name)
        now = now if key is None else names.get((kind, key)) or f"#{key}"
    return [(field_title("holder"), short(now), short(told[0]))]


def _by_words(step: Step) -> bool:
    return step.verb != "change" or step.row.action in DONE


def _becomes(step: Step) -> str | None:
    """What becomes of it where that is no change of values."""
    if step.row.action in DONE:
        return str(DONE[step.row.action])
    if step.verb == "remove":
        return str(REMOVED.get(step.kind, _("is deleted")))
    if step.verb == "bring_back":
        return str(BACK.get(step.kind, _("is made again")))
    if "deleted_at" in step.fields:
        archives = step.fields["deleted_at"][0] is not None
        asset = step.kind == "asset"
        return str(
            (_("is archived") if asset else _("is deleted")) if archives else _("is restored")
        )
    return None


def _changes(step: Step, row: Named) -> Iterable[tuple[str, str, str]]:
    """Title, value now and value to come, of each field."""
    for name, (old, _new) in step.fields.items():
        if name == "deleted_at" or (name in QUIET and len(step.fields) > 1):
            continue
        if step.hidden:
            yield field_title(name), COVER, COVER
        elif ":" in name:  # what a role gives
            entry = find_entry(step.context.get("keys", {}).get(name) or "")
            title = str(entry.title) if entry else name
            yield title, _given(_now(step, name)), _given(old)
        else:
            yield field_title(name), _short(row, name, _now(step, name)), _short(row, name, old)


def _now(step: Step, name: str) -> Any:
    """What it is now: others may have changed it since."""
    new = step.fields[name][1]
    key = step.context.get("keys", {}).get(name)
    if key is not None:
        return key in step.context["held"]
    record = step.context["now"] if step.context.get("now") is not None else step.record
    return new if step.verb != "change" else stored.now(record, name, new)


def _given(value: Any) -> str:
    return str(_("given") if value else _("not given"))


def _short(row: Named, name: str, value: Any) -> str:
    text = worded(row, name, value)
    return (text if len(text) <= 200 else text[:199] + "…") or NOTHING  # noqa: PLR2004


def tell_left(left: Iterable[Left], mask: Mask) -> list[tuple[Any, str, str]]:
    """Return rows that stay, each with its sentence and why."""
    seen = [(one, mask.seen(one.row)) for one in list(left)[:SHOWN]]
    return [
        (row, f"{sentences.who(row)} {sentences.predicate(row)}", str(one.why)) for one, row in seen
    ]
