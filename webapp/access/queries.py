"""Reads about roles and grants."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select, text

from webapp.access.grants import Grant, grant_from
from webapp.access.models import Page, Permission, Role, UserRole
from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.organisation.tree import Place

# A grant with its role's pages and permissions, and the locations below its own.
GRANTS = """
  SELECT ur.id, ur.user_id, ur.role_id, r.name AS role, ur.location_id, ur.client_id, ur.project_id,
    ARRAY(SELECT p.key FROM page_roles x JOIN pages p ON p.id = x.page_id WHERE x.role_id = ur.role_id) AS pages,
    ARRAY(SELECT p.key FROM role_permissions x JOIN permissions p ON p.id = x.permission_id
           WHERE x.role_id = ur.role_id) AS permissions,
    CASE WHEN ur.location_id IS NOT NULL THEN ARRAY(
      WITH RECURSIVE below AS (
        SELECT ur.location_id AS id UNION SELECT l.id FROM locations l JOIN below ON l.parent_id = below.id
      ) SELECT id FROM below) END AS location_ids
    FROM user_roles ur JOIN roles r ON r.id = ur.role_id
"""

# The database shows clients and projects in scope only; locations belong to no client: a person knows those of their
# roles, those of the clients they see, and what lies above.
KNOWN_PLACES = """
  WITH RECURSIVE up AS (
    SELECT id, parent_id FROM locations WHERE current_user = 'steward_app'
       AND (id = ANY ((SELECT steward_scope('location'))::bigint[]) OR id IN (SELECT location_id FROM clients))
    UNION SELECT l.id, l.parent_id FROM locations l JOIN up ON l.id = up.parent_id
  ) SELECT id, name FROM locations WHERE current_user <> 'steward_app' OR id IN (SELECT id FROM up)
"""

_LABELLED = f"""
  SELECT held.*, coalesce(l.name, c.name, p.name) AS scope_label FROM ({GRANTS} WHERE ur.user_id = ANY (:ids)) AS held
    LEFT JOIN ({KNOWN_PLACES}) l ON l.id = held.location_id LEFT JOIN clients c ON c.id = held.client_id
    LEFT JOIN projects p ON p.id = held.project_id
   ORDER BY held.role, held.id
"""  # noqa: S608 - no user input


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleContents:
    """What a role gives."""

    id: int
    name: str
    pages: frozenset[str]
    permissions: frozenset[str]


def grants_of(user_ids: Iterable[int]) -> dict[int, list[Grant]]:
    """Return the grants of each person, in one query, with the names of their scopes."""
    held: dict[int, list[Grant]] = {user_id: [] for user_id in user_ids}
    rows = db.session.execute(text(_LABELLED), {"ids": list(held)}).mappings()
    for row in rows:
        held[row["user_id"]].append(grant_from(dict(row)))
    return held


def get_role(role_id: int, *, lock: bool = False) -> Role | None:
    """Find a role by its id; ``lock`` holds its row until the transaction ends."""
    statement = select(Role).where(Role.id == role_id)
    return db.session.scalar(statement.with_for_update() if lock else statement)


_CONTENTS = """
  SELECT r.id, r.name,
    ARRAY(SELECT p.key FROM page_roles x JOIN pages p ON p.id = x.page_id WHERE x.role_id = r.id) AS pages,
    ARRAY(SELECT p.key FROM role_permissions x JOIN permissions p ON p.id = x.permission_id
           WHERE x.role_id = r.id) AS permissions
    FROM roles r WHERE CAST(:ids AS bigint[]) IS NULL OR r.id = ANY (:ids) ORDER BY r.name, r.id
