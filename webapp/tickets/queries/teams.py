"""Reads of teams: the list, members, who is on duty, and how much each has to do."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal, select, text, true

from webapp.access.models import Page, PageRole, UserRole
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT
from webapp.core.pickers import LIMIT, Option
from webapp.core.search import prefix_query
from webapp.organisation.tree import Reach
from webapp.tickets.models import Team, TeamMember, TeamShift, Ticket
from webapp.tickets.queries.queue import within
from webapp.users.models import User

MOST_TEAMS = 500
MOST_SHIFTS = 60
MOST_RELATED = 200
MAX_WORDS = 8


def list_teams(
    *, reach: Reach | None, q: str = "", deleted: bool = False, team_id: int | None = None
) -> Sequence[Any]:
    """Return teams by name: members, who is on duty, open and unassigned tickets within ``reach`` (capped).

    Without ``reach`` no tickets are counted.
    """
    members = (
        select(func.count())
        .select_from(TeamMember)
        .where(TeamMember.team_id == Team.id)
        .scalar_subquery()
    )
    columns = [Team.id, Team.name, Team.description, members.label("members")]
    duty = _on_duty().lateral("duty")
    columns += [duty.c.user_id.label("duty_id"), duty.c.name.label("duty"), duty.c.ends_at]
    statement = select(*columns).select_from(Team).outerjoin(duty, true())
    if reach is None:
        none = literal(0)
        statement = statement.add_columns(none.label("open"), none.label("unassigned"))
    else:
        load = _load(reach).lateral("load")
        statement = statement.add_columns(load.c.open, load.c.unassigned).outerjoin(load, true())
    statement = statement.where(
        Team.deleted_at.is_not(None) if deleted else Team.deleted_at.is_(None)
    )
    if team_id is not None:
        statement = statement.where(Team.id == team_id)
    for word in q.split()[:MAX_WORDS]:
        statement = statement.where(Team.name.icontains(word, autoescape=True))
    statement = statement.order_by(func.lower(Team.name), Team.id).limit(MOST_TEAMS)
    return db.session.execute(statement).all()


def _on_duty() -> Any:
    """Who of a team is on duty now; at most one, as the database keeps it."""
    return (
        select(TeamShift.user_id, User.name, TeamShift.ends_at)
        .join(User, User.id == TeamShift.user_id)
        .where(
            TeamShift.team_id == Team.id,
            TeamShift.starts_at <= func.now(),
            TeamShift.ends_at > func.now(),
            User.is_active,
        )
        .limit(1)
        .correlate(Team)
    )


def _load(reach: Reach) -> Any:
    """How many open tickets a team has, and how many of these nobody; no more are looked at than are counted."""
    few = (
        select(Ticket.assignee_id)
        .where(Ticket.team_id == Team.id, Ticket.is_open, within(reach))
        .limit(COUNT_LIMIT + 1)
        .correlate(Team)
        .lateral("few")
    )
    return select(
        func.count().label("open"),
        func.count().filter(few.c.assignee_id.is_(None)).label("unassigned"),
    ).select_from(few)


def get_team(team_id: int, *, lock: bool = False) -> Team | None:
    """Find a team, deleted or not; ``lock`` holds its row until the transaction ends."""
    statement = select(Team).where(Team.id == team_id)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(fresh if lock else statement)


def members_of(team_id: int) -> Sequence[Any]:
    """Return the members of a team, leads first."""
    statement = (
        select(
            TeamMember.id,
            TeamMember.user_id,
            TeamMember.is_lead,
            User.name,
            User.email,
            User.is_active,
        )
        .join(User, User.id == TeamMember.user_id)
        .where(TeamMember.team_id == team_id)
        .order_by(TeamMember.is_lead.desc(), User.name, User.id)
    )
    return db.session.execute(statement).all()


def get_member(team_id: int, user_id: int) -> TeamMember | None:
    """Find a member of a team."""
    return db.session.scalar(
        select(TeamMember).where(TeamMember.team_id == team_id, TeamMember.user_id == user_id)
    )


def get_active_person(user_id: int) -> User | None:
    """Find a person who has not left."""
    return db.session.scalar(select(User).where(User.id == user_id, User.is_active))


def people_like(typed: str, *, outside: int) -> list[Option]:
    """Return people who may open tickets and are not in a team yet."""
    inside = select(TeamMember.user_id).where(TeamMember.team_id == outside)
    opens = (
        select(UserRole.user_id)
        .join(PageRole, PageRole.role_id == UserRole.role_id)
        .join(Page, Page.id == PageRole.page_id)
        .where(Page.key == "tickets")
    )
    statement = (
        select(User.id, User.name, User.email)
        .where(User.is_active, User.id.not_in(inside), User.id.in_(opens))
        .order_by(User.name, User.id)
        .limit(LIMIT + 1)
    )
    if typed:
        terms = prefix_query(typed)
        if terms is None:
            return []
        statement = statement.where(User.search.op("@@")(func.to_tsquery("simple", terms)))
    return [
        Option(value=str(row.id), label=row.name, hint=row.email)
        for row in db.session.execute(statement)
    ]


def name_of(user_id: int | None) -> str | None:
    """Return the name of a person."""
    return db.session.scalar(select(User.name).where(User.id == user_id)) if user_id else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Rota:
    """The shifts of a team that have not ended, the first of them, and the last there was."""

    now: Any | None
    next: Any | None
    rows: Sequence[Any]
    more: bool


def rota_of(team_id: int) -> Rota:
    """Return who is on duty, who is next, and what is planned."""
    statement = (
        select(
            TeamShift.id,
            TeamShift.user_id,
            TeamShift.starts_at,
            TeamShift.ends_at,
            User.name,
            User.is_active,
            (TeamShift.starts_at <= func.now()).label("is_now"),
        )
        .join(User, User.id == TeamShift.user_id)
        .where(TeamShift.team_id == team_id, TeamShift.ends_at > func.now())
        .order_by(TeamShift.starts_at, TeamShift.id)
        .limit(MOST_SHIFTS + 1)
    )
    rows = db.session.execute(statement).all()
    now = rows[0] if rows and rows[0].is_now else None
    later = rows[1:] if now else rows
    return Rota(
        now=now,
        next=later[0] if later else None,
        rows=rows[:MOST_SHIFTS],
        more=len(rows) > MOST_SHIFTS,
    )


def get_shift(team_id: int, shift_id: int) -> TeamShift | None:
    """Find a shift of a team."""
    return db.session.scalar(
        select(TeamShift).where(TeamShift.team_id == team_id, TeamShift.id == shift_id)
    )


def coming_shifts(team_id: int, user_id: int) -> Sequence[TeamShift]:
    """Return the shifts of a member that have not ended."""
    return db.session.scalars(
        select(TeamShift)
        .where(
            TeamShift.team_id == team_id,
            TeamShift.user_id == user_id,
            TeamShift.ends_at > func.now(),
        )
        .order_by(TeamShift.starts_at)
    ).all()


def clash(team_id: int, starts_at: datetime, ends_at: datetime) -> Any | None:
    """Return the first shift of a team between two moments, with the name of whose it is."""
    statement = (
        select(TeamShift.starts_at, TeamShift.ends_at, User.name)
        .join(User, User.id == TeamShift.user_id)
        .where(
            TeamShift.team_id == team_id,
            TeamShift.starts_at < ends_at,
            TeamShift.ends_at > starts_at,
        )
        .order_by(TeamShift.starts_at)
        .limit(1)
    )
    return db.session.execute(statement).first()


def rota_ends(team_id: int) -> datetime | None:
    """Return when the last shift of a team ends, if that lies ahead."""
    return db.session.scalar(
        select(func.max(TeamShift.ends_at)).where(
            TeamShift.team_id == team_id, TeamShift.ends_at > func.now()
        )
    )


def database_time() -> datetime:
    """Return when this transaction began."""
    return db.session.scalars(select(func.now())).one()


_DESK = """
  SELECT (SELECT count(*) FROM sla_policies WHERE deleted_at IS NULL) AS policies,
    (SELECT count(*) FROM business_hours) AS hours,
    (SELECT string_agg(name, ', ' ORDER BY name) FROM (SELECT name FROM business_hours ORDER BY name LIMIT 3) h)
      AS calendars,
    (SELECT count(*) FROM ticket_transitions WHERE is_allowed) AS allowed,
    (SELECT count(DISTINCT transition_id) FROM ticket_transition_roles) AS limited,
    (SELECT count(*) FROM canned_replies r WHERE deleted_at IS NULL AND owner_id = :me) AS own,
    (SELECT count(*) FROM canned_replies r WHERE deleted_at IS NULL AND owner_id IS NULL) AS shared
"""


def desk_figures(user_id: int) -> Mapping[str, Any]:
    """Count what the desk is made of, in one statement."""
    return dict(db.session.execute(text(_DESK), {"me": user_id}).mappings().one())
