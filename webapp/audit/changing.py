"""How the log tells changed columns with their values: “raised the priority of … from normal to high”."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.audit.wording import MAX_VALUE, NOTHING, Event, field_title, pair, phrase, tells_values
from webapp.core.language import N_, gettext, ngettext

MAX_PARTS = 3
_RANKS = {"urgent": 3, "high": 2, "normal": 1, "medium": 1, "low": 0}
RAISED = {
    "priority": (
        N_("raised the priority of %(what)s from %(old)s to %(new)s"),
        N_("lowered the priority of %(what)s from %(old)s to %(new)s"),
    ),
    "impact": (
        N_("raised the impact of %(what)s from %(old)s to %(new)s"),
        N_("lowered the impact of %(what)s from %(old)s to %(new)s"),
    ),
    "urgency": (
        N_("raised the urgency of %(what)s from %(old)s to %(new)s"),
        N_("lowered the urgency of %(what)s from %(old)s to %(new)s"),
    ),
}
# One changed value: from one to another, from nothing, to nothing.
OWN = {
    "status": (
        N_("changed the status of %(what)s from %(old)s to %(new)s"),
        N_("set the status of %(what)s to %(new)s"),
        N_("took the status %(old)s from %(what)s"),
    ),
    "assignee_id": (
        N_("passed %(what)s on from %(old)s to %(new)s"),
        N_("assigned %(what)s to %(new)s"),
        N_("took %(what)s from %(old)s and left it to nobody"),
    ),
    "team_id": (
        N_("gave %(what)s from the team %(old)s to the team %(new)s"),
        N_("gave %(what)s to the team %(new)s"),
        N_("took %(what)s from the team %(old)s"),
    ),
}
ONE = (
    N_("changed %(field)s of %(what)s from %(old)s to %(new)s"),
    N_("set %(field)s of %(what)s to %(new)s"),
    N_("removed %(field)s of %(what)s, which was %(old)s"),
)
MOVED = (
    N_("moved %(what)s from %(old)s to %(new)s"),
    N_("moved %(what)s to %(new)s"),
    N_("took %(what)s out of %(old)s"),
)
HEADS = (
    "priority",
    "status",
    "assignee_id",
)  # what a change of several values is about, if it is among them
MOVES = ("client_id", "project_id", "location_id", "parent_id")  # the widest first


@dataclass(kw_only=True, slots=True)  # frozen, it takes three times as long to make
class Part:
    """One changed value."""

    field: str
    title: str
    old: Any
    new: Any

    @property
    def long(self) -> bool:
        """True for texts that no sentence can hold."""
        return any(
            isinstance(one, str) and (len(one) > MAX_VALUE or "\n" in one) for one in self.ends
        )

    @property
    def ends(self) -> tuple[Any, Any]:
        """Both values."""
        return self.old, self.new

    @property
    def lists(self) -> bool:
        """True for lists of plain values, of which some came and some went."""
        return any(isinstance(one, list) for one in self.ends) and all(
            one is None or (isinstance(one, list) and not any(isinstance(v, dict) for v in one))
            for one in self.ends
        )


def parts_of(changes: Mapping[str, Any]) -> Iterator[Part]:
    """Yield each changed value; of attributes those that differ, one by one."""
    for name, change in changes.items():
        old, new = pair(change)
        if not (isinstance(old, Mapping) or isinstance(new, Mapping)):
            yield Part(field=name, title=field_title(name), old=old, new=new)
            continue
        before, after = (one if isinstance(one, Mapping) else {} for one in (old, new))
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                title = key.replace("_", " ")
                yield Part(field=key, title=title, old=before.get(key), new=after.get(key))


def change_told(event: Event, what: str) -> str | None:
    """Return what a change did to ``what`` with its values; None where they are not known, or covered."""
    if not tells_values(event):
        return None
    parts = list(parts_of(event.changes))
    if not parts:
        return None
    if all(part.field in MOVES for part in parts):
        return _moved(event, parts, what)
    return _one(event, parts[0], what) if len(parts) == 1 else _several(event, parts, what)


def _form(old: Any, new: Any) -> int:
    """Which of three sentences: from one to another, from nothing, to nothing."""
    if new in (None, "", []):
        return 2
    return 1 if old in (None, "", []) else 0


def _moved(event: Event, parts: list[Part], what: str) -> str:
    ordered = sorted(parts, key=lambda part: MOVES.index(part.field))
    sides = [
        ", ".join(
            phrase(event, part.field, part.ends[side])
            for part in ordered
            if part.ends[side] is not None
        )
        for side in (0, 1)
    ]
    said = MOVED[_form(*sides)]
    return gettext(said, what=what, old=sides[0] or NOTHING, new=sides[1] or NOTHING)


def _one(event: Event, part: Part, what: str) -> str:
    if part.lists:
        return _list_changed(event, part, what)
    old, new = (phrase(event, part.field, value) for value in part.ends)
    said = _said_of(part)
    return gettext(said, what=what, old=old, new=new, field=part.title, fields=part.title)


def _said_of(part: Part) -> str:
    """The sentence for one changed value."""
    said = OWN.get(part.field, ONE)[_form(*part.ends)]
    if part.field in RAISED and all(one in _RANKS for one in part.ends):
        up = _RANKS[part.new] > _RANKS[part.old]
        said = RAISED[part.field][0 if up else 1]
    elif any(isinstance(one, list) for one in part.ends):
        said = N_("changed %(fields)s of %(what)s")
    elif part.long:
        said = N_("changed the text “%(field)s” of %(what)s")
    elif isinstance(part.new, bool):
        on, off = (
            N_("switched “%(field)s” on for %(what)s"),
            N_("switched “%(field)s” off for %(what)s"),
        )
        said = on if part.new else off
    return said


def _list_changed(event: Event, part: Part, what: str) -> str:
    came, went = list_difference(part.old, part.new)
    values = {
        "field": part.title,
        "what": what,
        "came": phrase(event, part.field, came),
        "went": phrase(event, part.field, went),
    }
    if came and went:
        said = N_("added %(came)s to %(field)s of %(what)s and removed %(went)s")
    elif went:
        said = N_("removed %(went)s from %(field)s of %(what)s")
    else:
        said = N_("added %(came)s to %(field)s of %(what)s")
    return gettext(said, **values)


def list_difference(old: Any, new: Any) -> tuple[list[Any], list[Any]]:
    """Return what came into a list and what went out of it."""
    before, after = old or [], new or []
    return [one for one in after if one not in before], [one for one in before if one not in after]


def _several(event: Event, parts: list[Part], what: str) -> str:
    head = next((part for name in HEADS for part in parts if part.field == name), None)
    if head is not None and len(parts) <= MAX_PARTS + 1:
        rest = ", ".join([_brief(event, part) for part in parts if part is not head])
        told = _one(event, head, what)
        return gettext("%(told)s, with %(fields)s", told=told, fields=rest)
    told = ", ".join([_brief(event, part) for part in parts[:MAX_PARTS]])
    more = len(parts) - MAX_PARTS
    if more <= 0:
        return gettext("changed %(what)s: %(fields)s", what=what, fields=told)
    said = ngettext(
        "changed %(what)s: %(fields)s and one value more",
        "changed %(what)s: %(fields)s and %(num)s values more",
        more,
        what=what,
        fields=told,
    )
    return str(said)


def _brief(event: Event, part: Part) -> str:
    if part.long or isinstance(part.old, list) or isinstance(part.new, list):
        return part.title
    old, new = (phrase(event, part.field, value) for value in part.ends)
    said = (
        N_("%(field)s from %(old)s to %(new)s"),
        N_("%(field)s to %(new)s"),
        N_("%(field)s empty (was %(old)s)"),
    )[_form(*part.ends)]
    return gettext(said, field=part.title, old=old, new=new)
