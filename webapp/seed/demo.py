"""The demo: an organisation, its people, and a year of their work, made by the services that pages use."""

import random
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import cast

from sqlalchemy import event
from sqlalchemy.orm import Session

from webapp.access import queries as access_queries
from webapp.access.identity import SignedIn
from webapp.access.seed_roles import ensure_seed_roles
from webapp.core import trail
from webapp.core.db import Timestamped, db
from webapp.core.unit_of_work import unit_of_work
from webapp.organisation import services as organisation
from webapp.organisation.schemas import ClientEdit, LocationEdit, ProjectEdit
from webapp.seed import names
from webapp.users import services as users
from webapp.users.models import User
from webapp.users.passwords import DEMO_PASSWORD, hash_password

SEEDER = "system:seed"
SEED = 20_240_229
PEOPLE = 60
PROJECTS = 40
DAYS = 365


@dataclass(frozen=True, kw_only=True, slots=True)
class Someone:
    """A person of the demo, as far as steps need them."""

    id: int
    name: str
    email: str
    role: str


@dataclass(kw_only=True)
class Demo:
    """What was made so far, and when and by whom the next step happens."""

    base: datetime  # midnight of the day the demo is made
    now: datetime
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 # nosec B311 - not a secret
    role_ids: dict[str, int] = field(default_factory=dict)
    sites: list[int] = field(default_factory=list)
    clients: list[int] = field(default_factory=list)
    projects: list[int] = field(default_factory=list)
    people: list[Someone] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    admin: SignedIn | None = None

    @contextmanager
    def step(self, who: Someone | None = None) -> Iterator[None]:
        """One transaction at the demo's present moment."""
        actor = who.name if who else SEEDER

        def date(session: Session, *_: object) -> None:
            """Have the rows as old as the history says."""
            for row in (row for row in session.new if isinstance(row, Timestamped)):
                row.created_at = row.updated_at = self.now
            for row in (row for row in session.dirty if isinstance(row, Timestamped)):
                row.updated_at = self.now

        with unit_of_work(actor, user_id=who.id if who else None, occurred_at=self.now):
            if who:
                trail.context().update(ip=f"192.0.2.{who.id % 250 + 1}", user_agent="Demo history")
            event.listen(db.session, "before_flush", date)
            try:
                yield
                db.session.flush()
            finally:
                event.remove(db.session, "before_flush", date)

    def working_hour(self, day: int) -> None:
        """Move to a random minute of a day's working hours; ``day`` counts back from the base."""
        minutes = self.chance.randint(7 * 60, 18 * 60)
        self.now = self.base - timedelta(days=day) + timedelta(minutes=minutes)

    @property
    def boss(self) -> SignedIn:
        """The administrator, who acts in the services."""
        if self.admin is None:
            raise RuntimeError("the accounts come first")
        return self.admin


# Of people who accepted their invitation, but have no password that fits: "!" is no hash.
NO_PASSWORD = "!"  # noqa: S105


def start(today: date) -> Demo:
    """Return an empty demo whose year ends with ``today``."""
    base = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return Demo(base=base, now=base - timedelta(days=DAYS + 5))


def make_accounts(demo: Demo) -> None:
    """Create the roles and the six documented accounts."""
    hashed = hash_password(DEMO_PASSWORD)
    with demo.step():
        trail.note("system.seed_started", category="system")
        demo.role_ids = {name: role.id for name, role in ensure_seed_roles().items()}
    with demo.step():
        for local, name, role, zone in names.ACCOUNTS:
            user = users.create(name=name, email=f"{local}@example.com", password_hash=hashed)
            user.timezone = zone
            _first_role(demo, user, role)
    first = demo.people[0]
    with demo.step():
        grants = tuple(access_queries.grants_of([first.id])[first.id])
    demo.admin = SignedIn(
        id=first.id,
        name=first.name,
        email=first.email,
        theme="system",
        locale="en",
        timezone="UTC",
        session_id=0,
        token="",
        last_seen_at=demo.now,
        unread=0,
        grants=grants,
    )


def make_organisation(demo: Demo) -> None:
    """Create three locations with sites, twelve clients and forty projects."""
    keeper = demo.people[3]
    for city, address, sites in names.LOCATIONS:
        demo.now += timedelta(hours=1)
        with demo.step(keeper):
            top = organisation.create_location(LocationEdit(name=city, address=address))
            for site in sites:
                command = LocationEdit(name=f"{city} {site}", parent_id=top.id)
                demo.sites.append(organisation.create_location(command).id)
    for number, name in enumerate(names.CLIENTS):
        demo.now += timedelta(hours=1)
        code = "".join(word[0] for word in name.upper().split() if word[0].isalpha())
        slug = name.lower().replace(" & ", "-").replace(" ", "-")
        with demo.step(keeper):
            client = ClientEdit(
                name=name,
                code=f"{code}-{number + 1:02}",
                location_id=demo.sites[number % len(demo.sites)],
                contact_email=f"office@{slug}.example.org",
            )
            demo.clients.append(organisation.create_client(client).id)
    for number in range(PROJECTS):
        demo.now += timedelta(minutes=20)
        begins = (demo.base - timedelta(days=demo.chance.randint(30, DAYS))).date()
        with demo.step(keeper):
            project = ProjectEdit(
                name=names.WORK[(number // len(names.CLIENTS) * 3 + number % 3) % len(names.WORK)],
                client_id=demo.clients[number % len(demo.clients)],
                starts_on=begins,
                ends_on=begins + timedelta(days=demo.chance.choice((90, 180, 365))),
            )
            demo.projects.append(organisation.create_project(project).id)


def make_person(demo: Demo) -> None:
    """Create the next colleague, with a role within a place."""
    number = len(demo.people) - len(names.ACCOUNTS)
    given = names.FIRST[number % len(names.FIRST)]
    family = names.LAST[(number * 7 + number // len(names.FIRST)) % len(names.LAST)]
    with demo.step(demo.people[0]):
        user = users.create(
            name=f"{given} {family}", email=_address(given, family), password_hash=NO_PASSWORD
        )
        user.timezone = demo.chance.choice(("Europe/Madrid", "Europe/Lisbon", "Europe/Dublin"))
        user.locale = demo.chance.choice(("en", "es"))
        role = names.TITLES[number % len(names.TITLES)]
        _first_role(demo, user, role, scope=some_scope(demo))


def some_scope(demo: Demo) -> str:
    """Pick where a role holds: mostly a site or a client."""
    kind = demo.chance.choice(("location", "location", "client", "client", "project"))
    ids = {"location": demo.sites, "client": demo.clients, "project": demo.projects}[kind]
    return f"{kind}:{demo.chance.choice(ids)}"


def _first_role(demo: Demo, user: User, role: str, *, scope: str = "everywhere") -> None:
    users.give_role(
        cast("SignedIn", demo.admin),  # None is the system, which gives the first ones
        user=user,
        role_id=demo.role_ids[role],
        scope=scope,
        reason="New in the team",
    )
    demo.people.append(Someone(id=user.id, name=user.name, email=user.email, role=role))


def _address(given: str, family: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{given}.{family}").encode("ascii", "ignore").decode()
    return f"{plain.lower()}@example.org"
