"""Pages of a search, newest first or oldest; where the way in has several values, each goes by its own index."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    any_,
    cast,
    column,
    func,
    literal,
    null,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import SHOWN, Filter, conditions, is_one_of
from webapp.audit.queries.search_hits import MOST, Hits
from webapp.core.db import db
from webapp.core.paging import Listing, Page, limit_in, paginate, read_cursor, sort_in

LISTING = Listing(
    id=AuditEvent.id,
    sorts={"recorded_at": AuditEvent.recorded_at, "occurred_at": AuditEvent.occurred_at},
    default="-recorded_at",
)
_ROWS = select(*SHOWN)
MOST_ORDERED = 5000  # rows that words found, to be put in another order
MOST_WAYS = 60  # more clients than these are a large part of the log: walking through it finds them
# Filters with several values, and the column whose index finds each of them.
_SEVERAL: tuple[tuple[str, Any], ...] = (
    ("object_ids", AuditEvent.object_id),
    ("actor_ids", AuditEvent.actor_id),
    ("systems", AuditEvent.actor_name),
    ("agents", AuditEvent.via),
    ("client_ids", AuditEvent.client_id),
    ("actions", AuditEvent.action),
    ("categories", AuditEvent.category),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Who reads: everything, or the rows of these clients. ``snapshot`` is what was committed by now."""

    everything: bool
    clients: tuple[int, ...] = ()
    snapshot: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How a search goes in: what a row has to be, and the column of which each value is looked up alone."""

    where: tuple[ColumnElement[bool], ...]
    column: Any = None
    values: tuple[Any, ...] = ()

    def whole(self) -> tuple[ColumnElement[bool], ...]:
        """Return all that a row has to be, at once."""
        if self.column is None:
            return self.where
        return (*self.where, is_one_of(self.column, self.values))

    def each(self, part: Select[Any], *outer: Any) -> tuple[Any, Any]:
        """Return ``part`` for each value, and the join with them; ``outer`` are tables that it refers to."""
        ways = unnested(self.values, self.column.type)
        found = part.where(self.column == ways.c.one).correlate(ways, *outer).lateral("found")
        return found, select(found).select_from(ways.join(found, true()))

    def around(self) -> Callable[[Select[Any], bool], Select[Any]] | None:
        """Return what makes one ordered page of the pages of each value."""
        if self.column is None:
            return None

        def merged(page: Select[Any], ascending: bool) -> Select[Any]:
            found, statement = self.each(page)
            return _ordered(statement, found, page, ascending)

        return merged


def fenced(page: Select[Any], ascending: bool) -> Select[Any]:
    """Find all rows first, then order them: walking in order for words is endless where they are rare."""
    found = page.order_by(None).limit(None).offset(0).subquery()
    return _ordered(select(found), found, page, ascending)


def _ordered(statement: Select[Any], found: Any, page: Select[Any], ascending: bool) -> Select[Any]:
    keys = (found.c["_sort"], found.c["_id"])
    order = [key.asc() if ascending else key.desc() for key in keys]
    return statement.order_by(*order).limit(page._limit_clause)  # noqa: SLF001 - there is no other way to read it


def unnested(values: Sequence[Any], kind: Any) -> Any:
    """Return values as a table with a row, ``one``, for each."""
    listed = cast(literal(list(values), ARRAY(kind)), ARRAY(kind))
    return func.unnest(listed).table_valued(column("one", kind)).render_derived(name="ways")


def reader_of(*, everything: bool) -> Reader:
    """Find out which clients the signed-in person reads about, and what they could see by now."""
    row = db.session.execute(_READER[everything]).one()
    return Reader(everything=everything, clients=tuple(row.ids or ()), snapshot=row.now)


def _reads(scope: ColumnElement[Any]) -> Select[Any]:
    now = cast(func.pg_current_snapshot(), Text)
    return select(now.label("now"), scope.label("ids"))


_READER = {
    True: _reads(null()),
    False: _reads(func.steward_scope("client", type_=ARRAY(BigInteger))),
}


def list_events(asked: Filter, args: Any, *, reader: Reader) -> Page:
    """Return a page of the rows that match."""
    sort = sort_in(args, LISTING)
    statement = _ROWS
    if asked.by_words and sort.endswith("recorded_at"):
        hits = hits_of(asked, reader, args, sort)
        found = paginate(
            statement.where(*way_of(asked, reader, words=False).whole(), hits.here), LISTING, args
        )
        if len(found.rows) == found.limit or by_words_alone(asked) or hits.are_all():
            return found
        return paginate(statement.where(*way_of(asked, reader).whole()), LISTING, args)
    way = way_of(asked, reader, by=sort)
    walks = sort.endswith("recorded_at") or len(_clients(asked, reader)) > MOST_WAYS
    if asked.by_words and not walks:
        return _by_other_time(asked, args, reader, sort)
    if not (reader.everything or walks):
        return paginate(statement.where(*way.where), LISTING, args, around=fenced)
    return paginate(statement.where(*way.where), LISTING, args, around=way.around())


def _by_other_time(asked: Filter, args: Any, reader: Reader, sort: str) -> Page:
    """Few rows with the words are put in order; many are met soon by walking along."""
    hits = replace(hits_of(asked, reader, {}, sort), most=MOST_ORDERED)
    if hits.are_all():
        where = (*way_of(asked, reader, by=sort, words=False).where, hits.here)
        return paginate(_ROWS.where(*where), LISTING, args, around=fenced)
    return paginate(_ROWS.where(*way_of(asked, reader, by=sort).where), LISTING, args)


def hits_of(asked: Filter, reader: Reader, args: Any, sort: str, *, grouped: bool = False) -> Hits:
    """Return the rows with the words, from the place in the list that ``args`` name."""
    cursor = args.get("after") or args.get("before")
    edge = read_cursor(cursor, AuditEvent.recorded_at)[0] if cursor else None
    back = sort.startswith("-") != (bool(args.get("before")) and not args.get("after"))
    bounds = [asked.since, asked.until] if asked.clock == "recorded_at" else [None, None]
    if edge is not None:
        at = 1 if back else 0
        meet = min if back else max
        bounds[at] = edge if bounds[at] is None else meet(bounds[at], edge)
    return Hits(
        asked=asked,
        clients=None if reader.everything else reader.clients,
        since=bounds[0],
        until=bounds[1],
        latest=back,
        most=limit_in(args) + 1 if by_words_alone(asked) and not grouped else MOST,
    )


def by_words_alone(asked: Filter) -> bool:
    """Tell whether words and times are all that is asked for."""
    alone = Filter(
        words=asked.words,
        facets=asked.facets,
        since=asked.since,
        until=asked.until,
        clock=asked.clock,
    )
    return asked == alone


def way_of(asked: Filter, reader: Reader, *, by: str = "recorded_at", words: bool = True) -> Way:
    """Choose how to go in: by the reader's clients, or by the values of a filter that has several.

    The indexes of single values are in the order of recording; ``by`` another time, the database weighs what is best.
    """
    if not by.endswith("recorded_at") or (asked.by_words and reader.everything):
        return Way(where=(*conditions(asked, words=words), *_scope(asked, reader)))
    if not reader.everything:
        clients = _clients(asked, reader)
        if 1 < len(clients) <= MOST_WAYS:
            rest = tuple(conditions(replace(asked, client_ids=()), words=words))
            return Way(where=rest, column=AuditEvent.client_id, values=clients)
    elif not _goes_in_alone(asked):
        for name, column in _SEVERAL:
            values: Sequence[Any] = getattr(asked, name)
            if 1 < len(values) <= MOST_WAYS:
                without: Any = {name: ()}
                rest = tuple(conditions(replace(asked, **without)))
                if name == "systems":
                    rest = (*rest, AuditEvent.actor_id.is_(None))
                return Way(where=rest, column=column, values=tuple(values))
    return Way(where=(*conditions(asked, words=words), *_scope(asked, reader)))


def _clients(asked: Filter, reader: Reader) -> tuple[int, ...]:
    wanted = asked.client_ids
    return tuple(one for one in reader.clients if not wanted or one in wanted)


def _scope(asked: Filter, reader: Reader) -> Iterable[ColumnElement[bool]]:
    if not reader.everything:
        yield _in_clients(_clients(asked, reader))


def _in_clients(clients: Sequence[int]) -> ColumnElement[bool]:
    if len(clients) == 1:
        found: ColumnElement[bool] = AuditEvent.client_id == clients[0]
        return found
    return AuditEvent.client_id == any_(
        cast(literal(list(clients), ARRAY(BigInteger)), ARRAY(BigInteger))
    )


def _goes_in_alone(asked: Filter) -> bool:
    """Tell whether one value leads in: its index has the order already, or words find few rows."""
    who = (*asked.actor_ids, *asked.systems, *asked.agents)
    single: Iterable[Sequence[Any]] = (who, asked.object_ids, asked.client_ids, asked.actions)
    kinds = [kind for kind in (asked.actor_ids, asked.systems, asked.agents) if kind]
    mixed = len(kinds) > 1
    return (
        mixed
        or bool(asked.request or asked.via or asked.network)
        or any(len(values) == 1 for values in single)
    )
