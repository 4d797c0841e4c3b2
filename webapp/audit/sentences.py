"""What happened, as a sentence. Plain functions over a row of the log, in the reader's language; no database."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

from webapp.audit.fields import FIELDS
from webapp.core.language import N_, _, format_day, gettext, ngettext
from webapp.core.object_types import THE, title_of
from webapp.core.registry import find_entry

NOBODY = N_("Somebody")
NOTHING = "\N{EN DASH}"
MAX_FIELDS = 3
MAX_VALUE = 60


class Event(Protocol):
    """The columns of the log that a sentence is made of."""

    action: str
    outcome: str
    actor_id: int | None
    actor_name: str | None
    object_type: str | None
    object_id: int | None
    object_label: str | None
    path: str | None
    changes: dict[str, Any]


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


def label(event: Event) -> str:
    """Return what the row was about, by the name it had then."""
    if event.object_label:
        return event.object_label
    title = title_of(event.object_type)
    if event.object_id is not None:
        return f"{title} {event.object_id}"
    return title or gettext("something")


def field_title(name: str) -> str:
    """Return a column's name as people say it."""
    title = FIELDS.get(name)
    return gettext(title) if title else name.removesuffix("_id").replace("_", " ")


def shown(value: Any) -> str:
    """Return a value of a change as text."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value) or NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(part)}" for key, part in value.items()) or NOTHING
    return str(value)


def day_text(text: str) -> str:
    """Say a day that the log keeps as it is stored; what is no day stays as it is."""
    try:
        when = date.fromisoformat(text)
    except ValueError:
        return text
    return format_day(when)


def pair(change: Any) -> tuple[Any, Any]:
    """Return old and new value of a change; a note's plain value is new."""
    if isinstance(change, list) and len(change) == 2:  # noqa: PLR2004
        return change[0], change[1]
    return None, change


CATEGORY_TITLES = {
    "change": _("change"),
    "access": _("access"),
    "sign-in": _("sign-in"),
    "read": _("read"),
    "export": _("export"),
    "import": _("import"),
    "system": _("system"),
}

FILTER_WORDS = {
    "today": _("today"),
    "quarter": _("quarter"),
    "denied": _("denied"),
    "failed": _("failed"),
    "not-ok": _("not-ok"),
}


def _role(event: Event) -> str:
    old, new = pair(event.changes.get("role"))
    return shown(new or old)


def _assigned(event: Event) -> str:
    return gettext("gave %(label)s the role %(role)s", label=label(event), role=_role(event))


def _revoked(event: Event) -> str:
    return gettext("took the role %(role)s from %(label)s", label=label(event), role=_role(event))


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


def _log_read(event: Event) -> str:
    used = [
        f"{field_title(name)} {_filter(name, pair(value)[1])}"
        for name, value in event.changes.items()
    ]
    if event.object_type == "audit_event":
        return gettext("read entry %(number)s of the audit log", number=event.object_id)
    if not used:
        return gettext("read the audit log")
    return gettext("read the audit log (%(filters)s)", filters=", ".join(used))


def _filter(name: str, value: Any) -> str:
    known = CATEGORY_TITLES if name == "category" else FILTER_WORDS
    return str(known.get(value) or short(value))


def _failed(event: Event) -> str:
    return (
        gettext("met an error at %(path)s", path=event.path)
        if event.path
        else gettext("met an error")
    )


def _permissions_changed(event: Event) -> str:
    return gettext("changed what the role %(label)s gives", label=label(event))


def _asked(event: Event) -> str:
    key = next(
        (pair(event.changes[k])[1] for k in ("missing", "key", "page") if k in event.changes), None
    )
    entry = find_entry(str(key)) if key else None
    return gettext(
        "asked for access to %(what)s", what=entry.title if entry else key or label(event)
    )


def _the(event: Event, *, kind: str | None = None, name: str) -> str:
    """Return “the role Auditor”, with its article."""
    kind = event.object_type or kind or ""
    said = (
        gettext(THE[kind], label=name)
        if kind in THE
        else gettext("the %(kind)s %(label)s", kind=title_of(kind), label=name)
    )
    return said.strip()


