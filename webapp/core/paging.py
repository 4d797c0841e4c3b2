"""Keyset pages: a list stays as fast on its thousandth page as on its first.

A cursor holds the sort value and id of a row; the next page is what comes after it in (sort column, id). Each offered
sort has an index on exactly these two. Nothing is counted but, where asked, up to ``COUNT_LIMIT``.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    bindparam,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.types import Date, DateTime
from werkzeug.exceptions import BadRequest

from webapp.core.db import db
from webapp.core.language import _, format_number

DEFAULT_LIMIT = 25
MAX_LIMIT = 100
COUNT_LIMIT = 10_000
LARGEST_ID = 2**63


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """How a list may be sorted; sort expressions are never null."""

    id: ColumnElement[int] | Any
    sorts: Mapping[str, ColumnElement[Any] | Any]
    default: str


@dataclass(kw_only=True, slots=True)
class Page:
    """The rows of one page and the links to its neighbours and sorts."""

    rows: Sequence[Any]
    sort: str
    limit: int
    args: Mapping[str, list[str]]
    newer: str | None = None
    older: str | None = None
    count: int | None = None
    at_least: bool = False  # whether there may be more than were counted
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def newer_url(self) -> str | None:
        """The page before this one, as a relative link."""
        return self._url(before=self.newer) if self.newer else None

    @property
    def older_url(self) -> str | None:
        """The page after this one, as a relative link."""
        return self._url(after=self.older) if self.older else None

    @property
    def count_label(self) -> str | None:
        """How many rows match: exact to 10,000, then "10,000+"; "312+" where nobody looked further."""
        if self.count is None:
            return None
        shown = count_text(self.count)
        return f"{shown}+" if self.at_least and not shown.endswith("+") else shown

    def sort_url(self, key: str) -> str:
        """Sort by ``key``; the other way round if the list is sorted by it already."""
        return self._url(sort=f"-{key}" if self.sort == key else key)

    @property
    def query(self) -> str:
        """The filters and sort without a cursor, for exports and saved links."""
        return self._url()

    def query_with(self, **changes: str) -> str:
        """The same with other values, or without those that are empty."""
        without = {name: values for name, values in self.args.items() if name not in changes}
        whole = Page(rows=(), sort=self.sort, limit=self.limit, args=without)
        return whole._url(**{name: value for name, value in changes.items() if value})

    def _url(self, **changes: str) -> str:
        kept = {k: v for k, v in self.args.items() if k not in {"after", "before", *changes}}
        return "?" + urlencode(
            [*((k, x) for k, v in kept.items() for x in v if x), *changes.items()]
        )


def paginate(
    statement: Select[Any],
    listing: Listing,
    args: Any,
    *,
    counted: bool = False,
    around: Callable[[Select[Any], bool], Select[Any]] | None = None,
    values: Mapping[str, Any] | None = None,
    kept: dict[Any, Any] | None = None,
) -> Page:
    """Run ``statement`` for one page, as ``sort``, ``limit``, ``after`` and ``before`` in ``args`` ask.

    ``around`` gets the ordered and cut statement, and whether it ascends, and returns one with the same rows.
    ``values`` are those of the statement's parameters. Where the same statement comes again and again, ``kept`` keeps
    what is made of it: to make that takes longer than to run it.

    Raises:
        BadRequest: if one of them is malformed.
    """
    sort = sort_in(args, listing)
    key, descending = sort.removeprefix("-"), sort.startswith("-")
    limit = limit_in(args)
    column = listing.sorts[key]
    after, before = args.get("after"), args.get("before")
    backwards = bool(before) and not after
    ascending = descending == backwards
    asked = dict(values or {})
    if cursor := (before if backwards else after):
        asked["_edge"], asked["_edge_id"] = read_cursor(cursor, column)
    place = (key, ascending, limit, bool(cursor))
    page = kept.get(place) if kept is not None else None
    if page is None:
        page = _ordered(statement, listing.id, column, ascending, bool(cursor)).limit(limit + 1)
        page = around(page, ascending) if around else page
        if kept is not None:
            kept[place] = page
    rows = list(db.session.execute(page, asked))
    more, rows = len(rows) > limit, rows[:limit]
    if backwards:
        rows.reverse()
    result = Page(rows=rows, sort=sort, limit=limit, args=args.to_dict(flat=False))
    if rows:
        result.newer = _cursor_of(rows[0]) if (more if backwards else bool(after)) else None
        result.older = _cursor_of(rows[-1]) if (backwards or more) else None
    if counted:
        result.count = capped_count(statement)
    return result


def _ordered(
    statement: Select[Any], row_id: Any, column: Any, ascending: bool, edged: bool
) -> Select[Any]:
    """The statement in order; ``edged`` starts it after the row that ``_edge`` and ``_edge_id`` name."""
    page = statement.add_columns(column.label("_sort"), row_id.label("_id"))
    if edged:
        edge = tuple_(
            bindparam("_edge", type_=column.type), bindparam("_edge_id", type_=BigInteger)
        )
        here = tuple_(column, row_id)
        page = page.where(here > edge if ascending else here < edge)
    order = (column.asc(), row_id.asc()) if ascending else (column.desc(), row_id.desc())
    return page.order_by(*order)


def count_text(count: int) -> str:
    """Return what ``capped_count`` found as people write it."""
    shown = format_number(min(count, COUNT_LIMIT))
    return f"{shown}+" if count > COUNT_LIMIT else shown


def capped_count(statement: Select[Any]) -> int:
    """Count at most ``COUNT_LIMIT`` + 1 rows."""
    few = (
        statement.order_by(None)
        .with_only_columns(literal(1), maintain_column_froms=True)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    return int(db.session.scalar(select(func.count()).select_from(few)) or 0)


def sort_in(args: Any, listing: Listing) -> str:
    """Return how a list is sorted, as ``sort`` in ``args`` asks.

    Raises:
        BadRequest: if it cannot be sorted that way.
    """
    sort: str = args.get("sort") or listing.default
    if sort.removeprefix("-") not in listing.sorts:
        raise BadRequest(_("This list cannot be sorted that way."))
    return sort


def limit_in(args: Any) -> int:
    """Return how many rows a page has, as ``limit`` in ``args`` asks.

    Raises:
        BadRequest: if it is no number.
    """
    text = args.get("limit")
    if not text:
        return DEFAULT_LIMIT
    if not text.isascii() or not text.isdigit():
        raise BadRequest(_("limit is a number from 1 to 100."))
    return max(1, min(int(text[:9]), MAX_LIMIT))


def _cursor_of(row: Any) -> str:
    return cursor_at(row._sort, row._id)  # noqa: SLF001


def cursor_at(value: Any, row_id: int) -> str:
    """Return the place in a list as an address holds it."""
    value = value.isoformat() if isinstance(value, date) else value
    packed = json.dumps([value, row_id], separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def read_cursor(cursor: str, column: ColumnElement[Any] | Any) -> tuple[Any, int]:
    """Return sort value and id of a place in a list.

    Raises:
        BadRequest: if it is none.
    """
    damaged = BadRequest(_("This link to a page is damaged. Start again from the first page."))
    try:
        value, row_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if isinstance(column.type, DateTime):
            value = datetime.fromisoformat(value)
        elif isinstance(column.type, Date):
            value = date.fromisoformat(value)
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise damaged from None
    fits = isinstance(value, column.type.python_type) and "\0" not in str(value)
    if not fits or not isinstance(row_id, int) or abs(row_id) >= LARGEST_ID:
        raise damaged
    return value, row_id
