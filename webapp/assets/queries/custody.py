"""Who has what, since when, and what should be back by now."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, case, func, or_, select

from webapp.assets.models import Asset, AssetType, Custody
from webapp.core.db import db
from webapp.core.paging import Listing, Page, capped_count, paginate
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.organisation.models import Client, Location
from webapp.organisation.tree import Reach
from webapp.users.models import User

SOON_DAYS = 7
PAST = 20
NAMED = 20  # assets that the page of somebody who leaves names
OPEN = Custody.returned_at.is_(None)
EVERYWHERE = Reach(everywhere=True)
DUE = Listing(id=Custody.id, sorts={"due": Custody.due_on}, default="due")
HELD = Listing(id=Asset.id, sorts={"tag": Asset.tag}, default="tag")


@dataclass(frozen=True, kw_only=True, slots=True)
class Holder:
    """A person or a place that can have things."""

    kind: str
    id: int
    name: str

    @property
    def value(self) -> str:
        """How a form names it."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """Who has an asset now, and who had it; rows as ``_statement`` selects them."""

    present: Any | None
    past: Sequence[Any]
    today: date
    more: bool = False

    @property
    def days_over(self) -> int:
        """How many days it should have been back; 0 if it need not be yet."""
        due_on = self.present.due_on if self.present else None
        return max(0, (self.today - due_on).days) if due_on else 0


def today_of(who: Any) -> date:
    """Return the day that it is where somebody lives."""
    try:
        zone = ZoneInfo(who.timezone if who else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    return datetime.now(zone).date()


def _name(seen: Reach) -> Any:
    """The name of who has it; of a place that the person does not see, none."""
    place = Location.name if seen.everywhere else case((tree.visible(seen), Location.name))
    return func.coalesce(User.name, place).label("holder")


def _statement(seen: Reach, *columns: Any) -> Any:
    return (
        select(
            Custody.id,
            Custody.asset_id,
            Custody.holder_user_id,
            Custody.holder_location_id,
            _name(seen),
            Custody.taken_at,
            Custody.due_on,
            Custody.note,
            Custody.returned_at,
            Custody.condition,
            Custody.return_note,
            *columns,
        )
        .outerjoin(User, User.id == Custody.holder_user_id)
        .outerjoin(Location, Location.id == Custody.holder_location_id)
    )


def of_asset(asset_id: int, *, seen: Reach, today: date) -> Panel:
    """Return who has an asset and who had it before, newest first; ``today`` and ``seen`` are the reader's."""
    statement = (
        _statement(seen)
        .where(Custody.asset_id == asset_id)
        .order_by(Custody.returned_at.is_not(None), Custody.taken_at.desc(), Custody.id.desc())
        .limit(PAST + 2)
    )
    rows = list(db.session.execute(statement))
    present = rows.pop(0) if rows and rows[0].returned_at is None else None
    return Panel(present=present, past=rows[:PAST], today=today, more=len(rows) > PAST)


def hidden_places(asset_id: int, *, seen: Reach) -> set[str]:
    """Return the names of the places that have or had an asset and that the person does not see."""
    if seen.everywhere:
        return set()
    statement = (
        select(Location.name)
        .join(Custody, Custody.holder_location_id == Location.id)
        .where(Custody.asset_id == asset_id, ~tree.visible(seen))
    )
    return set(db.session.scalars(statement))


def present(
    asset_ids: Iterable[int], *, seen: Reach = EVERYWHERE
) -> dict[int, tuple[Custody, str | None]]:
    """Return the open custody of each asset that has one, with the name of who has it, as far as it is ``seen``."""
    statement = (
        select(Custody, _name(seen))
        .outerjoin(User, User.id == Custody.holder_user_id)
        .outerjoin(Location, Location.id == Custody.holder_location_id)
        .where(Custody.asset_id.in_(list(asset_ids)), OPEN)
        .execution_options(populate_existing=True)
    )
    return {
        row.Custody.asset_id: (row.Custody, row.holder) for row in db.session.execute(statement)
    }


def moment(asset_ids: Sequence[int]) -> datetime:
    """Return the time of the change that begins now: the clock's, but never before the last change of these assets.

    Not the start of the transaction: it may have waited for the lock of somebody who handed the asset over meanwhile.
    """
    last = func.max(func.coalesce(Custody.returned_at, Custody.taken_at))
    found: datetime = db.session.execute(
        select(func.greatest(func.clock_timestamp(), last)).where(Custody.asset_id.in_(asset_ids))
    ).scalar_one()
    return found


def lock(asset_ids: Iterable[int]) -> list[Asset]:
    """Hold assets until the transaction ends, always in the same order, as they stand now."""
    statement = select(Asset).where(Asset.id.in_(list(asset_ids))).order_by(Asset.id)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(fresh))


