"""The queue's list: a page of it, rows by their ids, what is new, all of it for a file or a bulk change."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    and_,
    any_,
    bindparam,
    exists,
    false,
    literal,
    or_,
    select,
    true,
)

from webapp.access.identity import SignedIn
from webapp.audit.models import AuditEvent
from webapp.core import bulk
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import UnknownFilter
from webapp.organisation.models import Client
from webapp.organisation.tree import Reach
from webapp.tickets.models import Ticket
from webapp.tickets.queries import presence
from webapp.tickets.queries.queue.conditions import (
    clauses,
    conditions,
    due_at,
)
from webapp.tickets.queries.queue.counting import Count, count, counts
from webapp.tickets.queries.queue.filters import VIEWS, Filters, filters_from
from webapp.tickets.queries.queue.plans import plan_of
from webapp.tickets.queries.queue.rows import ROWS, Row, lots, with_names

LISTING = Listing(
    id=Ticket.id,
    # Each is an index of the model with the id behind it, of open tickets and of all.
    sorts={
        "due": due_at,
        "updated": Ticket.updated_at,
        "created": Ticket.opened_at,
        "priority": Ticket.priority_rank,
        "number": Ticket.number,
    },
    default="due",
)
LATEST = replace(LISTING, default="-updated")
MOST_NEWS = 100
_FEW_ROWS = ROWS.where(Ticket.id == any_(bindparam("few", type_=ARRAY(BigInteger))))
_FEW_PAGES: dict[Any, Any] = {}


def listing_of(filters: Filters) -> Listing:
    """Return how the list is sorted: by time left, but what changed lately by when it did."""
    return LATEST if filters.view == "recent" else LISTING


def list_tickets(filters: Filters, args: Any, who: SignedIn) -> Page:
    """Return one page of the tickets that match, with the names of what they belong to; its count may be "at least"."""
    plan = plan_of(filters, who)
    number = count(plan.counting)
    listing = listing_of(filters)
    if number.ids is None:
        page = paginate(plan.rows, listing, args, kept=plan.pages)
    else:  # few are named, so that no plan of the database looks for them through all the others
        page = paginate(_FEW_ROWS, listing, args, values={"few": number.ids}, kept=_FEW_PAGES)
    page.count, page.at_least = max(number.number, len(page.rows)), number.at_least
    if filters.number is not None:
        page.rows = _led(page, filters.number)
    page.rows = _present(with_names(page.rows), who)
    return page


def _led(page: Page, number: int) -> list[Any]:
    """The rows of a page: the ticket whose number was typed stands first on the first one."""
    named = [row for row in page.rows if row.number == number]
    others = [row for row in page.rows if row.number != number]
    if page.newer is not None:
        return others or named
    return [*(named or db.session.execute(ROWS.where(Ticket.number == number))), *others]


def _present(rows: list[Row], who: SignedIn) -> list[Row]:
    """Add who has the tickets open, but the reader."""
    here = presence.of_tickets([row.ticket.id for row in rows], but=who.id)
    for row in rows:
        row.here = here.get(row.ticket.id, ())
    return rows


def rows_by_id(ids: Sequence[int], filters: Filters, who: SignedIn) -> list[Row]:
    """Return the rows in sight among ``ids``; those that the filters leave out by now are stale."""
    fits = and_(true(), *clauses(conditions(filters, who)))
    statement = ROWS.add_columns(fits.label("fits")).where(_among(ids))
    rows = with_names(db.session.execute(statement).all())
    for row in rows:
        row.stale = not row.ticket.fits
    return _present(rows, who)


@dataclass(frozen=True, slots=True)
class News:
    """How many tickets are new or changed, a hundred at most; ``here``: all of them on the page that shows."""

    number: int
    here: bool


def news(
    filters: Filters, args: Any, who: SignedIn, *, since: datetime, seen: Sequence[int]
) -> News:
    """Count the tickets that match and that others changed since then, but for those that are seen."""
    found = clauses(conditions(filters, who))
    fresh = select(Ticket.id).where(
        Ticket.updated_at > since, ~_among(seen), ~_changed_last_by(who, since), *found
    )
    ids = set(db.session.scalars(fresh.limit(MOST_NEWS)))
    if not ids:
        return News(0, here=True)
    now = paginate(select(Ticket.id).where(*found), listing_of(filters), args)
    return News(len(ids), here=ids <= {row.id for row in now.rows})


def _changed_last_by(who: SignedIn, since: datetime) -> Any:
    """Tell what the reader was the last to change: the log has the same moment for it."""
    return exists().where(
        AuditEvent.actor_id == who.id,
        AuditEvent.recorded_at == Ticket.updated_at,
        AuditEvent.recorded_at > since,  # of the months before nothing is asked
    )


def _among(ids: Sequence[int]) -> Any:
    return Ticket.id == any_(literal(list(ids), ARRAY(BigInteger)))


def view_counts(views: Sequence[Any], who: SignedIn) -> tuple[dict[str, Count], dict[int, Count]]:
    """Count what the ready-made views and the saved ones hold, the former by name, the latter by id.

    A saved view whose filters make no sense any more has no count.
    """
    asked: list[tuple[Any, Any]] = [(name, conditions(Filters(view=name), who)) for name in VIEWS]
    for view in views:
        try:
            asked.append((view.id, conditions(filters_from(bulk.args_of(view.query)), who)))
        except UnknownFilter:
            continue
    done = zip((key for key, _ in asked), counts([found for _, found in asked]), strict=True)
    found = dict(done)
    return (
        {key: one for key, one in found.items() if isinstance(key, str)},
        {key: one for key, one in found.items() if isinstance(key, int)},
    )


def matching_ids(query: str, who: SignedIn, *, limit: int) -> list[int]:
    """Return the ids of the tickets that a query string of the list means, the first by time left.

    Raises:
        UnknownFilter: if it has a filter that makes no sense.
    """
    found = conditions(filters_from(bulk.args_of(query)), who)
    statement = select(Ticket.id).where(*clauses(found)).order_by(due_at, Ticket.id).limit(limit)
    return list(db.session.scalars(statement))


def all_rows(filters: Filters, who: SignedIn, reach: Reach) -> Iterator[list[Row]]:
    """Return everything that matches within ``reach``, by number, in lots."""
    found = clauses(conditions(filters, who))
    return lots(ROWS.where(*found, within(reach)).order_by(Ticket.number, Ticket.id))


def within(reach: Reach) -> Any:
    """Tickets within reach of a permission, which may be less than what is in sight."""
    if reach.everywhere:
        return true()
    located = select(Client.id).where(Client.location_id.in_(reach.location_ids))
    return or_(
        Ticket.client_id.in_(located) if reach.location_ids else false(),
        Ticket.client_id.in_(reach.client_ids),
        Ticket.project_id.in_(reach.project_ids),
    )
