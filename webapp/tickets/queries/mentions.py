"""Whom a message can mention: those who can see its ticket."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select

from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.tickets.queries import people
from webapp.users.models import User

MOST = 200


def who_see(
    ticket: people.Lying, *, q: str = "", ids: Iterable[int] | None = None, limit: int = MOST
) -> Sequence[Any]:
    """Return active people who can see a ticket: rows (id, name, email); ``q`` is the beginning of their names."""
    found = select(User.id, User.name, User.email).where(User.id.in_(people.who_can_see(ticket)))
    if ids is not None:
        found = found.where(User.id.in_(list(ids)))
    if q:
        words = prefix_query(q)
        if words is None:
            return []
        found = found.where(User.search.bool_op("@@")(func.to_tsquery("simple", words)))
    return db.session.execute(found.order_by(User.name, User.id).limit(limit)).all()
