"""What was recorded since somebody last looked, in whatever order it was committed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, literal, select
from sqlalchemy.types import UserDefinedType

from webapp.audit.models import XID8, AuditEvent
from webapp.audit.queries.search import SHOWN, Filter
from webapp.audit.queries.search_pages import Reader, way_of
from webapp.core.db import db

MOST = 100
LONGEST = timedelta(days=1)  # what takes longer until it is committed is not waited for


class _Snapshot(UserDefinedType[str]):
    """PostgreSQL's pg_snapshot: which transactions were over."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type for a cast."""
        return "pg_snapshot"


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """The newest rows that are new, newest first, and whether there are more of them."""

    rows: list[Any]
    more: bool


def list_news(asked: Filter, *, seen: str, since: datetime, reader: Reader) -> News:
    """Return rows of transactions that the snapshot ``seen``, taken at ``since``, did not show yet.

    Times would not do: a row has that of its transaction's beginning, and shows when it ends.
    """
    shown = func.pg_visible_in_snapshot(AuditEvent.xid, cast(literal(seen, Text), _Snapshot()))
    statement = (
        select(*SHOWN)
        .where(*way_of(asked, reader).whole())
        .where(AuditEvent.recorded_at >= since - LONGEST)
        .where(AuditEvent.xid >= cast(literal(seen.split(":", maxsplit=1)[0], Text), XID8()))
        .where(~shown)
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(MOST + 1)
    )
    rows = list(db.session.execute(statement))
    return News(rows=rows[:MOST], more=len(rows) > MOST)
