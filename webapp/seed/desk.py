"""The demo's support desk: teams and their rota, hours, service levels, canned replies, the clients' contacts."""

import random
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import select

from webapp.access import queries as access
from webapp.access.models import Role
from webapp.core.db import db
from webapp.organisation.models import Client
from webapp.organisation.tree import Place
from webapp.saved_views.models import SavedView
from webapp.seed import names, stories
from webapp.seed.demo import SEED, Demo, Someone
from webapp.tickets.models import (
    BusinessHours,
    BusinessSpan,
    CannedReply,
    Contact,
    Holiday,
    Kind,
    Priority,
    SlaPolicy,
    SlaTarget,
    Status,
    Team,
    TeamMember,
    TeamShift,
    Transition,
    TransitionRole,
)

AGENTS = frozenset({"Support agent", "Support lead", "Technician"})
CONTACTS = 9  # of a client
MEMBERS = 8  # of a team
BUSY = 5  # times as many tickets as others have those whose accounts are documented
SHIFTS = 8  # weeks of the rota that are planned
Targets = Mapping[Priority, tuple[int | None, int]]
HOUR, DAY = 60, 600  # business minutes
# Response and resolution, in business minutes.
STANDARD = {
    Priority.URGENT: (30, 4 * HOUR),
    Priority.HIGH: (HOUR, DAY),
    Priority.NORMAL: (4 * HOUR, 3 * DAY),
    Priority.LOW: (DAY, 8 * DAY),
}
AROUND_THE_CLOCK = {
    Priority.URGENT: (15, 4 * HOUR),
    Priority.HIGH: (30, 12 * HOUR),
    Priority.NORMAL: (2 * HOUR, 48 * HOUR),
    Priority.LOW: (8 * HOUR, 120 * HOUR),
}
PLANNED = dict.fromkeys(Priority, (None, 15 * DAY))
NEVER_CLOSED = ("Aurora Clinics", "Kestrel Airport Services")
VIEWS = (
    (1, "Urgent and high", "?priority=urgent&priority=high", True),
    (1, "Waiting for clients", "?status=pending&sort=-updated", True),
    (2, "Printers", "?tag=printing", False),
    (3, "Climate and lifts", "?tag=climate&tag=lift", True),
)


_HELLO, _REGARDS = "Hello {{requester.first_name}},\n\n", "\n\nKind regards\n{{agent.name}}"
CANNED = tuple(
    (shortcut, title, _HELLO + body + _REGARDS)
    for shortcut, title, body in (
        (
            "hello",
            "First answer",
            "thank you for your message. I look into it and write again today.",
        ),
        (
            "photo",
            "Ask for a photo",
            "could you send us a photo of what you see, and of the label?",
        ),
        (
            "visit",
            "Announce a visit",
            "we would come by tomorrow between nine and eleven. Does it suit you?",
        ),
        (
            "done",
            "It is done",
            "ticket {{ticket.number}} is done. If it happens again, simply answer.",
        ),
        (
            "reboot",
            "Restart first",
            "please restart the device once and tell us whether it helped.",
        ),
        (
            "warranty",
            "With the vendor",
            "the vendor has {{asset.tag}} now and repairs it within a week.",
        ),
    )
)
# Holidays of Madrid that are the same each year: month, day, name.
HOLIDAYS = (
    (1, 1, "Año Nuevo"),
    (1, 6, "Epifanía del Señor"),
    (5, 1, "Fiesta del Trabajo"),
    (8, 15, "Asunción de la Virgen"),
    (10, 12, "Fiesta Nacional"),
    (11, 1, "Todos los Santos"),
    (12, 6, "Día de la Constitución"),
    (12, 8, "Inmaculada Concepción"),
    (12, 25, "Navidad"),
)


@dataclass(kw_only=True)
class Desk:
    """What is there before the first ticket comes."""

    # Of its own, so that the year of the others stays as it was.
    chance: random.Random = field(default_factory=lambda: random.Random(SEED + 2))  # noqa: S311 # nosec B311
    teams: dict[str, int] = field(default_factory=dict)
    agents: dict[int, list[Someone]] = field(default_factory=dict)  # who may work for a client
    contacts: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    policies: dict[str, int] = field(default_factory=dict)


def open_desk(demo: Demo) -> Desk:
    """Set up everything that the desk needs."""
    desk = Desk()
    lead = demo.people[1]
    demo.now += timedelta(hours=1)
    with demo.step(lead):
        _teams(demo, desk)
        _levels(demo, desk)
        db.session.add_all(
            CannedReply(shortcut=shortcut, title=title, body=body)
            for shortcut, title, body in CANNED
        )
        _only_leads_reopen()
        for number, name, query, shared in VIEWS:
            who = demo.people[number].id
            db.session.add(
                SavedView(user_id=who, page="tickets", name=name, query=query, is_shared=shared)
            )
    with demo.step(lead):
        _contacts(desk)
        _agents(demo, desk)
    return desk


