"""Adding, changing, archiving and restoring assets. The database keeps the rules; here its refusals get words."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select, text, tuple_

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, AssetType, AssetUniqueValue, Custody, Status
from webapp.assets.schemas import AssetDraft, AssetEdit, attributes_of
from webapp.core import refusals, trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.organisation import tree

# What the database refuses: the words for the person, and the field that they belong to.
REFUSALS: refusals.Refusals = {
    "uq_assets_client_tag": (_("This client has an asset with this tag."), "tag"),
    "ck_assets_tag_format": (_("Use letters, digits, dots, dashes and underscores."), "tag"),
    "fk_assets_type_id_asset_types": (_("Choose one of the list."), "type_id"),
    "fk_assets_client_id_clients": (_("Choose one of the list."), "client_id"),
    "fk_assets_project": (_("This client has no such project."), "project_id"),
    "fk_assets_parent": (_("This client has no such asset."), "parent_id"),
    "ck_assets_not_its_own_parent": (_("An asset cannot lie inside itself."), "parent_id"),
    "asset_cycle": (_("An asset cannot lie inside itself."), "parent_id"),
    "asset_apart": (
        _(
            "An asset lies in the project of the asset that contains it, and lives no longer than that one."
        ),
        "parent_id",
    ),
    "asset_handed_out": (_("Somebody still has it. Take it back first."), None),
    "parent_deleted": (
        _("The client, the project or the type is deleted. Restore that first."),
        None,
    ),
    "status_transition": (_("An asset with this status cannot get that one."), "status"),
    "uq_asset_types_name": (_("There is a type with this name."), "name"),
    "still_occupied": (
        _("Assets of this type exist. Change their type or archive them first."),
        None,
    ),
    "attribute_unknown": (_("The type has no such attribute."), None),
    "attribute_required": (_("The type requires an attribute that is missing."), None),
    "attribute_kind": (_("An attribute has a wrong value."), None),
    "pk_asset_unique_values": (
        _("Another asset of this client has the same value in an attribute that must be unique."),
        None,
    ),
    "not_available": (_("Only what is in stock or in use can be handed out."), None),
    "ex_asset_custody_one_at_a_time": (_("Somebody has this asset already."), None),
}
# What a person may add: nothing begins its life here as lost or retired. Imports and the system bring in any.
FIRST = (Status.PLANNED, Status.IN_STOCK, Status.IN_USE, Status.IN_REPAIR)
FIELDS = tuple(name for name in AssetEdit.model_fields if name not in {"tag", "attributes"})


def require_on(actor: SignedIn | None, permission: str, asset: Asset) -> None:
    """Refuse unless the actor (None: the system) holds ``permission`` where the asset lies.

    Raises:
        Denied: if no grant covers it.
    """
    if actor is not None and not actor.can(
        permission, on=tree.place_of(asset.client_id, asset.project_id)
    ):
        raise Denied(_("Your permission does not reach this asset."), key=permission)


def create(actor: SignedIn | None, command: AssetDraft) -> Asset:
    """Add an asset; ``actor`` is None where the system does.

    Raises:
        Denied: if the actor may not add assets there.
        DomainError: if a rule of the type or of the tree refuses it; ``fields`` names attributes.
    """
    if actor is not None:
        _require_beginning(actor, command)
    asset = Asset(
        tag=command.tag or next_tag(),
        status=command.status,
        attributes=_attributes(command, except_id=None),
        **{name: getattr(command, name) for name in FIELDS},
    )
    if actor is None:  # nobody to put a refusal into words for
        db.session.add(asset)
        db.session.flush()
        return asset
    _refuse_taken(asset.tag, except_id=None)
    with saying(together=command.parent_id is not None):
        db.session.add(asset)
    return asset


def _require_beginning(actor: SignedIn, command: AssetDraft) -> None:
    """Refuse what the actor may not add there, or not in this state."""
    place = tree.place_of(command.client_id, command.project_id)
    if not actor.can("assets.edit", on=place):
        raise Denied(_("Your permission does not reach this place."), key="assets.edit")
    if command.status not in FIRST:
        raise DomainError(
            _("A new asset is planned, in stock, in use or in repair."), field="status"
        )


def save(actor: SignedIn | None, asset: Asset, command: AssetEdit, *, version: int | None) -> Asset:
    """Change an asset to what ``command`` says; a changed place goes through ``moving``.

    Raises:
        Denied: if the actor may not change it, or not put it there.
        StaleVersion: if it was saved since ``version``.
        DomainError: as ``create`` does, or if it is archived.
    """
    require_on(actor, "assets.edit", asset)
    check_version(asset, version)
    if asset.deleted_at is not None:
        raise DomainError(_("This is archived. Restore it first."))
    attributes = _attributes(command, except_id=asset.id)
    here = (asset.client_id, asset.project_id, asset.parent_id)
    there = (command.client_id, command.project_id, command.parent_id)
    if here != there:
        from webapp.assets.services import moving  # moving needs this module's words

        moving.move(
            actor,
            asset,
            client_id=command.client_id,
            project_id=command.project_id,
            parent_id=command.parent_id,
        )
    if command.tag and command.tag != asset.tag:
        _refuse_taken(command.tag, except_id=asset.id)
    with saying():
        asset.tag = command.tag or asset.tag
        for name in FIELDS:
            if getattr(asset, name) != getattr(command, name):
                setattr(asset, name, getattr(command, name))
        if asset.attributes != attributes:
            asset.attributes = attributes
    return asset


def change_status(
    actor: SignedIn | None, asset: Asset, status: Status, *, reason: str | None = None
) -> None:
    """Take an asset to another status, if the table of transitions allows it.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if the change is not allowed, or somebody has the asset.
    """
    require_on(actor, "assets.edit", asset)
    if asset.deleted_at is not None:
        raise DomainError(_("This is archived. Restore it first."))
    if asset.status == status:
        return
    held = select(Custody.id).where(Custody.asset_id == asset.id, Custody.returned_at.is_(None))
    if db.session.scalar(held.limit(1)) is not None:
        raise DomainError(_("Somebody has it, so it is in use. Take it back first."))
    trail.because(reason)
    with saying():
        asset.status = status


def archive(actor: SignedIn | None, asset: Asset, *, reason: str | None = None) -> None:
    """Hide an asset, and what lies inside it stays: that has to be moved or archived first.

    Raises:
        Denied: if the actor may not archive it.
        DomainError: if somebody has it, or something lies inside.
    """
    require_on(actor, "assets.archive", asset)
    if asset.deleted_at is not None:
        return
    inside = select(Asset.id).where(Asset.parent_id == asset.id, Asset.deleted_at.is_(None))
    if db.session.scalar(inside.limit(1)) is not None:
        raise DomainError(_("Something lies inside it. Move or archive that first."))
    trail.because(reason)
    with saying():
        asset.deleted_at = datetime.now(UTC)


def restore(actor: SignedIn | None, asset: Asset) -> None:
    """Bring an archived asset back.

    Raises:
        Denied: if the actor may not.
        DomainError: if what it belongs to is deleted.
    """
    require_on(actor, "assets.archive", asset)
    if asset.deleted_at is not None:
        with saying():
            asset.deleted_at = None


def next_tag() -> str:
    """Return the next generated tag, such as A-000123."""
    return next_tags(1)[0]


def next_tags(count: int) -> list[str]:
    """Return the next so many generated tags."""
    statement = (
        "SELECT 'A-' || lpad(nextval('asset_tags')::text, 6, '0') FROM generate_series(1, :n)"
    )
    return [str(tag) for tag in db.session.scalars(text(statement), {"n": count})]


def _attributes(command: AssetEdit, *, except_id: int | None) -> dict[str, Any]:
    """Return the attributes as they are stored; a refusal names the one that is wrong."""
    kind = db.session.get(AssetType, command.type_id)
    if kind is None or kind.deleted_at is not None:
        raise DomainError(_("Choose one of the list."), field="type_id")
    values, wrong = attributes_of(kind.attributes, command.attributes)
    if wrong:
        key, words = next(iter(wrong.items()))
        raise DomainError(words, field=f"attribute-{key}")
    unique = [rule["key"] for rule in kind.attributes if rule["unique"] and rule["key"] in values]
    if unique:
        _refuse_doubled(command, {key: values[key] for key in unique}, except_id=except_id)
    return values


def _refuse_doubled(command: AssetEdit, values: dict[str, Any], *, except_id: int | None) -> None:
    """Say which value another asset has already; the database refuses those out of sight, without saying which."""
    stored = [
        (key, (value if isinstance(value, str) else json.dumps(value)).lower()[:500])
        for key, value in values.items()
    ]
    taken = select(AssetUniqueValue.key).where(
        AssetUniqueValue.client_id == command.client_id,
        AssetUniqueValue.type_id == command.type_id,
        AssetUniqueValue.asset_id != (except_id or 0),
        tuple_(AssetUniqueValue.key, AssetUniqueValue.value).in_(stored),
    )
    if key := db.session.scalar(taken.order_by(AssetUniqueValue.key).limit(1)):
        words = _("Another asset of this client has this value, which must be unique.")
        raise DomainError(words, field=f"attribute-{key}")


def _refuse_taken(tag: str, *, except_id: int | None) -> None:
    """A tag is unique within a client by the database, and among what the person sees by this."""
    taken = select(Asset.id).where(Asset.tag_key == tag.lower(), Asset.id != (except_id or 0))
    if db.session.scalar(taken.limit(1)) is not None:
        raise DomainError(_("There is an asset with this tag."), field="tag")


@contextmanager
def saying(*, together: bool = True) -> Iterator[None]:
    """Flush what happens inside; turn the database's refusal into words.

    ``together`` is false where nothing lies in anything, so that no trigger waits to look at that.
    """
    with refusals.told(REFUSALS):
        yield
        db.session.flush()
        # What is looked at when all has moved is looked at here, where its refusal can be told.
        if together:
            db.session.execute(text("SET CONSTRAINTS keep_together IMMEDIATE"))
            db.session.execute(text("SET CONSTRAINTS keep_together DEFERRED"))
