"""Reads of the log. Every filter goes by an index of its own."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, any_, cast, false, func, select, text, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from webapp.audit.models import XID8, AuditEvent
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import prefix_query

MAX_ACTORS = 200
MAX_SAME_REQUEST = 100
LISTING = Listing(
    id=AuditEvent.id, sorts={"recorded_at": AuditEvent.recorded_at}, default="-recorded_at"
)
_SHOWN = (
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
    statement = select(*_SHOWN).where(*_conditions(asked), _in_sight(everything=everything))
    return paginate(statement, LISTING, args)


def find_event(event_id: int, *, at: datetime | None, everything: bool) -> AuditEvent | None:
    """Find one row; with ``at``, when it was recorded, in one partition."""
    statement = select(AuditEvent).where(
        AuditEvent.id == event_id, _in_sight(everything=everything)
    )
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
        select(*_SHOWN)
        .where(same, AuditEvent.id != event.id, _in_sight(everything=everything))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
        .limit(MAX_SAME_REQUEST)
    )
    return list(db.session.execute(statement))


# Columns that point at a row, by the table they point to and the column that names it.
_NAMED = {
    "user": ("users", "name"),
    "role": ("roles", "name"),
    "location": ("locations", "name"),
    "client": ("clients", "name"),
    "project": ("projects", "name"),
    "asset": ("assets", "tag"),
    "asset_type": ("asset_types", "name"),
    "page": ("pages", "key"),
    "permission": ("permissions", "key"),
    "ticket": ("tickets", "'#' || number || ' ' || subject"),
    "contact": ("contacts", "name"),
    "team": ("teams", "name"),
    "business_hours": ("business_hours", "name"),
    "sla_policy": ("sla_policies", "name"),
}
POINTS_AT = {f"{kind}_id": kind for kind in _NAMED} | {
    "parent_id": "location",
    "type_id": "asset_type",
    "created_by_id": "user",
    "uploaded_by_id": "user",
    "holder_user_id": "user",
    **dict.fromkeys(
        ("assignee_id", "author_id", "merged_by_id", "owner_id", "requester_user_id"), "user"
    ),
    **dict.fromkeys(
        ("merged_into_id", "origin_id", "other_id", "source_id", "target_id"), "ticket"
    ),
    "requester_contact_id": "contact",
    "hours_id": "business_hours",
    "policy_id": "sla_policy",
    "holder_location_id": "location",
}


def points_at(field: str, object_type: str | None) -> str:
    """Return what kind of row a column points at; an asset lies in another asset, a location in a location."""
    if field == "parent_id" and object_type == "asset":
        return "asset"
    return POINTS_AT.get(field, "")


def labels_of(
    changes: Mapping[str, Any], object_type: str | None = None
) -> dict[tuple[str, int], str]:
    """Name the rows that changed foreign keys point at, in one query; what is gone or out of sight has no name."""
    wanted: dict[str, set[int]] = {}
    for field, change in changes.items():
        if kind := points_at(field, object_type):
            values = change if isinstance(change, list) else [change]
            wanted.setdefault(kind, set()).update(
                value for value in values if isinstance(value, int)
            )
    parts = [
        f"SELECT '{kind}' AS kind, id, {column} AS label FROM {table} WHERE id = ANY (:{kind})"  # noqa: S608 # nosec B608 - our own names
        for kind, (table, column) in _NAMED.items()
        if wanted.get(kind)
    ]
    if not parts:
        return {}
    ids = {kind: list(values) for kind, values in wanted.items() if values}
    rows = db.session.execute(text(" UNION ALL ".join(parts)), ids)
    return {(row.kind, row.id): row.label for row in rows}


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


def _in_sight(*, everything: bool) -> ColumnElement[bool]:
    """Rows of no client are for who reads all; that a policy hides other clients' rows finds no index."""
    if everything:
        return true()
    scope: Select[Any] = select(func.steward_scope("client", type_=ARRAY(BigInteger)))
    return AuditEvent.client_id == any_(cast(scope.scalar_subquery(), ARRAY(BigInteger)))
