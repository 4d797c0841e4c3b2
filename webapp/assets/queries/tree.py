"""The tree of locations, clients, projects and assets: one statement for any number of levels, one for all counts.

Clients, projects and assets are filtered by the database, locations by ``organisation.tree.visible``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    exists,
    literal,
    null,
    or_,
    select,
    text,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import BIGINT

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.language import ngettext
from webapp.core.paging import count_text
from webapp.organisation import tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Reach

LEVEL = 100
KINDS = ("location", "client", "project", "asset")
# What may lie in what, in the order in which it is shown.
INSIDE: Mapping[str, tuple[str, ...]] = {
    "": ("location",),
    "location": ("location", "client"),
    "client": ("project", "asset"),
    "project": ("asset",),
    "asset": ("asset",),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Spot:
    """A node by its kind and number; ``Spot(kind="", id=0)`` is what lies above all."""

    kind: str
    id: int

    def __str__(self) -> str:
        """As addresses write it."""
        return f"{self.kind}:{self.id}" if self.kind else ""


TOP = Spot(kind="", id=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """The last node that is on the page already: what comes next stands after it."""

    kind: str
    name: str
    id: int


@dataclass(kw_only=True, slots=True)
class Level:
    """What lies directly in a node, at most ``LEVEL`` rows, and a row further down that is to be seen anyway."""

    rows: list[Any]
    more: Edge | None = None
    beyond: Any = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Counter:
    """What is counted at every level: rows of a table that name their client, project and asset.

    Other domains add theirs to ``COUNTERS``; all are counted in one statement. The parts are SQL, never input.
    ``scoped`` is a function of the database that takes clients and returns client_id, project_id and n, of what the
    person may see: a policy would hold each row against all clients in scope. Who may not open ``page``, wherever the
    tree shows them something, is told no such counts.
    """

    key: str
    words: Callable[[int], str]
    table: str
    where: str
    scoped: str
    client: str = "client_id"
    project: str = "project_id"
    asset: str = "asset_id"
    page: str = "assets"
    icon: str = ""
    itself: bool = (
        True  # whether what hangs on an asset itself counts, or only what hangs on those inside
    )


COUNTERS: list[Counter] = [
    Counter(
        key="assets",
        words=lambda n: ngettext("%(n)s asset", "%(n)s assets", n, n=count_text(n)),
        table="assets",
        where="deleted_at IS NULL",
        scoped="steward_count_assets",
        asset="id",
        itself=False,
    )
]


def levels(
    parents: Sequence[Spot],
    *,
    seen: Reach,
    after: Edge | None = None,
    path: Mapping[Spot, Spot] | None = None,
) -> dict[Spot, Level]:
    """Return what lies directly in each of ``parents``, in one statement.

    ``after`` goes on from there; ``path`` names for a parent the child that has to be among the rows.
    """
    visible = tree.visible(seen)
    parts = []
    for parent in parents:
        kinds = INSIDE[parent.kind]
        for kind in kinds[kinds.index(after.kind) :] if after else kinds:
            child = (path or {}).get(parent)
            parts += _parts(parent, kind, visible, after, child)
    found = union_all(*parts).subquery()
    order = (found.c.parent, found.c.rank, found.c.beyond, found.c.sort, found.c.id)
    rows = db.session.execute(select(found).order_by(*order)).all()
    return {
        parent: _level([row for row in rows if row.parent == str(parent)]) for parent in parents
    }


def _level(rows: list[Any]) -> Level:
    first = [row for row in rows if not row.beyond]
    shown = first[:LEVEL]
    known = {(row.kind, row.id) for row in shown}
    beyond = next((row for row in rows if row.beyond and (row.kind, row.id) not in known), None)
    if len(first) <= LEVEL:
        return Level(rows=shown)
    last = shown[-1]
    return Level(rows=shown, more=Edge(kind=last.kind, name=last.sort, id=last.id), beyond=beyond)


def _parts(
    parent: Spot, kind: str, visible: Any, after: Edge | None, child: Spot | None
) -> list[Select[Any]]:
    statement = _STATEMENTS[kind](parent, visible)
    model, name = _NAMES[kind]
    first = statement.add_columns(literal(value=0).label("beyond"))
    if after is not None and after.kind == kind:
        first = first.where(tuple_(name, model.id) > tuple_(literal(after.name), literal(after.id)))
    parts = [first.order_by(name, model.id).limit(LEVEL + 1)]
    if child is not None and child.kind == kind:
        one = statement.add_columns(literal(value=1).label("beyond"))
        parts.append(one.where(model.id == child.id))
    return [_dressed(part.subquery(), parent, kind, visible) for part in parts]


def _dressed(rows: Any, parent: Spot, kind: str, visible: Any) -> Select[Any]:
    """Say of the few rows of a level whose they are, and whether something lies inside."""
    return select(
        rows,
        literal(str(parent)).label("parent"),
        literal(kind).label("kind"),
        literal(INSIDE[parent.kind].index(kind)).label("rank"),
        _HOLDS[kind](rows, visible).label("holds"),
    )


def _columns(model: Any, name: Any, hint: Any, status: Any, *places: Any) -> Select[Any]:
    labels = ("location_id", "client_id", "project_id")
    return select(
        model.id,
        name.label("sort"),
        hint.label("hint"),
        status.label("status"),
        *(place.label(label) for place, label in zip(places, labels, strict=True)),
    )


def _number() -> Any:
    return null().cast(BIGINT)


def _locations(parent: Spot, visible: Any) -> Select[Any]:
    where = Location.parent_id.is_(None) if parent == TOP else Location.parent_id == parent.id
    rows = _columns(
        Location, Location.name, literal(""), literal(""), Location.id, _number(), _number()
    )
    return rows.where(where, Location.deleted_at.is_(None), visible)


def _clients(parent: Spot, _: Any) -> Select[Any]:
    rows = _columns(
        Client, Client.name, Client.code, literal(""), Client.location_id, Client.id, _number()
    )
    return rows.where(Client.location_id == parent.id, Client.deleted_at.is_(None))


def _projects(parent: Spot, _: Any) -> Select[Any]:
    rows = _columns(
        Project,
        Project.name,
        literal(""),
        literal(""),
        _home(Project),
        Project.client_id,
        Project.id,
    )
    return rows.where(Project.client_id == parent.id, Project.deleted_at.is_(None))


def _assets(parent: Spot, _: Any) -> Select[Any]:
    where: dict[str, tuple[ColumnElement[bool], ...]] = {
        "client": (
            Asset.client_id == parent.id,
            Asset.project_id.is_(None),
            Asset.parent_id.is_(None),
        ),
        "project": (Asset.project_id == parent.id, Asset.parent_id.is_(None)),
        "asset": (Asset.parent_id == parent.id,),
    }
    rows = _columns(
        Asset,
        Asset.tag,
        Asset.name,
        Asset.status.cast(Text),
        _home(Asset),
        Asset.client_id,
        Asset.project_id,
    )
    return rows.where(*where[parent.kind], Asset.deleted_at.is_(None))


def _home(model: Any) -> Any:
    return select(Client.location_id).where(Client.id == model.client_id).scalar_subquery()


_STATEMENTS = {
    "location": _locations,
    "client": _clients,
    "project": _projects,
    "asset": _assets,
}
_NAMES: dict[str, tuple[Any, Any]] = {
    "location": (Location, Location.name),
    "client": (Client, Client.name),
    "project": (Project, Project.name),
    "asset": (Asset, Asset.tag),
}


def _location_holds(rows: Any, visible: Any) -> Any:
    # Of locations inside, those in sight: `visible` speaks of the table, so no alias here.
    inner = select(Location.id).where(
        Location.parent_id == rows.c.id, Location.deleted_at.is_(None), visible
    )
    clients = select(Client.id).where(Client.location_id == rows.c.id, Client.deleted_at.is_(None))
    return or_(exists(inner.correlate(rows)), exists(clients))


def _client_holds(rows: Any, _: Any) -> Any:
    projects = select(Project.id).where(
        Project.client_id == rows.c.id, Project.deleted_at.is_(None)
    )
    assets = select(Asset.id).where(Asset.client_id == rows.c.id, Asset.deleted_at.is_(None))
    return or_(exists(projects), exists(assets))


def _project_holds(rows: Any, _: Any) -> Any:
    return exists(select(Asset.id).where(Asset.project_id == rows.c.id, Asset.deleted_at.is_(None)))


def _asset_holds(rows: Any, _: Any) -> Any:
    return exists(select(Asset.id).where(Asset.parent_id == rows.c.id, Asset.deleted_at.is_(None)))


_HOLDS = {
    "location": _location_holds,
    "client": _client_holds,
    "project": _project_holds,
    "asset": _asset_holds,
}


def record_of(spot: Spot) -> Location | Client | Project | Asset | None:
    """Return the record behind a node, if the database shows it."""
    model = _NAMES[spot.kind][0]
    found: Location | Client | Project | Asset | None = db.session.scalar(
        select(model).where(model.id == spot.id)
    )
    return found


# --- counts ------------------------------------------------------------------------------------------------------

_BELOW = """
WITH RECURSIVE spot AS (
  SELECT l.id AS root, l.id FROM locations l WHERE l.id = ANY (:locations)
  UNION SELECT spot.root, l.id FROM locations l JOIN spot ON l.parent_id = spot.id
), whose AS (
  SELECT 'location' AS kind, spot.root AS id, c.id AS client_id FROM clients c JOIN spot ON spot.id = c.location_id
  UNION ALL SELECT 'client', x, x FROM unnest(CAST(:clients AS bigint[])) AS x
), asked AS (
  SELECT client_id FROM whose UNION SELECT client_id FROM projects WHERE id = ANY (:projects)
), inside AS (
  SELECT a.id AS root, a.id FROM assets a WHERE a.id = ANY (:assets)
  UNION SELECT inside.root, a.id FROM inside, LATERAL (
    -- OFFSET keeps the planner on the index: it takes the walk for a much longer one.
    SELECT id FROM assets WHERE parent_id = inside.id AND deleted_at IS NULL OFFSET 0) AS a
)
"""
# Counted by client and project first, from an index alone; the rest are sums.
_COUNT = """, {key}_each AS (
  SELECT client_id, project_id, n FROM {rows} AS rows
)"""
_COUNTED = """
SELECT '{key}' AS counter, whose.kind, whose.id, sum(n)::bigint AS n FROM whose
  JOIN (SELECT client_id, sum(n) AS n FROM {key}_each GROUP BY 1) AS each USING (client_id) GROUP BY 2, 3
