"""Moving nodes of the tree: what lies below comes along, each with its own audit row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.assets.queries import bulk as queries
from webapp.assets.services import records
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, StaleVersion, check_version
from webapp.core.language import _
from webapp.organisation import services as organisation
from webapp.organisation import tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Place

MAX_MOVED = 20_000
MAX_KEY = 2_147_483_647
_LOCKS = text(  # in the order of the keys
    "SELECT pg_advisory_xact_lock(hashtext('assets tree'), key::int) FROM unnest(CAST(:keys AS bigint[])) AS key"
)


def move(
    actor: SignedIn | None,
    asset: Asset,
    *,
    client_id: int,
    project_id: int | None = None,
    parent_id: int | None = None,
    version: int | None = None,
) -> int:
    """Put an asset, with all inside it, into a client, perhaps a project of it, perhaps another asset.

    Without ``project_id``, an asset that goes into another takes that one's project. Returns how many moved.

    Raises:
        Denied: if the actor may not take it from there or put it here.
        StaleVersion: if it was saved since ``version``, or while this waited for another move.
        DomainError: if the place does not exist, or lies inside the asset itself.
    """
    records.require_on(actor, "assets.edit", asset)
    _wait_for_others(asset, client_id)
    check_version(asset, version)
    if asset.deleted_at is not None:
        raise DomainError(_("This is archived. Restore it first."))
    if parent_id is not None:
        project_id = _container(parent_id, client_id).project_id
    _require_there(actor, client_id, project_id)
    with records.saying():
        _defer_keys()
        moved = [asset, *below(asset)]
        _note_left(asset, asset.client_id, client_id, count=len(moved))
        asset.parent_id = parent_id
        for one in moved:
            one.client_id, one.project_id = client_id, project_id
        _settle_keys()
    return len(moved)


def move_to(
    actor: SignedIn | None, asset: Asset, *, kind: str, key: int, version: int | None = None
) -> int:
    """Put an asset into the client, project or asset ``key``.

    Raises:
        Denied, StaleVersion, DomainError: as ``move`` does.
    """
    client_id: int | None = None
    if kind == "client":
        client_id = key
    elif kind == "project":
        client_id = db.session.scalar(select(Project.client_id).where(Project.id == key))
    elif kind == "asset":
        client_id = db.session.scalar(select(Asset.client_id).where(Asset.id == key))
    if client_id is None:
        raise DomainError(_("Choose one of the list."), field="target")
    return move(
        actor,
        asset,
        client_id=client_id,
        project_id=key if kind == "project" else None,
        parent_id=key if kind == "asset" else None,
        version=version,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Going:
    """An asset and where it goes."""

    asset: Asset
    client_id: int
    project_id: int | None
    parent_id: int | None


def move_many(actor: SignedIn | None, going: Sequence[Going]) -> int:
    """Put assets elsewhere, each with all inside it, in a few statements: all of them, or none.

    Returns how many moved.

    Raises:
        Denied: if the actor may not take one of them from there or put it here.
        StaleVersion: if one went to another client while this waited.
        DomainError: if one of them cannot go.
    """
    before = {one.asset.id: one.asset.client_id for one in going}
    db.session.flush()
    wait_for_moves([*before.values(), *(one.client_id for one in going)])
    for asset in _locked(Asset.id.in_(before)):
        if asset.client_id != before[asset.id]:
            raise StaleVersion(asset)
        if asset.deleted_at is not None:
            raise DomainError(_("This is archived. Restore it first."))
    _require_each(actor, going)
    with records.saying():
        _defer_keys()
        along = _along(going)
        _note_roots(going, along)
        for one in going:
            one.asset.parent_id = one.parent_id
            one.asset.client_id, one.asset.project_id = one.client_id, one.project_id
        for row, (client_id, project_id) in along:
            row.client_id, row.project_id = client_id, project_id
        _settle_keys()
    return len(going) + len(along)


def _along(going: Sequence[Going]) -> list[tuple[Asset, tuple[int, int | None]]]:
    """What lies inside those that go, at any depth and but for them, locked, with the client and project it gets."""
    homes = {one.asset.id: (one.client_id, one.project_id) for one in going}
    found: list[tuple[Asset, tuple[int, int | None]]] = []
    level = list(homes)
    while level:
        rows = [row for row in _locked(Asset.parent_id.in_(level)) if row.id not in homes]
        homes |= {row.id: homes[row.parent_id] for row in rows if row.parent_id is not None}
        found += [(row, homes[row.id]) for row in rows]
        _refuse_many(len(found))
        level = [row.id for row in rows]
    return found


def _note_roots(going: Sequence[Going], along: Iterable[tuple[Asset, Any]]) -> None:
    """Note the outermost of those that leave their client, each with how many go with it."""
    up = {row.id: row.parent_id for row, _home in along}
    up |= {one.asset.id: one.parent_id for one in going}
    counts = Counter(_outermost(key, up) for key in up)
    for one in going:
        if one.asset.id in counts:
            count = counts[one.asset.id]
            _note_left(one.asset, one.asset.client_id, one.client_id, count=count)


def _outermost(key: int, up: dict[int, int | None]) -> int:
    steps = 0
    while (above := up[key]) is not None and above in up and steps < len(up):
        key, steps = above, steps + 1
    return key


def _note_left(record: Asset | Project, before: int, after: int, *, count: int) -> None:
    """Tell the log of the client that something left: what moved is told in that of the other one."""
    if before != after:
        trail.note(
            f"{record.audit_type}.left",
            object_type=record.audit_type,
            object_id=record.id,
            object_label=record.audit_label[:300],
            client_id=before,
            changes={"assets": count},
        )


def _require_each(actor: SignedIn | None, going: Sequence[Going]) -> None:
    """Look at both ends of each move, with one statement for all."""
    here = {(one.asset.client_id, one.asset.project_id) for one in going}
    there = {(one.client_id, one.project_id) for one in going}
    known = queries.locations_of({client_id for client_id, _project in here | there})
    for client_id, project_id in here | there:
        if client_id not in known:
            raise DomainError(_("Choose one of the list."), field="client_id")
        place = Place(location_id=known[client_id], client_id=client_id, project_id=project_id)
        if actor is not None and not actor.can("assets.edit", on=place):
            raise Denied(_("Your permission does not reach this place."), key="assets.edit")


def move_project(
    actor: SignedIn | None, project: Project, *, client_id: int, version: int | None = None
) -> int:
    """Give a project to another client; its assets, their files and their custody come along.

    Returns how many assets moved.

    Raises:
        Denied: if the actor may not take it from there or put it here.
        StaleVersion: if it was saved since ``version``.
        DomainError: if the client has a project of this name, or assets with one of the tags.
    """
    _require_organisation(actor, tree.place_of(project.client_id, project.id))
    _require_organisation(actor, tree.place_of(client_id, None))
    assets = select(func.count()).where(Asset.project_id == project.id)
    moved = db.session.scalar(assets) if project.client_id != client_id else 0
    organisation.put(Project, project.id, under=client_id, version=version)
    return moved or 0


def move_place(
    actor: SignedIn | None,
    record: Location | Client | Project,
    *,
    under: int | None,
    version: int | None = None,
) -> None:
    """Put a location or client into another location, or give a project to another client.

    Raises:
        Denied, StaleVersion, DomainError: as ``move_project`` does.
    """
    if isinstance(record, Project):
        move_project(actor, record, client_id=under or 0, version=version)
        return
    if isinstance(record, Client):
        here = Place(location_id=record.location_id, client_id=record.id)
    else:
        here = Place(location_id=record.id)
    _require_organisation(actor, here)
    _require_organisation(actor, Place(location_id=under) if under else None)
    model: type[Any] = type(record)
    organisation.put(model, record.id, under=under, version=version)


def below(asset: Asset) -> list[Asset]:
    """Return everything inside an asset, at any depth, locked."""
    found: list[Asset] = []
    level = [asset]
    while level := _locked(Asset.parent_id.in_([one.id for one in level])):
        found += level
        _refuse_many(len(found))
    return found


@contextmanager
def take_along(project: Project, client_id: int) -> Iterator[None]:
    """Have a project's assets go with it to another client, archived ones as well."""
    _defer_keys()
    found = _locked(Asset.project_id == project.id)
    _note_left(project, project.client_id, client_id, count=len(found))
    for one in found:
        one.client_id = client_id
    yield
    _settle_keys()


