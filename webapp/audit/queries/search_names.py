"""From names to numbers: what people type into a search of the log, as the log has it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from webapp.audit.fields import POINTS_AT
from webapp.audit.queries.search_words import any_of, became, touched, was, words_query
from webapp.core.db import db
from webapp.core.search import phrases_of, prefix_query

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
# Of these a former name is looked for, too; and the words of a text may be in their names.
_RENAMED = frozenset(_CALLED) - {"page", "permission", "ticket"}
_PLAIN = {
    "location": "locations",
    "client": "clients",
    "project": "projects",
    "team": "teams",
    "role": "roles",
}
# What the latest rows with these terms are about.
_ABOUT = """
    (SELECT DISTINCT {one}, e.object_id AS id
       FROM audit_hits({terms}, NULL, :since, :until, true, {most}) AS hit
       JOIN audit_event e ON e.recorded_at = hit.at AND e.id = hit.event_id
      WHERE e.object_type = ANY (CAST(:kinds{at} AS text[])) AND e.object_id IS NOT NULL AND e.outcome = 'ok')
"""
_EVER = {"since": datetime(1, 1, 2, tzinfo=UTC), "until": datetime(9999, 12, 30, tzinfo=UTC)}
_NAMED = 5  # rows of each kind that words name
_ONCE_NAMED = text(
    _ABOUT.format(
        one="e.object_type AS kind",
        terms="to_tsquery('simple', :words) && CAST(:named AS tsquery)",
        most=2 * _NAMED,
        at="",
    )
)
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
        if kind in _RENAMED:
            once = {
                "one": f"{at} AS at",
                "terms": f"CAST(:once{at} AS tsquery)",
                "most": MOST,
                "at": at,
            }
            parts.append(_ABOUT.format(**once))
            begins = f"{values[f't{at}']}*"
            values |= {f"once{at}": any_of(was(field, begins) for field in ("name", "tag"))}
            values |= {f"kinds{at}": [kind], **_EVER}
    found: dict[tuple[str, str], list[int]] = {one: [] for one in asked}
    if parts:
        statement = " UNION ALL ".join(parts)
        used = {key: value for key, value in values.items() if f":{key}" in statement}
        for row in db.session.execute(text(statement), used):
            if row.id not in found[asked[row.at]]:
                found[asked[row.at]].append(row.id)
    return dict(found)


def pointing_at(typed: str) -> tuple[str, ...]:
    """Return queries for values that point at what has all these words in its name, or else had: a few of each kind."""
    terms, words = prefix_query(typed), words_query(typed)
    if terms is None or words is None:
        return ()
    apart = [word.lower() for phrase in phrases_of(typed) for word in phrase.words]
    inside = " AND ".join(f"' ' || lower(name) LIKE :w{at}" for at in range(len(apart)))
    parts = [
        f"(SELECT '{kind}' AS kind, id FROM {table} WHERE {inside} ORDER BY id LIMIT {_NAMED})"  # noqa: S608 # nosec B608 - our own names
        for kind, table in _PLAIN.items()
    ]
    parts.append(
        f"(SELECT 'user', id FROM users WHERE search @@ to_tsquery('simple', :terms) ORDER BY id LIMIT {_NAMED})"  # noqa: S608 # nosec B608 - our own text
    )
    values = {f"w{at}": f"% {word}%" for at, word in enumerate(apart)} | {"terms": terms}
    found = db.session.execute(text(" UNION ALL ".join(parts)), values).all()
    if not found:  # which takes longer: what was called so once
        asked = {"words": words, "named": touched("name"), "kinds": [*_PLAIN, "user"]}
        found = db.session.execute(_ONCE_NAMED, asked | _EVER).all()
    return tuple(
        made(field, str(row.id))
        for row in found
        for field, kind in POINTS_AT.items()
        if kind == row.kind
        for made in (was, became)
    )


def _values(at: int, name: str) -> dict[str, Any]:
    digits = name.removeprefix("#")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else -1  # noqa: PLR2004 - fits an int
    return {f"t{at}": name.lower().removesuffix("*") or name, f"r{at}": name, f"n{at}": number}


def system_names() -> list[str]:
    """Return the names under which the system acted, without reading the rows between."""
    return list(db.session.scalars(_SYSTEM))