UNION ALL SELECT '{key}', 'project', project_id, sum(n)::bigint FROM {key}_each
  WHERE project_id = ANY (:projects) GROUP BY 3
UNION ALL SELECT '{key}', 'asset', inside.root, sum(each.n)::bigint FROM inside JOIN (
    SELECT {asset} AS id, count(*) AS n FROM {table}
     WHERE {where} AND {asset} = ANY (ARRAY(SELECT id FROM inside)) GROUP BY 1
  ) AS each USING (id) WHERE {itself} GROUP BY 3
"""
_ROWS = """(SELECT {client} AS client_id, {project} AS project_id, count(*) AS n FROM {table}
    WHERE {where} AND {client} = ANY (ARRAY(SELECT client_id FROM asked)) GROUP BY 1, 2)"""
_ROWS_IN_SCOPE = "{scoped}(ARRAY(SELECT client_id FROM asked))"


def counts(
    spots: Iterable[Spot], *, everything: bool, counters: Sequence[Counter] | None = None
) -> dict[Spot, dict[str, int]]:
    """Return what lies in each node and below, by counter (all, if none are given), in one statement.

    ``everything``: no policy filters for whoever asks.
    """
    ids: dict[str, list[int]] = {kind: [] for kind in KINDS}
    for spot in spots:
        if spot.kind:
            ids[spot.kind].append(spot.id)
    if not any(ids.values()):
        return {}
    each, counted = [], []
    for one in COUNTERS if counters is None else counters:
        parts = asdict(one) | {"itself": "true" if one.itself else "inside.id <> inside.root"}
        rows = (_ROWS if everything else _ROWS_IN_SCOPE).format(**parts)
        each.append(_COUNT.format(rows=rows, **parts))
        counted.append(_COUNTED.format(**parts))
    statement = text(_BELOW + "".join(each) + " UNION ALL ".join(counted))
    values = {f"{kind}s": chosen for kind, chosen in ids.items()}
    found: dict[Spot, dict[str, int]] = {}
    for row in db.session.execute(statement, values):
        found.setdefault(Spot(kind=row.kind, id=row.id), {})[row.counter] = row.n
    return found
