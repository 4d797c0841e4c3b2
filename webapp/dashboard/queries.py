"""Figures, recent changes, and the search over everything: all within what the person may see."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, func, literal_column, or_, select, true

from webapp.assets.models import WARRANTY, Asset, Custody
from webapp.assets.queries.common import matches as asset_words
from webapp.audit.models import AuditEvent
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT
from webapp.core.search import cleaned, prefix_query
from webapp.notifications.models import Notification
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Reach, visible
from webapp.users.models import TokenKind, User, UserSession, UserToken

HITS = 8
SOON_DAYS = 30
NO_CHANGES = (
    *("session.opened", "session.closed", "user.viewed", "audit.read"),
    "ticket.described",  # comes with each that is opened
    # comes with each merge and split
    *("ticket.merged_in", "ticket_message.added_by_merge", "ticket_message.added_by_split"),
    *("ticket_message.moved", "time_entry.moved", "attachment.moved", "ticket_link.moved"),
)
# Rows of joining tables: the event of the person or role says it better.
PLUMBING = (
    "user_role",
    "role_permission",
    "page_role",
    "user_token",
    "notification",
    "user_session",
    "ticket_watcher",
    "ticket_merge",
    "ticket_transition_role",
)


def _count(statement: Any) -> Any:
    """Count at most to the limit of all lists."""
    few = statement.limit(COUNT_LIMIT + 1).subquery()
    return select(func.count()).select_from(few).scalar_subquery()


def figures(
    *,
    person_id: int,
    people: bool,
    organisation: Reach | None,
    audit: Reach | None,
    assets: Reach | None = None,
) -> dict[str, int]:
    """Count what the person may see, in one statement; what they may not is missing."""
    now = func.now()
    columns: dict[str, Any] = {
        "my_sessions": _count(
            select(UserSession.id).where(
                UserSession.user_id == person_id,
                UserSession.revoked_at.is_(None),
                UserSession.expires_at > now,
                UserSession.last_seen_at > now - func.make_interval(0, 0, 0, 0, 12),
            )
        )
    }
    if people:
        invited = select(UserToken.id).where(
            UserToken.kind == TokenKind.INVITATION,
            UserToken.used_at.is_(None),
            UserToken.expires_at > now,
        )
        columns["people"] = _count(select(User.id).where(User.is_active))
        columns["invitations"] = _count(invited)
    if organisation is not None:
        columns |= _organisation_figures(organisation)
    if assets is not None:
        columns |= _asset_figures(assets)
    if audit is not None:
        week = func.make_interval(0, 0, 1)
        columns["refused"] = _count(
            select(AuditEvent.id).where(
                AuditEvent.outcome != "ok",
                AuditEvent.recorded_at > now - week,
                _told(audit),
            )
        )
    row = db.session.execute(select(*(value.label(name) for name, value in columns.items()))).one()
    return dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for it


def _organisation_figures(reach: Reach) -> dict[str, Any]:
    """Clients and projects within reach, and projects that end soon."""
    today = func.current_date()
    live = and_(Project.deleted_at.is_(None), reach.projects())
    projects = select(Project.id).join(Client, Client.id == Project.client_id).where(live)
    return {
        "clients": _count(select(Client.id).where(Client.deleted_at.is_(None), reach.clients())),
        "projects": _count(projects),
        "ending": _count(
            projects.where(Project.ends_on >= today, Project.ends_on <= today + SOON_DAYS)
        ),
    }


def _asset_figures(reach: Reach) -> dict[str, Any]:
    """Assets within reach, those that should be back, and those whose warranty ends soon."""
    today = func.current_date()
    ends = literal_column(WARRANTY, Date())
    live = select(Asset.id).where(Asset.deleted_at.is_(None), _of_assets(reach))
    late = select(Custody.asset_id).where(
        Custody.returned_at.is_(None), Custody.due_on < today, Custody.due_on.is_not(None)
    )
    return {
        "assets": _count(live),
        "overdue": _count(live.where(Asset.id.in_(late))),
        "warranties": _count(live.where(ends >= today, ends <= today + SOON_DAYS)),
    }


def _of_assets(reach: Reach) -> ColumnElement[bool]:
    """Assets within reach of a page; the database's policy holds besides."""
    if reach.everywhere:
        return true()
    return or_(
        Asset.client_id.in_(select(Client.id).where(Client.location_id.in_(reach.location_ids))),
        Asset.client_id.in_(reach.client_ids),
        Asset.project_id.in_(reach.project_ids),
    )


