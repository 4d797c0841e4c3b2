"""Reads of the log. Every filter goes by an index of its own."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, any_, cast, false, func, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from webapp.audit.models import AuditEvent
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import prefix_query

MAX_ACTORS = 200
LISTING = Listing(
    id=AuditEvent.id, sorts={"recorded_at": AuditEvent.recorded_at}, default="-recorded_at"
)
SHOWN = (
    AuditEvent.id,
    AuditEvent.recorded_at,
    AuditEvent.occurred_at,
    AuditEvent.actor_id,
    AuditEvent.actor_name,
    AuditEvent.action,
    AuditEvent.category,
    AuditEvent.outcome,
    AuditEvent.object_type,
    AuditEvent.object_id,
    AuditEvent.object_label,
    AuditEvent.path,
    AuditEvent.changes,
    AuditEvent.reason,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What of the log is asked for; None leaves a column open."""

    actor: str | None = None  # an id, part of a name or address, or "system:seed"
    object_type: str | None = None
    object_id: int | None = None
    action: str | None = None
    category: str | None = None
    outcome: str | None = None
    request: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def list_events(asked: Filter, args: Any, *, everything: bool) -> Page:
    """Return a page of the log, newest first.

    Without ``everything`` only rows of the clients in the reader's scope.
    """
    statement = select(*SHOWN).where(*_conditions(asked), in_sight(everything=everything))
    return paginate(statement, LISTING, args)


def _conditions(asked: Filter) -> Iterable[ColumnElement[bool]]:
    plain = (
        (AuditEvent.object_type, asked.object_type),
        (AuditEvent.object_id, asked.object_id),
        (AuditEvent.action, asked.action),
        (AuditEvent.category, asked.category),
        (AuditEvent.request_id, asked.request),
    )
    yield from (column == value for column, value in plain if value is not None)
    if asked.outcome == "not-ok":
        yield AuditEvent.outcome != "ok"
    elif asked.outcome:
        yield AuditEvent.outcome == asked.outcome
        if asked.outcome != "ok":
            yield AuditEvent.outcome != "ok"  # what the partial index is for
    if asked.since:
        yield AuditEvent.recorded_at >= asked.since
    if asked.until:
        yield AuditEvent.recorded_at < asked.until
    if asked.actor:
        yield _by_actor(asked.actor)


def _by_actor(actor: str) -> ColumnElement[bool]:
    if actor.isascii() and actor.isdigit():
        return AuditEvent.actor_id == min(int(actor[:19]), 2**63 - 1)
    if actor.startswith("system:"):
        return and_(AuditEvent.actor_id.is_(None), AuditEvent.actor_name == actor)
    ids = _people_called(actor)
    return AuditEvent.actor_id.in_(ids) if ids else false()


def _people_called(typed: str) -> list[int]:
    terms = prefix_query(typed)
    if terms is None:
        return []
    found = text(
        "SELECT id FROM users WHERE search @@ to_tsquery('simple', :terms) ORDER BY id LIMIT :most"
    )
    return list(db.session.scalars(found, {"terms": terms, "most": MAX_ACTORS}))


def in_sight(*, everything: bool) -> ColumnElement[bool]:
    """Rows of no client are for who reads all; that a policy hides other clients' rows finds no index."""
    if everything:
        return true()
    scope: Select[Any] = select(func.steward_scope("client", type_=ARRAY(BigInteger)))
    return AuditEvent.client_id == any_(cast(scope.scalar_subquery(), ARRAY(BigInteger)))
