"""Who held what, where, at some moment: roles, what they gave, and where places lay, from the log alone."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from webapp.access.grants import Grant
from webapp.access.queries import RoleContents
from webapp.core.db import db
from webapp.organisation.tree import Place

# What happened until then, in the order in which it came: roles and what is in them, locations, one person; and the
# clients and projects that are named.
_ROWS = text("""
SELECT id, occurred_at, actor_id, actor_name, action, object_type, object_id, object_label, changes FROM audit_event
 WHERE outcome = 'ok' AND occurred_at <= :at AND changes <> '{}' AND (
   object_type IN ('role_permission', 'page_role')
   OR object_type IN ('role', 'location') AND search @@ CAST(:named AS tsquery)
   OR object_type = 'user' AND object_id = :user_id
   OR object_type = 'user_role' AND changes->'user_id' @> to_jsonb(CAST(:user_id AS bigint)))
 ORDER BY id
""")
_PLACES = text("""
SELECT object_type, object_id, action, changes FROM audit_event
 WHERE outcome = 'ok' AND occurred_at <= :at AND changes ?| ARRAY['name', 'location_id', 'client_id']
   AND (object_type = 'client' AND object_id = ANY (:clients)
     OR object_type = 'project' AND object_id = ANY (:projects))
 ORDER BY id
""")
_KEYS = text(
    "SELECT 'page' AS kind, id, key FROM pages UNION ALL SELECT 'permission', id, key FROM permissions"
)
# Rows that changed one of these columns, by the index of the words.
_NAMED = "'=name' | '=parent_id' | '=is_active'"
_SCOPE = ("location_id", "client_id", "project_id")
Held = tuple[int, int | None, int | None, int | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A grant, since when it was held, and who gave it."""

    grant: Grant
    since: datetime
    by: str | None
    to: str | None  # what the person was called
    event_id: int


@dataclass(kw_only=True, slots=True)
class Past:
    """Access as it was at a moment, for one person."""

    at: datetime
    person: dict[str, Any] = field(default_factory=dict)  # name, is_active; empty: not there yet
    roles: list[RoleContents] = field(default_factory=list)
    given: list[Given] = field(default_factory=list)
    place: Place | None = None

    @property
    def grants(self) -> list[Grant]:
        """The grants alone."""
        return [one.grant for one in self.given]


def past(
    user_id: int, at: datetime, *, kind: str | None = None, place_id: int | None = None
) -> Past:
    """Return what a person held at a moment, what every role gave, and where a place lay."""
    replay = _Replay()
    for row in db.session.execute(_ROWS, {"at": at, "user_id": user_id, "named": _NAMED}):
        replay.add(row)
    replay.name_places(at, kind, place_id)
    roles = replay.contents()
    known = {role.id: role for role in roles}
    return Past(
        at=at,
        person=replay.person,
        roles=roles,
        given=[replay.given(key, row, known.get(key[0])) for key, row in replay.held.items()],
        place=replay.place(kind, place_id),
    )


def grants_at(user_id: int, at: datetime) -> list[Grant]:
    """Return the grants that a person held at a moment."""
    return past(user_id, at).grants


def contents_at(at: datetime) -> list[RoleContents]:
    """Return what each role gave at a moment, by name."""
    return past(0, at).roles


