"""Reads that every part of tickets needs."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, cast, func, literal, select

from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.tickets.models import Ticket

FEW = 2000  # rows that are sorted in no time


def get_by_number(number: int, *, lock: bool = False) -> Ticket | None:
    """Find a ticket in sight by its number; ``lock`` holds its row until the transaction ends."""
    statement = select(Ticket).where(Ticket.number == number)
    return db.session.scalar(statement.with_for_update() if lock else statement)


def get_by_id(ticket_id: int) -> Ticket | None:
    """Find a ticket in sight by its id."""
    return db.session.get(Ticket, ticket_id)


def get_many(ids: Iterable[int], *, lock: bool = False) -> list[Ticket]:
    """Find tickets in sight by their ids, in the order of their ids."""
    statement = select(Ticket).where(Ticket.id.in_(list(ids))).order_by(Ticket.id)
    return list(db.session.scalars(statement.with_for_update() if lock else statement))


def sees_every_client(who: Any, page: str = "tickets") -> bool:
    """Tell whether a role without scope opens the page: no policy filters then."""
    return any(grant.everywhere and page in grant.pages for grant in who.grants)


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
    """Tickets whose number, subject, tags or messages have words that begin as typed.

    Functions of the database look into the index, because under a policy full text would scan the table, and without
    one the planner misjudges how rare a word is. What many rows have is found by walking through them in order.
    """
    query = prefix_query(typed)
    if query is None:
        return literal(value=False)
    words = func.to_tsquery("simple", query)
    ids = db.session.scalar(select(_finder(everything)(words, FEW + 1)))
    if ids is not None and len(ids) <= FEW:
        return Ticket.id == any_(literal(ids, ARRAY(BigInteger)))
    return Ticket.search.bool_op("@@")(words)
