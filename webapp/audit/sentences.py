"""What happened, as a sentence. Plain functions over a row of the log, in the reader's language; no database.

A plain row is told by its label. Where the names of what its values point at are known (``Named``), so are the values.
"""

from collections.abc import Callable

from webapp.audit.actions import SIMPLE
from webapp.audit.changing import change_told, list_difference
from webapp.audit.fields import FIELDS
from webapp.audit.readings import CATEGORY_TITLES, log_read
from webapp.audit.ties import TIES
from webapp.audit.wording import (
    NOTHING,
    STATES,
    Event,
    cut,
    day_text,
    field_title,
    label,
    pair,
    phrase,
    short,
    shown,
    tells_values,
    the,
)
from webapp.core.language import N_, gettext, ngettext
from webapp.core.object_types import title_of
from webapp.core.registry import find_entry

__all__ = [
    "ACTIONS",
    "CATEGORY_TITLES",
    "FIELDS",
    "NOTHING",
    "SIMPLE",
    "SPECIAL",
    "STATES",
    "Event",
    "day_text",
    "field_title",
    "label",
    "pair",
    "predicate",
    "sentence",
    "short",
    "shown",
    "who",
]
NOBODY = N_("Somebody")
MAX_FIELDS = 3
PLACES = ("location_id", "client_id", "project_id")


def who(event: Event) -> str:
    """Return who acted, as a sentence starts with it."""
    name = event.actor_name
    if not name:
        return gettext(NOBODY)
    return f"Steward ({name.removeprefix('system:')})" if name.startswith("system:") else name


def predicate(event: Event) -> str:
    """Return what they did, without their name: “gave Luis the role Auditor”."""
    if made := SPECIAL.get(event.action):
        return made(event)
    if simple := SIMPLE.get(event.action):
        return gettext(simple, label=label(event))
    return _generic(event)


def sentence(event: Event) -> str:
    """Return the whole sentence: “Ana Ruiz gave Luis the role Auditor”."""
    return f"{who(event)} {predicate(event)}"


def _role(event: Event) -> str:
    old, new = pair(event.changes.get("role"))
    return shown(new or old)


def _given(here: str, there: str, everywhere: str) -> Callable[[Event], str]:
    """Tell of a role and who got or lost it; and where it counts, if that is known."""

    def made(event: Event) -> str:
        places = [name for name in PLACES if any(pair(event.changes.get(name)))]
        if not places or not tells_values(event):
            said = everywhere if tells_values(event) else here
            return gettext(said, label=label(event), role=_role(event))
        old, new = pair(event.changes[places[0]])
        where = phrase(event, places[0], old if new is None else new)
        return gettext(there, label=label(event), role=_role(event), place=where)

    return made


def _about_self(mine: str, theirs: str) -> Callable[[Event], str]:
    """Say it the short way when people act on their own account."""

    def made(event: Event) -> str:
        own = event.actor_id is not None and (event.object_type, event.object_id) == (
            "user",
            event.actor_id,
        )
        return gettext(mine) if own else gettext(theirs, label=label(event))

    return made


def _sessions_ended(event: Event) -> str:
    count = pair(event.changes.get("sessions"))[0]
    if not isinstance(count, int):
        return gettext("ended the sessions of %(label)s", label=label(event))
    ended = ngettext(
        "ended one session of %(label)s",
        "ended %(num)s sessions of %(label)s",
        count,
        label=label(event),
    )
    return str(ended)


def _denied(event: Event) -> str:
    key = pair(event.changes.get("missing"))[1]
    entry = find_entry(str(key)) if key else None
    where = entry.title if entry else event.path or (event.object_label or "")
    return gettext("was refused: %(where)s", where=where) if where else gettext("was refused")


def _exported(event: Event) -> str:
    rows = pair(event.changes.get("rows"))[1]
    people = event.action.split(".")[0] in {"user", "users"}
    if not isinstance(rows, int):
        return gettext("exported people") if people else gettext("exported records")
    if people:
        return str(
            ngettext("exported people (%(num)s row)", "exported people (%(num)s rows)", rows)
        )
    return str(ngettext("exported records (%(num)s row)", "exported records (%(num)s rows)", rows))


