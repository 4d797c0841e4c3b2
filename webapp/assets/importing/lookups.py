"""What a file may name, read once: clients, projects, types; and for each thousand rows the assets and people."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.orm import aliased

from webapp.access.identity import SignedIn
from webapp.assets.importing.mapping import Rule
from webapp.assets.importing.values import folded
from webapp.assets.models import Asset, AssetType, AssetUniqueValue, Custody
from webapp.assets.queries.custody import Holder
from webapp.core.db import db
from webapp.organisation import tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Place
from webapp.users.models import User

MAX_TYPES = 2_000


@dataclass(frozen=True, slots=True)
class Named:
    """A client, project or type that rows may name; without an id it is still to be made."""

    id: int | None
    name: str
    location_id: int | None = None
    rules: tuple[dict[str, Any], ...] = ()
    code: str = ""

    @property
    def key(self) -> int | str:
        """What tells it from others, made or not."""
        return self.id if self.id is not None else folded(self.name)


@dataclass(slots=True)
class Known:
    """Everything in the person's sight that a row can name, by folded name."""

    who: SignedIn
    clients: dict[str, list[Named]] = field(default_factory=lambda: defaultdict(list))
    client_by_id: dict[int, Named] = field(default_factory=dict)
    projects: dict[tuple[int, str], Named] = field(default_factory=dict)
    project_by_id: dict[int, tuple[int, Named]] = field(default_factory=dict)
    types: dict[str, Named] = field(default_factory=dict)
    type_by_id: dict[int, Named] = field(default_factory=dict)
    locations: dict[str, list[Named]] = field(default_factory=lambda: defaultdict(list))
    may: dict[tuple[str, int, int | None], bool] = field(default_factory=dict)

    def allows(self, permission: str, client: Named, project_id: int | None) -> bool:
        """Tell whether the person holds a permission there; a client to be made is made by who holds all."""
        if client.id is None:
            return self.who.can(permission)
        key = (permission, client.id, project_id)
        if key not in self.may:
            place = Place(
                location_id=client.location_id, client_id=client.id, project_id=project_id
            )
            self.may[key] = self.who.can(permission, on=place)
        return self.may[key]


def load(who: SignedIn) -> Known:
    """Read what the person sees; the database leaves out the rest."""
    known = Known(who)
    clients = select(Client.id, Client.name, Client.code, Client.location_id)
    for row in db.session.execute(clients.where(Client.deleted_at.is_(None)).order_by(Client.id)):
        one = Named(row.id, row.name, row.location_id, code=row.code)
        known.client_by_id[row.id] = one
        for word in {folded(row.name), folded(row.code)}:
            known.clients[word].append(one)
    projects = select(Project.id, Project.name, Project.client_id)
    for key, name, client_id in db.session.execute(projects.where(Project.deleted_at.is_(None))):
        one = Named(key, name)
        known.projects[client_id, folded(name)] = one
        known.project_by_id[key] = (client_id, one)
    for kind in types():
        one = Named(kind.id, kind.name, rules=tuple(kind.attributes))
        known.types[folded(kind.name)] = known.type_by_id[kind.id] = one
    places = select(Location.id, Location.name).where(Location.deleted_at.is_(None))
    seen = tree.visible(tree.reach_of(who, "assets.import"))
    for key, name in db.session.execute(places.where(seen).order_by(Location.id)):
        known.locations[folded(name)].append(Named(key, name))
    return known


def types() -> list[Any]:
    """Return the live types: rows (id, name, attributes)."""
    statement = select(AssetType.id, AssetType.name, AssetType.attributes)
    statement = statement.where(AssetType.deleted_at.is_(None)).order_by(AssetType.name)
    return list(db.session.execute(statement.limit(MAX_TYPES)))


def attributes() -> list[Rule]:
    """Return every attribute of the live types; a key that types call differently has several names."""
    found = {
        Rule(key=rule["key"], label=rule["label"], unit=rule.get("unit", ""))
        for kind in types()
        for rule in kind.attributes
    }
    return sorted(found, key=lambda rule: (rule.label, rule.key, rule.unit))


