"""One row of the log, and those that belong to it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, select

from webapp.audit.models import XID8, AuditEvent
from webapp.audit.queries.search import SHOWN, in_sight
from webapp.core.db import db

MAX_SAME_REQUEST = 100


def find_event(event_id: int, *, at: datetime | None, everything: bool) -> AuditEvent | None:
    """Find one row; with ``at``, when it was recorded, in one partition."""
    statement = select(AuditEvent).where(AuditEvent.id == event_id, in_sight(everything=everything))
    if at is not None:
        statement = statement.where(AuditEvent.recorded_at == at)
    return db.session.scalar(statement.limit(1))


def list_same_request(event: AuditEvent, *, everything: bool) -> list[Any]:
    """Return the other rows of the request, or of the transaction where there was none."""
    if event.request_id:
        same: ColumnElement[bool] = AuditEvent.request_id == event.request_id
    else:
        same = and_(AuditEvent.epoch == event.epoch, AuditEvent.xid == cast(event.xid, XID8()))
    statement = (
        select(*SHOWN)
        .where(same, AuditEvent.id != event.id, in_sight(everything=everything))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
        .limit(MAX_SAME_REQUEST)
    )
    return list(db.session.execute(statement))