def _failed(event: Event) -> str:
    return (
        gettext("met an error at %(path)s", path=event.path)
        if event.path
        else gettext("met an error")
    )


def _permissions_changed(event: Event) -> str:
    came, went = [], []
    for name in ("pages", "permissions") if tells_values(event) else ():
        more, less = list_difference(*pair(event.changes.get(name)))
        came += [phrase(event, name, [one]) for one in more]
        went += [phrase(event, name, [one]) for one in less]
    values = {"label": label(event), "came": shown(came), "went": shown(went)}
    said = N_("changed what the role %(label)s gives")
    if came and went:
        said = N_("changed what the role %(label)s gives: %(came)s added, %(went)s taken out")
    elif came:
        said = N_("changed what the role %(label)s gives: %(came)s added")
    elif went:
        said = N_("changed what the role %(label)s gives: %(went)s taken out")
    return gettext(said, **values)


def _asked(event: Event) -> str:
    key = next(
        (pair(event.changes[k])[1] for k in ("missing", "key", "page") if k in event.changes), None
    )
    entry = find_entry(str(key)) if key else None
    return gettext(
        "asked for access to %(what)s", what=entry.title if entry else key or label(event)
    )


def _undone(event: Event) -> str:
    count, key = (pair(event.changes.get(name))[1] for name in ("steps", "request"))
    if not isinstance(count, int):
        return gettext("undid an earlier change")
    kind, name = (event.changes.get(field) for field in ("object_type", "object"))
    if isinstance(kind, str) and isinstance(name, str):
        what = the(event, kind=kind, name=cut(name))
        said = ngettext(
            "undid a change of %(what)s", "undid %(num)s changes of %(what)s", count, what=what
        )
        return str(said)
    said = ngettext(
        "undid one change of the request %(request)s",
        "undid %(num)s changes of the request %(request)s",
        count,
        request=short(key),
    )
    return str(said)


def _updated(event: Event) -> str:
    what = the(
        event, name=short(label(event)) if event.object_type == "ticket_message" else label(event)
    )
    covered = getattr(event, "covered", False)
    return (
        (None if covered else _one_thing(event, what))
        or change_told(event, what)
        or _plainly(event, what)
    )


def _one_thing(event: Event, what: str) -> str | None:
    """Tell the changes that have a verb of their own."""
    names = list(event.changes)
    if event.object_type == "user" and names == ["is_active"]:
        verb = "restored" if pair(event.changes["is_active"])[1] else "deactivated"
        return gettext(SIMPLE[f"user.{verb}"], label=label(event))
    if "deleted_at" in names:
        verb = "archived" if event.object_type == "asset" else "deleted"
        said = VERBS[verb] if pair(event.changes["deleted_at"])[1] else VERBS["restored"]
        return gettext(said, what=what)
    if names == ["status"]:
        return _status_changed(event, what)
    if names == ["origin_id"]:  # a merge or a split took it along
        return _written_on(event)
    if names == ["name"]:
        old, new = pair(event.changes["name"])
        was = the(event, name=short(old))
        return gettext("renamed %(what)s to %(new)s", what=was, new=short(new))
    return None


def _written_on(event: Event) -> str:
    old, new = pair(event.changes["origin_id"])
    message, ticket = short(label(event)), phrase(event, "origin_id", old if new is None else new)
    said = N_("noted on which ticket “%(label)s” was written")
    if tells_values(event):
        said = N_("noted that “%(label)s” was written on %(ticket)s")
    return gettext(said, label=message, ticket=ticket)


def _plainly(event: Event, what: str) -> str:
    """Tell the fields that were changed, without their values."""
    names = [field_title(name) for name in event.changes]
    listed = ", ".join(names[:MAX_FIELDS]) + (" …" if len(names) > MAX_FIELDS else "")
    if not listed:
        return gettext("changed %(what)s", what=what)
    return gettext("changed %(fields)s of %(what)s", fields=listed, what=what)


