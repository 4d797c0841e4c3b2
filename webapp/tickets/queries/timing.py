"""Time spent on tickets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, select

from webapp.core.db import db
from webapp.tickets.models import TimeEntry
from webapp.users.models import User

SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """The last entries of a ticket, how many there are, and the minutes of all."""

    rows: Sequence[Any]
    count: int
    minutes: int


_SPENT = (
    select(
        TimeEntry.id,
        TimeEntry.user_id,
        TimeEntry.minutes,
        TimeEntry.note,
        TimeEntry.spent_on,
        User.name.label("who"),
        func.sum(TimeEntry.minutes).over().label("total"),
        func.count().over().label("entries"),
    )
    .join(User, User.id == TimeEntry.user_id)
    .where(TimeEntry.ticket_id == bindparam("ticket", type_=BigInteger))
    .order_by(TimeEntry.spent_on.desc(), TimeEntry.id.desc())
    .limit(SHOWN)
)


def of_ticket(ticket_id: int) -> Spent:
    """Return the time spent on a ticket, the latest first, in one statement."""
    rows = db.session.execute(_SPENT, {"ticket": ticket_id}).all()
    first = rows[0] if rows else None
    return Spent(
        rows=rows,
        count=int(first.entries) if first else 0,
        minutes=int(first.total) if first else 0,
    )


def get_entry(entry_id: int, *, ticket_id: int) -> TimeEntry | None:
    """Find an entry of a ticket."""
    return db.session.scalar(
        select(TimeEntry).where(TimeEntry.id == entry_id, TimeEntry.ticket_id == ticket_id)
    )
