"""Names of the rows that changed values point at: those of today, and those of the moment of a row of the log."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from webapp.audit.fields import POINTS_AT as POINTS_AT  # noqa: PLC0414 - found here by others
from webapp.audit.fields import points_at as points_at  # noqa: PLC0414
from webapp.audit.readings import asked_for
from webapp.audit.wording import Dated, pair
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
# Their names never change.
_FIXED = frozenset({"page", "permission", "ticket_transition"})
# What is not found is gone: no policy hides rows of these.
_OPEN = frozenset({"user", "role", "location", "asset_type", "team", "business_hours"})
# What the log wrote next about each row says what it was called until then: by its label, or by what it was
# renamed from. That is one row for each, however long ago; of what one transaction wrote, the renaming counts.
_THEN = """
SELECT w.kind, w.id, w.at, a.renamed AS changes, a.object_label AS label
  FROM unnest(CAST(:kinds AS text[]), CAST(:ids AS bigint[]), CAST(:moments AS timestamptz[])) AS w (kind, id, at)
  CROSS JOIN LATERAL (
    SELECT object_label, renamed FROM (
      SELECT e.recorded_at, e.id, e.object_label,
             CASE WHEN jsonb_exists_any(e.changes, '{name,tag,subject}') THEN e.changes END AS renamed
        FROM audit_event e
       WHERE e.object_type = w.kind AND e.object_id = w.id AND e.recorded_at > w.at
         AND e.recorded_at > :since AND e.recorded_at < :until
         AND e.object_label <> '' AND e.action <> ALL ('{session.refused,audit.read}')
       ORDER BY e.recorded_at, e.id LIMIT 4) few
     ORDER BY recorded_at, renamed IS NULL, id LIMIT 1) a
"""
_TODAY = "CAST(NULL AS timestamptz) AS at, CAST(NULL AS jsonb) AS changes"
_INSTANT, _DAY = timedelta(microseconds=1), timedelta(days=1)
Key = tuple[str, int]
Wanted = dict[str, set[int]]
Moments = dict[tuple[str, int, datetime], str]


def labels_of(changes: Mapping[str, Any], object_type: str | None = None) -> dict[Key, str]:
    """Name the rows that changed foreign keys point at, in one query; what is gone or out of sight has no name."""
    wanted: Wanted = {}
    for kind, number in _keys(changes, object_type):
        wanted.setdefault(kind, set()).add(number)
    return _find(wanted, [])[0]


def names_of(rows: Iterable[Any]) -> Dated:
    """Name what the values of many rows of the log point at, as it was called then, in one query.

    What is gone for good goes by its last name, for which a second query is needed.
    """
    wanted: Wanted = {}
    dated: set[tuple[str, int, datetime]] = set()
    for row in rows:
        at = getattr(row, "recorded_at", None)
        for kind, number in pointed(row):
            wanted.setdefault(kind, set()).add(number)
            if at is not None and kind not in _FIXED:
                dated.add((kind, number, at))
    today, then = _find(wanted, dated)
    gone = [one for one in dated if one[0] in _OPEN and one[:2] not in today and one not in then]
    if gone:  # with the last that was told of it
        before = {(kind, number, at - _INSTANT): at for kind, number, at in gone}
        told = _find({}, before)[1]
        then |= {
            (kind, number, before[kind, number, at]): name
            for (kind, number, at), name in told.items()
        }
    former: dict[datetime, dict[Key, str]] = {}
    for (kind, number, at), name in then.items():
        key = (kind, number)
        if name != today.get(key) and (key in today or kind in _OPEN):
            former.setdefault(at, {})[key] = name
    return Dated(today, former)


def pointed(row: Any) -> Iterable[Key]:
    """Yield what the values of a row of the log point at."""
    yield from _keys(row.changes, row.object_type)
    if row.action == "audit.read":
        yield from asked_for(row.changes)


def _keys(changes: Mapping[str, Any], object_type: str | None) -> Iterable[Key]:
    """What the values point at."""
    for field, change in changes.items():
        if kind := points_at(field, object_type):
            for value in change if isinstance(change, list) else [change]:
                if type(value) is int:
                    yield kind, value


def _find(
    wanted: Wanted, dated: Iterable[tuple[str, int, datetime]]
) -> tuple[dict[Key, str], Moments]:
    """Look up names of today, and of moments."""
    parts = [
        f"SELECT '{kind}' AS kind, id, {_TODAY}, {column} AS label FROM {table} WHERE id = ANY (:{kind})"  # noqa: S608 # nosec B608 - our own names
        for kind, (table, column) in _NAMED.items()
        if wanted.get(kind)
    ]
    values: dict[str, Any] = {kind: list(ids) for kind, ids in wanted.items() if ids}
    if dated:
        parts.append(_THEN)
        kinds, ids, moments = zip(*dated, strict=True)
        values |= {"kinds": list(kinds), "ids": list(ids), "moments": list(moments)}
        # As values, so that no month before or ahead is even planned for.
        values |= {"since": min(moments), "until": datetime.now(UTC) + _DAY}
    today: dict[Key, str] = {}
    then: Moments = {}
    for row in db.session.execute(text(" UNION ALL ".join(parts)), values) if parts else ():
        if row.at is None:
            today[row.kind, row.id] = row.label
        else:
            then[row.kind, row.id, row.at] = _name_before(row.kind, row.label, row.changes or {})
    return today, then


def _name_before(kind: str, label: str, changes: Mapping[str, Any]) -> str:
    """Return what a row was called before a change after which it had this label."""
    old, new = _texts(changes.get("subject" if kind == "ticket" else "name"))
    label = label.removesuffix(new) + old
    old, new = _texts(changes.get("tag"))
    return old + label.removeprefix(new)


def _texts(change: Any) -> tuple[str, str]:
    """Both ends of a renaming; nothing, if it is none."""
    old, new = pair(change)
    return (old, new) if isinstance(old, str) and isinstance(new, str) else ("", "")