def _status_changed(event: Event, what: str) -> str:
    old, new = (
        gettext(STATES[value]) if value in STATES else short(value)
        for value in pair(event.changes["status"])
    )
    said = N_("changed %(what)s from “%(old)s” to “%(new)s”")
    return gettext(said, what=what, old=old, new=new)


VERBS = {
    "archived": N_("archived %(what)s"),
    "created": N_("created %(what)s"),
    "deleted": N_("deleted %(what)s"),
    "restored": N_("restored %(what)s"),
}

SPECIAL: dict[str, Callable[[Event], str]] = {
    "session.opened": _about_self(N_("signed in"), N_("signed in as %(label)s")),
    "session.closed": _about_self(N_("signed out"), N_("signed %(label)s out of a browser")),
    "session.revoked": _sessions_ended,
    "user.password_changed": _about_self(
        N_("chose a new password"), N_("changed the password of %(label)s")
    ),
    "user.password_reset": _about_self(
        N_("chose a new password"), N_("reset the password of %(label)s")
    ),
    "access.denied": _denied,
    "access.asked": _asked,
    **TIES,
    "role.assigned": _given(
        N_("gave %(label)s the role %(role)s"),
        N_("gave %(label)s the role %(role)s in %(place)s"),
        N_("gave %(label)s the role %(role)s everywhere"),
    ),
    "role.revoked": _given(
        N_("took the role %(role)s from %(label)s"),
        N_("took the role %(role)s in %(place)s from %(label)s"),
        N_("took the role %(role)s everywhere from %(label)s"),
    ),
    "role.permissions_changed": _permissions_changed,
    "user.exported": _exported,
    "users.exported": _exported,
    "audit.read": log_read,
    "audit.undone": _undone,
    "request.failed": _failed,
}

# What the log's filter offers; more actions than these may exist.
ACTIONS = (
    *SIMPLE,
    *SPECIAL,
    *(
        f"asset.{verb}"
        for verb in ("checked_out", "checked_in", "transferred", "extended", "followed")
    ),
    *(f"import.{verb}" for verb in ("uploaded", "checked", "applied", "removed", "rows_exported")),
    *("asset.bulk_changed", "asset.bulk_undone", "asset.left", "project.left"),
    *("ticket.bulk_changed", "ticket.bulk_undone", "ticket.bulk_said"),
    *(
        f"ticket.{verb}"
        for verb in (
            *(
                "opened",
                "updated",
                "assigned",
                "replied",
                "noted",
                "resolved",
                "closed",
                "reopened",
            ),
            *("merged", "merged_in", "merge_undone", "merged_out", "split", "split_off"),
            *("linked", "unlinked", "sla_warned", "sla_breached", "exported"),
            *("bulk_changed", "bulk_said", "bulk_undone"),
        )
    ),
    "tickets.imported",
    *(f"time.{verb}" for verb in ("added", "changed", "removed")),
    *(f"team.{verb}" for verb in ("joined", "left", "lead_made", "lead_ended")),
    *("team.on_duty", "team.off_duty", "sla_policy.target_set", "ticket_transition.updated"),
    *(
        f"{kind}.{verb}"
        for kind in (
            *("user", "role", "location", "client", "project", "asset", "asset_type"),
            *("team", "sla_policy", "business_hours", "canned_reply", "contact"),
        )
        for verb in ("created", "updated", "deleted")
    ),
)


def _generic(event: Event) -> str:
    kind, verb = event.action.rpartition(".")[::2]
    if verb == "updated":
        return _updated(event)
    if said := VERBS.get(verb):
        return gettext(said, what=the(event, kind=kind, name=event.object_label or ""))
    what = f"{title_of(event.object_type or kind)} {event.object_label or ''}".strip()
    if not what:
        return gettext("did %(verb)s", verb=event.action)
    return gettext("did %(verb)s: %(what)s", verb=verb.replace("_", " "), what=what)
