"""Reads and set-based writes of the jobs that watch service levels.

They write past the session: a warning is no edit, so it neither makes a form that somebody has open stale nor puts
the ticket on top of what was changed lately. The caller notes each for the log.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, text
from sqlalchemy.orm.attributes import set_committed_value

from webapp.core.db import db
from webapp.tickets.models import Status, Ticket, Transition

TIMES = (
    *("response_due_at", "resolution_due_at", "response_warn_at", "resolution_warn_at"),
    *("response_warned_at", "resolution_warned_at"),
    *("response_breached_at", "resolution_breached_at", "sla_check_at"),
)
_READ = (
    *(Ticket.id, Ticket.number, Ticket.subject, Ticket.client_id, Ticket.kind, Ticket.priority),
    *(Ticket.status, Ticket.opened_at, Ticket.responded_at, Ticket.resolved_at, Ticket.pauses),
    Ticket.sla_policy_id,
    *(getattr(Ticket, name) for name in TIMES),
)
Scope = tuple[int | None, str | None]


def _update(names: Sequence[str]) -> Any:
    types = {"sla_policy_id": "bigint"}
    setting = ", ".join(f"{name} = n.{name}" for name in names)
    columns = ", ".join(f"{name} {types.get(name, 'timestamptz')}" for name in names)
    return text(
        f"UPDATE tickets t SET {setting} FROM jsonb_to_recordset(CAST(:rows AS jsonb))"  # noqa: S608 - our own names
        f" AS n (id bigint, {columns}) WHERE t.id = n.id"
    )


# What the log does not hold may change without a row of it; the database asks by the columns that are named.
LOUD = ("sla_policy_id", *TIMES)
QUIET = tuple(name for name in TIMES if name in Ticket.audit_ignored)
_WRITE = {names: _update(names) for names in (LOUD, QUIET)}


def to_watch(limit: int) -> list[Ticket]:
    """Return tickets of which something is to be told by now, held; those that somebody holds come another time."""
    statement = (
        select(Ticket)
        .where(Ticket.sla_check_at <= func.now())
        .order_by(Ticket.sla_check_at, Ticket.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(db.session.scalars(statement))


def resolved_before(moment: datetime, limit: int) -> list[Ticket]:
    """Return tickets that were resolved before a moment, held; those that somebody holds come another time."""
    statement = (
        select(Ticket)
        .where(Ticket.status == Status.RESOLVED, Ticket.resolved_at < moment)
        .order_by(Ticket.resolved_at, Ticket.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(db.session.scalars(statement))


def may_close() -> bool:
    """Tell whether the workflow lets a resolved ticket become closed."""
    found = select(Transition.is_allowed).where(
        Transition.from_status == Status.RESOLVED, Transition.to_status == Status.CLOSED
    )
    return bool(db.session.scalar(found))


def covered(scopes: Iterable[Scope], policy_ids: Sequence[int]) -> ColumnElement[bool]:
    """Open tickets within some scopes, or with some policies."""
    within = [
        and_(
            Ticket.client_id == client_id if client_id is not None else Ticket.is_open,
            Ticket.kind == kind if kind is not None else Ticket.is_open,
        )
        for client_id, kind in scopes
    ]
    return and_(Ticket.is_open, or_(Ticket.sla_policy_id.in_(policy_ids), *within))


def count_covered(rule: ColumnElement[bool]) -> int:
    """Return how many tickets a rule covers."""
    return int(db.session.scalar(select(func.count()).select_from(Ticket).where(rule)) or 0)


def next_covered(rule: ColumnElement[bool], *, after: int, limit: int) -> list[Any]:
    """Return the columns of the next tickets that a rule covers, by their ids, held."""
    statement: Select[Any] = (
        select(*_READ)
        .where(rule, Ticket.id > after)
        .order_by(Ticket.id)
        .limit(limit)
        .with_for_update()
    )
    return list(db.session.execute(statement))


def write(rows: Sequence[tuple[Any, Mapping[str, Any]]]) -> None:
    """Write changed columns of service levels, of tickets or rows of ``next_covered``."""
    for names in (LOUD, QUIET):
        packed = [
            {"id": row.id} | {name: _plain(values.get(name, getattr(row, name))) for name in names}
            for row, values in rows
            if (QUIET if set(values) <= set(QUIET) else LOUD) == names
        ]
        if packed:
            db.session.execute(_WRITE[names], {"rows": json.dumps(packed)})
    for row, values in rows:
        if isinstance(row, Ticket):
            for name, value in values.items():
                set_committed_value(row, name, value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
