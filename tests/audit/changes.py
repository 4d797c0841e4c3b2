"""Changes of all kinds of records, as people and programs make them, for the test of the log's memory.

Each takes what is there and three numbers and a text to choose by; what the rules refuse is no change.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from webapp.access.models import Role, UserRole
from webapp.assets.models import Asset, AssetType
from webapp.assets.models import Status as AssetStatus
from webapp.assets.schemas import AssetDraft, AssetEdit, CheckIn, CheckOut
from webapp.assets.services import custody, moving
from webapp.assets.services import records as assets
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.registry import PAGE_BY_KEY, PERMISSION_BY_KEY
from webapp.organisation import services as organisation
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.schemas import ClientEdit, LocationEdit, ProjectEdit
from webapp.roles import services as roles
from webapp.roles.schemas import EditRole, RoleDraft
from webapp.tickets import sla_tasks
from webapp.tickets.life_schemas import TicketEdit
from webapp.tickets.models import Level, Merge, SlaPolicy, Status, Ticket
from webapp.tickets.queries import watching
from webapp.tickets.schemas import TicketDraft
from webapp.tickets.services import merging, messages, people, status, unmerging
from webapp.tickets.services import records as tickets
from webapp.users import schemas
from webapp.users import services as users
from webapp.users.models import User

MODELS = {
    "user": User,
    "role": Role,
    "ticket": Ticket,
    "asset": Asset,
    "client": Client,
    "project": Project,
    "location": Location,
}
KEYS = sorted({*PAGE_BY_KEY, *PERMISSION_BY_KEY})
DAY = date(2026, 1, 1)


@dataclass(frozen=True, slots=True)
class Choice:
    """What decides how a change turns out."""

    boss: Any
    a: int
    b: int
    word: str
    serial: str  # unlike any other, for names that must be

    def some(self, model: type[Any], number: int | None = None) -> Any:
        """One of the records that are there."""
        rows = db.session.scalars(select(model).order_by(model.id)).all()
        if not rows:
            raise DomainError("there is none")
        return rows[(self.a if number is None else number) % len(rows)]

    def key(self, model: type[Any], number: int | None = None) -> int | None:
        """Its number, or none."""
        return self.some(model, self.b if number is None else number).id if self.b % 4 else None


Change = Callable[[Choice], Any]
CHANGES: list[Change] = []


def change(function: Change) -> Change:
    CHANGES.append(function)
    return function


@change
def new_location(one: Choice) -> None:
    organisation.create_location(
        LocationEdit(name=f"L {one.serial}", address=one.word, parent_id=one.key(Location))
    )


@change
def save_location(one: Choice) -> None:
    at = one.some(Location)
    command = LocationEdit(name=f"{one.word} {one.serial}", parent_id=one.key(Location))
    organisation.save(Location, at.id, command, version=None)


@change
def new_client(one: Choice) -> None:
    code = f"C{one.serial}"
    organisation.create_client(
        ClientEdit(name="C", code=code, location_id=one.some(Location).id, notes=one.word)
    )


@change
def save_client(one: Choice) -> None:
    found = one.some(Client)
    command = ClientEdit(
        name=one.word or "C",
        code=found.code,
        location_id=one.some(Location, one.b).id,
        contact_email="a@example.com" if one.b % 2 else None,
    )
    organisation.save(Client, found.id, command, version=None)


@change
def new_project(one: Choice) -> None:
    begins = DAY if one.b % 2 else None
    organisation.create_project(
        ProjectEdit(name=f"P {one.serial}", client_id=one.some(Client).id, starts_on=begins)
    )


@change
def move_project(one: Choice) -> None:
    organisation.put(Project, one.some(Project).id, under=one.some(Client, one.b).id)


@change
def remove_place(one: Choice) -> None:
    model = (Location, Client, Project)[one.b % 3]
    found = one.some(model)
    if found.deleted_at is None:
        organisation.delete(model, found.id)
    else:
        organisation.restore(model, found.id)


@change
def new_user(one: Choice) -> None:
    users.invite(
        one.boss, schemas.Invite(name="Ana Ruiz", email=f"u{one.serial}@example.com", role_id=None)
    )


@change
def edit_user(one: Choice) -> None:
    user = one.some(User)
    command = schemas.EditPerson(
        name=one.word or "Luis",
        email=f"e{one.serial}@example.com" if one.b % 2 else user.email,
        locale=("en", "es")[one.b % 2],
        timezone=("UTC", "Europe/Madrid")[one.a % 2],
        version=user.version,
    )
    users.edit(one.boss, user, command)


@change
def shut_out(one: Choice) -> None:
    user = one.some(User)
    (users.deactivate if user.is_active else users.restore)(one.boss, user, reason="Test")


@change
def choose(one: Choice) -> None:
    user = one.some(User)
    users.choose_theme(user, ("system", "light", "dark")[one.b % 3])
    user.password_hash = f"$argon2{one.word}"
    user.last_seen_at = datetime.now(UTC)


@change
def new_role(one: Choice) -> None:
    keys = frozenset(KEYS[one.a % len(KEYS) :: 5])
    roles.create_role(one.boss, RoleDraft(name=f"R {one.serial}", keys=keys))


@change
def change_role(one: Choice) -> None:
    role = one.some(Role)
    keys = frozenset(KEYS[one.b % len(KEYS) :: 7])
    command = EditRole(
        name=role.name, description=one.word, keys=keys, version=role.version, reason="Test"
    )
    roles.change_role(one.boss, role=role, command=command)


@change
def delete_role(one: Choice) -> None:
    roles.delete_role(one.boss, role=one.some(Role), reason="Test")


@change
def give_role(one: Choice) -> None:
    scope = (
        "everywhere",
        f"client:{one.some(Client, one.b).id}",
        f"location:{one.some(Location).id}",
    )
    users.give_role(
        one.boss, user=one.some(User), role_id=one.some(Role, one.b).id, scope=scope[one.b % 3]
    )


@change
def take_role(one: Choice) -> None:
    grant = one.some(UserRole)
    user = db.session.get_one(User, grant.user_id)
    users.take_role(one.boss, user=user, grant=grant, reason="Test")


def _asset_fields(one: Choice) -> dict[str, Any]:
    client = one.some(Client)
    return {
        "name": one.word or "Pump",
        "type_id": one.some(AssetType).id,
        "client_id": client.id,
        "cost": Decimal(one.b % 1000) / 10 if one.b % 3 else None,
        "purchased_on": DAY + timedelta(days=one.b % 300) if one.a % 2 else None,
        "attributes": {"size": one.a / 8, "wet": bool(one.b % 2)} if one.a % 3 else {},
        "notes": one.word * 400,
    }


@change
def new_asset(one: Choice) -> None:
    assets.create(None, AssetDraft(**_asset_fields(one)))


@change
def save_asset(one: Choice) -> None:
    asset = one.some(Asset)
    fields = _asset_fields(one) | {"client_id": asset.client_id, "project_id": asset.project_id}
    command = AssetEdit(**fields, tag=asset.tag, parent_id=asset.parent_id)
    assets.save(None, asset, command, version=None)


@change
def move_asset(one: Choice) -> None:
    kind, model = (("client", Client), ("project", Project), ("asset", Asset))[one.b % 3]
    moving.move_to(None, one.some(Asset), kind=kind, key=one.some(model, one.b).id)


@change
def turn_asset(one: Choice) -> None:
    asset = one.some(Asset)
    assets.change_status(None, asset, list(AssetStatus)[one.b % len(AssetStatus)], reason="Test")


@change
def archive_asset(one: Choice) -> None:
    asset = one.some(Asset)
    (assets.archive if asset.deleted_at is None else assets.restore)(None, asset)


@change
def hand_out(one: Choice) -> None:
    asset = one.some(Asset)
    command = CheckOut(holder=f"user:{one.some(User, one.b).id}", note=one.word)
    steps = (custody.check_out, custody.transfer, custody.check_in)
    step = steps[one.b % 3]
    step(None, asset, CheckIn(note=one.word) if step is custody.check_in else command)  # type: ignore[arg-type]


@change
def new_ticket(one: Choice) -> None:
    asset = one.some(Asset)
    project = one.some(Project, one.b)
    command = TicketDraft(
        subject=one.word or "Leak",
        body="It leaks.",
        client_id=project.client_id,
        project_id=project.id,
        asset_id=asset.id if asset.client_id == project.client_id else None,
        impact=list(Level)[one.a % 3],
        requester_user_id=one.key(User),
        tags=("a", "b")[: one.b % 3],
    )
    tickets.create(None, command)


@change
def save_ticket(one: Choice) -> None:
    ticket = one.some(Ticket)
    command = TicketEdit(
        subject=f"{one.word} {one.serial}",
        client_id=ticket.client_id,
        project_id=ticket.project_id,
        impact=list(Level)[one.b % 3],
        urgency=list(Level)[one.a % 3],
        external_ref=one.serial if one.b % 2 else None,
    )
    tickets.save(None, ticket, command, version=None)


@change
def turn_ticket(one: Choice) -> None:
    ticket = one.some(Ticket)
    status.change(None, ticket, list(Status)[one.b % len(Status)], resolution=one.word or "Done")


@change
def assign_ticket(one: Choice) -> None:
    people.assign(None, one.some(Ticket), assignee_id=one.key(User), team_id=None, note=one.word)


@change
def merge_tickets(one: Choice) -> None:
    merging.merge(None, one.some(Ticket), one.some(Ticket, one.b))


@change
def part_tickets(one: Choice) -> None:
    unmerging.undo(one.boss, db.session.get_one(Ticket, one.some(Merge).source_id))


@change
def answer(one: Choice) -> None:
    messages.post(one.boss, one.some(Ticket), body=one.word or "Yes.")


@change
def watch_levels(one: Choice) -> None:
    """Make something late, as time does, and have the job look."""
    ticket = one.some(Ticket)
    watching.write([(ticket, {"sla_check_at": datetime.now(UTC) - timedelta(minutes=1)})])
    db.session.expire_all()
    sla_tasks.watch(10)
    ids = select(Ticket.id)
    sla_tasks.set_anew(watching.next_covered(Ticket.id.in_(ids), after=0, limit=10))


@change
def change_levels(one: Choice) -> None:
    policy = one.some(SlaPolicy)
    policy.deleted_at = None if policy.deleted_at else datetime.now(UTC)
    db.session.flush()
    sla_tasks.set_anew(watching.next_covered(Ticket.id > 0, after=0, limit=50))


@change
def by_hand(one: Choice) -> None:
    """What a program does without a service: some flushes, one of them undone."""
    asset, client = one.some(Asset), one.some(Client)
    client.name = f"once {one.serial}"
    db.session.flush()
    savepoint = db.session.begin_nested()
    client.notes = "undone"
    asset.serial = "undone"
    db.session.flush()
    savepoint.rollback()
    client.name, client.contact_email = f"twice {one.serial}", None
    asset.model = one.word
    db.session.flush()
    asset.model = f"{one.word}!"
