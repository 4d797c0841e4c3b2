"""Collects what the session changes and writes it into the log just before the commit.

Nobody calls it: it listens to the session. What services add (names, reasons, events) comes through ``core.trail``.
"""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast
from weakref import WeakKeyDictionary

from flask import g, has_request_context, request
from sqlalchemy import Table, event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, UOWTransaction
from sqlalchemy.orm.attributes import instance_state
from sqlalchemy.orm.base import PASSIVE_NO_INITIALIZE

from webapp.audit.models import AuditEvent
from webapp.core import trail
from webapp.core.db import Audited, db
from webapp.core.identity import person
from webapp.core.logging import plain_path
from webapp.core.many import insert_many
from webapp.core.unit_of_work import COMMITTING

PENDING = "audit_pending"
SECRET = ["•••", "•••"]
MAX_TEXT = 100_000  # more than any field takes: records are rebuilt from the log
FEW = 50  # rows that are inserted one by one
TABLE = cast("Table", AuditEvent.__table__)
_marks: "WeakKeyDictionary[SessionTransaction, tuple[int, int]]" = WeakKeyDictionary()


class UnauditedChange(Exception):
    """A bulk statement would change audited rows behind the recorder's back."""


def listen() -> None:
    """Attach to the app's sessions; attaching twice does no harm."""
    trail.written_by(_write_now)
    for name, handler in (
        ("after_flush", _collect),
        ("after_transaction_create", _mark),
        ("after_soft_rollback", _forget),
        ("before_commit", _write),
        ("do_orm_execute", _refuse_bulk_change),
    ):
        if not event.contains(db.session, name, handler):
            event.listen(db.session, name, handler)


def _collect(session: Session, _: UOWTransaction) -> None:
    pending: list[dict[str, Any]] = session.info.setdefault(PENDING, [])
    changed = {"created": session.new, "updated": session.dirty, "deleted": session.deleted}
    for verb, rows in changed.items():
        for row in rows:
            if isinstance(row, Audited) and (changes := _changes(row, verb)):
                pending.append(_describe(row, verb, changes))  # noqa: PERF401 - reads better


def _describe(row: Audited, verb: str, changes: dict[str, Any]) -> dict[str, Any]:
    key = instance_state(row).mapper.primary_key_from_instance(row)
    told, row.audit_told = row.audit_told or {}, None
    return {
        "action": f"{row.audit_type}.{verb}",
        "category": "change",
        "outcome": "ok",
        "object_type": row.audit_type,
        "object_id": key[0],
        "object_label": row.audit_label[:300],
        "client_id": row.audit_client_id,
        **told,
        "changes": {**told.get("changes", {}), **changes},
    }


def _changes(row: Audited, verb: str) -> dict[str, list[Any]]:
    """Map each changed column to its old and its new value."""
    if verb == "created":
        return _values(row)
    state = instance_state(row)
    touched = state.mapper.column_attrs.keys() if verb == "deleted" else state.committed_state
    changes = {}
    for column in state.mapper.column_attrs:
        if column.key in row.audit_ignored or column.key not in touched:
            continue
        # Not through `state.attrs`: that makes an object for each column there is, each time.
        history = state.get_history(column.key, PASSIVE_NO_INITIALIZE)
        if history.has_changes() or verb == "deleted":
            old = (history.deleted or history.unchanged or [None])[0]
            new = None if verb == "deleted" else (history.added or [None])[0]
            secret = column.key in row.audit_secret
            changes[column.key] = SECRET if secret else [_plain(old), _plain(new)]
    return changes


def _values(row: Audited) -> dict[str, list[Any]]:
    """Return all that a new row holds, defaults of the database as well: it is rebuilt from this."""
    state = instance_state(row)
    changes = {}
    for column in state.mapper.column_attrs:
        name = column.key
        value = state.dict.get(name)
        if value is None or name == "id" or name in row.audit_ignored:
            continue
        changes[name] = SECRET if name in row.audit_secret else [None, _plain(value)]
    return changes


def _mark(session: Session, transaction: SessionTransaction) -> None:
    pending, notes = session.info.get(PENDING), session.info.get(trail.NOTES)
    if pending or notes:
        _marks[transaction] = (len(pending or ()), len(notes or ()))


