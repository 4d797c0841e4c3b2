"""Adding and changing types of assets. Before a change is saved, the assets that it would break are looked for."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.assets.models import AssetType
from webapp.assets.queries import types as queries
from webapp.assets.queries.types import Breakage
from webapp.assets.schemas import TypeEdit
from webapp.assets.services.records import saying
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _

PERMISSION = "assets.configure"


class WouldBreak(DomainError):
    """Assets do not fit the new attributes; ``breakage`` names the first of them."""

    code = "would_break"

    def __init__(self, breakage: Breakage) -> None:
        """Keep which assets."""
        super().__init__(_("Assets of this type do not fit these attributes. Mend them first."))
        self.breakage = breakage


class WouldHide(DomainError):
    """Assets have values in attributes that go; ``counts`` says how many, by the label of the attribute."""

    code = "would_hide"

    def __init__(self, counts: Mapping[str, int]) -> None:
        """Keep how many."""
        super().__init__(_("Assets have values in attributes that you removed."))
        self.counts = counts


def create(actor: SignedIn | None, command: TypeEdit) -> AssetType:
    """Add a type.

    Raises:
        Denied: if the actor may not configure types everywhere.
        DomainError: if the name is taken.
    """
    _require(actor)
    with saying(together=False):
        kind = AssetType(
            name=command.name, description=command.description, attributes=_stored(command)
        )
        db.session.add(kind)
    return kind


def save(
    actor: SignedIn | None,
    kind: AssetType,
    command: TypeEdit,
    *,
    version: int | None,
    hide: bool = False,
) -> AssetType:
    """Change a type. Values of removed attributes stay stored, unseen, until their asset is edited.

    Raises:
        Denied: if the actor may not configure types everywhere.
        StaleVersion: if it was saved since ``version``.
        WouldBreak: if assets of the type do not fit the new attributes.
        WouldHide: unless ``hide``, if assets have values in attributes that go.
        DomainError: if the name is taken, or the type is deleted.
    """
    _require(actor)
    kind = queries.get_type(kind.id, lock=True) or kind
    check_version(kind, version)
    if kind.deleted_at is not None:
        raise DomainError(_("This type is deleted. Restore it first."))
    before, after = kind.attributes, _stored(command)
    _refuse_breakage(kind.id, before, after, hide=hide)
    with saying(together=False):
        for name in ("name", "description"):
            if getattr(kind, name) != getattr(command, name):
                setattr(kind, name, getattr(command, name))
        if before != after:
            kind.attributes = after
        db.session.flush()
        _rebuild_unique_values(kind.id, before, after)
    return kind


def delete(actor: SignedIn | None, kind: AssetType, *, version: int | None) -> None:
    """Hide a type that has no assets.

    Raises:
        Denied: if the actor may not configure types everywhere.
        StaleVersion: if it was saved since ``version``.
        DomainError: if assets of it exist.
    """
    _require(actor)
    check_version(kind, version)
    if kind.deleted_at is None:
        with saying(together=False):
            kind.deleted_at = datetime.now(UTC)


def restore(actor: SignedIn | None, kind: AssetType) -> None:
    """Bring a deleted type back.

    Raises:
        Denied: if the actor may not configure types everywhere.
        DomainError: if another type has its name by now.
    """
    _require(actor)
    if kind.deleted_at is not None:
        with saying(together=False):
            kind.deleted_at = None


def _require(actor: SignedIn | None) -> None:
    """A type counts for all clients: who changes it has to see all their assets."""
    if actor is None:
        return
    if not (actor.can(PERMISSION) and actor.sees_every_client("assets.types")):
        raise Denied(
            _("Types count everywhere, so only those who may edit types everywhere change them."),
            key=PERMISSION,
        )


def _stored(command: TypeEdit) -> list[dict[str, Any]]:
    return [one.model_dump(mode="json") for one in command.attributes]


def _refuse_breakage(
    type_id: int, before: Sequence[Any], after: Sequence[Any], *, hide: bool
) -> None:
    found = queries.breakage(type_id, before, after)
    if found.count:
        raise WouldBreak(found)
    kept = {rule["key"] for rule in after}
    gone = {rule["key"]: rule["label"] for rule in before if rule["key"] not in kept}
    counts = queries.hidden_values(type_id, list(gone))
    if counts and not hide:
        raise WouldHide({gone[key]: count for key, count in counts.items()})


def _rebuild_unique_values(type_id: int, before: Sequence[Any], after: Sequence[Any]) -> None:
    """Assets that exist are entered under attributes that became unique; those under others are forgotten."""
    was = {rule["key"] for rule in before if rule["unique"]}
    now = {rule["key"] for rule in after if rule["unique"]}
    if was - now:
        db.session.execute(_FORGET, {"type": type_id, "keys": sorted(was - now)})
    if now - was:
        db.session.execute(_ENTER, {"type": type_id, "keys": sorted(now - was)})


_FORGET = text("DELETE FROM asset_unique_values WHERE type_id = :type AND key = ANY (:keys)")
_ENTER = text("""
INSERT INTO asset_unique_values (client_id, type_id, key, value, asset_id)
SELECT a.client_id, a.type_id, k, lower(left(a.attributes ->> k, 500)), a.id
  FROM assets a, unnest(CAST(:keys AS text[])) AS k
 WHERE a.type_id = :type AND a.deleted_at IS NULL AND a.attributes ->> k IS NOT NULL
""")