def by_tags(tags: Iterable[str]) -> list[Any]:
    """Find assets by their tags in small letters: rows (Asset, code and location_id of its client)."""
    statement = (
        select(Asset, Client.code, Client.location_id)
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.tag_key.in_(list(tags)))
        .order_by(Asset.id)
    )
    return list(db.session.execute(statement))


# --- holders ------------------------------------------------------------------


def find_holder(value: str | None, *, seen: Reach, keep: bool = False) -> Holder | None:
    """Find an active person (``user:3``) or a live place in sight (``location:4``); ``keep`` holds the place's row."""
    kind, _, number = (value or "").partition(":")
    known = number_of(number)
    if kind not in ("user", "location") or known is None:
        return None
    statement: Any
    if kind == "user":
        statement = select(User.id, User.name).where(User.id == known, User.is_active)
    else:
        statement = select(Location.id, Location.name).where(
            Location.id == known, Location.deleted_at.is_(None), tree.visible(seen)
        )
        statement = statement.with_for_update(read=True, of=Location) if keep else statement
    row = db.session.execute(statement).one_or_none()
    return Holder(kind=kind, id=row.id, name=row.name) if row else None


# --- lists ----------------------------------------------------------------------


def due(args: Any, *, seen: Reach, today: date, soon: bool, known: int) -> Page:
    """Return one page of what is overdue or, with ``soon``, due within a week; what is due longest comes first.

    ``known`` is how many there are, as ``due_counts`` found.
    """
    statement = (
        _statement(
            seen,
            Asset.tag,
            Asset.name,
            Client.name.label("client"),
            Client.code.label("code"),
        )
        .join(Asset, Asset.id == Custody.asset_id)
        .join(Client, Client.id == Custody.client_id)
        .where(OPEN, _window(today, soon=soon))
    )
    found = paginate(statement, DUE, args)
    found.count = known
    return found


def due_counts(*, today: date) -> tuple[int, int]:
    """Count what is overdue and what is due within a week."""
    late, soon = (
        capped_count(select(Custody.id).where(OPEN, _window(today, soon=one)))
        for one in (False, True)
    )
    return late, soon


def overdue_count(reach: Reach, *, today: date) -> int:
    """Count what is overdue within reach, for a page whose own scope may be wider than that of the assets."""
    statement = select(Custody.id).where(OPEN, _window(today, soon=False))
    return capped_count(_within(statement, reach))


def _window(today: date, *, soon: bool) -> ColumnElement[bool]:
    if soon:
        return Custody.due_on.between(today, today + timedelta(days=SOON_DAYS))
    return Custody.due_on < today


def _within(statement: Any, reach: Reach) -> Any:
    """Narrow custody to the reach of the page of assets, whatever page asks."""
    if reach.everywhere:
        return statement
    return (
        statement.join(Asset, Asset.id == Custody.asset_id)
        .join(Client, Client.id == Custody.client_id)
        .where(
            or_(
                Client.location_id.in_(reach.location_ids),
                Client.id.in_(reach.client_ids),
                Asset.project_id.in_(reach.project_ids),
            )
        )
    )


def held_by(user_id: int, args: Any) -> Page:
    """Return one page of what a person has."""
    statement = (
        _statement(
            EVERYWHERE,
            Asset.tag,
            Asset.name,
            AssetType.name.label("type"),
            Client.name.label("client"),
            Client.code.label("code"),
        )
        .join(Asset, Asset.id == Custody.asset_id)
        .join(AssetType, AssetType.id == Asset.type_id)
        .join(Client, Client.id == Custody.client_id)
        .where(OPEN, Custody.holder_user_id == user_id)
    )
    return paginate(statement, HELD, args, counted=True)


def has_held(user_id: int) -> bool:
    """Tell whether a person has or had anything in sight."""
    mine = select(Custody.id).where(Custody.holder_user_id == user_id).limit(1)
    return db.session.scalar(mine) is not None


def held_counts(user_ids: Iterable[int], *, reach: Reach) -> dict[int, int]:
    """Count what each of these people has, within reach."""
    statement: Any = select(Custody.holder_user_id, func.count()).where(
        OPEN, Custody.holder_user_id.in_(list(user_ids))
    )
    rows = db.session.execute(_within(statement, reach).group_by(Custody.holder_user_id))
    return {user_id: count for user_id, count in rows if user_id is not None}


def held_names(user_id: int, *, reach: Reach) -> list[Any]:
    """Return the first things that a person has, within reach: rows (tag, name, due_on)."""
    statement = select(Custody.asset_id, Custody.due_on).where(
        OPEN, Custody.holder_user_id == user_id
    )
    held = _within(statement, reach).subquery()
    return list(
        db.session.execute(
            select(Asset.tag, Asset.name, held.c.due_on)
            .join(held, held.c.asset_id == Asset.id)
            .order_by(Asset.tag, Asset.id)
            .limit(NAMED)
        )
    )
