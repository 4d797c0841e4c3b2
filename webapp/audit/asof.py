"""A record as it was at any moment, rebuilt from its rows of the log alone.

A row counts from when it was recorded, or from when it happened where an import brought it. Rows of one record are
replayed in the order of their ids: who changes a record holds it until the commit, so that this is the order in which
the changes came. Columns that Steward keeps for itself (``audit_ignored``) are not in the log, and not rebuilt.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Column, DateTime, Numeric, not_, or_, select
from sqlalchemy.orm import Mapper

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import in_sight
from webapp.core.db import Audited, Model, db

KINDS = ("user", "role", "ticket", "asset", "client", "project", "location")
MASK = "•••"
# A role is another one then, though its row is the same.
CONTENTS_CHANGED = "role.permissions_changed"
# Told about an asset, with the columns of its custody.
_FOREIGN = frozenset(
    f"asset.{verb}" for verb in ("checked_out", "checked_in", "transferred", "extended")
)
CATEGORIES = ("change", "access", "import", "system")
# An import brings these under its own category.
_LEFT_OUT = ("session.%", "%.viewed", "%.exported", "%.downloaded", "access.%", "mail.%")
READ = (
    *(AuditEvent.id, AuditEvent.recorded_at, AuditEvent.occurred_at, AuditEvent.category),
    *(AuditEvent.action, AuditEvent.actor_id, AuditEvent.actor_name, AuditEvent.request_id),
    *(AuditEvent.object_label, AuditEvent.client_id, AuditEvent.changes, AuditEvent.reason),
    *(AuditEvent.object_type, AuditEvent.object_id, AuditEvent.outcome, AuditEvent.path),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Gap:
    """A row that says a field was something else than the rows before it made it."""

    event_id: int
    name: str
    rebuilt: Any
    said: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """What one row of the log did to the record; ``at`` is when it counts from."""

    at: datetime
    row: Any
    changes: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """All that a record held: values as the log writes them, secrets as ``MASK``.

    ``unknown`` are columns of which no row says anything; ``exists`` is False once the row of the table is gone.
    """

    object_type: str
    object_id: int
    at: datetime
    event_id: int
    recorded_at: datetime
    label: str
    client_id: int | None
    values: Mapping[str, Any]
    unknown: frozenset[str] = frozenset()
    exists: bool = True
    gaps: tuple[Gap, ...] = field(default=())


@cache
def model_of(object_type: str) -> type[Audited] | None:
    """Return the model whose rows the log calls this."""
    mappers: Iterable[Mapper[Any]] = Model.registry.mappers
    for mapper in mappers:
        if issubclass(mapper.class_, Audited) and mapper.class_.audit_type == object_type:
            return mapper.class_
    return None


@cache
def tracked(object_type: str) -> Mapping[str, Column[Any]]:
    """Return the columns that the log holds, by their names."""
    model = model_of(object_type)
    if model is None:
        return {}
    mapper: Mapper[Any] = model.__mapper__  # type: ignore[attr-defined]
    return {
        attribute.key: attribute.columns[0]
        for attribute in mapper.column_attrs
        if attribute.key not in model.audit_ignored and attribute.key != "id"
        if isinstance(attribute.columns[0], Column)
    }


def rows_of(object_type: str, object_id: int, *, everything: bool = True) -> list[Any]:
    """Return what was done to a record, in the order in which it came; reads and sign-ins are left out."""
    statement = (
        select(*READ)
        .where(
            AuditEvent.object_type == object_type,
            AuditEvent.object_id == object_id,
            AuditEvent.outcome == "ok",
            AuditEvent.category.in_(CATEGORIES),
            not_(or_(*(AuditEvent.action.like(one) for one in _LEFT_OUT))),
            in_sight(everything=everything),
        )
        .order_by(AuditEvent.id)
    )
    return list(db.session.execute(statement))


def versions_of(
    object_type: str, object_id: int, *, everything: bool = True, rows: Sequence[Any] | None = None
) -> list[Version]:
    """Return the rows that changed the record itself, in the order in which they came."""
    if rows is None:
        rows = rows_of(object_type, object_id, everything=everything)
    columns, found, last = tracked(object_type), [], datetime.min.replace(tzinfo=UTC)
    for row in rows:
        if row.category != "import":
            last = max(last, row.recorded_at)  # a transaction that began earlier may have waited
        changes = _own(row, object_type, columns)
        if changes or row.action == CONTENTS_CHANGED:
            at = row.occurred_at if row.category == "import" else last
            found.append(Version(at=at, row=row, changes=changes))
    return found


def _own(row: Any, object_type: str, columns: Mapping[str, Column[Any]]) -> dict[str, Any]:
    """The row's changes of the record's columns; some rows tell those of another table about it."""
    if row.action.partition(".")[0] != object_type or row.action in _FOREIGN:
        return {}
    return {
        name: (plain(columns[name], change[0]), plain(columns[name], change[1]))
        for name, change in row.changes.items()
        if name in columns and isinstance(change, list) and len(change) == 2  # noqa: PLR2004 - old, new
    }


def plain(column: Column[Any], value: Any) -> Any:
    """Return a value as the log would write what the table holds: one form for what is equal."""
    if value is None or value == MASK:
        return value
    if isinstance(column.type, Numeric) and column.type.scale is not None:
        return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-column.type.scale)))
    if isinstance(column.type, DateTime):
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value


def states(object_type: str, object_id: int, versions: Iterable[Version]) -> Iterator[Snapshot]:
    """Yield what the record held after each version."""
    columns = tracked(object_type)
    values: dict[str, Any] = {}
    gaps: tuple[Gap, ...] = ()
    for version in versions:
        if not values and _begins(version, columns):
            values = {name: None for name, column in columns.items() if column.nullable}
        gone = version.row.action == f"{object_type}.deleted" and "deleted_at" not in columns
        gaps += tuple(_gaps(version, values))
        values = values | {name: new for name, (_old, new) in version.changes.items()}
        yield Snapshot(
            object_type=object_type,
            object_id=object_id,
            at=version.at,
            event_id=version.row.id,
            recorded_at=version.row.recorded_at,
            label=version.row.object_label or "",
            client_id=version.row.client_id,
            values={} if gone else values,
            unknown=frozenset() if gone else frozenset(columns) - frozenset(values),
            exists=not gone,
            gaps=gaps,
        )
        if gone:
            values = {}


def _begins(version: Version, columns: Mapping[str, Column[Any]]) -> bool:
    """Tell whether the record is new: nothing was before, and all is there that a row cannot do without."""
    needed = {
        name
        for name, column in columns.items()
        if not column.nullable and column.server_default is None
    }
    return needed <= version.changes.keys() and all(
        old in (None, MASK) for old, _new in version.changes.values()
    )


def _gaps(version: Version, values: Mapping[str, Any]) -> Iterator[Gap]:
    for name, (old, new) in version.changes.items():
        if name in values and values[name] not in (old, new) and new != MASK:
            yield Gap(event_id=version.row.id, name=name, rebuilt=values[name], said=old)


def state_at(
    object_type: str,
    object_id: int,
    *,
    at: datetime | None = None,
    upto: int | None = None,
    everything: bool = True,
) -> Snapshot | None:
    """Return the record as it was at a moment, or after the row of the log ``upto``; None if it was not there yet."""
    versions = versions_of(object_type, object_id, everything=everything)
    return snapshot(object_type, object_id, versions, at=at, upto=upto)


def snapshot(
    object_type: str,
    object_id: int,
    versions: Sequence[Version],
    *,
    at: datetime | None = None,
    upto: int | None = None,
) -> Snapshot | None:
    """As ``state_at``, from versions that are known."""
    counting = [
        one
        for one in versions
        if (at is None or one.at <= at) and (upto is None or one.row.id <= upto)
    ]
    last = None
    for last in states(object_type, object_id, counting):  # noqa: B007 - the last one counts
        pass
    if last is None or not last.unknown:
        return last
    return _told_later(last, [one for one in versions if one.row.id > last.event_id])


def _told_later(last: Snapshot, later: Iterable[Version]) -> Snapshot:
    """Fill in what nobody had changed yet: the first row that changes it says what it was."""
    found: dict[str, Any] = {}
    for version in later:
        for name, (old, _new) in version.changes.items():
            if name in last.unknown:
                found.setdefault(name, old)
    return replace(last, values={**found, **last.values}, unknown=last.unknown - found.keys())


def held(row: Audited) -> dict[str, Any]:
    """Return what the table holds in the form in which a snapshot does."""
    return {
        name: MASK
        if name in row.audit_secret and getattr(row, name) is not None
        else plain(column, getattr(row, name))
        for name, column in tracked(row.audit_type).items()
    }


def held_now(object_type: str, object_id: int) -> dict[str, Any] | None:
    """Return what the table holds now; None if the row is gone, or out of sight."""
    model = model_of(object_type)
    row = db.session.get(model, object_id) if model else None
    return held(row) if isinstance(row, Audited) else None
