"""A search with one line for each request: from the first row of one, straight to the first of the next."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    func,
    literal,
    not_,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import CLOCKS, SHOWN, Filter
from webapp.audit.queries.search_hits import Hits
from webapp.audit.queries.search_pages import (
    LISTING,
    MOST_WAYS,
    Reader,
    Way,
    hits_of,
    unnested,
    way_of,
)
from webapp.core.db import db
from webapp.core.paging import Page, cursor_at, limit_in, read_cursor, sort_in

MOST_COUNTED = 1000
MOST_INSIDE = 100
MOST_NAMED = 30  # rows of a group whose actions are told
CHANGES = ("change", "import")
UNDONE = "audit.undone"
FOLLOWS = ".followed"  # what a change of another record brings with it
# What says most about a request: who may do what, what was taken back, what changed.
TELLING = case(
    (AuditEvent.category == "access", 0),
    (AuditEvent.action == UNDONE, 1),
    (and_(AuditEvent.category.in_(CHANGES), not_(AuditEvent.action.endswith(FOLLOWS))), 2),
    else_=3,
)
WINDOW = 5000  # rows that words found are read at once: going on from each would look all of them up again


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What was recorded at once: the most telling of its rows that match, and how many there are."""

    event: Any
    at: datetime
    count: int
    requests: int
    actions: Sequence[str] = ()  # of the others, as far as they are named

    @property
    def more_label(self) -> str:
        """How many more than the first, where not all were counted with a plus."""
        return f"{MOST_COUNTED}+" if self.count > MOST_COUNTED else str(self.count - 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Course:
    """Which way through the log: by which of its times, and whether back in time."""

    clock: Any
    back: bool

    def beyond(self, edge: Any) -> ColumnElement[bool]:
        found: ColumnElement[bool] = self.clock < edge if self.back else self.clock > edge
        return found

    def order(self, at: Any) -> Any:
        return at.desc() if self.back else at.asc()

    def ordered(self, part: Select[Any]) -> Select[Any]:
        return part.order_by(self.order(self.clock), self.order(AuditEvent.id))


def list_groups(asked: Filter, args: Any, *, reader: Reader) -> Page:
    """Return a page of the requests that have rows that match.

    Raises:
        BadRequest: if the sort or the place in the list is none.
    """
    sort = sort_in(args, LISTING)
    name = sort.removeprefix("-")
    limit, after, before = limit_in(args), args.get("after"), args.get("before")
    backwards = bool(before) and not after
    course = _Course(clock=CLOCKS[name], back=sort.startswith("-") != backwards)
    edge: tuple[ColumnElement[bool], ...] = ()
    if cursor := (before if backwards else after):
        edge = (course.beyond(literal(read_cursor(cursor, course.clock)[0], course.clock.type)),)
    way = way_of(asked, reader, by=name)
    few = not reader.everything and len(reader.clients) <= MOST_WAYS and name != "recorded_at"
    if name != "recorded_at" and not few:
        times, more = _happened(asked, reader, course, edge, limit)
    elif asked.by_words or few:
        hits = hits_of(asked, reader, args, sort, grouped=True) if name == "recorded_at" else None
        by_hits = way_of(asked, reader, words=False) if hits else way
        times, more = _window(by_hits, course, edge, limit, hits)
        if hits and not more and not hits.are_all():  # the next page looks on from here
            more = bool(times)
            if not times:
                times, more = _window(way, course, edge, limit, None)
    else:
        found = list(db.session.scalars(_leaping(way, course, edge, limit + 1)))
        times, more = found[:limit], len(found) > limit
    groups = _told(way, course, times)
    if backwards:
        groups.reverse()
    page = Page(rows=groups, sort=sort, limit=limit, args=args.to_dict(flat=False))
    if groups:
        page.newer = cursor_at(groups[0].at, 0) if (more if backwards else after) else None
        page.older = cursor_at(groups[-1].at, 0) if backwards or more else None
    return page


def groups_of(events: Iterable[Any]) -> list[Group]:
    """Put rows of the log, the newest first, together by when they were recorded."""
    together: dict[datetime, list[Any]] = {}
    for event in events:
        together.setdefault(event.recorded_at, []).append(event)
    return [
        _group(at, sorted(rows, key=lambda row: (_rank(row), row.id)))
        for at, rows in together.items()
    ]


def _group(at: datetime, rows: Sequence[Any]) -> Group:
    return Group(
        event=rows[0],
        at=at,
        count=len(rows),
        requests=len({row.request_id for row in rows}),
        actions=[row.action for row in rows[1:MOST_NAMED]],
    )


def list_inside(
    asked: Filter, at: datetime, sort: str, *, reader: Reader, but: int | None = None
) -> list[Any]:
    """Return the rows of one group ``but`` the one that the group shows itself; the first if none is named."""
    clock = CLOCKS[sort.removeprefix("-") or "recorded_at"]
    statement = (
        select(*SHOWN).where(*way_of(asked, reader).whole(), clock == at).order_by(AuditEvent.id)
    )
    if but is None:
        return list(db.session.execute(statement.offset(1).limit(MOST_INSIDE + 1)))
    return list(db.session.execute(statement.where(AuditEvent.id != but).limit(MOST_INSIDE + 1)))


def _window(
    way: Way,
    course: _Course,
    edge: tuple[ColumnElement[bool], ...],
    limit: int,
    hits: Hits | None,
) -> tuple[list[datetime], bool]:
    """Return the times of the groups of a page, and whether there are more, from rows found by their words."""
    here = (hits.here,) if hits else ()
    return _some(_fenced(way, course, (*edge, *here), limit + 1), limit)


def _happened(
    asked: Filter,
    reader: Reader,
    course: _Course,
    edge: tuple[ColumnElement[bool], ...],
    limit: int,
) -> tuple[list[datetime], bool]:
    """Return the same by when it happened, in one walk: each month keeps its own order, so leaping begins all anew.

    Few rows that words found are put in order; many are met soon by walking along.
    """
    by = "occurred_at"
    way = way_of(asked, reader, by=by)
    if not asked.by_words:
        return _some(_walked(way, course, edge, limit + 1), limit)
    hits = replace(hits_of(asked, reader, {}, by), most=WINDOW)
    here, few = hits.whether_all()
    by_hits = way_of(asked, reader, by=by, words=False)
    parts = (
        _fenced(by_hits, course, (*edge, here, few), limit + 1).subquery(),
        _walked(way, course, (*edge, ~few), limit + 1).subquery(),
    )
    return _some(union_all(*(select(part.c.at, part.c.n) for part in parts)), limit)


def _fenced(
    way: Way, course: _Course, edge: Iterable[ColumnElement[bool]], most: int
) -> Select[Any]:
    """All rows at first, then their times in order: what is rare is not walked to."""
    found = select(course.clock.label("at")).where(*way.whole(), *edge).offset(0).subquery()
    return _counted(select(found.c.at), found.c.at, course, most)


def _walked(
    way: Way, course: _Course, edge: Iterable[ColumnElement[bool]], most: int
) -> Select[Any]:
    """Times in the order of an index, and no further than asked for."""
    rows = select(course.clock.label("at")).where(*way.whole(), *edge)
    return _counted(rows, course.clock, course, most)


def _counted(rows: Select[Any], clock: Any, course: _Course, most: int) -> Select[Any]:
    window = rows.order_by(course.order(clock)).limit(WINDOW).subquery()
    at = window.c.at
    counted = select(at, func.count().label("n")).group_by(at)
    return counted.order_by(course.order(at)).limit(most)


def _some(times: Any, limit: int) -> tuple[list[datetime], bool]:
    groups = list(db.session.execute(times))
    full = sum(row.n for row in groups) == WINDOW
    return [row.at for row in groups[:limit]], full or len(groups) > limit


def _leaping(
    way: Way, course: _Course, edge: tuple[ColumnElement[bool], ...], limit: int
) -> Select[Any]:
    """From time to time by the index, over all rows between."""
    first = select(literal(1).label("n"), _next(way, course, edge).label("at"))
    times = first.cte("times", recursive=True)
    onward = _next(way, course, (course.beyond(times.c.at),), times)
    times = times.union_all(
        select(times.c.n + 1, onward).where(times.c.at.is_not(None), times.c.n < limit)
    )
    return select(times.c.at).where(times.c.at.is_not(None)).order_by(times.c.n)


def _next(way: Way, course: _Course, edge: Iterable[ColumnElement[bool]], *outer: Any) -> Any:
    part = course.ordered(select(course.clock.label("at")).where(*way.where, *edge)).limit(1)
    if way.column is None:
        return part.scalar_subquery()
    found, each = way.each(part, *outer)
    end = func.max if course.back else func.min
    return each.with_only_columns(end(found.c.at), maintain_column_froms=True).scalar_subquery()


def _told(way: Way, course: _Course, times: list[datetime]) -> list[Group]:
    """Fetch the first row of each group, and count the others."""
    if not times:
        return []
    times_of = unnested(times, course.clock.type)
    here = (*way.whole(), course.clock == times_of.c.one)
    columns = (AuditEvent.id, AuditEvent.recorded_at, AuditEvent.request_id, AuditEvent.action)
    some = select(*columns, TELLING.label("rank")).where(*here).limit(MOST_COUNTED + 1)
    window = some.correlate(times_of).subquery("some")
    by_rank = (window.c.rank, window.c.id)
    inside = (
        select(
            func.count().label("rows"),
            func.count(window.c.request_id.distinct()).label("requests"),
            _first(window.c.id, by_rank).label("first_id"),
            _first(window.c.recorded_at, by_rank).label("first_at"),
            func.array_agg(aggregate_order_by(window.c.action, *by_rank))[2:MOST_NAMED].label(
                "actions"
            ),
        )
        .select_from(window)
        .lateral("inside")
    )
    same = (AuditEvent.recorded_at == inside.c.first_at, AuditEvent.id == inside.c.first_id)
    event = select(*SHOWN).where(*same).correlate(inside).lateral("first")
    joined = times_of.join(inside, true()).join(event, true())
    counts = (inside.c.rows, inside.c.requests, inside.c.actions)
    statement = select(event, *counts, times_of.c.one.label("at")).select_from(joined)
    found = {row.at: row for row in db.session.execute(statement)}
    return [
        Group(
            event=found[one],
            at=one,
            count=found[one].rows,
            requests=found[one].requests,
            actions=found[one].actions or (),
        )
        for one in times
        if one in found
    ]


def _first(column: Any, by_rank: Sequence[Any]) -> Any:
    return func.array_agg(aggregate_order_by(column, *by_rank), type_=ARRAY(column.type))[1]


def _rank(event: Any) -> int:
    """As ``TELLING``."""
    if event.category == "access":
        return 0
    if event.action == UNDONE:
        return 1
    return 2 if event.category in CHANGES and not event.action.endswith(FOLLOWS) else 3
