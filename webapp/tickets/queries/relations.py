"""Reads of how tickets hang together: links, merges, and which others might belong to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, and_, bindparam, case, literal, null, or_, select, union_all
from sqlalchemy.orm import aliased

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.core.search import cleaned
from webapp.core.typed import number_of
from webapp.tickets.models import Link, LinkKind, Merge, Status, Ticket
from webapp.tickets.queries import common

MOST = 100  # links and merges that a page shows
SUGGESTED = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Related:
    """Another ticket and what ties it: ``part`` is "link", "came" (merged into this one) or "went" (this one into it).

    ``id`` is that of the link or merge; ``back`` says that the link leads from the other one to this one. ``further``
    is where the other one was merged into itself.
    """

    part: str
    id: int
    kind: LinkKind | None
    back: bool
    number: int
    subject: str
    status: Status
    at: datetime
    further: int | None


@cache
def _ties() -> Any:
    """The statement, made once: to make it takes longer than to run it."""
    ticket_id = bindparam("ticket", type_=BigInteger)
    other, further = aliased(Ticket), aliased(Ticket)
    named = (other.number, other.subject, other.status)
    link = Link.id, Link.kind
    merge = Merge.id, null().label("kind")
    last = further.number.label("further")
    onward = further.id == other.merged_into_id

    def part(name: str, row: Any, at: Any, *, back: bool) -> Any:
        return select(
            literal(name).label("part"),
            *row,
            literal(value=back).label("back"),
            *named,
            at.label("at"),
            last,
        )

    parts = (
        part("link", link, Link.created_at, back=False)
        .join(other, other.id == Link.other_id)
        .outerjoin(further, onward)
        .where(Link.ticket_id == ticket_id),
        part("link", link, Link.created_at, back=True)
        .join(other, other.id == Link.ticket_id)
        .outerjoin(further, onward)
        .where(Link.other_id == ticket_id),
        part("came", merge, Merge.merged_at, back=True)
        .join(other, other.id == Merge.source_id)
        .outerjoin(further, onward)
        .where(Merge.target_id == ticket_id, Merge.undone_at.is_(None)),
        part("went", merge, Merge.merged_at, back=False)
        .join(other, other.id == Merge.target_id)
        .outerjoin(further, onward)
        .where(Merge.source_id == ticket_id, Merge.undone_at.is_(None)),
    )
    return union_all(*parts).order_by("at", "id").limit(MOST)


def of_ticket(ticket_id: int) -> list[Related]:
    """Return what a ticket is tied to and the reader may see, in one statement."""
    rows = db.session.execute(_ties(), {"ticket": ticket_id})
    return [Related(**row._mapping) for row in rows]  # noqa: SLF001 - the public name of a row's values


def find_others(
    ticket: Ticket, typed: str, who: SignedIn, *, to_merge: bool, limit: int
) -> Sequence[Any]:
    """Find other tickets by number or words; without either, those that lie nearest.

    With ``to_merge``, only those that this one may be merged into.
    """
    statement = select(Ticket.number, Ticket.subject, Ticket.status, Ticket.opened_at).where(
        Ticket.id != ticket.id
    )
    if to_merge:
        statement = statement.where(*_mergeable(ticket))
    typed = cleaned(typed, at_most=100).lstrip("#")
    if not typed:
        statement = statement.where(Ticket.client_id == ticket.client_id)
        return db.session.execute(
            statement.order_by(_nearness(ticket), Ticket.updated_at.desc()).limit(limit)
        ).all()
    found = common.matches(typed, everything=who.sees_every_client("tickets"))
    first = case((Ticket.number == (number_of(typed) or 0), 0), else_=1)
    statement = statement.where(or_(found, Ticket.number == (number_of(typed) or 0)))
    return db.session.execute(
        statement.order_by(first, Ticket.updated_at.desc()).limit(limit)
    ).all()


def suggestions(ticket: Ticket) -> Sequence[Any]:
    """Return tickets that this one might be about the same as: open, of the same requester or asset."""
    alike = [
        column == value
        for column, value in (
            (Ticket.requester_user_id, ticket.requester_user_id),
            (Ticket.requester_contact_id, ticket.requester_contact_id),
            (Ticket.asset_id, ticket.asset_id),
        )
        if value is not None
    ]
    linked = select(Link.id).where(
        Link.kind == LinkKind.DUPLICATE,
        or_(
            and_(Link.ticket_id == ticket.id, Link.other_id == Ticket.id),
            and_(Link.other_id == ticket.id, Link.ticket_id == Ticket.id),
        ),
    )
    statement = (
        select(
            Ticket.number, Ticket.subject, Ticket.status, Ticket.opened_at,
            *(one.label(f"alike_{n}") for n, one in enumerate(alike)),
            linked.exists().label("duplicate"),
        )
        .where(*_mergeable(ticket), or_(*alike, linked.exists()), Ticket.id != ticket.id)
        .order_by(linked.exists().desc(), Ticket.is_open.desc(), Ticket.updated_at.desc())
        .limit(SUGGESTED)
    )  # fmt: skip
    return db.session.execute(statement).all()


def _mergeable(ticket: Ticket) -> tuple[Any, ...]:
    return (
        Ticket.client_id == ticket.client_id,
        Ticket.merged_into_id.is_(None),
        Ticket.status != Status.CLOSED,
    )


def _nearness(ticket: Ticket) -> Any:
    near = [Ticket.asset_id == ticket.asset_id] if ticket.asset_id else []
    if ticket.requester_user_id:
        near.append(Ticket.requester_user_id == ticket.requester_user_id)
    if ticket.requester_contact_id:
        near.append(Ticket.requester_contact_id == ticket.requester_contact_id)
    return case((or_(*near), 0), else_=1) if near else literal(0)


def get_link(link_id: int, *, ticket_id: int) -> Link | None:
    """Find a link at either end of a ticket."""
    here = or_(Link.ticket_id == ticket_id, Link.other_id == ticket_id)
    return db.session.scalar(select(Link).where(Link.id == link_id, here))