def find_assets(typed: str, reach: Reach) -> Sequence[Any]:
    """Assets within reach with words that begin as typed in tag, serial, name, model or attributes."""
    statement = (
        select(Asset.tag, Asset.name, Client.name.label("client"), Client.code)
        .join(Client, Client.id == Asset.client_id)
        .where(
            Asset.deleted_at.is_(None),
            _of_assets(reach),
            asset_words(typed, everything=reach.everywhere),
        )
        .order_by(Asset.tag, Asset.id)
        .limit(HITS)
    )
    return db.session.execute(statement).all()


def _told(reach: Reach) -> ColumnElement[bool]:
    """Rows of the log within reach: all, or those of the clients."""
    if reach.everywhere:
        return true()
    return AuditEvent.client_id.in_(select(Client.id).where(reach.clients()))


def recent_changes(reach: Reach, *, limit: int = 12) -> Sequence[Any]:
    """The last changes in the log within reach."""
    statement = (
        select(
            AuditEvent.recorded_at,
            AuditEvent.occurred_at,
            AuditEvent.actor_id,
            AuditEvent.actor_name,
            AuditEvent.path,
            AuditEvent.reason,
            AuditEvent.outcome,
            AuditEvent.action,
            AuditEvent.object_type,
            AuditEvent.object_id,
            AuditEvent.object_label,
            AuditEvent.client_id,
            AuditEvent.changes,
        )
        .where(AuditEvent.category.in_(("change", "access", "import")), AuditEvent.outcome == "ok")
        .where(AuditEvent.action.not_in(NO_CHANGES))
        .where(_told(reach), AuditEvent.object_type.not_in(PLUMBING))
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(limit)
    )
    return db.session.execute(statement).all()


def ending_projects(reach: Reach, *, limit: int = 5) -> Sequence[Any]:
    """Projects that end within thirty days, the next first."""
    today = func.current_date()
    statement = (
        select(Project.id, Project.name, Project.ends_on, Client.name.label("client"))
        .join(Client, Client.id == Project.client_id)
        .where(Project.deleted_at.is_(None), reach.projects())
        .where(Project.ends_on >= today, Project.ends_on <= today + SOON_DAYS)
        .order_by(Project.ends_on, Project.id)
        .limit(limit)
    )
    return db.session.execute(statement).all()


def my_notices(person_id: int, *, limit: int = 5) -> Sequence[Any]:
    """What the person has not read yet."""
    statement = (
        select(Notification.title, Notification.url, Notification.created_at)
        .where(Notification.user_id == person_id, Notification.read_at.is_(None))
        .order_by(Notification.created_at.desc(), Notification.id.desc())
        .limit(limit)
    )
    return db.session.execute(statement).all()


def find_people(typed: str) -> Sequence[Any]:
    """People whose name or address holds words beginning as typed."""
    terms = prefix_query(typed)
    if terms is None:
        return []
    statement = (
        select(User.id, User.name, User.email, User.is_active)
        .where(User.search.op("@@")(func.to_tsquery("simple", terms)))
        .order_by(User.is_active.desc(), User.name, User.id)
        .limit(HITS)
    )
    return db.session.execute(statement).all()


def find_clients(typed: str, reach: Reach) -> Sequence[Any]:
    """Clients within reach with every word in their name or code."""
    statement = (
        select(Client.id, Client.name, Client.code)
        .where(
            Client.deleted_at.is_(None), reach.clients(), _words(typed, Client.name, Client.code)
        )
        .order_by(Client.name, Client.id)
        .limit(HITS)
    )
    return db.session.execute(statement).all()


def find_projects(typed: str, reach: Reach) -> Sequence[Any]:
    """Projects within reach with every word in their name."""
    statement = (
        select(Project.id, Project.name, Client.name.label("client"))
        .join(Client, Client.id == Project.client_id)
        .where(Project.deleted_at.is_(None), reach.projects(), _words(typed, Project.name))
        .order_by(Project.name, Project.id)
        .limit(HITS)
    )
    return db.session.execute(statement).all()


def find_locations(typed: str, reach: Reach) -> Sequence[Any]:
    """Locations that the person sees with every word in their name."""
    statement = (
        select(Location.id, Location.name)
        .where(Location.deleted_at.is_(None), visible(reach), _words(typed, Location.name))
        .order_by(Location.name, Location.id)
        .limit(HITS)
    )
    return db.session.execute(statement).all()


def _words(typed: str, *columns: Any) -> ColumnElement[bool]:
    words = cleaned(typed).split()[:HITS]
    return and_(
        true(),
        *(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words),
    )
