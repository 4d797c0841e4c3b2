"""What the search boxes of the queue's filters offer."""

from typing import Any

from sqlalchemy import and_, case, exists, func, or_, select, true

from webapp.access.identity import SignedIn
from webapp.access.models import Page, PageRole, UserRole
from webapp.assets.queries import choices
from webapp.core.db import db
from webapp.core.pickers import LIMIT, Option
from webapp.core.search import cleaned
from webapp.tickets.models import Contact, Team, Ticket
from webapp.users.models import User

MAX_WORDS = 8
LATELY = 3000  # tickets whose tags are offered


def find_assignees(typed: str, _who: SignedIn) -> list[Option]:
    """Return people with a role that opens the tickets, and those who still have one."""
    opening = select(PageRole.role_id).join(Page).where(Page.key == "tickets")
    works = exists().where(UserRole.user_id == User.id, UserRole.role_id.in_(opening))
    has = exists().where(Ticket.assignee_id == User.id, Ticket.is_open)
    return _people(typed, or_(and_(User.is_active, works), has))


def find_requesters(typed: str, *, titles: dict[str, str]) -> list[Option]:
    """Return contacts in sight, then people, active or not."""
    contacts = (
        select(Contact.id, Contact.name, Contact.email)
        .where(_holds(typed, Contact.name, Contact.email))
        .order_by(Contact.name, Contact.id)
        .limit(LIMIT // 2 + 1)
    )
    found = [
        Option(value=f"contact:{row.id}", label=row.name, hint=row.email, group=titles["contact"])
        for row in db.session.execute(contacts)
    ]
    people = [
        Option(value=f"user:{one.value}", label=one.label, hint=one.hint, group=titles["user"])
        for one in _people(typed, true())[: LIMIT // 2 + 1]
    ]
    return found + people


def find_teams(typed: str, _who: SignedIn) -> list[Option]:
    """Return teams by name, those that are gone last."""
    statement = (
        select(Team.id, Team.name)
        .where(_holds(typed, Team.name))
        .order_by(Team.deleted_at.is_not(None), Team.name, Team.id)
        .limit(LIMIT + 1)
    )
    return [Option(value=str(row.id), label=row.name) for row in db.session.execute(statement)]


def find_assets(typed: str, who: SignedIn) -> list[Option]:
    """Return assets in sight."""
    return choices.find_assets(typed, who)


def find_tags(typed: str, _who: SignedIn) -> list[Option]:
    """Return the tags that begin as typed and that tickets in sight got lately, the frequent ones first."""
    lately = (
        select(Ticket.tags)
        .where(func.cardinality(Ticket.tags) > 0)
        .order_by(Ticket.updated_at.desc(), Ticket.id.desc())
        .limit(LATELY)
        .subquery()
    )
    each = select(func.unnest(lately.c.tags).label("tag")).subquery()
    statement = (
        select(each.c.tag)
        .where(each.c.tag.startswith(cleaned(typed).lower(), autoescape=True))
        .group_by(each.c.tag)
        .order_by(func.count().desc(), each.c.tag)
        .limit(LIMIT + 1)
    )
    return [Option(value=tag, label=tag) for tag in db.session.scalars(statement)]


def _people(typed: str, which: Any) -> list[Option]:
    begins = case((User.name.istartswith(typed, autoescape=True), 0), else_=1)
    statement = (
        select(User.id, User.name, User.email)
        .where(which, _holds(typed, User.name, User.email))
        .order_by(begins, User.name, User.id)
        .limit(LIMIT + 1)
    )
    return [
        Option(value=str(row.id), label=row.name, hint=row.email)
        for row in db.session.execute(statement)
    ]


def _holds(typed: str, *columns: Any) -> Any:
    """Every word occurs in one of the columns."""
    words = cleaned(typed).split()[:MAX_WORDS]
    return and_(
        true(),
        *(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words),
    )
