"""Tickets, first messages and log rows of an import, some hundred at once; nobody is told, as all this is long ago."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, select, update

from webapp.audit.models import AuditEvent
from webapp.core import trail
from webapp.core.db import db
from webapp.core.many import insert_many
from webapp.tickets.importing.history import Event, Facts, History
from webapp.tickets.importing.naming import Names
from webapp.tickets.models import Kind, Message, Status, Ticket
from webapp.tickets.models.conversation import Via

TICKET = cast("Table", Ticket.__table__)
MESSAGE = cast("Table", Message.__table__)
# What the log calls it, and the column that holds it.
COLUMNS = {"team": "team_id", "assignee": "assignee_id", "project": "project_id"}
# What goes together: of a field that somebody changed here nothing of its group is touched.
GROUPS = (
    ("subject",),
    ("status",),
    ("impact", "urgency", "priority", "priority_reason"),
    ("team",),
    ("assignee",),
    ("project",),
    ("tags",),
)
NEW: Mapping[str, Any] = {"resolution": "", "resolved_at": None, "closed_at": None, "reopened": 0}
ABOUT = {
    "category": "Category",
    "subcategory": "Subcategory",
    "symptom": "Symptom",
    "contact_type": "Came in by",
    "opened_by": "Opened by",
    "project": "Place",
}


@dataclass(kw_only=True, slots=True)
class Known:
    """A ticket that an earlier import made: its row now, and which events it has."""

    row: dict[str, Any]
    events: set[str]


def known_ones(client_id: int, numbers: list[str]) -> dict[str, Known]:
    """Find the tickets of these numbers that are there."""
    names = ("id", "number", "external_ref", "version", "updated_at", *NEW)
    fields = (*(COLUMNS.get(one, one) for group in GROUPS for one in group), *names)
    found = select(*(TICKET.c[name] for name in fields)).where(
        TICKET.c.client_id == client_id, TICKET.c.external_ref.in_(numbers)
    )
    rows = [dict(row) for row in db.session.execute(found).mappings()]
    told = select(AuditEvent.object_id, AuditEvent.request_id).where(
        AuditEvent.object_type == Ticket.audit_type,
        AuditEvent.object_id.in_([row["id"] for row in rows]),
        AuditEvent.category == "import",
    )
    events: defaultdict[int | None, set[str]] = defaultdict(set)
    for key, event in db.session.execute(told) if rows else ():
        events[key].add(event or "")
    return {row["external_ref"]: Known(row=row, events=events[row["id"]]) for row in rows}


def add(client_id: int, lives: list[History], names: Names) -> None:
    """Add tickets, each with a message that says what the log knows, and all its events."""
    rows = [_row(client_id, life, names) for life in lives]
    back = (TICKET.c.id, TICKET.c.number, TICKET.c.external_ref)
    made = {row.external_ref: row for row in insert_many(TICKET, rows, returning=back)}
    for life, row in zip(lives, rows, strict=True):
        ticket = made[life.number]
        about = _Subject(ticket.id, ticket.number, row["subject"], client_id)
        _note_opening(about, life, row, names)
        for event in life.events:
            last = event is life.events[-1]
            about.note(event, names, more=_ended(NEW, _ending(life)) if last else {})
    messages = [_message(client_id, made[life.number].id, life, names) for life in lives]
    back_again = (MESSAGE.c.id, MESSAGE.c.ticket_id)
    ids = {row.ticket_id: row.id for row in insert_many(MESSAGE, messages, returning=back_again)}
    for life, message in zip(lives, messages, strict=True):
        _note_message(ids[message["ticket_id"]], message, life, names)


def go_on(client_id: int, life: History, known: Known, names: Names) -> tuple[dict[str, Any], int]:
    """Note what is new in a ticket; return the change of its row, and how many fields stay as they were set here."""
    row = known.row
    about = _Subject(row["id"], row["number"], row["subject"], client_id)
    then = _columns(_facts_after(life, known.events), names)
    new = [event for event in life.events if event.key not in known.events]
    now, kept = _columns(life.now, names), set[str]()
    changed: dict[str, Any] = {}
    for group in GROUPS:
        columns = [COLUMNS.get(one, one) for one in group]
        wanted = {one: now[one] for one in columns if now[one] != then[one]}
        if wanted and any(known.row[one] != then[one] for one in columns):
            kept |= {*columns}
        elif wanted:
            changed |= {one: now[one] for one in columns}
            if "status" in wanted:
                changed |= _ending(life)
    more = _ended(row, changed)
    for event in new:
        about.note(event, names, kept=kept, more=more if event is new[-1] else {})
    if changed:
        changed["updated_at"] = max(known.row["updated_at"], new[-1].at)
    return changed, sum(
        not kept.isdisjoint(COLUMNS.get(one, one) for one in group) for group in GROUPS
    )


def change(changes: list[tuple[Known, dict[str, Any]]]) -> None:
    """Write what ``go_on`` returned; their events are noted already."""
    for known, values in changes:
        statement = update(TICKET).where(TICKET.c.id == bindparam("key"))
        values |= {"version": known.row["version"] + 1}
        db.session.execute(statement.values(values), {"key": known.row["id"]})


def _facts_after(life: History, events: set[str]) -> Facts:
    """What the log told when only these events were known."""
    values = {name: getattr(life.opened, name) for name in Facts.__dataclass_fields__}
    for event in life.events:
        if event.key in events:
            values |= {name: after for name, (_before, after) in event.changes.items()}
    return Facts(**values)


def _columns(facts: Facts, names: Names) -> dict[str, Any]:
    return {
        COLUMNS.get(name, name): _value(name, getattr(facts, name), names)
        for name in Facts.__dataclass_fields__
    }


def _value(name: str, word: Any, names: Names) -> Any:
    look = {"team": names.team, "assignee": names.person, "project": names.project}.get(name)
    return look(word) if look else list(word) if name == "tags" else word


def _ending(life: History) -> dict[str, Any]:
    return {
        "resolution": life.resolution,
        "resolved_at": life.resolved_at,
        "closed_at": life.closed_at,
        "reopened": life.reopened,
    }


def _ended(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """How it ended, for the row of the log of what came last: the other log says it of no event."""
    return {
        name: [before[name], after[name]]
        for name in NEW
        if name in after and before[name] != after[name]
    }


def _row(client_id: int, life: History, names: Names) -> dict[str, Any]:
    last = life.events[-1].at if life.events else life.opened_at
    return _columns(life.now, names) | {
        "client_id": client_id,
        "external_ref": life.number,
        "kind": Kind.INCIDENT,
        "requester_user_id": names.person(life.caller),
        "opened_at": life.opened_at,
        "updated_at": last,
        "last_message_at": life.opened_at,
        **_ending(life),
    }


def _message(client_id: int, ticket_id: int, life: History, names: Names) -> dict[str, Any]:
    facts = "\n".join(
        f"- {title}: {life.about[name]}" for name, title in ABOUT.items() if name in life.about
    )
    return {
        "client_id": client_id,
        "ticket_id": ticket_id,
        "author_id": names.person(life.caller),
        "body": f"Imported from the incident log, {life.number}.\n\n{facts}".strip(),
        "via": Via.IMPORT,
        "sent_at": life.opened_at,
        "is_note": False,
    }


def _note_opening(about: "_Subject", life: History, row: dict[str, Any], names: Names) -> None:
    kept = {"client_id", "external_ref", "kind", "requester_user_id", "opened_at"}
    values = _columns(life.opened, names) | {name: row[name] for name in kept}
    values |= {"status": Status.NEW, "number": about.number, "resolution": "", "reopened": 0}
    changes = {name: [None, value] for name, value in values.items() if value is not None}
    about.write("ticket.opened", life.key, life.opened_at, life.opened_by, changes, names)


def _note_message(key: int, message: dict[str, Any], life: History, names: Names) -> None:
    trail.note(
        "ticket.described",
        category="import",
        object_type=Message.audit_type,
        object_id=key,
        object_label=message["body"][:80],
        client_id=message["client_id"],
        changes={name: [None, message[name]] for name in ("ticket_id", "author_id", "body", "via")},
        occurred_at=life.opened_at,
        **_actor(life.opened_by, names),
    )


def _actor(name: str | None, names: Names) -> dict[str, Any]:
    return {"actor_id": names.person(name), "actor_name": name} if name else {}


@dataclass(frozen=True, slots=True)
class _Subject:
    """The ticket that rows of the log are about."""

    id: int
    number: int
    subject: str
    client_id: int

    def note(
        self,
        event: Event,
        names: Names,
        *,
        kept: Collection[str] = (),
        more: Mapping[str, list[Any]] | None = None,
    ) -> None:
        """Note one change, without the values of what is ``kept`` as it was set here, and with ``more``."""
        changes: dict[str, Any] = {
            COLUMNS.get(name, name): [_value(name, before, names), _value(name, after, names)]
            for name, (before, after) in event.changes.items()
        }
        if left := [name for name in changes if name in kept]:
            changes = {name: pair for name, pair in changes.items() if name not in kept}
            changes["kept"] = left
        changes |= more or {}
        self.write(event.action, event.key, event.at, event.by, changes, names)

    def write(  # noqa: PLR0917 - the columns of a row of the log
        self, action: str, key: str, at: datetime, by: str | None, changes: Any, names: Names
    ) -> None:
        trail.note(
            action,
            category="import",
            object_type=Ticket.audit_type,
            object_id=self.id,
            object_label=f"#{self.number} {self.subject}"[:300],
            client_id=self.client_id,
            changes=changes,
            occurred_at=at.astimezone(UTC),
            request_id=key,
            **_actor(by, names),
        )