def _forget(session: Session, transaction: SessionTransaction) -> None:
    """Drop what the undone transaction or savepoint collected, and no more."""
    pending, notes = _marks.get(transaction, (0, 0))
    del session.info.setdefault(PENDING, [])[pending:]
    del session.info.setdefault(trail.NOTES, [])[notes:]


def _write(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint; the outer commit will write
    session.flush()  # what is not flushed yet has to be collected first
    _insert(session, session.info.pop(PENDING, []), session.info.pop(trail.NOTES, []))
    session.info[COMMITTING] = True


def _write_now() -> None:
    """Write what was collected since the innermost savepoint began; what is older waits for its own end."""
    session = db.session()
    session.flush()
    savepoint = session.get_nested_transaction()
    pending, notes = _marks.get(savepoint, (0, 0)) if savepoint else (0, 0)
    rows = session.info.setdefault(PENDING, [])
    events = session.info.setdefault(trail.NOTES, [])
    _insert(session, rows[pending:], events[notes:])
    del rows[pending:], events[notes:]


def _insert(session: Session, pending: list[dict[str, Any]], notes: list[trail.Note]) -> None:
    rows = pending + [_from_note(note) for note in notes]
    if rows:
        origin = _origin() | session.info.get(trail.CONTEXT, {})
        made = [_row(origin, row) for row in rows]
        if len(made) > FEW:
            insert_many(TABLE, made)
        else:
            sent = [_sent(row) for row in made]
            session.connection().exec_driver_sql(INSERT, sent if len(sent) > 1 else sent[0])


def _from_note(note: trail.Note) -> dict[str, Any]:
    values = {name: getattr(note, name) for name in trail.Note.__dataclass_fields__}
    values["changes"] = {key: _plain(value) for key, value in note.changes.items()}
    if note.actor_id is None and note.actor_name is None:
        del values["actor_id"], values["actor_name"]
    return values


def _row(origin: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Merge the request's facts with the row's own; what the row states itself wins where it is set."""
    merged = dict.fromkeys(COLUMNS) | origin | {k: v for k, v in row.items() if v is not None}
    # An import has its category from the context, whatever the row is.
    if origin.get("category") == "import":
        merged["category"] = "import"
    return merged


def _sent(row: dict[str, Any]) -> tuple[str | None, ...]:
    """Return a row as text: all have the same types then, so that the server plans them once."""
    row["changes"] = json.dumps(row["changes"])
    return tuple(
        [
            value if value is None or type(value) is str else str(value)
            for value in map(row.__getitem__, COLUMNS)
        ]
    )


COLUMNS = tuple(
    column.name
    for column in TABLE.columns
    if column.name not in {"id", "recorded_at", "xid", "epoch", "search"}
)
# By hand, for every change pays for it: through the session it takes four times as long. Nothing is returned, for who
# writes may not be allowed to read it.
INSERT = "INSERT INTO audit_event ({}) VALUES ({})".format(  # noqa: S608 # nosec B608 - our own names
    ", ".join(COLUMNS), ", ".join("%s" for _ in COLUMNS)
)


def _refuse_bulk_change(state: ORMExecuteState) -> None:
    if not (state.is_update or state.is_delete):
        return
    mapper = state.bind_mapper
    if mapper and issubclass(mapper.class_, Audited):
        raise UnauditedChange(f"Change {mapper.class_.__name__} row by row.")


def _plain(value: Any) -> Any:
    """What JSON can hold as it is stays so; dates and the like become text."""
    if isinstance(value, str):
        return value[:MAX_TEXT]
    if value is None or isinstance(value, bool | int | float | dict):
        return value
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def _origin() -> dict[str, Any]:
    """Who acts, and through which request."""
    if not has_request_context():
        return {}
    known = g._get_current_object().__dict__  # noqa: SLF001 - each look through the proxy costs
    who = person() if known.get("person_known") else None
    return {
        "request_id": known.get("request_id"),
        "actor_id": who.id if who else None,
        "actor_name": who.name if who else None,
        "via": f"session:{who.session_id}" if who else None,
        "ip": request.remote_addr,
        "user_agent": request.headers.get("User-Agent", "")[:400],
        "method": request.method,
        "path": plain_path(),
        "page": known.get("page_key") or None,
    }
