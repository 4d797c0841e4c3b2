"""One row of the log, those that belong to it, and the seal that covers it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, select, text

from webapp.audit import canonical
from webapp.audit.models import XID8, AuditEvent
from webapp.audit.queries.search import SHOWN, in_sight
from webapp.core.db import db

MAX_SAME_REQUEST = 100
NEAR = timedelta(
    days=2
)  # what one request does, tries again of a job among it; so only a month or two are looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A row as the bytes that are sealed, their hash, and the seal; None while it waits for one."""

    line: str
    leaf: str
    seal_id: int | None
    sealed_at: datetime | None


# The month is the one of the row's partition; of its seals the first that ends behind the row's transaction.
_PROOF = text(f"""
SELECT {canonical.LINE} AS line, encode({canonical.LEAF}, 'hex') AS leaf, seal.id AS seal_id, seal.sealed_at
  FROM audit_event e
  LEFT JOIN LATERAL (SELECT s.id, s.sealed_at, s.xid_from FROM audit_seal s
     WHERE s.kind = 'rows' AND s.epoch = e.epoch AND s.month = {canonical.MONTH} AND s.xid_to > e.xid
     ORDER BY s.xid_to LIMIT 1) seal ON seal.xid_from <= e.xid
 WHERE e.recorded_at = :at AND e.id = :id
""")  # noqa: S608 # nosec B608 - our own expressions
_BY_SUMMARIES = text(
    "SELECT set_config('enable_indexscan', 'off', true), set_config('enable_indexonlyscan', 'off', true)"
)


def find_event(event_id: int, *, at: datetime | None, everything: bool) -> AuditEvent | None:
    """Find one row; with ``at``, when it was recorded, in one partition."""
    statement = select(AuditEvent).where(AuditEvent.id == event_id, in_sight(everything=everything))
    if at is not None:
        return db.session.scalar(statement.where(AuditEvent.recorded_at == at).limit(1))
    # Of each month only the few pages that may hold the number; the planner thinks that more than it is. What the page
    # asks for besides finds its indexes all the same.
    db.session.execute(_BY_SUMMARIES)
    return db.session.scalar(statement.limit(1))


def find_proof(event: AuditEvent) -> Proof:
    """Return what proves a row that was found before."""
    row = db.session.execute(_PROOF, {"at": event.recorded_at, "id": event.id}).one()
    return Proof(line=row.line, leaf=row.leaf, seal_id=row.seal_id, sealed_at=row.sealed_at)


def list_same_request(event: AuditEvent, *, everything: bool) -> list[Any]:
    """Return other rows of the request, or of the transaction where there was none: one more than are shown."""
    if event.request_id:
        same: ColumnElement[bool] = AuditEvent.request_id == event.request_id
    else:
        same = and_(AuditEvent.epoch == event.epoch, AuditEvent.xid == cast(event.xid, XID8()))
    at = event.recorded_at
    statement = (
        select(*SHOWN)
        .where(same, AuditEvent.id != event.id, in_sight(everything=everything))
        .where(AuditEvent.recorded_at.between(at - NEAR, at + NEAR))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
        .limit(MAX_SAME_REQUEST + 1)
    )
    return list(db.session.execute(statement))
