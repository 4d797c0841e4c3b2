"""Reads for writing tickets down: whether things are of a client, and what the form's choices are called."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import select

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.pickers import LIMIT, Option
from webapp.core.typed import number_of as number_from
from webapp.organisation.models import Client, Project
from webapp.tickets.models import Contact, Ticket
from webapp.users.models import User


def is_asset_of(asset_id: int, client_id: int) -> bool:
    """Tell whether a client in sight has an asset."""
    found = select(Asset.id).where(Asset.id == asset_id, Asset.client_id == client_id)
    return db.session.scalar(found) is not None


def is_contact_of(contact_id: int, client_id: int) -> bool:
    """Tell whether a contact is of a client."""
    found = select(Contact.id).where(Contact.id == contact_id, Contact.client_id == client_id)
    return db.session.scalar(found) is not None


def find_client(client_id: int | None) -> Any | None:
    """Return (id, name, code) of a client in sight."""
    if not client_id:
        return None
    statement = select(Client.id, Client.name, Client.code).where(Client.id == client_id)
    return db.session.execute(statement).one_or_none()


def find_asset(asset_id: int | None) -> Any | None:
    """Return (id, tag, name, client_id, project_id) of an asset in sight."""
    return _asset(Asset.id == asset_id) if asset_id else None


def find_asset_by_tag(tag: str, *, client_id: int | None = None) -> Any | None:
    """Return the asset in sight with a tag, if there is exactly one (of the client, if that is given)."""
    wanted = Asset.tag_key == tag.lower()
    return _asset(wanted if client_id is None else wanted & (Asset.client_id == client_id))


def _asset(wanted: Any) -> Any | None:
    columns = (Asset.id, Asset.tag, Asset.name, Asset.client_id, Asset.project_id)
    rows = list(db.session.execute(select(*columns).where(wanted).limit(2)))
    return rows[0] if len(rows) == 1 else None


def client_by_code(code: str) -> int | None:
    """Return the client in sight with a code, if there is exactly one."""
    rows = list(db.session.scalars(select(Client.id).where(Client.code == code.upper()).limit(2)))
    return rows[0] if len(rows) == 1 else None


def _project(project_id: int | None, client_id: int | None) -> Any:
    if not project_id or not client_id:
        return None
    return select(Project.name).where(Project.id == project_id, Project.client_id == client_id)


def _requester(value: str, client_id: int | None) -> Any:
    kind, _, number = value.partition(":")
    found = number_from(number)
    if found and kind == "user":
        return select(User.name).where(User.id == found)
    if found and kind == "contact" and client_id:
        return select(Contact.name).where(Contact.id == found, Contact.client_id == client_id)
    return None


def project_name(project_id: int | None, client_id: int | None) -> str | None:
    """Return the name of a client's project."""
    found = _project(project_id, client_id)
    return None if found is None else db.session.scalar(found)


def requester_name(value: str, client_id: int | None) -> str | None:
    """Return what a requester (``user:3``, ``contact:4``) is called; of contacts only the client's."""
    found = _requester(value, client_id)
    return None if found is None else db.session.scalar(found)


def names_of(
    *, project_id: int | None, requester: str, client_id: int | None
) -> tuple[str | None, str | None]:
    """Return what a project and a requester are called, as the two above do, in one statement."""
    parts = (_project(project_id, client_id), _requester(requester, client_id))
    wanted = [part.scalar_subquery() for part in parts if part is not None]
    found = iter(db.session.execute(select(*wanted)).one() if wanted else ())
    project, asker = (None if part is None else next(found) for part in parts)
    return project, asker


def client_of_contact(contact_id: int | None) -> int | None:
    """Return whose contact somebody in sight is."""
    if not contact_id:
        return None
    return db.session.scalar(select(Contact.client_id).where(Contact.id == contact_id))


def contact_by_email(client_id: int, email: str) -> Contact | None:
    """Return the contact of a client with an address."""
    found = select(Contact).where(
        Contact.client_id == client_id, Contact.email_key == email.lower()
    )
    return db.session.scalar(found)


def number_of(ticket_id: int) -> int | None:
    """Return the number of a ticket in sight."""
    return db.session.scalar(select(Ticket.number).where(Ticket.id == ticket_id))


def find_projects(typed: str, *, client_id: int) -> list[Option]:
    """Live projects of a client whose name holds what was typed."""
    statement = (
        select(Project.id, Project.name)
        .where(Project.client_id == client_id, Project.deleted_at.is_(None))
        .where(Project.name.icontains(typed, autoescape=True))
        .order_by(Project.name, Project.id)
        .limit(LIMIT + 1)
    )
    return [Option(value=str(row.id), label=row.name) for row in db.session.execute(statement)]


def clients_of_projects(
    typed: str, project_ids: Collection[int], *, besides: Collection[int]
) -> list[Any]:
    """Clients of these projects whose name or code holds what was typed: rows (id, name, hint)."""
    holds = Client.name.icontains(typed, autoescape=True) | Client.code.icontains(
        typed, autoescape=True
    )
    own = select(Project.client_id).where(Project.id.in_(project_ids), Project.deleted_at.is_(None))
    statement = (
        select(Client.id, Client.name, Client.code.label("hint"))
        .where(Client.id.in_(own), Client.id.not_in(besides), Client.deleted_at.is_(None), holds)
        .order_by(Client.name, Client.id)
        .limit(LIMIT)
    )
    return list(db.session.execute(statement))
