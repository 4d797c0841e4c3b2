"""People, roles and places for tests: each function commits what it makes and returns it detached.

`conftest` says which app they work in; a test calls them without any context of its own.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from webapp.access.models import Page, PageRole, Permission, Role, RolePermission, UserRole
from webapp.assets.models import Asset, AssetType
from webapp.assets.schemas import Attribute
from webapp.core import registry
from webapp.core.db import db
from webapp.core.unit_of_work import unit_of_work
from webapp.organisation.models import Client, Location, Project
from webapp.tickets.models import Contact, Message, Team, TeamMember, Ticket
from webapp.users import passwords, sessions
from webapp.users.models import User

PASSWORD = "correct horse battery staple"
_hashes: dict[str, str] = {}
_numbers = itertools.count(1)
_app: Flask | None = None


def use(app: Flask | None) -> Flask | None:
    """Work in `app` from now on; return the one before."""
    global _app
    before, _app = _app, app
    return before


@contextmanager
def work(actor: str = "test") -> Iterator[None]:
    """An app context with a unit of work: what services need outside a request."""
    assert _app is not None, "ask for the fixture `app` (or `client`) first"
    with _app.app_context(), unit_of_work(actor):
        yield


def _made(row: Any) -> Any:
    """Return a row with all its columns, readable after the commit."""
    db.session.flush()
    db.session.refresh(row)
    db.session.expunge(row)
    return row


def _hashed(password: str) -> str:
    if password not in _hashes:  # argon2 is slow on purpose
        _hashes[password] = passwords.hash_password(password)
    return _hashes[password]


def make_user(*, password: str | None = PASSWORD, **values: Any) -> User:
    number = next(_numbers)
    values.setdefault("name", f"Person {number}")
    values.setdefault("email", f"person{number}@example.com")
    with work():
        user = User(password_hash=_hashed(password) if password else None, **values)
        db.session.add(user)
        return _made(user)  # type: ignore[no-any-return]


def make_role(*keys: str, name: str | None = None, description: str = "") -> Role:
    """A role with the pages and permissions named by `keys`; "*" stands for all."""
    if keys == ("*",):
        keys = (*registry.PAGE_BY_KEY, *registry.PERMISSION_BY_KEY)
    unknown = [key for key in keys if registry.find_entry(key) is None]
    assert not unknown, f"neither a page nor a permission: {unknown}"
    with work():
        role = Role(name=name or f"Role {next(_numbers)}", description=description)
        db.session.add(role)
        db.session.flush()
        for page in db.session.scalars(select(Page).where(Page.key.in_(keys))):
            db.session.add(PageRole(role_id=role.id, page_id=page.id))
        for permission in db.session.scalars(select(Permission).where(Permission.key.in_(keys))):
            db.session.add(RolePermission(role_id=role.id, permission_id=permission.id))
        return _made(role)  # type: ignore[no-any-return]


def grant(user: User, role: Role, **place: int) -> UserRole:
    """Give a role, everywhere or in the place (`location_id`, `client_id` or `project_id`)."""
    with work():
        row = UserRole(user_id=user.id, role_id=role.id, **place)
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_location(name: str | None = None, **values: Any) -> Location:
    with work():
        row = Location(name=name or f"Location {next(_numbers)}", **values)
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_client(name: str | None = None, **values: Any) -> Client:
    number = next(_numbers)
    if "location_id" not in values:
        values["location_id"] = make_location().id
    with work():
        row = Client(
            name=name or f"Client {number}", code=values.pop("code", f"C{number}"), **values
        )
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_project(name: str | None = None, **values: Any) -> Project:
    if "client_id" not in values:
        values["client_id"] = make_client().id
    with work():
        row = Project(name=name or f"Project {next(_numbers)}", **values)
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_type(name: str | None = None, *attributes: dict[str, Any]) -> AssetType:
    """A type; an attribute is as much of ``schemas.Attribute`` as the test cares about."""
    rules = [
        Attribute(**{"label": one["key"].title(), **one}).model_dump(mode="json")
        for one in attributes
    ]
    with work():
        row = AssetType(name=name or f"Type {next(_numbers)}", attributes=rules)
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_asset(name: str | None = None, **values: Any) -> Asset:
    number = next(_numbers)
    if "client_id" not in values:
        values["client_id"] = make_client().id
    if "type_id" not in values:
        values["type_id"] = make_type().id
    with work():
        row = Asset(
            name=name or f"Asset {number}", tag=values.pop("tag", f"T-{number:05}"), **values
        )
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_contact(**values: Any) -> Contact:
    number = next(_numbers)
    if "client_id" not in values:
        values["client_id"] = make_client().id
    values.setdefault("name", f"Contact {number}")
    values.setdefault("email", f"contact{number}@example.net")
    with work():
        row = Contact(**values)
        db.session.add(row)
        return _made(row)  # type: ignore[no-any-return]


def make_team(*members: User, name: str | None = None, **values: Any) -> Team:
    with work():
        row = Team(name=name or f"Team {next(_numbers)}", **values)
        db.session.add(row)
        db.session.flush()
        db.session.add_all(TeamMember(team_id=row.id, user_id=member.id) for member in members)
        return _made(row)  # type: ignore[no-any-return]


def make_ticket(subject: str | None = None, *, body: str | None = None, **values: Any) -> Ticket:
    """A ticket as a row (no service level), with a first message if `body` is given."""
    if "client_id" not in values:
        values["client_id"] = make_client().id
    if values.get("status") in ("resolved", "closed"):
        values.setdefault("resolution", "Done.")
        values.setdefault("resolved_at", datetime.now(UTC))
        if values["status"] == "closed":
            values.setdefault("closed_at", datetime.now(UTC))
    with work():
        row = Ticket(subject=subject or f"Ticket {next(_numbers)}", **values)
        db.session.add(row)
        db.session.flush()
        if body:
            db.session.add(Message(client_id=row.client_id, ticket_id=row.id, body=body))
        return _made(row)  # type: ignore[no-any-return]


def open_session(user: User, *, ip: str = "192.0.2.1", user_agent: str = "Test") -> str:
    """Open a session as a sign-in would; return its token."""
    with work():
        opened = sessions.open_session(
            db.session.get_one(User, user.id), ip=ip, user_agent=user_agent
        )
        sessions.trail.note("session.opened", category="sign-in", object_type="user")
        return opened.token
