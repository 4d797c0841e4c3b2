"""Reads for the page of one asset and for its forms."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, false, func, literal, select

from webapp.assets.models import Asset, AssetType, Custody, StatusTransition
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT, Listing, Page, paginate
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.organisation.models import Client, Project
from webapp.organisation.tree import Place

SHOWN_INSIDE = 10
MOST_CANDIDATES = 50
BY_ID = "~"  # begins what names a client by its number; codes, of which places may have the same, never do
MOST_RELATED = 200
MAX_DEPTH = 50
INSIDE = Listing(id=Asset.id, sorts={"tag": Asset.tag}, default="tag")
_PLACE = re.compile(r"(client|project):([1-9]\d{0,17})", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Home:
    """A client, perhaps one of its projects, and what people call them."""

    client_id: int
    project_id: int | None
    label: str

    @property
    def value(self) -> str:
        """The home as a picker writes it."""
        return place_value(self.client_id, self.project_id)


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What an asset's page shows besides its own columns."""

    kind: Any  # id, name, attributes of its type
    client: Any  # id, name, code, location_id
    project: Any | None  # id, name
    next_states: Sequence[str]
    place: Place


def place_value(client_id: int, project_id: int | None) -> str:
    """Return a place as pickers and filters write it."""
    return f"project:{project_id}" if project_id else f"client:{client_id}"


def candidates(tag: str, *, client: str | None = None) -> list[Any]:
    """Find the assets with a tag, in any case: rows (Asset, client_id, code, client). Who sees one client finds one.

    ``client`` is the code of a client, or ``~`` and its number.
    """
    statement = (
        select(Asset, Asset.client_id, Client.code, Client.name.label("client"))
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.tag_key == tag.lower())
        .order_by(Client.code, Client.id)
        .limit(MOST_CANDIDATES)
    )
    if client is not None:
        statement = statement.where(_is_client(client))
    return list(db.session.execute(statement))


def _is_client(text: str) -> ColumnElement[bool]:
    if not text.startswith(BY_ID):
        return Client.code == text.upper()
    number = number_of(text.removeprefix(BY_ID))
    return Client.id == number if number is not None else false()


def surroundings_of(asset: Asset) -> Surroundings:
    """Read type, client, project, and which states may follow."""
    states = (
        select(func.array_agg(StatusTransition.to_status))
        .where(StatusTransition.from_status == asset.status.value)
        .scalar_subquery()
    )
    row = db.session.execute(
        select(
            AssetType.id.label("type_id"),
            AssetType.name.label("type_name"),
            AssetType.attributes,
            Client.id.label("client_id"),
            Client.name.label("client_name"),
            Client.code,
            Client.location_id,
            Project.id.label("project_id"),
            Project.name.label("project_name"),
            states.label("states"),
        )
        .select_from(AssetType)
        .join(Client, Client.id == asset.client_id)
        .outerjoin(Project, Project.id == asset.project_id)
        .where(AssetType.id == asset.type_id)
    ).one()
    return Surroundings(
        kind=SimpleNamespace(id=row.type_id, name=row.type_name, attributes=row.attributes),
        client=SimpleNamespace(
            id=row.client_id, name=row.client_name, code=row.code, location_id=row.location_id
        ),
        project=SimpleNamespace(id=row.project_id, name=row.project_name)
        if row.project_id
        else None,
        next_states=row.states or (),
        place=Place(
            location_id=row.location_id, client_id=asset.client_id, project_id=asset.project_id
        ),
    )


def above(asset: Asset) -> list[Any]:
    """The assets that contain it, the outermost first: rows (id, tag, name)."""
    if asset.parent_id is None:
        return []
    columns = (Asset.id, Asset.tag, Asset.name, Asset.parent_id)
    up = (
        select(*columns, literal(0).label("depth"))
        .where(Asset.id == asset.parent_id)
        .cte("up", recursive=True)
    )
    up = up.union_all(
        select(*columns, up.c.depth + 1)
        .join(up, Asset.id == up.c.parent_id)
        .where(up.c.depth < MAX_DEPTH)
    )
    found = select(up.c.id, up.c.tag, up.c.name).order_by(up.c.depth.desc())
    return list(db.session.execute(found))


