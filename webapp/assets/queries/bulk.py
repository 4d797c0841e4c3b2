"""Reads of changes to many assets."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, Custody, StatusTransition
from webapp.assets.queries import register
from webapp.audit.many import ManyLog
from webapp.core import bulk
from webapp.core.db import db
from webapp.core.search import UnknownFilter
from webapp.organisation.models import Client, Project
from webapp.organisation.tree import Place

# What the log says beside a row for each asset.
CHANGED, UNDONE = "asset.bulk_changed", "asset.bulk_undone"
LOG = ManyLog(kind="asset", model=Asset, changed=CHANGED, undone=UNDONE)
recent_changes, reason_of = LOG.recent_changes, LOG.reason_of
changes_of, states_since = LOG.changes_of, LOG.states_since
# What the list puts into its address; a single "?" is the list that nothing narrows.
EVERYTHING = "?"
NAMES = frozenset(
    (
        *("q", "type", "status", "place", "holder", "warranty", "overdue", "archived"),
        *("sort", "cols", "limit"),
    )
)


def get_assets(ids: Iterable[int], *, lock: bool) -> list[Asset]:
    """Find assets by their ids, in the order of their ids, so that two changes do not wait for each other.

    With ``lock``, as they stand now.
    """
    statement = select(Asset).where(Asset.id.in_(list(ids))).order_by(Asset.id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(statement))


def find_home(kind: str, number: int) -> Place | None:
    """Return the client or project as a place, if it is in sight and in use."""
    statement = select(Client.id, Client.location_id).where(Client.deleted_at.is_(None))
    if kind == "project":
        statement = statement.join(Project, Project.client_id == Client.id).where(
            Project.id == number, Project.deleted_at.is_(None)
        )
    else:
        statement = statement.where(Client.id == number)
    row = db.session.execute(statement).one_or_none()
    if row is None:
        return None
    project = number if kind == "project" else None
    return Place(location_id=row.location_id, client_id=row.id, project_id=project)


def locations_of(client_ids: Iterable[int]) -> dict[int, int]:
    """Return the location of each client."""
    statement = select(Client.id, Client.location_id).where(Client.id.in_(list(client_ids)))
    return {row.id: row.location_id for row in db.session.execute(statement)}


def versions_of(ids: Sequence[int]) -> list[Any]:
    """Return the versions of assets: rows (id, version)."""
    return list(db.session.execute(select(Asset.id, Asset.version).where(Asset.id.in_(ids))))


def matching_ids(matching: str, who: SignedIn, *, limit: int) -> list[int]:
    """Return the ids of the assets that match a filter as the list sends it, the first by tag.

    Raises:
        UnknownFilter: if it is none that the list makes; else this would change more than was asked.
    """
    asked = parse_qsl(matching.removeprefix("?"), keep_blank_values=True)
    known = bool(asked) and all(name in NAMES for name, _value in asked)
    if len(matching) > bulk.MAX_QUERY or not (known or matching == EVERYTHING):
        raise UnknownFilter
    return register.matching_ids(register.filters_from(bulk.args_of(matching)), who, limit=limit)


def clients_of(ids: Sequence[int]) -> set[int]:
    """Return whose the assets are."""
    return set(db.session.scalars(select(Asset.client_id).where(Asset.id.in_(ids)).distinct()))


def tags_of(client_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Return those of the tags, in lower case, that assets of a client carry, each with the id of its asset."""
    statement = select(Asset.tag_key, Asset.id).where(
        Asset.client_id == client_id, Asset.tag_key.in_(keys)
    )
    return {row.tag_key: row.id for row in db.session.execute(statement)}


def handed_out(ids: Sequence[int]) -> set[int]:
    """Return those of the assets that somebody has."""
    held = select(Custody.asset_id).where(Custody.asset_id.in_(ids), Custody.returned_at.is_(None))
    return set(db.session.scalars(held))


def transitions() -> set[tuple[str, str]]:
    """Return which status may follow which."""
    statement = select(StatusTransition.from_status, StatusTransition.to_status)
    return {(row.from_status, row.to_status) for row in db.session.execute(statement)}


def names_of(
    client_ids: Iterable[Any], project_ids: Iterable[Any], asset_ids: Iterable[Any]
) -> dict[str, dict[int, str]]:
    """Return the names of what a preview mentions, by field and id."""
    kinds = (
        ("client_id", Client.id, Client.name, client_ids),
        ("project_id", Project.id, Project.name, project_ids),
        ("parent_id", Asset.id, Asset.tag, asset_ids),
    )
    names = {}
    for key, number, name, ids in kinds:
        wanted = {one for one in ids if one is not None}
        rows = db.session.execute(select(number, name).where(number.in_(wanted))) if wanted else ()
        names[key] = {row[0]: row[1] for row in rows}
    return names
