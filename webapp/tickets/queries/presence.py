"""Who has a ticket open now, and who types an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, bindparam, func, select

from webapp.core.db import db
from webapp.tickets.models import Presence
from webapp.users.models import User

HERE_FOR = timedelta(seconds=50)  # pages say every twenty that they are still looked at
TYPING_FOR = timedelta(seconds=30)
MOST = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Here:
    """Somebody at a ticket."""

    name: str
    typing: bool


def is_here() -> ColumnElement[bool]:
    """True where a person has the ticket open."""
    return Presence.seen_at > func.now() - HERE_FOR


def is_typing() -> Any:
    """True where a person typed just now."""
    typed = func.coalesce(Presence.typing_at > func.now() - TYPING_FOR, False)
    return typed.label("typing")


def of_ticket(ticket_id: int, *, but: int | None = None) -> Sequence[Any]:
    """Return who is at a ticket besides one person: rows (name, typing), those who type first."""
    return db.session.execute(
        select(User.name, is_typing())
        .join(User, User.id == Presence.user_id)
        .where(Presence.ticket_id == ticket_id, Presence.user_id != (but or 0), is_here())
        .order_by(is_typing().desc(), User.name, User.id)
        .limit(MOST)
    ).all()


def of_tickets(ids: Sequence[int], *, but: int | None = None) -> dict[int, list[tuple[str, bool]]]:
    """Return who is at some tickets, besides one person: pairs (name, typing) by ticket; for none without tickets."""
    if not ids:
        return {}
    rows = db.session.execute(_at_tickets(), {"ids": list(ids), "but": but or 0})
    found: dict[int, list[tuple[str, bool]]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append((row.name, row.typing))
    return found


@cache
def _at_tickets() -> Any:
    """The statement, made once: each page of the list asks it."""
    return (
        select(Presence.ticket_id, User.name, is_typing())
        .join(User, User.id == Presence.user_id)
        .where(
            Presence.ticket_id == any_(bindparam("ids", type_=ARRAY(BigInteger))),
            Presence.user_id != bindparam("but", type_=BigInteger),
            is_here(),
        )
        .order_by(is_typing().desc(), User.name, User.id)
    )


def of_person(ticket_id: int, user_id: int) -> Any | None:
    """Return what is known of one person at a ticket: a row (here, typing), None if nothing is."""
    return db.session.execute(
        select(is_here().label("here"), is_typing()).where(
            Presence.ticket_id == ticket_id, Presence.user_id == user_id
        )
    ).first()
