"""How many tickets match, without looking at more than ten thousand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, case, func, literal, null, select, true, union_all

from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT, count_text
from webapp.tickets.models import Ticket
from webapp.tickets.queries.queue.conditions import CO_OPEN, Condition, Rank, due_at

FEW = 1000  # tickets that are sorted in no time


@dataclass(frozen=True, slots=True)
class Count:
    """A number; with ``at_least`` there may be more, for nobody looked further."""

    number: int
    at_least: bool = False
    ids: list[int] | None = None  # all of them, if they are few and were asked for

    @property
    def label(self) -> str:
        """As people write it: "312", "312+", "10,000+"."""
        shown = count_text(self.number)
        return f"{shown}+" if self.at_least and not shown.endswith("+") else shown


def counting(found: Sequence[Condition], *, named: bool = False) -> Any:
    """Return a statement that walks through the narrowest index, ten thousand rows at most.

    Its row has how many of those fit, how many it looked at, and if they are to be ``named`` and few the ids that fit.
    """
    first = min(found, key=lambda one: one.rank, default=None)
    if first is None or first.rank is Rank.LOOSE:
        walked: list[Condition] = []
    else:
        walked = [
            one
            for one in found
            if one is first or (first.rank in CO_OPEN and one.rank is Rank.OPEN)
        ]
    rest = [one.clause for one in found if one not in walked]
    fits = and_(true(), *rest) if rest else true()
    few = select(fits.label("fits"), *([Ticket.id] if named else [])).select_from(Ticket)
    if walked:
        few = few.where(*(one.clause for one in walked))
    if first is not None and first.rank is Rank.DUE:
        few = few.order_by(due_at)  # what is soon due is what is asked for
    rows = few.limit(COUNT_LIMIT + 1).subquery()
    fit = func.count().filter(rows.c.fits)
    ids = case((fit <= FEW, func.array_agg(rows.c.id).filter(rows.c.fits))) if named else null()
    return select(fit.label("fit"), func.count().label("seen"), ids.label("ids"))


def count(statement: Any) -> Count:
    """Count by a statement of ``counting``."""
    return _said(db.session.execute(statement).one())


def counts(asked: Sequence[Sequence[Condition]]) -> list[Count]:
    """Count for several lists at once, with one statement."""
    if not asked:
        return []
    parts = []
    for place, found in enumerate(asked):
        one = counting(found).subquery()
        parts.append(
            select(literal(place).label("place"), one.c.fit, one.c.seen, null().label("ids"))
        )
    rows = db.session.execute(union_all(*parts))
    by_place = {row.place: _said(row) for row in rows}
    return [by_place[place] for place in range(len(asked))]


def _said(row: Any) -> Count:
    at_least = row.seen > COUNT_LIMIT
    few = row.ids is not None or row.fit == 0
    return Count(row.fit, at_least, list(row.ids or ()) if few and not at_least else None)