def _teams(demo: Demo, desk: Desk) -> None:
    working = [one for one in demo.people if one.role in AGENTS and one.id not in demo.gone]
    for number, (name, about) in enumerate(stories.TEAMS.items()):
        team = Team(name=name, description=about)
        db.session.add(team)
        db.session.flush()
        desk.teams[name] = team.id
        members = [*demo.people[1:3], *working[3 + number :: len(stories.TEAMS)]][:MEMBERS]
        if name in {stories.BUILDING, stories.FIELD}:
            members[1] = demo.people[4]
        if name == stories.DESK:
            members.append(demo.people[0])
        db.session.add_all(
            TeamMember(team_id=team.id, user_id=one.id, is_lead=one is members[0])
            for one in members
        )
        monday = demo.base - timedelta(days=demo.base.weekday()) + timedelta(hours=7)
        db.session.add_all(
            TeamShift(
                team_id=team.id,
                user_id=members[(week + number + 1) % len(members)].id,
                starts_at=monday + timedelta(weeks=week),
                ends_at=monday + timedelta(weeks=week + 1),
            )
            for week in range(SHIFTS)
        )


def _levels(demo: Demo, desk: Desk) -> None:
    office = BusinessHours(name="Office hours, Madrid", timezone="Europe/Madrid")
    always = BusinessHours(name="Around the clock")
    db.session.add_all([office, always])
    db.session.flush()
    db.session.add_all(
        BusinessSpan(hours_id=office.id, weekday=weekday, opens=8 * 60, closes=18 * 60)
        for weekday in range(5)
    )
    years = range(demo.base.year - 1, demo.base.year + 2)
    db.session.add_all(
        Holiday(hours_id=office.id, day=date(year, month, day), name=name)
        for year in years
        for month, day, name in HOLIDAYS
    )
    clients = {row.name: row.id for row in db.session.execute(select(Client.name, Client.id))}
    wanted: list[tuple[str, int | None, Kind | None, BusinessHours, Targets]] = [
        ("Standard", None, None, office, STANDARD),
        ("Planned work", None, Kind.MAINTENANCE, office, PLANNED),
    ]
    wanted += [
        (f"{name}: around the clock", clients[name], None, always, AROUND_THE_CLOCK)
        for name in NEVER_CLOSED
    ]
    for name, client_id, kind, hours, targets in wanted:
        policy = SlaPolicy(name=name, client_id=client_id, kind=kind, hours_id=hours.id)
        db.session.add(policy)
        db.session.flush()
        desk.policies[name] = policy.id
        db.session.add_all(
            SlaTarget(
                policy_id=policy.id, priority=priority, response=response, resolution=resolution
            )
            for priority, (response, resolution) in targets.items()
        )


def _only_leads_reopen() -> None:
    """What is closed, only leads open again."""
    closed = db.session.scalars(
        select(Transition).where(
            Transition.from_status == Status.CLOSED, Transition.to_status == Status.OPEN
        )
    ).one()
    roles = select(Role.id).where(Role.name.in_(["Support lead", "Administrator"]))
    db.session.add_all(
        TransitionRole(transition_id=closed.id, role_id=key) for key in db.session.scalars(roles)
    )


def _contacts(desk: Desk) -> None:
    for client in db.session.execute(select(Client.id, Client.contact_email).order_by(Client.id)):
        domain = client.contact_email.partition("@")[2]
        people: list[Contact] = []
        for number in range(CONTACTS):
            given = names.FIRST[(client.id * 5 + number * 3) % len(names.FIRST)]
            family = names.LAST[(client.id * 3 + number * 7) % len(names.LAST)]
            plain = unicodedata.normalize("NFKD", f"{given}.{family}")
            email = f"{plain.encode('ascii', 'ignore').decode().lower()}@{domain}"
            if all(one.email != email for one in people):
                phone = f"+34 91 555 {desk.chance.randrange(10_000):04}"
                people.append(
                    Contact(client_id=client.id, name=f"{given} {family}", email=email, phone=phone)
                )
        people.append(Contact(client_id=client.id, name="Monitoring", email=f"monitoring@{domain}"))
        db.session.add_all(people)
        db.session.flush()
        desk.contacts[client.id] = [(one.id, one.name) for one in people]


def _agents(demo: Demo, desk: Desk) -> None:
    """Find out who sees which client."""
    working = [one for one in demo.people if one.role in AGENTS and one.id not in demo.gone]
    grants = access.grants_of([one.id for one in working])
    for client in db.session.execute(select(Client.id, Client.location_id)):
        place = Place(location_id=client.location_id, client_id=client.id)
        desk.agents[client.id] = [
            one
            for one in working
            if any("tickets" in grant.pages and grant.covers(place) for grant in grants[one.id])
            for _ in range(BUSY if one in demo.people[: len(names.ACCOUNTS)] else 1)
        ]