def inside(asset: Asset) -> tuple[list[Any], int]:
    """The first assets that lie directly inside it, and how many there are (capped)."""
    mine = (Asset.parent_id == asset.id, Asset.deleted_at.is_(None))
    few = select(literal(1)).select_from(Asset).where(*mine).limit(COUNT_LIMIT + 1).subquery()
    rows = db.session.execute(
        select(
            Asset.id,
            Asset.tag,
            Asset.name,
            Asset.status,
            AssetType.name.label("type"),
            select(func.count()).select_from(few).scalar_subquery().label("total"),
        )
        .join(AssetType, AssetType.id == Asset.type_id)
        .where(*mine)
        .order_by(Asset.tag, Asset.id)
        .limit(SHOWN_INSIDE)
    ).all()
    return list(rows), rows[0].total if rows else 0


def list_inside(asset: Asset, args: Any) -> Page:
    """One page of what lies directly inside an asset."""
    statement: Any = (
        select(Asset.id, Asset.tag, Asset.name, Asset.status, AssetType.name.label("type"))
        .join(AssetType, AssetType.id == Asset.type_id)
        .where(Asset.parent_id == asset.id, Asset.deleted_at.is_(None))
    )
    return paginate(statement, INSIDE, args, counted=True)


def path_of(around: Surroundings) -> list[Any]:
    """The locations above the client, from the top down."""
    return tree.path_to(around.client.location_id)


def related(asset: Asset) -> dict[str, list[int]]:
    """Rows whose story belongs to the asset's: who had it, its files. Ids by object type."""
    custody = (
        select(literal("custody").label("kind"), Custody.id)
        .where(Custody.asset_id == asset.id)
        .order_by(Custody.taken_at.desc())
        .limit(MOST_RELATED)
    )
    files = (
        select(literal("attachment").label("kind"), Attachment.id)
        .where(Attachment.asset_id == asset.id)
        .order_by(Attachment.id.desc())
        .limit(MOST_RELATED)
    )
    found: dict[str, list[int]] = {"custody": [], "attachment": []}
    parts = [select(part.subquery()) for part in (custody, files)]
    for kind, key in db.session.execute(parts[0].union_all(parts[1])):
        found[kind].append(key)
    return found


def types_by_id(keys: Iterable[int | None]) -> dict[int, Any]:
    """Return types by their ids: rows (id, name, attributes, deleted_at)."""
    columns = (AssetType.id, AssetType.name, AssetType.attributes, AssetType.deleted_at)
    wanted = [key for key in keys if key]
    if not wanted:
        return {}
    return {
        row.id: row for row in db.session.execute(select(*columns).where(AssetType.id.in_(wanted)))
    }


def find_home(value: str) -> Home | None:
    """Find what ``client:4`` or ``project:5`` names, if it is in sight."""
    named = _PLACE.fullmatch(value)
    if named is None:
        return None
    kind, key = named[1], int(named[2])
    row: Any
    if kind == "client":
        row = db.session.execute(select(Client.id, Client.name).where(Client.id == key)).first()
        return Home(client_id=row.id, project_id=None, label=row.name) if row else None
    row = db.session.execute(
        select(Project.id, Project.name, Client.id.label("client_id"), Client.name.label("client"))
        .join(Client, Client.id == Project.client_id)
        .where(Project.id == key)
    ).first()
    label = f"{row.name} ({row.client})" if row else ""
    return Home(client_id=row.client_id, project_id=row.id, label=label) if row else None


def homes_of(places: Iterable[tuple[int, int | None]]) -> dict[tuple[int, int | None], str]:
    """Name places, for the comparison of two versions."""
    named = {place: find_home(place_value(*place)) for place in set(places)}
    return {place: home.label if home else "" for place, home in named.items()}


def find_parent(asset_id: int) -> Any | None:
    """Find an asset that another may lie in: a row (id, tag, name, client_id, project_id)."""
    columns = (Asset.id, Asset.tag, Asset.name, Asset.client_id, Asset.project_id)
    return db.session.execute(select(*columns).where(Asset.id == asset_id)).first()


def tag_of(asset_id: int) -> Any | None:
    """Find an asset by its id: a row (tag, code of its client)."""
    return db.session.execute(
        select(Asset.tag, Client.code)
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.id == asset_id)
    ).first()
