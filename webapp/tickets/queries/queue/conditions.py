"""What the filters of the queue mean to the database, and which of them an index answers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import IntEnum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    String,
    and_,
    any_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
)

from webapp.access.identity import SignedIn
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.search import FEW, phrase_of
from webapp.core.typed import Keyed
from webapp.organisation.models import Client, Location
from webapp.tickets.models import DUE, Priority, Status, TeamMember, Ticket, Watcher
from webapp.tickets.models import Kind as TicketKind
from webapp.tickets.queries import common
from webapp.tickets.queries.queue.filters import Filters

due_at: ColumnElement[datetime] = literal_column(DUE, DateTime(timezone=True))
NEVER: ColumnElement[datetime] = literal_column(
    "'9999-12-31 00:00:00+00'::timestamp with time zone", DateTime(timezone=True)
)
RECENT = timedelta(days=1)
# When people were to be warned of the target that runs: as ``due_at`` follows from the due times.
_WARN_AT = case(
    (
        Ticket.responded_at.is_(None),
        func.least(Ticket.response_warn_at, Ticket.resolution_warn_at),
    ),
    else_=Ticket.resolution_warn_at,
)


class Rank(IntEnum):
    """How narrow the index is that answers a condition; counts walk through the narrowest."""

    FOUND = 0  # ids that were looked up
    RECORD = 1  # an asset, a requester, what somebody watches
    OWNER = 2  # a person, a team, a place: their indexes know what is open
    STATUS = 3
    DUE = 4
    TIME = 5
    OPEN = 6
    LOOSE = 9  # no index of its own


CO_OPEN = (Rank.OWNER, Rank.DUE, Rank.TIME, Rank.OPEN)


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter as SQL."""

    clause: Any
    rank: Rank = Rank.LOOSE


def conditions(filters: Filters, who: SignedIn) -> list[Condition]:
    """Return what all filters mean; those that name words, tags or locations are looked up right away."""
    found = [*_of_view(filters.view, who), *_of_values(filters, who), *_of_records(filters, who)]
    if filters.only_open:
        found.append(Condition(Ticket.is_open, Rank.OPEN))
    return _with_words(filters, found, who) if filters.q else found


def _with_words(filters: Filters, found: list[Condition], who: SignedIn) -> list[Condition]:
    """Add what was typed. A whole number is one of the words of its ticket, which no filter leaves out."""
    words = _found(common.matches(filters.q, everything=who.sees_every_client("tickets")))
    named = Ticket.number == filters.number
    if filters.number is None:
        return [words, *found]
    if words.rank is Rank.FOUND:
        return [words, Condition(or_(named, and_(true(), *clauses(found))))]
    # So short a number begins too many others.
    exists = db.session.scalar(select(Ticket.id).where(named)) is not None
    return [Condition(named, Rank.FOUND)] if exists else [words, *found]


def clauses(found: Sequence[Condition]) -> list[Any]:
    """Return the SQL of conditions."""
    return [one.clause for one in found]


def _of_view(view: str, who: SignedIn) -> Iterator[Condition]:
    if view == "mine":
        yield Condition(Ticket.assignee_id == who.id, Rank.OWNER)
    elif view == "unassigned":
        mine = select(TeamMember.team_id).where(TeamMember.user_id == who.id)
        yield Condition(Ticket.team_id.in_(mine), Rank.OWNER)
        yield Condition(Ticket.assignee_id.is_(None))
    elif view == "risk":
        yield Condition(due_at < NEVER, Rank.DUE)
        yield Condition(or_(func.now() >= _WARN_AT, due_at < func.now()))
    elif view == "recent":
        yield Condition(Ticket.updated_at > func.now() - RECENT, Rank.TIME)


def _of_values(filters: Filters, who: SignedIn) -> Iterator[Condition]:
    if filters.statuses:
        rank = Rank.STATUS
        yield Condition(Ticket.status.in_([Status(one) for one in filters.statuses]), rank)
    if filters.priorities:
        yield Condition(Ticket.priority.in_([Priority(one) for one in filters.priorities]))
    if filters.kinds:
        yield Condition(Ticket.kind.in_([TicketKind(one) for one in filters.kinds]))
    if filters.teams:
        yield _people(Ticket.team_id, filters.teams, who)
    if filters.assignees:
        yield _people(Ticket.assignee_id, filters.assignees, who)
    if filters.due:
        yield Condition(or_(*(_due(one, who) for one in filters.due)), Rank.DUE)
    if filters.created_from or filters.created_to:
        yield Condition(_created(filters, who), Rank.TIME)


