"""Reads of changes to many assets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import ARRAY, Boolean, String, bindparam, column, func, select, text

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, Custody, StatusTransition
from webapp.assets.queries import register
from webapp.audit.models import AuditEvent
from webapp.core import bulk
from webapp.core.db import db
from webapp.core.search import UnknownFilter
from webapp.organisation.models import Client, Project
from webapp.organisation.tree import Place

# What the log says beside a row for each asset.
CHANGED, UNDONE = "asset.bulk_changed", "asset.bulk_undone"
RECENT = 50
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """A change of many assets: its row of the log, and how many assets it is about.

    Of them ``left`` were not set back since, and ``near`` of these are in sight.
    """

    row: AuditEvent
    total: int = 0
    left: int = 0
    near: int = 0

    @property
    def undone(self) -> bool:
        """True if nothing of it is left."""
        return self.left == 0

    @property
    def partly(self) -> bool:
        """True if some of it was undone, and some not."""
        return 0 < self.left < self.total


def recent_changes(actor_id: int) -> list[Recent]:
    """Return what a person did to many assets at once since yesterday, and what is left of it."""
    statement = (
        select(AuditEvent)
        .where(
            AuditEvent.actor_id == actor_id,
            AuditEvent.action.in_([CHANGED, UNDONE]),
            AuditEvent.recorded_at > text("now() - interval '1 day'"),
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(RECENT)
    )
    rows = list(db.session.scalars(statement))
    undoes = {str(row.request_id): row.changes.get("request") for row in rows}
    counts = _left_of(undoes, actor_id)
    return [Recent(row=row, **counts.get(str(row.request_id), {})) for row in rows]


def _left_of(undoes: Mapping[str, str | None], actor_id: int) -> dict[str, dict[str, int]]:
    """Count what is left of each request; ``undoes`` says which other one it undid.

    Requests that undo each other belong to one first change and take turns: an asset is as those left it that are
    like the last of them that it took part in, all that change or all that set back.
    """
    firsts = {key: _first_of(key, undoes) for key in undoes}
    known = (
        func.unnest(
            bindparam("keys", list(firsts), ARRAY(String)),
            bindparam("firsts", [first for first, _odd in firsts.values()], ARRAY(String)),
            bindparam("odds", [odd for _first, odd in firsts.values()], ARRAY(Boolean)),
        )
        .table_valued(
            column("key", String), column("first", String), column("odd", Boolean), name="known"
        )
        .render_derived()
    )
    last = func.max(AuditEvent.id)
    did = (
        select(
            known.c.key,
            known.c.odd,
            AuditEvent.object_id,
            func.first_value(known.c.odd)
            .over(partition_by=(known.c.first, AuditEvent.object_id), order_by=last.desc())
            .label("now"),
        )
        .select_from(known.join(AuditEvent, AuditEvent.request_id == known.c.key))
        .where(*_of_assets(actor_id))
        .group_by(known.c.key, known.c.first, known.c.odd, AuditEvent.object_id)
        .subquery()
    )
    statement = (
        select(
            did.c.key,
            func.count().label("total"),
            func.count().filter(did.c.now == did.c.odd).label("left"),
            func.count(Asset.id).filter(did.c.now == did.c.odd).label("near"),
        )
        .select_from(did.outerjoin(Asset, Asset.id == did.c.object_id))
        .group_by(did.c.key)
    )
    return {
        row.key: {"total": row.total, "left": row.left, "near": row.near}
        for row in db.session.execute(statement)
    }


def _first_of(key: str, undoes: Mapping[str, str | None]) -> tuple[str, bool]:
    """Return the change that a request goes back to by undoing, and whether it sets that back."""
    seen = [key]
    while (before := undoes.get(seen[-1])) and before not in seen:
        seen.append(before)
    return seen[-1], len(seen) % 2 == 0


def reason_of(request_id: str, actor_id: int) -> str | None:
    """Return the reason that the log gives for a person's change of many assets."""
    return db.session.scalar(
        select(AuditEvent.reason)
        .where(
            AuditEvent.request_id == request_id,
            AuditEvent.actor_id == actor_id,
            AuditEvent.action.in_([CHANGED, UNDONE]),
        )
        .limit(1)
    )


def _of_assets(actor_id: int) -> tuple[Any, ...]:
    """What a person changed about assets within the last day."""
    return (
        AuditEvent.actor_id == actor_id,
        AuditEvent.object_type == "asset",
        AuditEvent.category == "change",
        AuditEvent.outcome == "ok",
        AuditEvent.recorded_at > text("now() - interval '1 day'"),
    )


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


def changes_of(request_id: str, actor_id: int, *, limit: int) -> dict[int, dict[str, Any]]:
    """Return what a person's request of the last day changed about assets: by id, old and new of each field."""
    statement = (
        select(AuditEvent.object_id, AuditEvent.changes)
        .where(AuditEvent.request_id == request_id, *_of_assets(actor_id))
        .order_by(AuditEvent.id)
        .limit(limit)
    )
    found: dict[int, dict[str, Any]] = {}
    for row in db.session.execute(statement):
        fields = found.setdefault(row.object_id, {})
        for name, pair in row.changes.items():
            if isinstance(pair, list):
                fields[name] = (fields[name][0] if name in fields else pair[0], pair[1])
    return found


def states_since(request_id: str, ids: Sequence[int]) -> set[int]:
    """Return those of the assets whose status changed after a request of the last day."""
    day = text("now() - interval '1 day'")
    then = select(AuditEvent.id).where(
        AuditEvent.request_id == request_id, AuditEvent.recorded_at > day
    )
    since = select(AuditEvent.object_id).where(
        AuditEvent.object_type == "asset",
        AuditEvent.object_id.in_(ids),
        AuditEvent.recorded_at > day,
        AuditEvent.id > select(func.max(then.subquery().c.id)).scalar_subquery(),
        AuditEvent.changes.has_key("status"),
    )
    return set(db.session.scalars(since))


def undoing(request_id: str) -> None:
    """Tell the database which request this transaction undoes: it lets a status go back to where that took it from."""
    db.session.execute(text("SELECT set_config('app.undoes', :id, true)"), {"id": request_id})


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
