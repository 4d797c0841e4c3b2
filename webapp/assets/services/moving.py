"""Moving nodes of the tree: what lies below comes along, each with its own audit row."""

from sqlalchemy import select, text

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.assets.services import records
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.organisation.models import Project

MAX_MOVED = 20_000


def move(
    actor: SignedIn | None,
    asset: Asset,
    *,
    client_id: int,
    project_id: int | None = None,
    parent_id: int | None = None,
) -> int:
    """Put an asset, with all inside it, into a client, perhaps a project of it, perhaps another asset.

    Without ``project_id``, an asset that goes into another takes that one's project. Returns how many moved.

    Raises:
        Denied: if the actor may not take it from there or put it here.
        DomainError: if the place does not exist, or lies inside the asset itself.
    """
    records.require_on(actor, "assets.edit", asset)
    if asset.deleted_at is not None:
        raise DomainError(_("This is archived. Restore it first."))
    if parent_id is not None:
        parent = db.session.get(Asset, parent_id)
        if parent is None or parent.deleted_at is not None or parent.client_id != client_id:
            raise DomainError(_("This client has no such asset."), field="parent_id")
        project_id = parent.project_id
    _require_there(actor, client_id, project_id)
    with records.saying():
        _defer_keys()
        moved = [asset, *below(asset)]
        asset.parent_id = parent_id
        for one in moved:
            one.client_id, one.project_id = client_id, project_id
        _settle_keys()
    return len(moved)


def move_project(actor: SignedIn | None, project: Project, *, client_id: int) -> int:
    """Give a project to another client; its assets, their files and their custody come along.

    Returns how many assets moved.

    Raises:
        Denied: if the actor may not take it from there or put it here.
        DomainError: if the client has a project of this name, or assets with one of the tags.
    """
    for client in (project.client_id, client_id):
        place = records.place_of(client, project.id)
        if actor is not None and not actor.can("organisation.edit", on=place):
            raise Denied(_("Your permission does not reach this."), key="organisation.edit")
    assets = _locked(Asset.project_id == project.id)
    with records.saying():
        _defer_keys()
        project.client_id = client_id
        for one in assets:
            one.client_id = client_id
        _settle_keys()
    return len(assets)


def below(asset: Asset) -> list[Asset]:
    """Return everything inside an asset, at any depth, locked."""
    down = select(Asset.id).where(Asset.parent_id == asset.id).cte("down", recursive=True)
    down = down.union(select(Asset.id).join(down, Asset.parent_id == down.c.id))
    return _locked(Asset.id.in_(select(down.c.id)))


def _locked(which: object) -> list[Asset]:
    statement = select(Asset).where(which).order_by(Asset.id).limit(MAX_MOVED + 1)  # type: ignore[arg-type]
    found = list(db.session.scalars(statement.with_for_update()))
    if len(found) > MAX_MOVED:
        raise DomainError(_("This is too much to move at once. Move its parts."))
    return found


def _require_there(actor: SignedIn | None, client_id: int, project_id: int | None) -> None:
    place = records.place_of(client_id, project_id)
    if actor is not None and not actor.can("assets.edit", on=place):
        raise Denied(_("Your permission does not reach this place."), key="assets.edit")


def _defer_keys() -> None:
    # The rows of a move fit together only when all have moved.
    db.session.execute(text("SET CONSTRAINTS fk_assets_project, fk_assets_parent DEFERRED"))


def _settle_keys() -> None:
    db.session.flush()
    db.session.execute(text("SET CONSTRAINTS fk_assets_project, fk_assets_parent IMMEDIATE"))
