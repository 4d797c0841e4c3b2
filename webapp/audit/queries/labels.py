"""Names of the rows that changed values point at."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import text

from webapp.audit.fields import POINTS_AT as POINTS_AT  # noqa: PLC0414 - found here by others
from webapp.audit.fields import points_at as points_at  # noqa: PLC0414
from webapp.audit.readings import asked_for
from webapp.core.db import db

# The table of each kind, and what names a row of it.
_NAMED = {
    "user": ("users", "name"),
    "role": ("roles", "name"),
    "location": ("locations", "name"),
    "client": ("clients", "name"),
    "project": ("projects", "name"),
    "asset": ("assets", "tag || ' ' || name"),
    "asset_type": ("asset_types", "name"),
    "page": ("pages", "key"),
    "permission": ("permissions", "key"),
    "ticket": ("tickets", "'#' || number || ' ' || subject"),
    "contact": ("contacts", "name"),
    "team": ("teams", "name"),
    "business_hours": ("business_hours", "name"),
    "sla_policy": ("sla_policies", "name"),
    "ticket_transition": ("ticket_transitions", "from_status || ' → ' || to_status"),
}
Wanted = dict[str, set[int]]


def labels_of(
    changes: Mapping[str, Any], object_type: str | None = None
) -> dict[tuple[str, int], str]:
    """Name the rows that changed foreign keys point at, in one query; what is gone or out of sight has no name."""
    wanted: Wanted = {}
    _want(wanted, changes, object_type)
    return _find(wanted)


def names_of(rows: Iterable[Any]) -> dict[tuple[str, int], str]:
    """Name what the values of many rows of the log point at, in one query."""
    wanted: Wanted = {}
    for row in rows:
        _want(wanted, row.changes, row.object_type)
        if row.action == "audit.read":
            for kind, number in asked_for(row.changes):
                wanted.setdefault(kind, set()).add(number)
    return _find(wanted)


def _want(wanted: Wanted, changes: Mapping[str, Any], object_type: str | None) -> None:
    for field, change in changes.items():
        if kind := points_at(field, object_type):
            values = change if isinstance(change, list) else [change]
            ids = {value for value in values if type(value) is int}
            wanted.setdefault(kind, set()).update(ids)


def _find(wanted: Wanted) -> dict[tuple[str, int], str]:
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