def _locked(which: Any) -> list[Asset]:
    statement = select(Asset).where(which).order_by(Asset.id).limit(MAX_MOVED + 1)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    found = list(db.session.scalars(fresh))
    _refuse_many(len(found))
    return found


def _refuse_many(moved: int) -> None:
    if moved > MAX_MOVED:
        raise DomainError(_("This is too much to move at once. Move its parts."))


def wait_for_moves(client_ids: Iterable[int]) -> None:
    """Hold the locks under which assets of these clients move, until the transaction ends."""
    db.session.execute(_LOCKS, {"keys": sorted({key % MAX_KEY for key in client_ids})})


def _wait_for_others(asset: Asset, client_id: int) -> None:
    """Let moves within the clients concerned happen one after another.

    The trigger against circles takes the lock of one client; two moves that cross clients in opposite directions need
    both, always in the same order.
    """
    db.session.flush()
    before = asset.client_id
    wait_for_moves([before, client_id])
    db.session.refresh(asset, with_for_update=True)
    if asset.client_id != before:
        raise StaleVersion(asset)


def _container(parent_id: int, client_id: int) -> Asset:
    parent = db.session.get(Asset, parent_id, populate_existing=True)
    if parent is None or parent.deleted_at is not None or parent.client_id != client_id:
        raise DomainError(_("This client has no such asset."), field="parent_id")
    return parent


def _require_there(actor: SignedIn | None, client_id: int, project_id: int | None) -> None:
    place = tree.place_of(client_id, project_id)
    if actor is not None and not actor.can("assets.edit", on=place):
        raise Denied(_("Your permission does not reach this place."), key="assets.edit")


def _require_organisation(actor: SignedIn | None, place: Any) -> None:
    if actor is not None and not actor.can("organisation.edit", on=place):
        raise Denied(_("Your permission does not reach this."), key="organisation.edit")


def _defer_keys() -> None:
    # The rows of a move fit together only when all have moved.
    db.session.execute(text("SET CONSTRAINTS fk_assets_project, fk_assets_parent DEFERRED"))


def _settle_keys() -> None:
    db.session.flush()
    db.session.execute(text("SET CONSTRAINTS fk_assets_project, fk_assets_parent IMMEDIATE"))


organisation.ON_PROJECT_MOVE.append(take_along)
organisation.REFUSALS |= {
    "uq_assets_client_tag": (
        _("That client has assets with the same tags. Change one of the tags first."),
        "client_id",
    ),
    "pk_asset_unique_values": (
        _("An asset of that client has the same value in an attribute that must be unique."),
        "client_id",
    ),
}
