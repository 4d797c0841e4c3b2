"""What happened, as a sentence. Plain functions over a row of the log; no database, no request."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from webapp.core.object_types import title_of
from webapp.core.registry import find_entry

NOBODY = "Somebody"
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
        return NOBODY
    return f"Steward ({name.removeprefix('system:')})" if name.startswith("system:") else name


def predicate(event: Event) -> str:
    """Return what they did, without their name: “gave Luis the role Auditor”."""
    if made := SPECIAL.get(event.action):
        return made(event)
    if simple := SIMPLE.get(event.action):
        return simple.format(label=label(event))
    return _generic(event)


def sentence(event: Event) -> str:
    """Return the whole sentence: “Ana Ruiz gave Luis the role Auditor”."""
    return f"{who(event)} {predicate(event)}"


def label(event: Event) -> str:
    """Return what the row was about, by the name it had then."""
    if event.object_label:
        return event.object_label
    title = title_of(event.object_type)
    return f"{title} {event.object_id}" if event.object_id is not None else title or "something"


def field_title(name: str) -> str:
    """Return a column's name as people say it."""
    if name in FIELDS:
        return FIELDS[name]
    return name.removesuffix("_id").replace("_", " ")


def shown(value: Any) -> str:
    """Return a value of a change as text."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value) or NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(part)}" for key, part in value.items()) or NOTHING
    return str(value)


def pair(change: Any) -> tuple[Any, Any]:
    """Return old and new value of a change; a note's plain value is new."""
    if isinstance(change, list) and len(change) == 2:  # noqa: PLR2004
        return change[0], change[1]
    return None, change


FIELDS = {
    "is_active": "active",
    "parent_id": "parent location",
    "contact_email": "contact address",
    "email": "e-mail address",
    "password_hash": "password",
    "timezone": "time zone",
    "locale": "language",
    "starts_on": "start",
    "ends_on": "end",
    "deleted_at": "deleted",
    "token_hash": "secret of the link",
    "created_by_id": "created by",
}


def _role(event: Event) -> str:
    old, new = pair(event.changes.get("role"))
    return shown(new or old)


def _assigned(event: Event) -> str:
    return f"gave {label(event)} the role {_role(event)}"


def _revoked(event: Event) -> str:
    return f"took the role {_role(event)} from {label(event)}"


def _about_self(mine: str, theirs: str) -> Callable[[Event], str]:
    """Say it the short way when people act on their own account."""

    def made(event: Event) -> str:
        own = event.actor_id is not None and (event.object_type, event.object_id) == (
            "user",
            event.actor_id,
        )
        return mine if own else theirs.format(label=label(event))

    return made


def _sessions_ended(event: Event) -> str:
    count, _ = pair(event.changes.get("sessions"))
    some = {None: "the sessions", 1: "one session"}.get(count, f"{count} sessions")
    return f"ended {some} of {label(event)}"


def _denied(event: Event) -> str:
    key = pair(event.changes.get("missing"))[1]
    entry = find_entry(str(key)) if key else None
    where = entry.title if entry else event.path or (event.object_label or "")
    return f"was refused: {where}" if where else "was refused"


def _exported(event: Event) -> str:
    rows = pair(event.changes.get("rows"))[1]
    what = {"user": "people", "users": "people"}.get(event.action.split(".")[0], "records")
    return f"exported {what}" + (f" ({rows} rows)" if rows is not None else "")


def _log_read(event: Event) -> str:
    used = [
        f"{field_title(name)} {_short(pair(value)[1])}" for name, value in event.changes.items()
    ]
    if event.object_type == "audit_event":
        return f"read entry {event.object_id} of the audit log"
    return "read the audit log" + (f" ({', '.join(used)})" if used else "")


def _failed(event: Event) -> str:
    return f"met an error at {event.path}" if event.path else "met an error"


def _permissions_changed(event: Event) -> str:
    return f"changed what the role {label(event)} gives"


def _asked(event: Event) -> str:
    key = next(
        (pair(event.changes[k])[1] for k in ("missing", "key", "page") if k in event.changes), None
    )
    entry = find_entry(str(key)) if key else None
    return f"asked for access to {entry.title if entry else key or label(event)}"


def _updated(event: Event) -> str:
    names = [field_title(name) for name in event.changes]
    what = f"{title_of(event.object_type)} {label(event)}".strip()
    if event.object_type == "user" and list(event.changes) == ["is_active"]:
        back = pair(event.changes["is_active"])[1]
        return f"{'restored' if back else 'deactivated'} {label(event)}"
    if "deleted_at" in event.changes:
        gone = pair(event.changes["deleted_at"])[1]
        return f"{'deleted' if gone else 'restored'} the {what}"
    if list(event.changes) == ["name"]:
        old, new = pair(event.changes["name"])
        return f"renamed the {title_of(event.object_type)} {_short(old)} to {_short(new)}"
    listed = ", ".join(names[:MAX_FIELDS]) + (" …" if len(names) > MAX_FIELDS else "")
    return f"changed {listed} of the {what}" if listed else f"changed the {what}"


SIMPLE = {
    "session.refused": "tried to sign in as {label} and was refused",
    "user.viewed": "looked at the page of {label}",
    "user.invited": "invited {label}",
    "user.deactivated": "deactivated {label}",
    "user.restored": "restored {label}",
    "user.joined": "accepted the invitation of {label}",
    "user.link_made": "made a link for {label} to choose a password",
    "mail.sent": "mailed a link to {label}",
    "mail.failed": "could not mail a link to {label}",
    "role.copied": "copied a role to {label}",
    "system.seed_started": "began to fill in the demo data",
    "system.seeded": "filled in the demo data",
}

SPECIAL: dict[str, Callable[[Event], str]] = {
    "session.opened": _about_self("signed in", "signed in as {label}"),
    "session.closed": _about_self("signed out", "signed {label} out of a browser"),
    "session.revoked": _sessions_ended,
    "user.password_changed": _about_self("chose a new password", "changed the password of {label}"),
    "user.password_reset": _about_self("chose a new password", "reset the password of {label}"),
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
        f"{kind}.{verb}"
        for kind in ("user", "role", "location", "client", "project")
        for verb in ("created", "updated", "deleted")
    ),
)


def _generic(event: Event) -> str:
    kind, _, verb = event.action.rpartition(".")
    what = f"{title_of(event.object_type or kind)} {event.object_label or ''}".strip()
    if verb == "updated":
        return _updated(event)
    if verb in {"created", "deleted"}:
        return f"{verb} the {what}"
    return f"did {verb.replace('_', ' ')}: {what}" if what else f"did {event.action}"


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