class _Replay:
    """Adds up rows of the log."""

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.held: dict[Held, Any] = {}
        self.values: dict[tuple[str, int], dict[str, Any]] = {}
        self.inside: dict[int, dict[tuple[str, int], str | None]] = {}

    def add(self, row: Any) -> None:
        """Count one row."""
        kind = row.object_type
        if row.action in {"role.assigned", "role.revoked"} or kind == "user_role":
            self._grant(row)
        elif kind in {"role_permission", "page_role"}:
            self._content(row)
        elif row.action.partition(".")[0] == kind:
            values = self.values.setdefault((kind, row.object_id), {})
            if row.action == "role.deleted":
                self.values.pop((kind, row.object_id))
            values |= _after(row.changes)
            if kind == "user":
                self.person |= _after(row.changes)

    def _grant(self, row: Any) -> None:
        old, new = _pair(row.changes.get("role_id"))
        side = 0 if new is None else 1
        scope = (_pair(row.changes.get(name))[side] for name in _SCOPE)
        location, client, project = scope
        key = (old if new is None else new, location, client, project)
        if new is None:
            self.held.pop(key, None)
        else:
            self.held[key] = row

    def _content(self, row: Any) -> None:
        kind = "page" if row.object_type == "page_role" else "permission"
        old, new = _pair(row.changes.get(f"{kind}_id"))
        inside = self.inside.setdefault(row.object_id, {})
        if new is None:
            inside.pop((kind, old), None)
        else:
            inside[kind, new] = _pair(row.changes.get(kind))[1]

    def contents(self) -> list[RoleContents]:
        """What each role gave; a key that a row does not name is that of the present."""
        now = {(row.kind, row.id): row.key for row in db.session.execute(_KEYS)}
        roles = []
        for (kind, role_id), values in self.values.items():
            if kind != "role":
                continue
            keys: dict[str, set[str]] = {"page": set(), "permission": set()}
            for pair, key in self.inside.get(role_id, {}).items():
                if known := key or now.get(pair):
                    keys[pair[0]].add(known)
            roles.append(
                RoleContents(
                    id=role_id,
                    name=str(values.get("name") or role_id),
                    pages=frozenset(keys["page"]),
                    permissions=frozenset(keys["permission"]),
                )
            )
        return sorted(roles, key=lambda role: (role.name, role.id))

    def name_places(self, at: datetime, kind: str | None, place_id: int | None) -> None:
        """Find what clients and projects were called, and where they lay."""
        clients = {key[2] for key in self.held if key[2]}
        projects = {key[3] for key in self.held if key[3]}
        clients |= {place_id} if kind == "client" and place_id else set()
        projects |= {place_id} if kind == "project" and place_id else set()
        self._replay_places(at, clients, projects)
        homes = {self.values.get(("project", one), {}).get("client_id") for one in projects}
        if missing := {one for one in homes if one} - clients:
            self._replay_places(at, missing, set())

    def _replay_places(self, at: datetime, clients: set[Any], projects: set[Any]) -> None:
        if not clients and not projects:
            return
        asked = {"at": at, "clients": list(clients), "projects": list(projects)}
        for row in db.session.execute(_PLACES, asked):
            if row.action.partition(".")[0] == row.object_type:
                self.values.setdefault((row.object_type, row.object_id), {}).update(
                    _after(row.changes)
                )

    def given(self, key: Held, row: Any, role: RoleContents | None) -> Given:
        """Return a grant with what its role gave then."""
        role_id, location, client, project = key
        told = _pair(row.changes.get("role"))[1]
        grant = Grant(
            id=row.id,
            role_id=role_id,
            role=role.name if role else str(told or role_id),
            pages=role.pages if role else frozenset(),
            permissions=role.permissions if role else frozenset(),
            location_id=location,
            client_id=client,
            project_id=project,
            location_ids=self._below(location) if location else frozenset(),
            scope_label=self._label(location, client, project),
        )
        return Given(
            grant=grant,
            since=row.occurred_at,
            by=row.actor_name,
            to=row.object_label,
            event_id=row.id,
        )

    def _label(self, location: int | None, client: int | None, project: int | None) -> str | None:
        for kind, key in (("location", location), ("client", client), ("project", project)):
            if key is not None:
                return self.values.get((kind, key), {}).get("name")
        return None

    def _below(self, location_id: int) -> frozenset[int]:
        inside: dict[int | None, list[int]] = {}
        for (kind, key), values in self.values.items():
            if kind == "location":
                inside.setdefault(values.get("parent_id"), []).append(key)
        found, waiting = {location_id}, [location_id]
        while waiting:
            fresh = [one for one in inside.get(waiting.pop(), []) if one not in found]
            found.update(fresh)
            waiting += fresh
        return frozenset(found)

    def place(self, kind: str | None, place_id: int | None) -> Place | None:
        """Where a place lay; None if none is asked for. One that was not there yet is nowhere."""
        if kind is None or place_id is None:
            return None
        if kind == "location":
            return Place(location_id=place_id)
        project_id = place_id if kind == "project" else None
        client_id = (
            place_id
            if kind == "client"
            else self.values.get(("project", place_id), {}).get("client_id")
        )
        home = self.values.get(("client", client_id or 0), {}).get("location_id")
        return Place(location_id=home, client_id=client_id, project_id=project_id)


