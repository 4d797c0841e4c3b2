"""Reads about what belongs to a record: its story is told with the record's own."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select

from webapp.audit.asof import CATEGORIES, READ
from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import in_sight
from webapp.audit.timeline import QUIET
from webapp.core.db import db
from webapp.tickets.queries import ticket as tickets

# For each kind, the statement that finds the rows (kind, id) that belong to the record.
BELONGING: dict[str, Callable[[], Any]] = {"ticket": tickets.related_rows}


def rows_around(
    kind: str, record_id: int, *, before: int | None, most: int, everything: bool
) -> list[Any]:
    """Return the last rows of the log about what belongs to a record, in the order in which they came."""
    if kind not in BELONGING:
        return []
    theirs = BELONGING[kind]().subquery()
    found = (
        select(*READ)
        .join(
            theirs,
            (AuditEvent.object_type == theirs.c.kind) & (AuditEvent.object_id == theirs.c.id),
        )
        .where(
            AuditEvent.outcome == "ok",
            AuditEvent.category.in_(CATEGORIES),
            AuditEvent.action.not_in(
                [f"{one}.{verb}" for one in tickets.RELATED for verb in QUIET]
            ),
            in_sight(everything=everything),
        )
        .order_by(AuditEvent.id.desc())
        .limit(most)
    )
    if before is not None:
        found = found.where(AuditEvent.id < before)
    return list(reversed(db.session.execute(found, {"ticket": record_id}).all()))
