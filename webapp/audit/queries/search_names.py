"""From names to numbers: what people type into a search of the log, as the log has it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text

from webapp.core.db import db
from webapp.core.search import prefix_query

MOST = 50
_SYSTEM = text("""
    WITH RECURSIVE named AS (
      (SELECT actor_name AS name FROM audit_event
        WHERE actor_id IS NULL AND actor_name >= 'system:' AND actor_name < 'system;'
        ORDER BY actor_name LIMIT 1)
      UNION ALL
      SELECT (SELECT actor_name FROM audit_event
               WHERE actor_id IS NULL AND actor_name > named.name AND actor_name < 'system;'
               ORDER BY actor_name LIMIT 1)
        FROM named WHERE named.name IS NOT NULL)
    SELECT name FROM named WHERE name IS NOT NULL LIMIT 100
""")
# What finds a row by what people call it, for each kind that changes may point at: names by how they begin.
_CALLED = {
    "user": "SELECT id FROM users WHERE starts_with(lower(name), :typed) OR starts_with(lower(email), :typed)",
    "role": "SELECT id FROM roles WHERE starts_with(lower(name), :typed)",
    "location": "SELECT id FROM locations WHERE starts_with(lower(name), :typed)",
    "client": "SELECT id FROM clients WHERE starts_with(lower(name), :typed) OR lower(code) = :typed",
    "project": "SELECT id FROM projects WHERE starts_with(lower(name), :typed)",
    "asset": "SELECT id FROM assets WHERE tag IN (:typed, upper(:typed), :raw)",
    "asset_type": "SELECT id FROM asset_types WHERE starts_with(lower(name), :typed)",
    "page": "SELECT id FROM pages WHERE key = :typed",
    "permission": "SELECT id FROM permissions WHERE key = :typed",
    "ticket": "SELECT id FROM tickets WHERE number = :number",
    "contact": "SELECT id FROM contacts WHERE starts_with(lower(name), :typed)",
    "team": "SELECT id FROM teams WHERE starts_with(lower(name), :typed)",
    "business_hours": "SELECT id FROM business_hours WHERE starts_with(lower(name), :typed)",
    "sla_policy": "SELECT id FROM sla_policies WHERE starts_with(lower(name), :typed)",
}
_EXACT_FIRST = " ORDER BY lower(name) <> :typed, id"  # many may begin like it


def people_called(typed: str, *, most: int = 200) -> tuple[int, ...]:
    """Return the ids of the people of whose name or address ``typed`` is a part."""
    terms = prefix_query(typed)
    if terms is None:
        return ()
    found = text(
        "SELECT id FROM users WHERE search @@ to_tsquery('simple', :terms) ORDER BY id LIMIT :most"
    )
    return tuple(db.session.scalars(found, {"terms": terms, "most": most}))


def ids_called(wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Sequence[int]]:
    """Return the ids of the rows of each kind whose name begins like this, in one query."""
    asked = [(kind, name) for kind, name in dict.fromkeys(wanted) if kind in _CALLED]
    parts: list[str] = []
    values: dict[str, Any] = {}
    for at, (kind, name) in enumerate(asked):
        called = _CALLED[kind] + (
            _EXACT_FIRST if "starts_with(lower(name)" in _CALLED[kind] else ""
        )
        statement = called.replace(":typed", f":t{at}").replace(":raw", f":r{at}")
        parts.append(
            f"(SELECT {at} AS at, id FROM ({statement.replace(':number', f':n{at}')}) AS x LIMIT {MOST})"  # noqa: S608 # nosec B608 - our own texts
        )
        values |= _values(at, name)
    found: dict[tuple[str, str], list[int]] = {one: [] for one in asked}
    if parts:
        statement = " UNION ALL ".join(parts)
        used = {key: value for key, value in values.items() if f":{key}" in statement}
        for row in db.session.execute(text(statement), used):
            found[asked[row.at]].append(row.id)
    return dict(found)


def _values(at: int, name: str) -> dict[str, Any]:
    digits = name.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1  # noqa: PLR2004 - fits an int
    return {f"t{at}": name.lower().removesuffix("*") or name, f"r{at}": name, f"n{at}": number}


def system_names() -> list[str]:
    """Return the names under which the system acted, without reading the rows between."""
    return list(db.session.scalars(_SYSTEM))