"""


def contents_of(role_ids: Iterable[int] | None = None) -> list[RoleContents]:
    """Return what each role (all by default) gives, by name."""
    ids = None if role_ids is None else list(role_ids)
    return [
        RoleContents(
            id=row.id,
            name=row.name,
            pages=frozenset(row.pages),
            permissions=frozenset(row.permissions),
        )
        for row in db.session.execute(text(_CONTENTS), {"ids": ids})
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Administrators:
    """How many people may edit roles everywhere, and how many of them hold every page and permission there."""

    editors: int
    full: int

    def outlast(self, now: "Administrators") -> bool:
        """Tell whether ``now`` the last of either kind is gone; the database refuses the commit then."""
        return bool((self.editors and not now.editors) or (self.full and not now.full))


def administrators() -> Administrators:
    """Count those who can repair roles; the caller waits for others who take that right."""
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('administrators'))"))
    row = db.session.execute(
        text("SELECT administrators() AS editors, full_administrators() AS full_ones")
    ).one()
    return Administrators(editors=row.editors, full=row.full_ones)


def find_user_role(grant_id: int) -> UserRole | None:
    """Find a grant by its id."""
    return db.session.get(UserRole, grant_id)


def place_of(
    *, location_id: int | None = None, client_id: int | None = None, project_id: int | None = None
) -> Place | None:
    """Return where a location, client or project lies, with all that is above it; None if none is given.

    Raises:
        LookupError: if it does not exist or lies outside the person's scope.
    """
    if project_id is not None:
        found = _path(
            "SELECT c.location_id, p.client_id, p.id AS project_id FROM projects p"
            " JOIN clients c ON c.id = p.client_id WHERE p.id = :id",
            project_id,
        )
    elif client_id is not None:
        found = _path(
            "SELECT location_id, id AS client_id, NULL AS project_id FROM clients WHERE id = :id",
            client_id,
        )
    elif location_id is not None:
        found = _path(
            "SELECT id AS location_id, NULL AS client_id, NULL AS project_id FROM locations WHERE id = :id",
            location_id,
        )
    else:
        return None
    if found is None:
        raise LookupError
    return found


def places_of(grants: Iterable[Grant]) -> list[Place]:
    """Return where the grants hold, each with all that is above it; without those out of sight."""
    held = [grant for grant in grants if not grant.everywhere]
    places = [Place(location_id=grant.location_id) for grant in held if grant.location_id]
    ids = {
        "clients": [grant.client_id for grant in held if grant.client_id],
        "projects": [grant.project_id for grant in held if grant.project_id],
    }
    if any(ids.values()):
        places += [Place(**row) for row in db.session.execute(text(_PLACES), ids).mappings()]
    return places


_PLACES = """
  SELECT location_id, id AS client_id, NULL AS project_id FROM clients WHERE id = ANY (:clients)
  UNION ALL SELECT c.location_id, p.client_id, p.id FROM projects p JOIN clients c ON c.id = p.client_id
   WHERE p.id = ANY (:projects)
"""


def _path(statement: str, key: int) -> Place | None:
    row = db.session.execute(text(statement), {"id": key}).mappings().one_or_none()
    return None if row is None else Place(**row)


def ids_of(model: type[Page | Permission], keys: Iterable[str]) -> dict[str, int]:
    """Map keys of pages or permissions to their ids."""
    rows = db.session.execute(select(model.key, model.id).where(model.key.in_(list(keys))))
    return {row.key: row.id for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A person to choose from a list."""

    value: str
    label: str
    hint: str
    active: bool = True


def everywhere_with(permission: str) -> list[int]:
    """Return the active people who hold ``permission`` everywhere."""
    rows = db.session.scalars(text(_EVERYWHERE_WITH), {"key": permission})
    return list(rows)


_EVERYWHERE_WITH = """
  SELECT DISTINCT ur.user_id FROM user_roles ur JOIN users u ON u.id = ur.user_id AND u.is_active
    JOIN role_permissions x ON x.role_id = ur.role_id JOIN permissions p ON p.id = x.permission_id AND p.key = :key
   WHERE num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0 ORDER BY 1
"""

# Users lie above this domain, so their table is named rather than imported.
_PEOPLE = """
  SELECT id::text AS value, name AS label, email AS hint, is_active AS active FROM users
   WHERE CASE WHEN CAST(:id AS bigint) IS NOT NULL THEN id = :id
     ELSE :q = '' OR search @@ to_tsquery('simple', :q) END
   ORDER BY is_active DESC, name, id LIMIT :limit
"""


def people_like(q: str, *, limit: int) -> list[Choice]:
    """Return people whose name or address has words that begin like those of ``q``."""
    return _choices(_PEOPLE, id=None, q=prefix_query(q) if q else "", limit=limit)


def find_person(user_id: int) -> Choice | None:
    """Return a person to show, active or not."""
    found = _choices(_PEOPLE, id=user_id, q="", limit=1)
    return found[0] if found else None


def _choices(statement: str, **values: object) -> list[Choice]:
    rows = db.session.execute(text(statement), values).mappings()
    return [Choice(**row) for row in rows]
