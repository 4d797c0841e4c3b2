"""Who had which of the demo's assets, and what broke, in a year."""

from datetime import timedelta

from webapp.assets.models import Asset, Condition, Custody, Status
from webapp.assets.queries.custody import Holder
from webapp.assets.schemas import CheckIn, CheckOut
from webapp.assets.services import custody
from webapp.core import trail
from webapp.core.db import db
from webapp.organisation.models import Location
from webapp.seed.assets import Held, Stock, Thing
from webapp.seed.demo import DAYS, Demo, Someone
from webapp.users.models import User

OUT_AT_FIRST = 0.55
FEW = 60  # hand-outs of one transaction
LENT = 0.4  # of hand-outs have a day of return
LATE = 0.7  # of what is due comes back on its day, or soon after
NOTES = (
    "New colleague",
    "Replaces a broken one",
    "For the move to the second floor",
    "On call this month",
    "Working from home",
    "For the fair",
    "",
    "",
    "",
)
BROKEN = (
    "Does not start",
    "Display flickers",
    "Leaks",
    "Loud fan",
    "Error after power cut",
    "Battery swollen",
)


def live_a_day(demo: Demo, stock: Stock, day: int) -> None:
    """Hand out, take back and repair what a day brings; ``day`` counts back from today."""
    if day == DAYS:
        _hand_out_the_first(demo, stock)
        return
    chance = stock.chance
    demo.now = demo.base - timedelta(days=day) + timedelta(minutes=chance.randint(7 * 60, 18 * 60))
    with demo.step(demo.people[4] if day % 3 else demo.people[3]):
        for asset_id in _coming_back(demo, stock):
            _take_back(demo, stock, asset_id)
        for _ in range(chance.choice((0, 1, 2, 3, 4))):
            free = [one for one in stock.portable if one.id not in stock.held]
            _hand_out(demo, stock, chance.choice(free))
        for _ in range(min(chance.choice((0, 1, 2)), max(0, len(stock.waiting) - 30))):
            db.session.get_one(Asset, stock.waiting.pop(0)).status = Status.IN_USE
        if day % 6 == 0:
            _break(stock)
        if day % 7 == 0:
            _mend(stock)


def _hand_out_the_first(demo: Demo, stock: Stock) -> None:
    out = [one for one in stock.portable if stock.chance.random() < OUT_AT_FIRST]
    demo.now = demo.base - timedelta(days=DAYS) + timedelta(hours=6)
    for start in range(0, len(out), FEW):
        demo.now += timedelta(minutes=40)
        with demo.step(demo.people[3]):
            for thing in out[start : start + FEW]:
                _hand_out(demo, stock, thing)


def _hand_out(demo: Demo, stock: Stock, thing: Thing) -> None:
    chance = stock.chance
    asset = db.session.get_one(Asset, thing.id)
    if asset.status not in {Status.IN_STOCK, Status.IN_USE}:
        return
    person = chance.choice(_here(demo)) if chance.random() < 0.65 else None  # noqa: PLR2004
    site = None if person else chance.choice(demo.sites)
    lent = person is not None and chance.random() < LENT
    due = demo.now.date() + timedelta(days=chance.choice((7, 14, 30, 90))) if lent else None
    holder = _holder(person, site)
    command = CheckOut(holder=holder.value, due_on=due, note=chance.choice(NOTES))
    row = custody.hand_over(asset, holder, command, at=demo.now)
    db.session.flush()
    stock.held[asset.id] = Held(
        custody_id=row.id, user_id=person.id if person else None, due_on=due
    )


def _take_back(demo: Demo, stock: Stock, asset_id: int) -> None:
    row = db.session.get_one(Custody, stock.held.pop(asset_id).custody_id)
    asset = db.session.get_one(Asset, asset_id)
    kinds = (Condition.GOOD, Condition.WORN, Condition.DAMAGED)
    condition = stock.chance.choices(kinds, weights=(80, 15, 5))[0]
    damaged = condition is Condition.DAMAGED
    command = CheckIn(
        condition=condition,
        status="in_repair" if damaged else "in_stock",
        note=stock.chance.choice(BROKEN) if damaged else "",
    )
    custody.take_back(asset, row, _name_of(row), command, at=demo.now)
    if damaged:
        stock.broken.append(asset_id)


def _holder(person: Someone | None, site: int | None) -> Holder:
    if person is not None:
        return Holder(kind="user", id=person.id, name=person.name)
    place = db.session.get_one(Location, site)
    return Holder(kind="location", id=place.id, name=place.name)


def _name_of(row: Custody) -> str:
    if row.holder_user_id is not None:
        return db.session.get_one(User, row.holder_user_id).name
    return db.session.get_one(Location, row.holder_location_id).name


def _coming_back(demo: Demo, stock: Stock) -> list[int]:
    """What is due and comes back, what somebody who left had, and one thing of which nobody knew."""
    today = demo.now.date()
    back = [
        asset_id
        for asset_id, held in stock.held.items()
        if held.user_id in demo.gone
        or (held.due_on and held.due_on <= today and _returns(asset_id, held, today.toordinal()))
    ]
    others = [one for one, held in stock.held.items() if one not in back and not held.due_on]
    return [*back, *stock.chance.sample(others, stock.chance.choice((0, 0, 1, 1, 2)))]


def _returns(asset_id: int, held: Held, today: int) -> bool:
    """Most on the day or soon after; some are forgotten for a good while."""
    due = held.due_on.toordinal() if held.due_on else today
    forgotten = (asset_id * 7919 + due) % 100 >= LATE * 100
    return today - due >= (110 if forgotten else (asset_id + due) % 4)


def _break(stock: Stock) -> None:
    thing = stock.chance.choice(stock.installed)
    asset = db.session.get_one(Asset, thing.id)
    if asset.status is Status.IN_USE:
        trail.because(stock.chance.choice(BROKEN))
        asset.status = Status.IN_REPAIR
        stock.broken.append(asset.id)


def _mend(stock: Stock) -> None:
    if not stock.broken:
        return
    asset = db.session.get_one(Asset, stock.broken.pop(0))
    portable = any(one.id == asset.id for one in stock.portable)
    if asset.status is Status.IN_REPAIR:
        after = Status.IN_STOCK if portable else Status.IN_USE
        asset.status = Status.RETIRED if stock.chance.random() < 0.1 else after  # noqa: PLR2004


def _here(demo: Demo) -> list[Someone]:
    return [person for person in demo.people if person.id not in demo.gone]