def _pair(change: Any) -> tuple[Any, Any]:
    if isinstance(change, list) and len(change) == 2:  # noqa: PLR2004 - old and new
        return change[0], change[1]
    return None, None


def _after(changes: dict[str, Any]) -> dict[str, Any]:
    """The new values; what is no pair is a remark."""
    pairs: Iterable[tuple[str, Any]] = changes.items()
    return {
        name: change[1]
        for name, change in pairs
        if isinstance(change, list) and len(change) == 2  # noqa: PLR2004 - old and new
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """Somebody who could open pages at a moment, by which roles, and since when they no longer can sign in."""

    user_id: int
    name: str
    left: datetime | None
    given: tuple[Given, ...]


_ALL = text("""
SELECT id, occurred_at, actor_id, actor_name, action, object_type, object_id, object_label, changes FROM audit_event
 WHERE outcome = 'ok' AND (occurred_at <= :at OR object_type = 'user') AND changes <> '{}' AND (
   object_type IN ('role_permission', 'page_role', 'user_role')
   OR object_type IN ('role', 'location') AND search @@ CAST(:named AS tsquery)
   OR action IN ('role.assigned', 'role.revoked')
   OR object_type = 'user' AND search @@ CAST(:named AS tsquery))
 ORDER BY id
""")


def holders(
    at: datetime, pages: Iterable[str], *, place: tuple[str, int] | None, placed: bool
) -> list[Holder]:
    """Return who could open one of ``pages`` at a moment for what lies in ``place``, by name.

    What is not ``placed`` is seen wherever the role holds. Who was inactive then could open nothing.
    """
    everybody: dict[int, _Replay] = {}
    left: dict[int, datetime | None] = {}
    common = _Replay()
    for row in db.session.execute(_ALL, {"at": at, "named": _NAMED}):
        if row.occurred_at > at:
            active = _after(row.changes).get("is_active")
            if active is not None:
                left[row.object_id] = None if active else row.occurred_at
        elif row.object_type in {"user", "user_role"}:
            everybody.setdefault(_whose(row), _Replay()).add(row)
        else:
            common.add(row)
    for one in everybody.values():
        common.held |= one.held  # the places that any of them names
    common.name_places(at, *(place or (None, None)))
    roles, where = (
        {role.id: role for role in common.contents()},
        common.place(*(place or (None, None))),
    )
    wanted, found = frozenset(pages), []
    for user_id, one in everybody.items():
        given = [common.given(key, row, roles.get(key[0])) for key, row in one.held.items()]
        fitting = tuple(
            each
            for each in given
            if each.grant.pages & wanted and (not placed or each.grant.covers(where))
        )
        if fitting and one.person.get("is_active", True):
            name = str(one.person.get("name") or fitting[0].to or user_id)
            gone = left.get(user_id)
            found.append(Holder(user_id=user_id, name=name, left=gone, given=fitting))
    return sorted(found, key=lambda one: (one.name, one.user_id))


def _whose(row: Any) -> int:
    if row.object_type == "user":
        return int(row.object_id)
    old, new = _pair(row.changes.get("user_id"))
    return int(new or old or 0)
