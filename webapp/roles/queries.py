"""Reads about roles."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text

from webapp.access.models import Role
from webapp.access.queries import KNOWN_PLACES
from webapp.core.db import db
from webapp.core.registry import find_entry

HOLDERS_SHOWN = 100
NAMES_SHOWN = 20
HISTORY_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Effect:
    """What a change of a role means to the people who hold it, for one page or permission."""

    key: str
    title: str
    people: int
    names: tuple[str, ...]
    unaffected: int


_LIST = text("""
  SELECT r.id, r.name, r.description, count(DISTINCT u.id) AS people,
    count(DISTINCT u.id) FILTER (WHERE u.is_active) AS active
    FROM roles r LEFT JOIN user_roles ur ON ur.role_id = r.id LEFT JOIN users u ON u.id = ur.user_id
   GROUP BY r.id ORDER BY r.name, r.id
""")
_HOLDERS = text(f"""
  SELECT u.id, u.name, u.email, u.is_active, ur.location_id, ur.client_id, ur.project_id,
    coalesce(l.name, c.name, p.name) AS scope_label,
    CASE WHEN num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0 THEN true ELSE false END AS everywhere
    FROM user_roles ur JOIN users u ON u.id = ur.user_id
    LEFT JOIN ({KNOWN_PLACES}) l ON l.id = ur.location_id LEFT JOIN clients c ON c.id = ur.client_id
    LEFT JOIN projects p ON p.id = ur.project_id
   WHERE ur.role_id = :role ORDER BY u.is_active DESC, u.name, ur.id LIMIT :limit
""")  # noqa: S608 - no user input
_COUNT = text("SELECT count(DISTINCT user_id) FROM user_roles WHERE role_id = :role")

# Whoever holds the key by no other role that reaches at least as far gains or loses it with this one.
_AFFECTED = text("""
WITH RECURSIVE up AS (
  SELECT id, id AS above FROM locations
  UNION SELECT up.id, l.parent_id FROM up JOIN locations l ON l.id = up.above WHERE l.parent_id IS NOT NULL
), mine AS (
  SELECT ur.user_id, u.name, ur.project_id, coalesce(ur.client_id, p.client_id) AS client_id,
    coalesce(ur.location_id, c.location_id) AS location_id
    FROM user_roles ur JOIN users u ON u.id = ur.user_id AND u.is_active
    LEFT JOIN projects p ON p.id = ur.project_id
    LEFT JOIN clients c ON c.id = coalesce(ur.client_id, p.client_id)
   WHERE ur.role_id = :role
), gives AS (
  SELECT pr.role_id, p.key FROM page_roles pr JOIN pages p ON p.id = pr.page_id WHERE p.key = ANY (:keys)
  UNION ALL SELECT rp.role_id, p.key FROM role_permissions rp JOIN permissions p ON p.id = rp.permission_id
   WHERE p.key = ANY (:keys)
), affected AS (
  SELECT DISTINCT k.key, mine.user_id, mine.name
    FROM mine CROSS JOIN unnest(CAST(:keys AS text[])) AS k(key)
   WHERE NOT EXISTS (
     SELECT FROM user_roles o JOIN gives ON gives.role_id = o.role_id AND gives.key = k.key
      WHERE o.user_id = mine.user_id AND o.role_id <> :role
        AND (num_nonnulls(o.location_id, o.client_id, o.project_id) = 0
          OR o.project_id = mine.project_id OR o.client_id = mine.client_id
          OR o.location_id IN (SELECT above FROM up WHERE up.id = mine.location_id)))
)
SELECT key, count(*) AS people, (array_agg(name ORDER BY name, user_id))[1 : CAST(:most AS int)] AS names,
  (SELECT count(DISTINCT user_id) FROM mine) AS holders
  FROM affected GROUP BY key
""")
_HOLDERS_ACTIVE = text(
    "SELECT count(DISTINCT u.id) FROM user_roles ur JOIN users u ON u.id = ur.user_id AND u.is_active"
    " WHERE ur.role_id = :role"
)


def list_roles() -> list[Any]:
    """Return every role with the number of people who hold it, by name."""
    return list(db.session.execute(_LIST))


def holders_of(role_id: int) -> list[Any]:
    """Return who holds a role and where, active people first, up to a hundred grants."""
    return list(db.session.execute(_HOLDERS, {"role": role_id, "limit": HOLDERS_SHOWN}))


def count_holders(role_id: int) -> int:
    """Count the people who hold a role, active or not."""
    return int(db.session.scalar(_COUNT, {"role": role_id}) or 0)


def name_is_taken(name: str, *, besides: int | None = None) -> bool:
    """Tell whether another role has this name, in any case."""
    statement = select(Role.id).where(func.lower(Role.name) == func.lower(name))
    if besides is not None:
        statement = statement.where(Role.id != besides)
    return db.session.scalar(statement.limit(1)) is not None


def effects(role_id: int, keys: Iterable[str]) -> list[Effect]:
    """Return for each key how many holders of the role have it by no other role, and their names."""
    wanted = list(keys)
    if not wanted:
        return []
    values = {"role": role_id, "keys": wanted, "most": NAMES_SHOWN}
    found = {row.key: row for row in db.session.execute(_AFFECTED, values)}
    holders = int(db.session.scalar(_HOLDERS_ACTIVE, {"role": role_id}) or 0)
    return [
        Effect(
            key=key,
            title=entry.title if (entry := find_entry(key)) else key,
            people=found[key].people if key in found else 0,
            names=tuple(found[key].names) if key in found else (),
            unaffected=holders - (found[key].people if key in found else 0),
        )
        for key in wanted
    ]