def _updated(event: Event) -> str:
    names = [field_title(name) for name in event.changes]
    what = _the(event, name=label(event))
    if event.object_type == "user" and list(event.changes) == ["is_active"]:
        verb = "restored" if pair(event.changes["is_active"])[1] else "deactivated"
        said = SIMPLE[f"user.{verb}"]
        return gettext(said, label=label(event))
    if "deleted_at" in event.changes:
        verb = "archived" if event.object_type == "asset" else "deleted"
        said = VERBS[verb] if pair(event.changes["deleted_at"])[1] else VERBS["restored"]
        return gettext(said, what=what)
    if list(event.changes) == ["status"]:
        return _status_changed(event, what)
    if list(event.changes) == ["name"]:
        old, new = pair(event.changes["name"])
        return gettext(
            "renamed %(what)s to %(new)s", what=_the(event, name=short(old)), new=short(new)
        )
    listed = ", ".join(names[:MAX_FIELDS]) + (" …" if len(names) > MAX_FIELDS else "")
    if not listed:
        return gettext("changed %(what)s", what=what)
    return gettext("changed %(fields)s of %(what)s", fields=listed, what=what)


STATES = {
    "planned": N_("planned"),
    "in_stock": N_("in stock"),
    "in_use": N_("in use"),
    "in_repair": N_("in repair"),
    "retired": N_("retired"),
    "lost": N_("lost"),
    # of tickets
    "new": N_("new"),
    "open": N_("open"),
    "pending": N_("pending"),
    "on_hold": N_("on hold"),
    "resolved": N_("resolved"),
    "closed": N_("closed"),
}


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

SIMPLE = {
    "session.refused": N_("tried to sign in as %(label)s and was refused"),
    "session.ended": N_("signed %(label)s out of a browser"),
    "user.viewed": N_("looked at the page of %(label)s"),
    "access.explained": N_("asked what %(label)s may do"),
    "user.invited": N_("invited %(label)s"),
    "user.deactivated": N_("deactivated %(label)s"),
    "user.restored": N_("restored %(label)s"),
    "user.joined": N_("accepted the invitation of %(label)s"),
    "user.link_made": N_("made a link for %(label)s to choose a password"),
    "mail.sent": N_("mailed a link to %(label)s"),
    "mail.failed": N_("could not mail a link to %(label)s"),
    "role.copied": N_("copied a role to %(label)s"),
    "attachment.created": N_("added the file %(label)s"),
    "attachment.renamed": N_("renamed a file to %(label)s"),
    "attachment.deleted": N_("deleted the file %(label)s"),
    "attachment.restored": N_("restored the file %(label)s"),
    "attachment.made_main": N_("made %(label)s the main photo"),
    "attachment.downloaded": N_("downloaded the file %(label)s"),
    "attachment.purged": N_("removed the deleted file %(label)s for good"),
    "attachments.purged": N_("removed what was left of deleted files"),
    "asset.labelled": N_("printed labels"),
    "system.seed_started": N_("began to fill in the demo data"),
    "system.seeded": N_("filled in the demo data"),
    "system.purged": N_("removed what nobody needs any more"),
    "job.retried": N_("had the job %(label)s tried again"),
    "job.cancelled": N_("took the job %(label)s out of the queue"),
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
    "role.assigned": _assigned,
    "role.revoked": _revoked,
    "role.permissions_changed": _permissions_changed,
    "user.exported": _exported,
    "users.exported": _exported,
    "audit.read": _log_read,
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
        return gettext(said, what=_the(event, kind=kind, name=event.object_label or ""))
    what = f"{title_of(event.object_type or kind)} {event.object_label or ''}".strip()
    if not what:
        return gettext("did %(verb)s", verb=event.action)
    return gettext("did %(verb)s: %(what)s", verb=verb.replace("_", " "), what=what)


def short(value: Any) -> str:
    """Return a value as text that fits into a line."""
    text = shown(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
