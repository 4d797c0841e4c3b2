"""A year of tickets for the demo: told one by one, written many at once with their rows of the log."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, select, text

from webapp.assets.models import Asset, AssetType
from webapp.core import trail
from webapp.core.db import db
from webapp.core.many import insert_many
from webapp.organisation.models import Client
from webapp.seed import levels, stories, tales
from webapp.seed.catalogue import ROOMS
from webapp.seed.demo import DAYS, Demo, Someone
from webapp.seed.desk import Desk
from webapp.seed.stories import Story
from webapp.seed.tales import Asker, Event, Tale
from webapp.tickets.models import Link, LinkKind, Message, Status, Ticket, TimeEntry, Watcher
from webapp.tickets.queries import sla
from webapp.tickets.queries.sla import Policies
from webapp.tickets.services import merging

TICKETS = 5000
AT_ONCE = 250
LINKED = 60
WEEKDAYS = (16, 14, 13, 13, 12, 3, 2)
HOURS = (*(1,) * 6, 4, 14, 22, 20, 16, 13, 9, 9, 13, 13, 12, 9, 5, 3, 2, 2, 1, 1)
OWN = 0.12  # of tickets are asked for by colleagues
OVERRIDDEN, HANDED_OVER, TIMED = 0.1, 0.05, 0.6
TICKET, MESSAGE, WATCHER, TIME, LINK = (
    cast("Table", model.__table__) for model in (Ticket, Message, Watcher, TimeEntry, Link)
)
LATER = (
    *("assignee_id", "resolution", "responded_at", "resolved_at", "closed_at", "last_message_at"),
    *("priority_reason", "project_id", "asset_id", "requester_user_id", "requester_contact_id"),
)


@dataclass(kw_only=True)
class World:
    """What tickets are about."""

    desk: Desk
    people: Sequence[Someone]
    clients: Sequence[int]
    weights: Sequence[int]
    policies: Policies
    assets: dict[tuple[int, str], list[Any]] = field(default_factory=dict)


def live_a_year(demo: Demo, desk: Desk) -> Iterator[int]:
    """Make all tickets of the year, in the order in which they are opened; yields how many were made each time."""
    with demo.step():
        world = _world(demo, desk)
        numbers = list(
            db.session.scalars(
                text("SELECT nextval('ticket_numbers') FROM generate_series(1, :n)"), {"n": TICKETS}
            )
        )
    moments = sorted(_moments(demo, desk))
    made: list[tuple[int, int, int]] = []
    for start in range(0, TICKETS, AT_ONCE):
        pairs = zip(numbers[start : start + AT_ONCE], moments[start : start + AT_ONCE], strict=True)
        told = [_tale(demo, world, number, moment) for number, moment in pairs]
        with demo.step():
            made += _write(told)
        yield len(told)
    _link(demo, desk, made)
    _merge(demo, desk)


def _world(demo: Demo, desk: Desk) -> World:
    clients = list(db.session.scalars(select(Client.id).order_by(Client.id)))
    world = World(
        desk=desk,
        people=[one for one in demo.people if one.id not in demo.gone],
        clients=clients,
        weights=[3 + client % 5 for client in clients],
        policies=sla.policies(),
    )
    rows = db.session.execute(
        select(
            Asset.id,
            Asset.tag,
            Asset.name,
            Asset.client_id,
            Asset.project_id,
            AssetType.name.label("type"),
        )
        .join(AssetType, AssetType.id == Asset.type_id)
        .where(Asset.deleted_at.is_(None))
        .order_by(Asset.id)
    )
    for row in rows:
        world.assets.setdefault((row.client_id, row.type), []).append(row)
    return world


def _moments(demo: Demo, desk: Desk) -> Iterator[datetime]:
    """When tickets are opened: mostly in working hours, most of them on Mondays."""
    chance = desk.chance
    days = [demo.base - timedelta(days=day) for day in range(DAYS, 0, -1)]
    for day in chance.choices(days, weights=[WEEKDAYS[day.weekday()] for day in days], k=TICKETS):
        hour = chance.choices(range(24), weights=HOURS)[0]
        yield day + timedelta(
            hours=hour, minutes=chance.randrange(60), seconds=chance.randrange(60)
        )


def _tale(demo: Demo, world: World, number: int, opened: datetime) -> Tale:
    desk, chance = world.desk, world.desk.chance
    client_id = chance.choices(world.clients, weights=world.weights)[0]
    story, asset = _story(world, client_id)
    asker, agent = _asker(world, client_id, story), chance.choice(desk.agents[client_id])
    words = {
        "room": chance.choice(ROOMS).lower(),
        "tag": asset.tag if asset else "",
        "asset": asset.name if asset else "",
        "first": asker.first,
    }
    tale = Tale(
        story=story,
        chance=chance,
        until=demo.base,
        asker=asker,
        agent=agent,
        words=words,
        row={},
        variant=chance.randrange(len(story.subjects)),
    )
    tale.row = _row(tale, number, opened, asset) | {
        "client_id": client_id,
        "team_id": desk.teams[story.team],
    }
    _override(tale)
    policy = world.policies.for_ticket(
        client_id=client_id, kind=story.kind, priority=tale.row["priority"]
    )
    if policy is None:
        raise RuntimeError("the desk has a service level for everything")
    tale.row["sla_policy_id"] = policy.id
    created = {
        name: [None, value]
        for name, value in tale.row.items()
        if name not in Ticket.audit_ignored and value is not None
    }
    who = agent if asker.user_id is None else None
    tale.events.append(
        Event(
            at=opened,
            who=who.name if who else asker.name,
            who_id=who.id if who else asker.user_id,
            action="ticket.opened",
            changes=created,
        )
    )
    first, done = levels.pace(policy, tale, opened)
    tales.tell(tale, first=first, done=done)
    if chance.random() < HANDED_OVER and tale.row["assignee_id"]:
        _hand_over(world, tale)
    levels.measure(policy, tale)
    return tale


def _story(world: World, client_id: int) -> tuple[Story, Any]:
    chance = world.desk.chance
    while True:
        story = chance.choices(stories.STORIES, weights=[one.weight for one in stories.STORIES])[0]
        if not story.about:
            return story, None
        there = [asset for kind in story.about for asset in world.assets.get((client_id, kind), ())]
        if there:
            return story, chance.choice(there)


def _asker(world: World, client_id: int, story: Story) -> Asker:
    chance = world.desk.chance
    *people, monitoring = world.desk.contacts[client_id]
    if "monitoring" in story.tags:
        return Asker(name=monitoring[1], contact_id=monitoring[0])
    if chance.random() < OWN:
        who = chance.choice(world.people)
        return Asker(name=who.name, user_id=who.id)
    key, name = chance.choice(people)
    return Asker(name=name, contact_id=key)


def _row(tale: Tale, number: int, opened: datetime, asset: Any) -> dict[str, Any]:
    story, asker = tale.story, tale.asker
    row = dict.fromkeys(LATER) | {
        "number": number,
        "subject": tale.fitting(story.subjects),
        "kind": story.kind,
        "status": "new",
        "impact": story.impact,
        "urgency": story.urgency,
        "priority": tales.priority_of(story.impact, story.urgency),
        "project_id": asset.project_id if asset else None,
        "asset_id": asset.id if asset else None,
        "requester_user_id": asker.user_id,
        "requester_contact_id": asker.contact_id,
        "tags": sorted(story.tags),
        "opened_at": opened,
        "created_at": opened,
        "updated_at": opened,
    }
    return row | {"priority_reason": "", "resolution": "", "reopened": 0, "version": 1}


def _override(tale: Tale) -> None:
    if tale.chance.random() < OVERRIDDEN and tale.row["priority"] != "urgent":
        up = {"low": "normal", "normal": "high", "high": "urgent"}[tale.row["priority"]]
        tale.row |= {"priority": up, "priority_reason": tale.chance.choice(stories.REASONS)}


def _hand_over(world: World, tale: Tale) -> None:
    """Somebody else goes on with it, at the end of what happened so far."""
    at = tale.row["updated_at"] + timedelta(minutes=tale.chance.randint(5, 50))
    others = [one for one in world.desk.agents[tale.row["client_id"]] if one.id != tale.agent.id]
    if tale.status in {"resolved", "closed"} or at > tale.until or not others:
        return
    tale.write(at, tale.chance.choice(stories.HANDOVERS), is_note=True)
    tale.note(at + timedelta(seconds=1), "assigned", assignee_id=tale.chance.choice(others).id)


def _write(told: list[Tale]) -> list[tuple[int, int, int]]:
    """Insert tickets with all that belongs to them; returns (client, id, number)."""
    rows = [tale.row for tale in told]
    ids = {
        row.number: row.id
        for row in insert_many(TICKET, rows, returning=(TICKET.c.id, TICKET.c.number))
    }
    said = [
        message
        | {
            "client_id": tale.row["client_id"],
            "ticket_id": ids[tale.row["number"]],
            "created_at": message["sent_at"],
            "updated_at": message["sent_at"],
        }
        for tale in told
        for message in tale.messages
    ]
    back = insert_many(
        MESSAGE, said, returning=(MESSAGE.c.id, MESSAGE.c.ticket_id, MESSAGE.c.sent_at)
    )
    messages = {(row.ticket_id, row.sent_at): row.id for row in back}
    _follow(told, ids)
    _spend(told, ids)
    for tale in told:
        key = ids[tale.row["number"]]
        for step, event in enumerate(tale.events):
            _note(tale, key, event, step, messages)
    return [(row["client_id"], ids[row["number"]], row["number"]) for row in rows]


def _note(tale: Tale, key: int, event: Event, step: int, messages: dict[Any, int]) -> None:
    about = None if event.message is None else tale.messages[event.message]
    trail.note(
        event.action,
        object_type="ticket_message" if about else "ticket",
        object_id=messages[key, about["sent_at"]] if about else key,
        object_label=about["body"][:80]
        if about
        else f"#{tale.row['number']} {tale.row['subject']}",
        client_id=tale.row["client_id"],
        changes=event.changes
        | ({"ticket_id": [None, key], "is_note": [None, about["is_note"]]} if about else {}),
        actor_id=event.who_id,
        actor_name=event.who,
        occurred_at=event.at,
        request_id=f"demo-{tale.row['number']}-{step}",
        reason=event.reason,
    )


def _follow(told: list[Tale], ids: dict[int, int]) -> None:
    """Who was given a ticket watches it."""
    rows = [
        {
            "client_id": tale.row["client_id"],
            "ticket_id": ids[tale.row["number"]],
            "user_id": tale.row["assignee_id"],
            "created_at": tale.row["opened_at"],
        }
        for tale in told
        if tale.row["assignee_id"]
    ]
    insert_many(WATCHER, rows)


def _spend(told: list[Tale], ids: dict[int, int]) -> None:
    rows = []
    for tale in told:
        if tale.minutes and tale.chance.random() < TIMED:
            at = tale.row["updated_at"]
            rows.append(
                {
                    "client_id": tale.row["client_id"],
                    "ticket_id": ids[tale.row["number"]],
                    "user_id": tale.agent.id,
                    "minutes": tale.minutes,
                    "note": "",
                    "spent_on": (tale.row["resolved_at"] or at).date(),
                    "created_at": at,
                    "updated_at": at,
                }
            )
    insert_many(TIME, rows)


def _link(demo: Demo, desk: Desk, made: list[tuple[int, int, int]]) -> None:
    """Some tickets of a client that came one after the other have to do with each other."""
    by_client: dict[int, list[int]] = {}
    for client_id, key, _number in made:
        by_client.setdefault(client_id, []).append(key)
    with demo.step(demo.people[1]):
        for _ in range(LINKED):
            client_id = desk.chance.choice(sorted(by_client))
            at = desk.chance.randrange(len(by_client[client_id]) - 1)
            first, second = by_client[client_id][at : at + 2]
            del by_client[client_id][at : at + 2]
            db.session.add(
                Link(
                    client_id=client_id,
                    ticket_id=second,
                    other_client_id=client_id,
                    other_id=first,
                    kind=desk.chance.choice((LinkKind.RELATED, LinkKind.RELATED, *LinkKind)),
                )
            )


def _merge(demo: Demo, desk: Desk) -> None:
    """What was reported twice lately becomes one."""
    demo.now = demo.base - timedelta(hours=5)
    lately = select(Ticket).where(Ticket.status != Status.CLOSED).order_by(Ticket.id.desc())
    for client_id in sorted(desk.contacts):
        with demo.step(demo.people[1]):
            last = db.session.scalars(lately.where(Ticket.client_id == client_id).limit(4)).all()
            for source, target in zip(last[::2], last[1::2], strict=False):
                merging.merge(None, source, target)
