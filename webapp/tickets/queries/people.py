"""Reads about the people of a ticket: who may see it, who follows it, whom it can be given to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import BigInteger, Select, and_, bindparam, case, exists, or_, select, true

from webapp.access.models import Page, PageRole, UserRole
from webapp.core.db import db
from webapp.core.pickers import LIMIT, Option
from webapp.core.search import cleaned
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import above
from webapp.tickets.models import Contact, Team, TeamMember, Watcher
from webapp.users.models import User

MAX_WORDS = 8
MAX_TEAMS = 500


class Lying(Protocol):
    """Anything that lies somewhere: a ticket, or a command that would make one."""

    @property
    def client_id(self) -> int:
        """Its client."""

    @property
    def project_id(self) -> int | None:
        """Its project, if it has one."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place without anything in it yet."""

    client_id: int
    project_id: int | None = None


def who_opens_tickets() -> Select[int]:
    """Select the ids of active people with a role that opens the page of tickets, wherever."""
    return (
        select(UserRole.user_id)
        .join(User, User.id == UserRole.user_id)
        .where(User.is_active, UserRole.role_id.in_(_opening()))
    )


def who_works_in_sight() -> Select[int]:
    """Select those who open tickets somewhere in sight of the asker; the database narrows clients and projects."""
    homes = above(Location.id.in_(select(Client.location_id)), "homes_in_sight")
    everywhere = and_(
        UserRole.location_id.is_(None), UserRole.client_id.is_(None), UserRole.project_id.is_(None)
    )
    return who_opens_tickets().where(
        or_(
            everywhere,
            UserRole.client_id.in_(select(Client.id)),
            UserRole.project_id.in_(select(Project.id)),
            UserRole.location_id.in_(select(homes.c.id)),
        )
    )


def _opening() -> Select[int]:
    """The roles that open the page of tickets."""
    opened = select(PageRole.role_id).join(Page, Page.id == PageRole.page_id)
    return opened.where(Page.key == "tickets")


def who_can_see(ticket: Lying) -> Select[int]:
    """Select the ids of active people with a role that opens the page of tickets where this one lies.

    Mentions, assignments, watchers and notices all ask this: ``User.id.in_(who_can_see(ticket))``.
    """
    return _seeing(ticket.client_id, ticket.project_id)


@lru_cache(maxsize=512)  # to build it takes longer than the database needs to answer
def _seeing(client_id: int, project_id: int | None) -> Select[int]:
    home = select(Client.location_id).where(Client.id == client_id).scalar_subquery()
    up = above(Location.id == home, "ticket_places")
    everywhere = and_(
        UserRole.location_id.is_(None), UserRole.client_id.is_(None), UserRole.project_id.is_(None)
    )
    covers = [
        everywhere,
        UserRole.client_id == client_id,
        UserRole.location_id.in_(select(up.c.id)),
    ]
    if project_id is not None:
        covers.append(UserRole.project_id == project_id)
    return who_opens_tickets().where(or_(*covers))


def can_see(ticket: Lying, user_ids: Sequence[int]) -> set[int]:
    """Return those of some people who may see the ticket."""
    if not user_ids:
        return set()
    found = who_can_see(ticket).where(UserRole.user_id.in_(user_ids)).distinct()
    return set(db.session.scalars(found))


def live_teams() -> list[Any]:
    """The teams that tickets can be given to: rows (id, name)."""
    statement = (
        select(Team.id, Team.name)
        .where(Team.deleted_at.is_(None))
        .order_by(Team.name, Team.id)
        .limit(MAX_TEAMS)
    )
    return list(db.session.execute(statement))


def is_live_team(team_id: int) -> bool:
    """Tell whether tickets can be given to a team."""
    found = select(Team.id).where(Team.id == team_id, Team.deleted_at.is_(None))
    return db.session.scalar(found) is not None


def name_of(user_id: int | None) -> str | None:
    """Return what a person is called."""
    return (
        None if user_id is None else db.session.scalar(select(User.name).where(User.id == user_id))
    )


_WATCHERS = (
    select(User.id, User.name, User.is_active)
    .join(Watcher, Watcher.user_id == User.id)
    .where(Watcher.ticket_id == bindparam("ticket", type_=BigInteger))
    .order_by(User.name, User.id)
)


def watchers_of(ticket_id: int) -> list[Any]:
    """Who follows a ticket: rows (id, name, is_active), by name."""
    return list(db.session.execute(_WATCHERS, {"ticket": ticket_id}))


def find_watcher(ticket_id: int, user_id: int) -> Watcher | None:
    """Return the row by which a person follows a ticket."""
    found = select(Watcher).where(Watcher.ticket_id == ticket_id, Watcher.user_id == user_id)
    return db.session.scalar(found)


# --- what search boxes offer ----------------------------------------------------------


def find_people(typed: str, *, among: Select[int], team_id: int | None = None) -> list[Any]:
    """Rows (id, name, email, in_team) of people among some, those of the team first."""
    in_team = exists().where(TeamMember.user_id == User.id, TeamMember.team_id == (team_id or 0))
    begins = case((User.name.istartswith(typed, autoescape=True), 0), else_=1)
    statement = (
        select(User.id, User.name, User.email, in_team.label("in_team"))
        .where(User.id.in_(among), _holds(typed, User.name, User.email))
        .order_by(in_team.desc(), begins, User.name, User.id)
        .limit(LIMIT + 1)
    )
    return list(db.session.execute(statement))


def find_requesters(typed: str, *, client_id: int | None, titles: dict[str, str]) -> list[Option]:
    """Contacts in sight (of one client, if it is known) and then people with an account."""
    contacts = select(Contact.id, Contact.name, Contact.email).where(
        _holds(typed, Contact.name, Contact.email)
    )
    if client_id is not None:
        contacts = contacts.where(Contact.client_id == client_id)
    people = select(User.id, User.name, User.email).where(
        User.is_active, _holds(typed, User.name, User.email)
    )
    return [
        Option(value=f"{kind}:{row.id}", label=row.name, hint=row.email, group=titles[kind])
        for kind, rows in (
            ("contact", contacts.order_by(Contact.name, Contact.id)),
            ("user", people.order_by(User.name, User.id)),
        )
        for row in db.session.execute(rows.limit(LIMIT // 2 + 1))
    ]


def _holds(typed: str, *columns: Any) -> Any:
    """Every word occurs in one of the columns."""
    words = cleaned(typed).split()[:MAX_WORDS]
    return and_(
        true(),
        *(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words),
    )
