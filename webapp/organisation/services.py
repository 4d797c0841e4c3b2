"""Every change of locations, clients and projects. The database keeps the tree sound; here its refusals get words."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import ProgrammingError

from webapp.core import refusals
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.schemas import ClientEdit, LocationEdit, ProjectEdit

Record = TypeVar("Record", Location, Client, Project)

# What the database refuses: the words for the person, and the field that they belong to.
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_locations_parent_name": (_("There is a location of this name in the same place."), "name"),
    "uq_clients_location_id_code": (_("This code is taken."), "code"),
    "uq_projects_client_name": (_("This client has a project of this name."), "name"),
    "location_cycle": (_("A location cannot lie inside itself."), "parent_id"),
    "ck_locations_not_its_own_parent": (_("A location cannot lie inside itself."), "parent_id"),
    "still_occupied": (_("Something still belongs to it. Move or delete that first."), None),
    "fk_locations_parent_id_locations": (_("Choose one of the list."), "parent_id"),
    "fk_clients_location_id_locations": (_("Choose one of the list."), "location_id"),
    "fk_projects_client_id_clients": (_("Choose one of the list."), "client_id"),
}
_PARENT_FIELD = {Location: "parent_id", Client: "location_id", Project: "client_id"}
# What has to happen around the change of a project's client, in the same savepoint: what belongs to a project names
# its client as well. Domains above register theirs, and their refusals in REFUSALS.
ON_PROJECT_MOVE: list[Callable[[Project, int], AbstractContextManager[None]]] = []


def create_location(command: LocationEdit) -> Location:
    """Add a location."""
    return _create(Location, command)


def create_client(command: ClientEdit) -> Client:
    """Add a client.

    Raises:
        DomainError: if another client that the person sees has this code.
    """
    _refuse_taken(command.code, except_id=None)
    return _create(Client, command)


def create_project(command: ProjectEdit) -> Project:
    """Add a project."""
    return _create(Project, command)


def save(model: type[Record], record_id: int, command: BaseModel, *, version: int | None) -> Record:
    """Change a record to what ``command`` says.

    Raises:
        StaleVersion: if it was saved since ``version``.
        DomainError: if it is deleted, or a rule of the tree refuses it.
    """
    record = _locked(model, record_id)
    check_version(record, version)
    if record.deleted_at is not None:
        raise DomainError(_("This is deleted. Restore it first."))
    _change(record, dict(command))
    return record


def put(
    model: type[Record], record_id: int, *, under: int | None, version: int | None = None
) -> Record:
    """Put a record under another: a location into a location, a client into one, a project to a client.

    Raises:
        StaleVersion: if it was saved since ``version``.
        DomainError: if it is deleted, or a rule of the tree refuses it.
    """
    record = _locked(model, record_id)
    check_version(record, version)
    if record.deleted_at is not None:
        raise DomainError(_("This is deleted. Restore it first."))
    _change(record, {_PARENT_FIELD[model]: under})
    return record


def delete(model: type[Record], record_id: int, *, version: int | None = None) -> Record:
    """Hide a record until somebody restores it.

    Raises:
        StaleVersion: if it was saved since ``version``.
        DomainError: if something still belongs to it.
    """
    record = _locked(model, record_id)
    check_version(record, version)
    if record.deleted_at is None:
        with _saying(model):
            record.deleted_at = datetime.now(UTC)
    return record


def restore(model: type[Record], record_id: int) -> Record:
    """Bring a deleted record back.

    Raises:
        DomainError: if what it belongs to is deleted, or its name was given to another.
    """
    record = _locked(model, record_id)
    if record.deleted_at is not None:
        try:
            with _saying(model):
                record.deleted_at = None
        except DomainError as error:
            if error.field == _PARENT_FIELD[model]:
                raise DomainError(_("What it belongs to is deleted. Restore that first.")) from None
            raise
    return record


def _refuse_taken(code: str, *, except_id: int | None) -> None:
    """A code is unique in a place by the database, and among what the person sees by this."""
    taken = select(Client.id).where(Client.code == code, Client.id != (except_id or 0))
    if db.session.scalar(taken.limit(1)) is not None:
        raise DomainError(_("This code is taken."), field="code")


def _create(model: type[Record], command: BaseModel) -> Record:
    record = model(**dict(command))
    with _saying(model):
        db.session.add(record)
    return record


def _change(record: Location | Client | Project, values: Mapping[str, Any]) -> None:
    with _saying(type(record)), ExitStack() as along:
        client_id = values.get("client_id")
        if isinstance(record, Project) and client_id and client_id != record.client_id:
            for hook in ON_PROJECT_MOVE:
                along.enter_context(hook(record, client_id))
        for name, value in values.items():
            if getattr(record, name) != value:
                setattr(record, name, value)
        db.session.flush()


def _locked(model: type[Record], record_id: int) -> Record:
    statement = select(model).where(model.id == record_id).with_for_update()
    record = db.session.scalar(statement.execution_options(populate_existing=True))
    if record is None:  # seen, but outside of what the database lets this person change
        raise Denied(_("Your permission does not reach this."), key="organisation.edit")
    return record


@contextmanager
def _saying(model: type[Location | Client | Project]) -> Iterator[None]:
    """Flush what happens inside; turn the database's refusal into words."""
    no_parent = (_("Choose one of the list."), _PARENT_FIELD[model])
    try:
        with refusals.told({**REFUSALS, "parent_deleted": no_parent}):
            yield
    except ProgrammingError as error:  # by the trigger keep_code
        if model is not Client or getattr(error.orig, "sqlstate", None) != "42501":
            raise
        raise DomainError(
            _("Your permission reaches this client, not its code or its place."), field="code"
        ) from None
