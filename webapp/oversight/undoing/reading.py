"""What undoing reads from the log: the rows of a request, and what came after them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    String,
    and_,
    bindparam,
    column,
    func,
    literal,
    select,
    text,
    tuple_,
)

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import in_sight
from webapp.core.db import db

MOST = 5_000  # rows of one request
SINCE = 200  # later rows of one thing that are looked at
COLUMNS = (
    *(AuditEvent.id, AuditEvent.recorded_at, AuditEvent.occurred_at, AuditEvent.request_id),
    *(AuditEvent.actor_id, AuditEvent.actor_name, AuditEvent.action, AuditEvent.category),
    *(AuditEvent.outcome, AuditEvent.object_type, AuditEvent.object_id, AuditEvent.object_label),
    *(AuditEvent.client_id, AuditEvent.path, AuditEvent.changes, AuditEvent.reason),
)


def rows_of(request_id: str, *, everything: bool) -> list[Any]:
    """Return the rows of a request in the order in which they were written, one more than can be undone at most."""
    statement = (
        select(*COLUMNS)
        .where(AuditEvent.request_id == request_id, in_sight(everything=everything))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
        .limit(MOST + 1)
    )
    return list(db.session.execute(statement))


def later_than(rows: Iterable[Any]) -> list[Any]:
    """Return what changed about the same things after all these rows, newest first.

    By the index of things, in the months since only.
    """
    rows = list(rows)
    last = max((row.recorded_at, row.id) for row in rows)
    things = sorted({(row.object_type, row.object_id) for row in rows if row.object_id is not None})
    if not things:
        return []
    wanted = (
        func.unnest(
            bindparam("types", [kind for kind, _key in things], ARRAY(String)),
            bindparam("ids", [key for _kind, key in things], ARRAY(BigInteger)),
        )
        .table_valued(column("kind", String), column("key", BigInteger), name="wanted")
        .render_derived()
    )
    since = (
        select(*COLUMNS)
        .where(
            AuditEvent.object_type == wanted.c.kind,
            AuditEvent.object_id == wanted.c.key,
            AuditEvent.recorded_at >= last[0],
            tuple_(AuditEvent.recorded_at, AuditEvent.id)
            > tuple_(literal(last[0]), literal(last[1], BigInteger)),
            AuditEvent.outcome == "ok",
            AuditEvent.category.in_(["change", "access", "import"]),
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(SINCE)
        .lateral("since")
    )
    found = select(since).select_from(wanted).join(since, text("true"))
    return list(db.session.execute(found.order_by(since.c.recorded_at.desc(), since.c.id.desc())))


def undone_by(request_id: str, *, after: Any) -> Any | None:
    """Return the note of the last request that undid this one, if there is one."""
    statement = (
        select(*COLUMNS)
        .where(
            and_(AuditEvent.action == "audit.undone", AuditEvent.recorded_at >= after),
            AuditEvent.changes["request"].astext == request_id,
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(1)
    )
    return db.session.execute(statement).first()
