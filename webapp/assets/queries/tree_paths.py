"""Where the nodes of the tree lie, and finding them by name or tag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, or_, select, text

from webapp.assets.models import Asset
from webapp.assets.queries import common
from webapp.assets.queries.tree import Spot
from webapp.core.db import db
from webapp.core.search import cleaned
from webapp.organisation import choices
from webapp.organisation.models import Client
from webapp.organisation.tree import Reach

FOUND = 20
SHOWN = 10

_ASSETS_UP = text("""
WITH RECURSIVE up AS (
  SELECT id AS start, 0 AS depth, id, tag, name, parent_id, client_id, project_id FROM assets WHERE id = ANY (:ids)
  UNION ALL SELECT up.start, up.depth + 1, a.id, a.tag, a.name, a.parent_id, a.client_id, a.project_id
    FROM assets a JOIN up ON a.id = up.parent_id WHERE up.depth < 100
) SELECT * FROM up ORDER BY start, depth
""")
_OWNERS = text("""
SELECT 'project' AS kind, id, name, client_id AS above FROM projects WHERE id = ANY (:projects)
UNION ALL SELECT 'client', id, name, location_id FROM clients
  WHERE id = ANY (:clients) OR id IN (SELECT client_id FROM projects WHERE id = ANY (:projects))
""")
_LOCATIONS_UP = text("""
WITH RECURSIVE up AS (
  SELECT id, name, parent_id FROM locations WHERE id = ANY (:ids)
  UNION SELECT l.id, l.name, l.parent_id FROM locations l JOIN up ON l.id = up.parent_id
) SELECT * FROM up
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A node of a path, by name."""

    spot: Spot
    name: str
    hint: str = ""


def paths(spots: Iterable[Spot]) -> dict[Spot, list[Step]]:
    """Return the way from the top to each node in sight, itself included; of any number in three statements.

    Locations have to be filtered by who asks: a place in sight is only looked for under one.
    """
    wanted = list(spots)
    up: dict[int, list[Any]] = {}
    for row in _rows(_ASSETS_UP, ids=_of(wanted, "asset")):
        up.setdefault(row.start, []).append(row)
    own = [rows[0] for rows in up.values()]
    owners = {
        Spot(kind=row.kind, id=row.id): row
        for row in _rows(
            _OWNERS,
            projects=[*_of(wanted, "project"), *(row.project_id for row in own if row.project_id)],
            clients=[*_of(wanted, "client"), *(row.client_id for row in own)],
        )
    }
    homes = [row.above for row in owners.values() if row.kind == "client"]
    places = {row.id: row for row in _rows(_LOCATIONS_UP, ids=[*_of(wanted, "location"), *homes])}
    found = {spot: _path(spot, up, owners, places) for spot in wanted}
    return {spot: steps for spot, steps in found.items() if steps}


def _path(
    spot: Spot, up: dict[int, list[Any]], owners: dict[Spot, Any], places: dict[int, Any]
) -> list[Step]:
    steps: list[Step] = []  # from below
    here: Spot | None = spot
    if spot.kind == "asset":
        rows = up.get(spot.id, [])
        steps = [
            Step(spot=Spot(kind="asset", id=row.id), name=row.tag, hint=row.name) for row in rows
        ]
        here = _owner_of(rows[-1]) if rows else None
    while here is not None and here.kind != "location":
        row = owners.get(here)
        if row is None:
            return []
        steps.append(Step(spot=here, name=row.name))
        here = Spot(kind="client" if here.kind == "project" else "location", id=row.above)
    row = places.get(here.id) if here else None
    while row is not None:
        steps.append(Step(spot=Spot(kind="location", id=row.id), name=row.name))
        row = places.get(row.parent_id)
    return steps[::-1]


def _owner_of(row: Any) -> Spot:
    if row.project_id:
        return Spot(kind="project", id=row.project_id)
    return Spot(kind="client", id=row.client_id)


def _of(spots: Iterable[Spot], kind: str) -> list[int]:
    return [spot.id for spot in spots if spot.kind == kind]


def _rows(statement: Any, **values: list[int]) -> Sequence[Any]:
    if not any(values.values()):
        return ()
    return db.session.execute(statement, values).all()


def find(typed: str, *, seen: Reach, everything: bool) -> tuple[list[list[Step]], bool]:
    """Return the paths of the nodes of any kind that match what was typed, and whether there are more."""
    places, more = choices.find_places(typed, seen=seen)
    found = select(Asset.id).where(
        common.matches(typed, everything=everything), Asset.deleted_at.is_(None)
    )
    exact = case((Asset.tag_key == cleaned(typed).lower(), 0), else_=1)
    ids = db.session.scalars(found.order_by(exact, Asset.tag, Asset.id).limit(FOUND + 1)).all()
    spots = [Spot(kind=row.kind, id=row.id) for row in places]
    spots += [Spot(kind="asset", id=number) for number in ids[:FOUND]]
    known = paths(spots)
    return [known[spot] for spot in spots if spot in known], more or len(ids) > FOUND


def containers(typed: str, who: Any, *, within: Reach, outside: int) -> list[Any]:
    """Return assets that another may be put into: in sight and within reach, but for ``outside``."""
    statement = (
        select(Asset.id, Asset.tag, Asset.name, Client.name.label("client"))
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.deleted_at.is_(None), Asset.id != outside)
        .order_by(Asset.tag, Asset.id)
        .limit(FOUND + 1)
    )
    if typed:
        found = common.matches(typed, everything=who.sees_every_client("assets"))
        statement = statement.where(found)
    if not within.everywhere:
        statement = statement.where(
            or_(
                Client.location_id.in_(within.location_ids),
                Client.id.in_(within.client_ids),
                Asset.project_id.in_(within.project_ids),
            )
        )
    return list(db.session.execute(statement))


def first_below(spot: Spot) -> list[Any]:
    """Return the first assets that move with a node; of places that keep their clients' assets none."""
    where = {
        "project": Asset.project_id == spot.id,
        "asset": Asset.parent_id == spot.id,
    }.get(spot.kind)
    if where is None:
        return []
    statement = (
        select(Asset.id, Asset.tag, Asset.name)
        .where(where, Asset.deleted_at.is_(None))
        .order_by(Asset.tag, Asset.id)
        .limit(SHOWN)
    )
    return list(db.session.execute(statement))
