"""Reads for what stands beside a ticket."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Boolean, func, literal, select, union_all

from webapp.core.db import db
from webapp.tickets.models import Ticket

FEW = 4
COUNTED = 100  # beyond that nobody cares


@dataclass(frozen=True, kw_only=True, slots=True)
class Others:
    """The latest other tickets of the asset, and of whoever asks: rows (number, subject, status, updated_at)."""

    faults: list[Any]
    asked: list[Any]
    open_asked: int


def others_of(ticket: Ticket) -> Others:
    """Return other tickets of the same asset and requester, in one statement."""
    parts = []
    if ticket.asset_id is not None:
        parts.append(_latest(ticket, Ticket.asset_id == ticket.asset_id, asked=False))
    if ticket.requester_user_id is not None:
        asker = Ticket.requester_user_id == ticket.requester_user_id
        parts.append(_latest(ticket, asker, asked=True))
    elif ticket.requester_contact_id is not None:
        asker = Ticket.requester_contact_id == ticket.requester_contact_id
        parts.append(_latest(ticket, asker, asked=True))
    rows = list(db.session.execute(union_all(*parts))) if parts else []
    asked = [row for row in rows if row.asked]
    return Others(
        faults=[row for row in rows if not row.asked],
        asked=asked,
        open_asked=asked[0].open_ones if asked else 0,
    )


def _latest(ticket: Ticket, of_whom: Any, *, asked: bool) -> Any:
    """The latest few, each with how many are open."""
    other = (of_whom, Ticket.id != ticket.id)
    open_ones = select(literal(1)).where(*other, Ticket.is_open).limit(COUNTED).subquery()
    counted = select(func.count()).select_from(open_ones).scalar_subquery()
    few = (
        select(
            Ticket.number,
            Ticket.subject,
            Ticket.status,
            Ticket.updated_at,
            literal(asked, Boolean).label("asked"),
            (counted if asked else literal(0)).label("open_ones"),
        )
        .where(*other)
        .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
        .limit(FEW)
        .subquery()
    )
    return select(few)
