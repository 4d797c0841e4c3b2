"""What a list of the queue asks the database, kept for those that come again: each reload, each next page."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from webapp.access.identity import SignedIn
from webapp.tickets.queries.queue.conditions import Condition, clauses, conditions, zone_of
from webapp.tickets.queries.queue.counting import counting
from webapp.tickets.queries.queue.filters import Filters
from webapp.tickets.queries.queue.rows import ROWS

KEPT = 128  # lists, of all people


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The statements of a list: to count it, and its rows; ``pages`` keeps what ``paginate`` makes of those."""

    counting: Any
    rows: Any
    pages: dict[Any, Any] = field(default_factory=dict)


def plan_of(filters: Filters, who: SignedIn) -> Plan:
    """Return what to ask for a list.

    What looks something up first (words, tags, places) is asked anew each time.
    """
    if filters.q or filters.tags or any(kind == "location" for kind, _ in filters.places):
        return _made(conditions(filters, who))
    return _kept(filters, _Reader(who.id, who.timezone), datetime.now(zone_of(who)).date())


@dataclass(frozen=True, slots=True)
class _Reader:
    """As much of somebody as matters to what filters mean: who they are, and when their day begins."""

    id: int
    timezone: str


@lru_cache(maxsize=KEPT)
def _kept(filters: Filters, reader: Any, _today: date) -> Plan:
    return _made(conditions(filters, reader))


def _made(found: Sequence[Condition]) -> Plan:
    return Plan(
        counting=counting(found, named=len(found) > 1),
        rows=ROWS.where(*clauses(found)),
    )
