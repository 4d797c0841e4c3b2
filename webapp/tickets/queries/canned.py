"""Canned replies: those that a person may use, and what goes into their variables."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import cleaned
from webapp.organisation.models import Client
from webapp.tickets.models import CannedReply, Contact, Team, TeamMember, Ticket
from webapp.users.models import User

LISTING = Listing(
    id=CannedReply.id,
    sorts={"shortcut": CannedReply.shortcut, "title": CannedReply.title},
    default="shortcut",
)
OFFERED = 30
MAX_WORDS = 6


def my_teams(user_id: int) -> Any:
    """The live teams that a person is in, as a subquery of ids."""
    return (
        select(TeamMember.team_id)
        .join(Team, Team.id == TeamMember.team_id)
        .where(TeamMember.user_id == user_id, Team.deleted_at.is_(None))
    )


def usable_by(user_id: int) -> ColumnElement[bool]:
    """Live replies of a person, of their teams and of everybody."""
    return and_(
        CannedReply.deleted_at.is_(None),
        or_(
            CannedReply.owner_id == user_id,
            CannedReply.team_id.in_(my_teams(user_id)),
            and_(CannedReply.owner_id.is_(None), CannedReply.team_id.is_(None)),
        ),
    )


def find(user_id: int, typed: str) -> Sequence[Any]:
    """Return replies that a person may use and that match: by shortcut first, then by title."""
    words = cleaned(typed, at_most=100).lower().split()[:MAX_WORDS]
    start = "-".join(words)
    rank = case(
        (CannedReply.shortcut == start, 0),
        (CannedReply.shortcut.startswith(start, autoescape=True), 1),
        (CannedReply.title.istartswith(" ".join(words), autoescape=True), 2),
        else_=3,
    )
    holds = map(_holds, words)
    own_first = case(
        (CannedReply.owner_id.is_not(None), 0), (CannedReply.team_id.is_not(None), 1), else_=2
    )
    statement = (
        select(
            CannedReply.id,
            CannedReply.shortcut,
            CannedReply.title,
            CannedReply.body,
            CannedReply.owner_id,
            Team.name.label("team"),
        )
        .outerjoin(Team, Team.id == CannedReply.team_id)
        .where(usable_by(user_id), *holds)
        .order_by(rank, own_first, CannedReply.shortcut, CannedReply.id)
        .limit(OFFERED)
    )
    return db.session.execute(statement).all()


def get_usable(user_id: int, reply_id: int) -> CannedReply | None:
    """Find a reply that a person may use."""
    return db.session.scalar(
        select(CannedReply).where(CannedReply.id == reply_id, usable_by(user_id))
    )


def list_replies(
    args: Any, *, user_id: int, everything: bool, q: str, whose: str, deleted: bool
) -> Page:
    """Return a page of replies: a person's own, their teams' (``everything``: each team's), and everybody's.

    ``whose`` narrows it: mine, team or all.
    """
    own = CannedReply.owner_id == user_id
    teams = CannedReply.team_id.is_not(None)
    if not everything:
        teams = CannedReply.team_id.in_(my_teams(user_id))
    everybody = and_(CannedReply.owner_id.is_(None), CannedReply.team_id.is_(None))
    seen = {"mine": own, "team": teams, "all": everybody}.get(whose, or_(own, teams, everybody))
    gone = CannedReply.deleted_at
    statement = (
        select(
            CannedReply.id,
            CannedReply.shortcut,
            CannedReply.title,
            func.left(CannedReply.body, 160).label("beginning"),
            CannedReply.owner_id,
            CannedReply.updated_at,
            Team.name.label("team"),
        )
        .outerjoin(Team, Team.id == CannedReply.team_id)
        .where(seen, gone.is_not(None) if deleted else gone.is_(None))
    )
    for word in q.lower().split()[:MAX_WORDS]:
        statement = statement.where(_holds(word, CannedReply.body))
    return paginate(statement, LISTING, args, counted=True)


def _holds(word: str, *more: Any) -> ColumnElement[bool]:
    columns = (CannedReply.shortcut, CannedReply.title, *more)
    return or_(*(column.icontains(word, autoescape=True) for column in columns))


def get_reply(reply_id: int, *, user_id: int, everything: bool) -> CannedReply | None:
    """Find a reply in sight, deleted or not."""
    seen = or_(
        CannedReply.owner_id == user_id,
        and_(CannedReply.owner_id.is_(None), CannedReply.team_id.is_(None)),
        CannedReply.team_id.is_not(None)
        if everything
        else CannedReply.team_id.in_(my_teams(user_id)),
    )
    return db.session.scalar(select(CannedReply).where(CannedReply.id == reply_id, seen))


def team_names() -> dict[int, str]:
    """Return the live teams by name."""
    rows = db.session.execute(
        select(Team.id, Team.name)
        .where(Team.deleted_at.is_(None))
        .order_by(func.lower(Team.name), Team.id)
    )
    return {row.id: row.name for row in rows}


def team_name(team_id: int | None) -> str | None:
    """Return the name of a team, deleted or not."""
    return db.session.scalar(select(Team.name).where(Team.id == team_id)) if team_id else None


def values_of(ticket_ids: Iterable[int], *, agent: str) -> dict[int, dict[str, str]]:
    """Return what goes into the variables of a reply, for each ticket in sight; one statement."""
    statement = (
        select(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            func.coalesce(User.name, Contact.name, "").label("requester"),
            Client.name.label("client"),
            func.coalesce(Asset.tag, "").label("tag"),
        )
        .join(Client, Client.id == Ticket.client_id)
        .outerjoin(User, User.id == Ticket.requester_user_id)
        .outerjoin(Contact, Contact.id == Ticket.requester_contact_id)
        .outerjoin(Asset, Asset.id == Ticket.asset_id)
        .where(Ticket.id.in_(list(ticket_ids)))
    )
    return {row.id: _values(row, agent) for row in db.session.execute(statement)}


def _values(row: Any, agent: str) -> dict[str, str]:
    return {
        "ticket.number": f"#{row.number}",
        "ticket.subject": row.subject,
        "requester.name": row.requester,
        "requester.first_name": row.requester.split()[0] if row.requester else "",
        "agent.name": agent,
        "client.name": row.client,
        "asset.tag": row.tag,
    }
