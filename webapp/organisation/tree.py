"""Where things lie, and which locations a person sees.

Clients and projects are filtered by the database. Locations belong to no client, so their filter is here: a person
sees those in the scope of a role, those of the clients they see, and what lies above.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, false, literal, or_, select, true

from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation.models import Client, Location, Project

MAX_LOCATIONS = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where an object lies, as a grant's scope is compared with it; what is None is not known to be narrower."""

    location_id: int | None = None
    client_id: int | None = None
    project_id: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What the roles that open a page cover, taken together."""

    everywhere: bool = False
    location_ids: frozenset[int] = frozenset()
    client_ids: frozenset[int] = frozenset()
    project_ids: frozenset[int] = frozenset()

    def holds_new(self, kind: str) -> bool:
        """Tell whether a new location, client or project can lie within reach."""
        inside_clients = bool(self.client_ids) and kind == "project"
        return self.everywhere or bool(self.location_ids) or inside_clients

    def clients(self) -> ColumnElement[bool]:
        """Clients within reach; the database's policy holds besides."""
        if self.everywhere:
            return true()
        of_project = select(Project.client_id).where(Project.id.in_(self.project_ids))
        return or_(
            Client.location_id.in_(self.location_ids),
            Client.id.in_(self.client_ids),
            Client.id.in_(of_project) if self.project_ids else false(),
        )

    def projects(self) -> ColumnElement[bool]:
        """Projects within reach, in a statement that joins their client."""
        if self.everywhere:
            return true()
        return or_(
            Client.location_id.in_(self.location_ids),
            Client.id.in_(self.client_ids),
            Project.id.in_(self.project_ids),
        )


def reach_of(person: Any, key: str = "organisation") -> Reach:
    """Gather the scope of the person's roles that hold the page or permission ``key``."""
    grants = [grant for grant in person.grants if key in grant.pages or key in grant.permissions]
    return Reach(
        everywhere=any(grant.everywhere for grant in grants),
        location_ids=frozenset[int]().union(*(grant.location_ids for grant in grants)),
        client_ids=frozenset(grant.client_id for grant in grants if grant.client_id),
        project_ids=frozenset(grant.project_id for grant in grants if grant.project_id),
    )


def place_of(client_id: int, project_id: int | None) -> Place:
    """Return where a record of a client lies, for permissions.

    Raises:
        DomainError: if the client does not exist or lies out of sight.
    """
    location = db.session.scalar(select(Client.location_id).where(Client.id == client_id))
    if location is None:
        raise DomainError(_("Choose one of the list."), field="client_id")
    return Place(location_id=location, client_id=client_id, project_id=project_id)


def above(start: Any, name: str) -> CTE:
    """The locations that ``start`` selects and all above them: id, parent_id."""
    up = select(Location.id, Location.parent_id).where(start).cte(name, recursive=True)
    return up.union(select(Location.id, Location.parent_id).join(up, Location.id == up.c.parent_id))


def below(location_id: int) -> CTE:
    """A location and all inside it: id."""
    down = select(Location.id).where(Location.id == location_id).cte("below", recursive=True)
    return down.union(select(Location.id).join(down, Location.parent_id == down.c.id))


def visible(reach: Reach) -> ColumnElement[bool]:
    """Locations that a person sees."""
    if reach.everywhere:
        return true()
    homes = select(Client.location_id).where(reach.clients())
    start = or_(Location.id.in_(reach.location_ids), Location.id.in_(homes))
    return Location.id.in_(select(above(start, "seen").c.id))


def path_to(location_id: int | None) -> list[Any]:
    """The locations from the top down to ``location_id``: rows (id, name)."""
    if location_id is None:
        return []
    up = (
        select(Location.id, Location.name, Location.parent_id, literal(0).label("depth"))
        .where(Location.id == location_id)
        .cte("path", recursive=True)
    )
    up = up.union_all(
        select(Location.id, Location.name, Location.parent_id, up.c.depth + 1).join(
            up, Location.id == up.c.parent_id
        )
    )
    return list(db.session.execute(select(up.c.id, up.c.name).order_by(up.c.depth.desc())))


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """A location in the tree, with how deep it lies and whether something lies inside."""

    id: int
    name: str
    parent_id: int | None
    address: str
    depth: int


def branches(reach: Reach) -> list[Branch]:
    """The live locations that a person sees, in the order of the tree, each after its parent."""
    statement = (
        select(Location.id, Location.name, Location.parent_id, Location.address)
        .where(Location.deleted_at.is_(None), visible(reach))
        .order_by(Location.name, Location.id)
        .limit(MAX_LOCATIONS)
    )
    rows = list(db.session.execute(statement))
    return _ordered(rows)


def _ordered(rows: Iterable[Any]) -> list[Branch]:
    inside: dict[int | None, list[Any]] = {}
    rows = list(rows)
    known = {row.id for row in rows}
    for row in rows:
        inside.setdefault(row.parent_id if row.parent_id in known else None, []).append(row)
    ordered: list[Branch] = []
    waiting = [(row, 0) for row in reversed(inside.get(None, []))]
    while waiting:
        row, depth = waiting.pop()
        ordered.append(
            Branch(
                id=row.id,
                name=row.name,
                parent_id=row.parent_id,
                address=row.address,
                depth=depth,
            )
        )
        waiting += [(child, depth + 1) for child in reversed(inside.get(row.id, []))]
    return ordered