def assets_by(column: Any, values: Iterable[str]) -> dict[str, list[Any]]:
    """Return the assets in sight with these tags (``Asset.tag_key``) or serial numbers, as light rows."""
    wanted = [value for value in set(values) if value]
    if not wanted:
        return {}
    found = defaultdict(list)
    for row in db.session.execute(select(*COLUMNS).where(column.in_(wanted)).order_by(Asset.id)):
        found[getattr(row, column.key)].append(row)
    return found


def above(asset_ids: Iterable[int]) -> dict[tuple[int, str], str]:
    """Return what these assets lie in, and that again: tag by client and tag, as they are compared."""
    ids = list(set(asset_ids))
    if not ids:
        return {}
    columns = (Asset.id, Asset.client_id, Asset.tag_key, Asset.parent_id)
    up = select(*columns).where(Asset.id.in_(ids)).cte("up", recursive=True)
    outer = aliased(Asset)
    outers = select(outer.id, outer.client_id, outer.tag_key, outer.parent_id)
    up = up.union(outers.join(up, up.c.parent_id == outer.id))
    parent = aliased(up)
    rows = select(up.c.client_id, up.c.tag_key, parent.c.tag_key.label("container"))
    found = db.session.execute(rows.join(parent, parent.c.id == up.c.parent_id))
    return {(row.client_id, row.tag_key): row.container for row in found}


def tags(asset_ids: Iterable[int]) -> dict[int, str]:
    """Return the tags of assets."""
    ids = list(set(asset_ids))
    if not ids:
        return {}
    rows = db.session.execute(select(Asset.id, Asset.tag).where(Asset.id.in_(ids)))
    return {row.id: row.tag for row in rows}


COLUMNS = (
    Asset.id, Asset.tag, Asset.tag_key, Asset.name, Asset.type_id, Asset.client_id, Asset.project_id,
    Asset.parent_id, Asset.status, Asset.serial, Asset.manufacturer, Asset.model, Asset.purchased_on,
    Asset.cost, Asset.warranty_until, Asset.notes, Asset.attributes, Asset.deleted_at, Asset.version,
)  # fmt: skip


def people(said: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Return id and name of the active people with these addresses or names, by what was said in small letters."""
    wanted = {one.lower() for one in said if one}
    if not wanted:
        return {}
    address, name = func.lower(User.email), func.lower(User.name)
    statement = select(User.id, User.name, address.label("email"), name.label("small"))
    words = [one for one in wanted if "@" not in one]
    named = or_(address.in_(wanted - {*words}), name.in_(words))
    found = defaultdict(list)
    for row in db.session.execute(statement.where(named, User.is_active).order_by(User.id)):
        for word in {row.email, row.small} & wanted:
            found[word].append((row.id, row.name))
    return found


def holders(asset_ids: Iterable[int]) -> dict[int, Holder]:
    """Return who or what place has each asset that is handed out."""
    ids = list(asset_ids)
    if not ids:
        return {}
    statement = (
        select(
            Custody.asset_id,
            Custody.holder_user_id,
            Custody.holder_location_id,
            func.coalesce(User.name, Location.name, "").label("name"),
        )
        .outerjoin(User, User.id == Custody.holder_user_id)
        .outerjoin(Location, Location.id == Custody.holder_location_id)
    )
    rows = db.session.execute(
        statement.where(Custody.asset_id.in_(ids), Custody.returned_at.is_(None))
    )
    return {
        row.asset_id: Holder(kind="user", id=row.holder_user_id, name=row.name)
        if row.holder_user_id
        else Holder(kind="location", id=row.holder_location_id, name=row.name)
        for row in rows
    }


def owners_of_values(wanted: Iterable[tuple[int, int, str, str]]) -> dict[tuple[Any, ...], int]:
    """Return whose each unique value (client, type, key, value) is, of those that are taken."""
    keys = list(set(wanted))
    if not keys:
        return {}
    table = AssetUniqueValue
    columns = (table.client_id, table.type_id, table.key, table.value)
    rows = db.session.execute(select(*columns, table.asset_id).where(tuple_(*columns).in_(keys)))
    return {tuple(row[:4]): row.asset_id for row in rows}
