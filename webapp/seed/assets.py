"""The demo's assets: taken over when the year begins, delivered, handed out, repaired and retired during it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from webapp.assets.models import Asset, AssetType, Status
from webapp.assets.schemas import AssetDraft, TypeEdit
from webapp.assets.services import records
from webapp.core.db import db
from webapp.organisation.models import Client, Project
from webapp.saved_views.models import SavedView
from webapp.seed.catalogue import KINDS, LEANS, ROOMS
from webapp.seed.demo import SEED, Demo
from webapp.seed.kinds import Kind, Make

SHARE_AT_FIRST = 0.7  # the rest is delivered during the year
BATCH = 40
LEAN = 5  # times as likely at a client that leans to this kind
DEPTHS = {"Server": "Rack", "Switch": "Rack", "UPS": "Rack"}
NO_I = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
FUTURE = ("contract_ends", "inspection_due", "calibrated_until")
PAST = ("battery_changed", "inspected_on", "checked_on")
PLATES = "BCDFGHJKLMNPRSTVWXYZ"


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """An asset of the demo, as far as steps need it."""

    id: int
    kind: Kind


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """Who has an asset, until when."""

    custody_id: int
    user_id: int | None
    due_on: date | None


@dataclass(kw_only=True)
class Stock:
    """What is there so far, and what will be delivered."""

    # Of its own, so that the people's year stays as it was.
    chance: random.Random = field(default_factory=lambda: random.Random(SEED + 1))  # noqa: S311 # nosec B311
    types: dict[str, int] = field(default_factory=dict)
    clients: dict[int, str] = field(default_factory=dict)
    projects: dict[tuple[int, str], int] = field(default_factory=dict)
    racks: dict[tuple[int, int | None], list[int]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    coming: list[Kind] = field(default_factory=list)
    portable: list[Thing] = field(default_factory=list)
    installed: list[Thing] = field(default_factory=list)
    held: dict[int, Held] = field(default_factory=dict)
    broken: list[int] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)  # to be installed


def take_over(demo: Demo) -> Stock:
    """Write down the types, and what is there when the year begins."""
    stock = Stock()
    keeper = demo.people[3]
    with demo.step(keeper):
        for kind in KINDS:
            command = TypeEdit.model_validate(
                {"name": kind.name, "description": kind.about, "attributes": kind.attributes}
            )
            made = AssetType(
                name=command.name,
                description=command.description,
                attributes=[one.model_dump(mode="json") for one in command.attributes],
            )
            db.session.add(made)
            db.session.flush()
            stock.types[kind.name] = made.id
        clients = db.session.execute(select(Client.id, Client.name).order_by(Client.id))
        stock.clients = {row.id: row.name for row in clients}
        stock.projects = {
            (row.client_id, row.name): row.id
            for row in db.session.execute(select(Project.client_id, Project.name, Project.id))
        }
    everything = [kind for kind in KINDS for _ in range(kind.count)]
    racks = [kind for kind in everything if kind.name == "Rack"]
    others = [kind for kind in everything if kind.name != "Rack"]
    stock.chance.shuffle(others)
    first = int(len(others) * SHARE_AT_FIRST)
    stock.coming = others[first:]
    for kinds in _batches([*racks, *others[:first]]):
        demo.now += timedelta(minutes=15)
        with demo.step(keeper), types_at_hand():
            for kind in kinds:
                add(demo, stock, kind, is_new=False)
    return stock


@contextmanager
def types_at_hand() -> Iterator[None]:
    """Hold the types: the session forgets what nobody holds, and would read one again for each asset."""
    held = list(db.session.scalars(select(AssetType)))
    yield
    held.clear()


def deliver(demo: Demo, stock: Stock, day: int) -> None:
    """Add what a day brings; by the last day all has come."""
    count = round(len(stock.coming) / day) if day > 1 else len(stock.coming)
    if day % 4 and day > 1:  # a lorry every few days
        return
    kinds = [stock.coming.pop() for _ in range(min(len(stock.coming), count * 4 or count))]
    if not kinds:
        return
    demo.now = demo.base - timedelta(days=day) + timedelta(hours=9, minutes=20)
    with demo.step(demo.people[3]), types_at_hand():
        for kind in kinds:
            add(demo, stock, kind, is_new=True)


def add(demo: Demo, stock: Stock, kind: Kind, *, is_new: bool) -> Asset:
    """Add one asset of a kind, through the service."""
    chance = stock.chance
    make = chance.choice(kind.makes)
    client_id = _client(stock, kind)
    project_id = _project(stock, kind, client_id)
    parent_id = _rack(stock, kind, client_id, project_id)
    bought = demo.now.date() - timedelta(
        days=chance.randint(2, 9) if is_new else chance.randint(40, 1500)
    )
    number = stock.numbers[kind.tag] = stock.numbers.get(kind.tag, 1000) + 1
    attributes = _attributes(
        demo, stock, kind, make, number=number, bought=bought, client_id=client_id
    )
    words = {"model": make.model, "room": chance.choice(kind.rooms or ROOMS), **attributes}
    asset = records.create(
        None,
        AssetDraft(
            tag=f"{kind.tag}-{number}",
            name=kind.title.format_map(words),
            type_id=stock.types[kind.name],
            client_id=client_id,
            project_id=project_id,
            parent_id=parent_id,
            status=_status(stock, kind, is_new=is_new),
            serial=_serial(chance, make.serial, bought),
            manufacturer=make.maker,
            model=make.model,
            purchased_on=bought,
            cost=round(make.cost * chance.uniform(0.93, 1.04), 2),
            warranty_until=_anniversary(bought, kind.years),
            attributes=attributes,
        ),
    )
    _remember(stock, kind, asset)
    return asset


def keep_views(demo: Demo) -> None:
    """Share the lists that everybody asks for."""
    soon = (demo.base + timedelta(days=90)).date()
    views = {
        f"Warranty ends by {soon:%Y-%m-%d}": f"warranty={soon}&sort=warranty",
        "Overdue returns": "overdue=1",
        "In repair": "status=in_repair",
        "Laptops in stock": "type={}&status=in_stock",
    }
    demo.now = demo.base
    with demo.step(demo.people[3]):
        laptop = db.session.scalar(select(AssetType.id).where(AssetType.name == "Laptop"))
        for name, query in views.items():
            view = SavedView(page="assets", name=name, query=query.format(laptop), is_shared=True)
            view.user_id = demo.people[3].id
            db.session.add(view)


def _batches(kinds: list[Kind]) -> list[list[Kind]]:
    return [kinds[start : start + BATCH] for start in range(0, len(kinds), BATCH)]


def _client(stock: Stock, kind: Kind) -> int:
    weights = [
        LEAN if kind.name in LEANS[name.split()[0]] else 2 for name in stock.clients.values()
    ]
    return stock.chance.choices(list(stock.clients), weights=weights)[0]


def _project(stock: Stock, kind: Kind, client_id: int) -> int | None:
    found = [stock.projects.get((client_id, name)) for name in kind.work]
    there = [one for one in found if one]
    return stock.chance.choice(there) if there and stock.chance.random() < 0.6 else None  # noqa: PLR2004


def _rack(stock: Stock, kind: Kind, client_id: int, project_id: int | None) -> int | None:
    racks = stock.racks.get((client_id, project_id)) if kind.name in DEPTHS else None
    return stock.chance.choice(racks) if racks else None


def _status(stock: Stock, kind: Kind, *, is_new: bool) -> Status:
    if is_new:
        return stock.chance.choices((Status.IN_STOCK, Status.PLANNED), weights=(12, 1))[0]
    if kind.handed_out:  # in use is what somebody has
        return stock.chance.choices(
            (Status.IN_STOCK, Status.IN_REPAIR, Status.RETIRED, Status.LOST), weights=(90, 4, 5, 1)
        )[0]
    return stock.chance.choices(
        (Status.IN_USE, Status.IN_STOCK, Status.IN_REPAIR, Status.RETIRED), weights=(84, 8, 3, 5)
    )[0]


def _attributes(
    demo: Demo, stock: Stock, kind: Kind, make: Make, *, number: int, bought: date, client_id: int
) -> dict[str, Any]:
    chance = stock.chance
    known: dict[str, Any] = dict(make.facts)
    known |= {key: chance.choice(values) for key, values in kind.varies.items() if key not in known}
    later = bought + timedelta(days=chance.randint(360, 1400))
    lately = max(bought, demo.now.date() - timedelta(days=chance.randint(3, 340)))
    client = "".join(
        word[0] for word in stock.clients[client_id].lower().split() if word[0].isalpha()
    )
    made = {
        "mac": "00:1b:" + ":".join(f"{chance.randrange(256):02x}" for _ in range(4)),
        "hostname": f"{client}-{kind.tag.lower()}-{number - 1000:02}",
        "imei": f"35{chance.randrange(10**13):013}",
        "plate": f"{chance.randrange(1000, 9999)} {''.join(chance.choices(PLATES, k=3))}",
        "registration": f"RAE-{chance.randrange(10**6):06}",
        "point": f"ES0021{chance.randrange(10**12):012}",
        "unit": chance.randint(1, 12) * 3,
        **dict.fromkeys(FUTURE, later.isoformat()),
        **dict.fromkeys(PAST, lately.isoformat()),
    }
    wanted = {one["key"] for one in kind.attributes}
    return {key: value for key, value in {**made, **known}.items() if key in wanted}


def _serial(chance: random.Random, pattern: str, bought: date) -> str:
    year, week, _ = (bought - timedelta(days=40)).isocalendar()
    pattern = pattern.replace("{yw}", f"{year % 100:02}{week:02}")
    signs = {"#": "0123456789", "@": NO_I}
    return "".join(chance.choice(signs[sign]) if sign in signs else sign for sign in pattern)


def _anniversary(bought: date, years: int) -> date:
    day = 28 if (bought.month, bought.day) == (2, 29) else bought.day
    return bought.replace(year=bought.year + years, day=day)


def _remember(stock: Stock, kind: Kind, asset: Asset) -> None:
    if asset.status not in {Status.IN_USE, Status.IN_STOCK}:
        return
    thing = Thing(id=asset.id, kind=kind)
    if kind.name == "Rack":
        stock.racks.setdefault((asset.client_id, asset.project_id), []).append(asset.id)
    (stock.portable if kind.handed_out else stock.installed).append(thing)
    if asset.status is Status.IN_STOCK and not kind.handed_out:
        stock.waiting.append(asset.id)
