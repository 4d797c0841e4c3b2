"""Rows with certain words, looked up in the index of words before anything else is asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, cast, column, func, literal, select, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger, DateTime

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import Filter, words_of
from webapp.core.db import db

MOST = 1000  # rows of one look where other filters leave few of them
_EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
_TIME = DateTime(timezone=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """The latest rows (or the earliest) with the words of a filter, of these clients (None: all)."""

    asked: Filter
    clients: tuple[int, ...] | None
    since: datetime | None
    until: datetime | None
    latest: bool
    most: int = MOST

    @property
    def here(self) -> ColumnElement[bool]:
        """A row is one of them."""
        return _among(self._found())

    def whether_all(self) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return :attr:`here`, and that there are no more than these, for one statement that does either way."""
        hits = select(self._found()).cte("hits")
        few = select(func.count()).select_from(hits).scalar_subquery() < self.most
        return _among(hits), few

    def are_all(self) -> bool:
        """Tell whether there are no more than these, which costs a look of its own."""
        found = select(func.count()).select_from(self._found())
        return int(db.session.scalar(found) or 0) < self.most

    def _found(self) -> Any:
        kind = ARRAY(BigInteger)
        since, until = self.since or _EVER[0], self.until or _EVER[1]
        hits = func.audit_hits(
            words_of(self.asked),
            cast(None if self.clients is None else list(self.clients), kind),
            literal(since, _TIME),
            literal(until, _TIME),
            literal(self.latest),
            literal(self.most),
        )
        return hits.table_valued(column("at", _TIME), column("event_id", BigInteger)).alias("hits")


def _among(hits: Any) -> ColumnElement[bool]:
    key = tuple_(AuditEvent.recorded_at, AuditEvent.id)
    found: ColumnElement[bool] = key.in_(select(hits.c.at, hits.c.event_id))
    return found
