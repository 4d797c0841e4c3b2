"""Reads about locations, clients and projects. Clients and projects are filtered by the database's policies as well."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, true

from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import cleaned
from webapp.organisation import tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Branch, Place, Reach

CHILDREN = 10
IN_TREE = 6

CLIENTS = Listing(
    id=Client.id,
    sorts={"name": Client.name, "code": Client.code, "added": Client.id},
    default="name",
)
PROJECTS = Listing(id=Project.id, sorts={"name": Project.name, "added": Project.id}, default="name")


@dataclass(kw_only=True, slots=True)
class Filters:
    """What a list is narrowed to; each is None or empty where it is not."""

    q: str = ""
    location_id: int | None = None
    client_id: int | None = None
    deleted: bool = False


@dataclass(kw_only=True, slots=True)
class TreeRow:
    """A location in the overview with what lies in it."""

    branch: Branch
    clients: list[Any] = field(default_factory=list)
    client_count: int = 0
    total: int = 0


def overview(reach: Reach) -> list[TreeRow]:
    """The tree of locations with the first clients of each, and how many lie in it and below."""
    rows = {branch.id: TreeRow(branch=branch) for branch in tree.branches(reach)}
    ranked = (
        select(
            Client.id,
            Client.name,
            Client.code,
            Client.location_id,
            func.count().over(partition_by=Client.location_id).label("in_all"),
            func.row_number()
            .over(partition_by=Client.location_id, order_by=(Client.name, Client.id))
            .label("rank"),
        )
        .where(Client.deleted_at.is_(None), reach.clients())
        .subquery()
    )
    few = select(ranked).where(ranked.c.rank <= IN_TREE).order_by(ranked.c.rank)
    for client in db.session.execute(few):
        if row := rows.get(client.location_id):
            row.clients.append(client)
            row.client_count = client.in_all
    for row in reversed(rows.values()):  # children stand after their parents
        row.total += row.client_count
        if (parent := rows.get(row.branch.parent_id or 0)) is not None:
            parent.total += row.total
    return list(rows.values())


def list_clients(args: Any, filters: Filters) -> Page:
    """A page of clients."""
    projects = (
        select(func.count())
        .where(Project.client_id == Client.id, Project.deleted_at.is_(None))
        .scalar_subquery()
    )
    statement = (
        select(
            Client.id,
            Client.name,
            Client.code,
            Client.location_id,
            Location.name.label("location"),
            projects.label("projects"),
            Client.deleted_at,
        )
        .join(Location, Location.id == Client.location_id)
        .where(_alive(Client, deleted=filters.deleted))
        .where(_words(filters.q, Client.name, Client.code))
    )
    statement = _in_location(statement, filters.location_id)
    return paginate(statement, CLIENTS, args, counted=True)


def list_projects(args: Any, filters: Filters) -> Page:
    """A page of projects."""
    statement = (
        select(
            Project.id,
            Project.name,
            Project.client_id,
            Client.name.label("client"),
            Project.starts_on,
            Project.ends_on,
            Project.deleted_at,
        )
        .join(Client, Client.id == Project.client_id)
        .where(_alive(Project, deleted=filters.deleted))
        .where(_words(filters.q, Project.name, Client.name, Client.code))
    )
    statement = _in_location(statement, filters.location_id)
    if filters.client_id is not None:
        statement = statement.where(Project.client_id == filters.client_id)
    return paginate(statement, PROJECTS, args, counted=True)


def _alive(model: type[Client | Project | Location], *, deleted: bool) -> ColumnElement[bool]:
    return model.deleted_at.is_not(None) if deleted else model.deleted_at.is_(None)


def _words(typed: str, *columns: Any) -> ColumnElement[bool]:
    """Every word must occur in one of the columns; these tables are small, a scan is quick."""
    words = cleaned(typed).split()[:8]
    return and_(
        true(),
        *(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words),
    )


def _in_location(statement: Any, location_id: int | None) -> Any:
    if location_id is None:
        return statement
    return statement.where(Client.location_id.in_(select(tree.below(location_id).c.id)))


def deleted_locations(reach: Reach) -> Sequence[Any]:
    """Locations that were deleted, newest first."""
    statement = (
        select(Location.id, Location.name, Location.deleted_at)
        .where(Location.deleted_at.is_not(None), tree.visible(reach))
        .order_by(Location.deleted_at.desc(), Location.id)
        .limit(100)
    )
    return db.session.execute(statement).all()


def find_location(location_id: int, reach: Reach) -> Location | None:
    """Find a location that the person sees."""
    statement = select(Location).where(Location.id == location_id, tree.visible(reach))
    return db.session.scalar(statement)


def find_client(client_id: int) -> Client | None:
    """Find a client within the person's scope."""
    return db.session.scalar(select(Client).where(Client.id == client_id))


def find_project(project_id: int) -> tuple[Project, Client] | None:
    """Find a project within the person's scope, with its client."""
    statement = (
        select(Project, Client)
        .join(Client, Client.id == Project.client_id)
        .where(Project.id == project_id)
    )
    row = db.session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def place_of_client(client_id: int | None) -> Place:
    """Where a client lies; of one that nobody sees only the id is known."""
    home = db.session.scalar(select(Client.location_id).where(Client.id == client_id))
    return Place(location_id=home, client_id=client_id if home else None)


def sub_locations(location_id: int, reach: Reach) -> Sequence[Any]:
    """The live locations directly inside a location."""
    statement = (
        select(Location.id, Location.name)
        .where(Location.parent_id == location_id, Location.deleted_at.is_(None))
        .where(tree.visible(reach))
        .order_by(Location.name, Location.id)
        .limit(CHILDREN * 5)
    )
    return db.session.execute(statement).all()


def clients_in(location_id: int) -> Sequence[Any]:
    """The first clients of a location and what is below it; one more than shown tells that there are others."""
    statement = (
        select(Client.id, Client.name, Client.code, Location.name.label("location"))
        .join(Location, Location.id == Client.location_id)
        .where(Client.deleted_at.is_(None))
        .order_by(Client.name, Client.id)
        .limit(CHILDREN + 1)
    )
    return db.session.execute(_in_location(statement, location_id)).all()


def projects_of(client_id: int) -> Sequence[Any]:
    """The first projects of a client; one more than shown tells that there are others."""
    statement = (
        select(Project.id, Project.name, Project.starts_on, Project.ends_on)
        .where(Project.client_id == client_id, Project.deleted_at.is_(None))
        .order_by(Project.name, Project.id)
        .limit(CHILDREN + 1)
    )
    return db.session.execute(statement).all()
