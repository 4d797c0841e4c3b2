"""Names of the rows that changed values point at."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import text

from webapp.core.db import db

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
