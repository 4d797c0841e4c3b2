"""Tickets as other pages show them: of an asset, of a place, of a person; and how many come and go."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    Select,
    any_,
    cast,
    func,
    literal,
    select,
)

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.organisation.models import Client
from webapp.organisation.tree import Reach
from webapp.tickets.models import Team, TeamMember, Ticket
from webapp.tickets.queries import common
from webapp.tickets.queries.queue import within
from webapp.tickets.queries.queue.conditions import Condition, Rank, conditions, due_at
from webapp.tickets.queries.queue.counting import Count, counts
from webapp.tickets.queries.queue.filters import Filters

SHOWN = 5
HELD = 10
DAYS = 14
ROW: Any = select(
    Ticket.id,
    Ticket.number,
    Ticket.subject,
    Ticket.status,
    Ticket.priority,
    Ticket.is_open,
    Ticket.updated_at,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """The first tickets, and how many are open (capped)."""

    rows: Sequence[Any]
    open: int


def of_asset(asset_id: int) -> Around:
    """Return the tickets about an asset: open ones first, then the latest."""
    where = Ticket.asset_id == asset_id
    statement = ROW.where(where).order_by(
        Ticket.is_open.desc(), Ticket.updated_at.desc(), Ticket.id
    )
    return _around(statement, select(Ticket.id).where(where, Ticket.is_open))


def of_place(kind: str, number: int) -> Around:
    """Return the open tickets of a location, client or project: the next that is due first."""
    column: Any
    if kind == "location":
        inside = select(tree.below(number).c.id)
        clients = list(db.session.scalars(select(Client.id).where(Client.location_id.in_(inside))))
        where = Ticket.client_id == any_(literal(clients, ARRAY(BigInteger)))
    else:
        column = Ticket.client_id if kind == "client" else Ticket.project_id
        where = column == number
    found = ROW.where(where, Ticket.is_open)
    return _around(
        found.order_by(due_at, Ticket.id), select(Ticket.id).where(where, Ticket.is_open)
    )


def _around(rows: Select[Any], opened: Select[Any]) -> Around:
    found = db.session.execute(rows.limit(SHOWN)).all()
    few = opened.limit(COUNT_LIMIT + 1).subquery()
    count = db.session.scalar(select(func.count()).select_from(few)) or 0
    return Around(rows=found, open=count)


def asset_named(asset_id: int) -> Any | None:
    """Return tag and client of an asset in sight: what a new ticket about it needs to know."""
    statement = (
        select(Asset.tag, Asset.client_id, Asset.project_id, Client.code, Client.location_id)
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.id == asset_id, Asset.deleted_at.is_(None))
    )
    return db.session.execute(statement).one_or_none()


# --- a person's ---------------------------------------------------------------------


def held_by(user_id: int, *, reach: Reach, most: int = HELD) -> Sequence[Any]:
    """Return the open tickets that a person has, within reach: the next that is due first."""
    statement = (
        ROW.where(Ticket.assignee_id == user_id, Ticket.is_open, within(reach))
        .order_by(due_at, Ticket.id)
        .limit(most)
    )
    return db.session.execute(statement).all()


def held_counts(user_ids: Iterable[int], *, reach: Reach) -> dict[int, int]:
    """Count the open tickets that people have, within reach."""
    statement = (
        select(Ticket.assignee_id, func.count().label("n"))
        .where(Ticket.assignee_id.in_(list(user_ids)), Ticket.is_open, within(reach))
        .group_by(Ticket.assignee_id)
    )
    return {row.assignee_id: row.n for row in db.session.execute(statement)}


def teams_of(user_id: int) -> Sequence[Any]:
    """Return the live teams that a person is in."""
    statement = (
        select(Team.id, Team.name, TeamMember.is_lead)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == user_id, Team.deleted_at.is_(None))
        .order_by(func.lower(Team.name), Team.id)
    )
    return db.session.execute(statement).all()


# --- for the first page and the search -------------------------------------------------


def waiting(who: SignedIn, reach: Reach) -> dict[str, Count]:
    """Count what waits for a person, in one statement: theirs, nobody's in their teams, at risk, late."""
    asked = {
        "mine": Filters(view="mine"),
        "unassigned": Filters(view="unassigned"),
        "risk": Filters(due=("risk",)),
        "overdue": Filters(due=("overdue",)),
    }
    scope = [] if reach.everywhere else [Condition(within(reach), Rank.LOOSE)]
    found = [[*conditions(filters, who), *scope] for filters in asked.values()]
    return dict(zip(asked, counts(found), strict=True))


def find(typed: str, reach: Reach, *, most: int) -> Sequence[Any]:
    """Return tickets within reach: the one whose number was typed, then those with the words, open ones first."""
    found = ROW.add_columns(Client.name.label("client")).join(Client, Client.id == Ticket.client_id)
    found = found.where(within(reach)).limit(most)
    number = number_of(typed.strip().removeprefix("#"))
    named = Ticket.number == (-1 if number is None else number)
    exact = db.session.execute(found.where(named)).all() if number is not None else []
    order = (Ticket.is_open.desc(), Ticket.updated_at.desc(), Ticket.id)
    words = common.some_that_match(typed, everything=reach.everywhere)
    rows = db.session.execute(found.where(words, ~named).order_by(*order)).all()
    return [*exact, *rows][:most]


@dataclass(frozen=True, kw_only=True, slots=True)
class Day:
    """How many tickets were opened and resolved on a day."""

    day: date
    opened: int
    resolved: int


def flow(today: date, zone: str) -> list[Day]:
    """Count what was opened and resolved on each of the last days, by the days of a zone."""
    first = today - timedelta(days=DAYS - 1)
    start = func.timezone(zone, cast(literal(first.isoformat()), DateTime))
    opened = _by_day(Ticket.opened_at, zone, start)
    # What was resolved since was changed since: that has an index.
    resolved = _by_day(Ticket.resolved_at, zone, start, Ticket.updated_at >= start)
    rows = db.session.execute(opened.union_all(resolved))
    found: dict[tuple[str, date], int] = {(row.what, row.day): row.n for row in rows}
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(
            day=day,
            opened=found.get(("opened_at", day), 0),
            resolved=found.get(("resolved_at", day), 0),
        )
        for day in days
    ]


def _by_day(moment: Any, zone: str, start: Any, *more: Any) -> Any:
    day = cast(func.timezone(zone, moment), Date).label("day")
    each = select(day).where(moment >= start, *more).subquery()
    return select(literal(moment.key).label("what"), each.c.day, func.count().label("n")).group_by(
        each.c.day
    )