def _created(filters: Filters, who: SignedIn) -> ColumnElement[bool]:
    zone, bounds = zone_of(who), []
    if filters.created_from:
        bounds.append(Ticket.opened_at >= _midnight(filters.created_from, zone))
    if filters.created_to:
        after = filters.created_to + timedelta(days=1)
        bounds.append(Ticket.opened_at < _midnight(after, zone))
    return and_(*bounds)


def _of_records(filters: Filters, who: SignedIn) -> Iterator[Condition]:
    if filters.tags:
        yield from _tagged(filters.tags, who)
    if filters.places:
        yield Condition(_places(filters.places), Rank.OWNER)
    if filters.requesters:
        yield Condition(_requesters(filters.requesters), Rank.RECORD)
    if filters.assets:
        yield Condition(Ticket.asset_id.in_(filters.assets), Rank.RECORD)
    if filters.watching:
        mine = select(Watcher.ticket_id).where(Watcher.user_id == who.id)
        yield Condition(Ticket.id.in_(mine), Rank.RECORD)
    if filters.files:
        # What was uploaded but not sent belongs to no message yet.
        held = select(Attachment.id).where(
            Attachment.ticket_id == Ticket.id,
            Attachment.message_id.is_not(None),
            Attachment.deleted_at.is_(None),
        )
        yield Condition(held.exists())


def _people(column: Any, asked: Sequence[str], who: SignedIn) -> Condition:
    ids = [who.id if one == "me" else int(one) for one in asked if one != "none"]
    parts = [column.in_(ids)] if ids else []
    if "none" in asked:
        parts.append(column.is_(None))
    return Condition(or_(*parts), Rank.OWNER)


def _due(asked: str, who: SignedIn) -> ColumnElement[bool]:
    if asked == "overdue":
        return due_at < func.now()
    if asked == "risk":
        return and_(due_at >= func.now(), due_at < NEVER, func.now() >= _WARN_AT)
    zone = zone_of(who)
    today = datetime.now(zone).date()
    start, end = _midnight(today, zone), _midnight(today + timedelta(days=1), zone)
    return and_(due_at >= start, due_at < end)


def zone_of(who: SignedIn) -> ZoneInfo:
    """Return the zone in which somebody's days begin."""
    try:
        return ZoneInfo(who.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


def _found(clause: Any) -> Condition:
    """A search is narrow if it named the rows; what many have is found by walking through them."""
    walks = getattr(getattr(clause, "operator", None), "opstring", "") == "@@"
    return Condition(clause, Rank.LOOSE if walks else Rank.FOUND)


def _tagged(tags: Sequence[str], who: SignedIn) -> Iterator[Condition]:
    """Tickets with one of the tags. Tags are words of the search, too, which works under a policy as well."""
    if all(any(letter.isalnum() for letter in tag) for tag in tags):
        words = " | ".join(f"({phrase_of(tag)})" for tag in tags)
        everything = who.sees_every_client("tickets")
        find = func.steward_match_tickets if everything else func.steward_find_tickets
        ids = db.session.scalar(select(find(func.to_tsquery("simple", words), FEW + 1)))
        if ids is not None and len(ids) <= FEW:
            yield Condition(Ticket.id == any_(literal(ids, ARRAY(BigInteger))), Rank.FOUND)
    yield Condition(Ticket.tags.bool_op("&&")(cast(list(tags), ARRAY(String))))


def _places(places: Sequence[Keyed]) -> ColumnElement[bool]:
    of = {kind: [key for other, key in places if other == kind] for kind, _ in places}
    clients = of.get("client", [])
    if locations := of.get("location"):
        # Looked up first: knowing which clients, the planner knows how many of their tickets there are.
        inside = select(Client.id).where(Client.location_id.in_(_below(locations)))
        clients = [*clients, *db.session.scalars(inside)]
    parts = []
    if clients or "client" in of or "location" in of:
        parts.append(Ticket.client_id == any_(literal(clients, ARRAY(BigInteger))))
    if projects := of.get("project"):
        parts.append(Ticket.project_id.in_(projects))
    return or_(*parts)


def _below(location_ids: Sequence[int]) -> Any:
    down = select(Location.id).where(Location.id.in_(location_ids)).cte("below", recursive=True)
    inside = select(Location.id).join(down, Location.parent_id == down.c.id)
    return select(down.union(inside).c.id)


def _requesters(requesters: Sequence[Keyed]) -> ColumnElement[bool]:
    users = [key for kind, key in requesters if kind == "user"]
    contacts = [key for kind, key in requesters if kind == "contact"]
    parts = [Ticket.requester_user_id.in_(users)] if users else []
    if contacts:
        parts.append(Ticket.requester_contact_id.in_(contacts))
    return or_(*parts)
