"""Reads for what stands beside a ticket."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Boolean, bindparam, func, literal, select, union_all

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
    keys = {
        name: getattr(ticket, name)
        for name in ("asset_id", "requester_user_id", "requester_contact_id")
        if getattr(ticket, name) is not None
    }
    rows: list[Any] = []
    if keys:
        rows = list(db.session.execute(_others(tuple(keys)), keys | {"ticket": ticket.id}))
    asked = [row for row in rows if row.asked]
    return Others(
        faults=[row for row in rows if not row.asked],
        asked=asked,
        open_asked=asked[0].open_ones if asked else 0,
    )


@cache
def _others(names: tuple[str, ...]) -> Any:
    """The statement, made once for what a ticket has of these; a person asks, or else a contact."""
    parts = [_latest("asset_id", asked=False)] if "asset_id" in names else []
    askers = [name for name in names if name != "asset_id"]
    if askers:
        parts.append(_latest(askers[0], asked=True))
    return union_all(*parts)


def _latest(name: str, *, asked: bool) -> Any:
    """The latest few, each with how many are open."""
    other = (
        getattr(Ticket, name) == bindparam(name, type_=BigInteger),
        Ticket.id != bindparam("ticket", type_=BigInteger),
    )
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
