"""Reads that every part of tickets needs."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    any_,
    bindparam,
    cast,
    func,
    literal,
    select,
)

from webapp.core.db import db
from webapp.core.search import FEW, found_by, prefix_query
from webapp.tickets.models import Ticket

_BY_NUMBER = select(Ticket).where(Ticket.number == bindparam("number", type_=BigInteger))
_BY_NUMBER_HELD = _BY_NUMBER.with_for_update()


def get_by_number(number: int, *, lock: bool = False) -> Ticket | None:
    """Find a ticket in sight by its number; ``lock`` holds its row until the transaction ends."""
    return db.session.scalar(_BY_NUMBER_HELD if lock else _BY_NUMBER, {"number": number})


def get_by_id(ticket_id: int) -> Ticket | None:
    """Find a ticket in sight by its id."""
    return db.session.get(Ticket, ticket_id)


def get_many(ids: Iterable[int], *, lock: bool = False) -> list[Ticket]:
    """Find tickets in sight by their ids, in the order of their ids."""
    statement = select(Ticket).where(Ticket.id.in_(list(ids))).order_by(Ticket.id)
    return list(db.session.scalars(statement.with_for_update() if lock else statement))


def some_that_match(typed: str, *, everything: bool) -> ColumnElement[bool]:
    """As ``matches``, within one statement: of what very many tickets say, only some, for boxes that suggest."""
    query = prefix_query(typed)
    if query is None:
        return literal(value=False)
    ids = select(_finder(everything)(func.to_tsquery("simple", query), FEW)).scalar_subquery()
    return Ticket.id == any_(cast(ids, ARRAY(BigInteger)))


def _finder(everything: bool) -> Any:
    return func.steward_match_tickets if everything else func.steward_find_tickets


def matches(typed: str, *, everything: bool) -> ColumnElement[bool]:
    """Tickets whose number, subject, tags or messages have words that begin as typed."""
    return found_by(
        typed,
        _finder(everything),
        key=Ticket.id,
        vector=Ticket.search,
    )
