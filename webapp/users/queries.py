"""Reads about people."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, exists, func, literal, literal_column, select, text
from sqlalchemy.types import DateTime

from webapp.access.models import Role, UserRole
from webapp.audit.models import AuditEvent
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import UnknownFilter, cleaned, prefix_query
from webapp.core.typed import numbers_of
from webapp.users.models import LAST_SEEN, TokenKind, User, UserSession, UserToken

STATES = ("active", "invited", "inactive")
HISTORY = 50
LISTING = Listing(
    id=User.id,
    sorts={
        "name": User.name,
        "email": User.email,
        "seen": literal_column(LAST_SEEN, DateTime(timezone=True)),
        "created": User.created_at,
    },
    default="name",
)
_ROLES = (
    select(func.array_agg(Role.name.distinct()))
    .join(UserRole, UserRole.role_id == Role.id)
    .where(UserRole.user_id == User.id)
    .correlate(User)
    .scalar_subquery()
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What a list of people is narrowed to."""

    q: str = ""
    state: str = ""
    role: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Those that are set, for the log."""
        return {
            name: value
            for name, value in (("q", self.q), ("state", self.state), ("role", self.role))
            if value
        }


def ids_from(values: Iterable[str]) -> list[int]:
    """Read ids from a query string; what cannot be one is left out."""
    return [number for number in numbers_of(values) if number]


def filters_from(args: Any) -> Filters:
    """Read filters from a query string.

    Raises:
        UnknownFilter: if one makes no sense; else an export would take everybody.
    """
    state, role = args.get("state", ""), args.get("role", "")
    roles = ids_from([role])
    if (state and state not in STATES) or (role and not roles):
        raise UnknownFilter
    return Filters(q=cleaned(args.get("q")), state=state, role=roles[0] if roles else None)


def _matching(filters: Filters) -> Any:
    statement = select(
        User.id,
        User.name,
        User.email,
        User.is_active,
        User.password_hash.is_(None).label("invited"),
        User.last_seen_at,
        User.created_at,
        func.coalesce(_ROLES, literal_column("'{}'")).label("roles"),
    )
    if filters.q:
        query = prefix_query(filters.q)
        statement = statement.where(
            User.search.bool_op("@@")(func.to_tsquery("simple", query))
            if query
            else literal(value=False)
        )
    if filters.state == "inactive":
        statement = statement.where(User.is_active.is_(False))
    elif filters.state:
        none_yet = User.password_hash.is_(None)
        statement = statement.where(
            User.is_active, none_yet if filters.state == "invited" else ~none_yet
        )
    if filters.role:
        holds = exists().where(UserRole.user_id == User.id, UserRole.role_id == filters.role)
        statement = statement.where(holds)
    return statement


def list_people(filters: Filters, args: Any) -> Page:
    """Return one page of the people that match."""
    return paginate(_matching(filters), LISTING, args, counted=True)


def all_people(filters: Filters) -> Iterable[Any]:
    """Return everyone who matches, by name, without holding all of them in memory."""
    statement = _matching(filters).order_by(User.name, User.id)
    return db.session.execute(statement.execution_options(yield_per=500))


def role_choices() -> list[tuple[int, str]]:
    """Return every role's id and name."""
    return [
        (row.id, row.name)
        for row in db.session.execute(select(Role.id, Role.name).order_by(Role.name))
    ]


def get_user(user_id: int, *, lock: bool = False) -> User | None:
    """Find a person; ``lock`` holds the row until the transaction ends."""
    statement = select(User).where(User.id == user_id)
    return db.session.scalar(statement.with_for_update() if lock else statement)


def get_users(user_ids: Iterable[int], *, lock: bool = False) -> list[User]:
    """Find people by their ids, in the order of their ids."""
    statement = select(User).where(User.id.in_(list(user_ids))).order_by(User.id)
    return list(db.session.scalars(statement.with_for_update() if lock else statement))


def matching_ids(filters: Filters, *, limit: int) -> list[int]:
    """Return the ids of the people that match, the first by name."""
    statement = _matching(filters).order_by(User.name, User.id).limit(limit)
    return [row.id for row in db.session.execute(statement)]


def email_taken(email: str, *, but: int | None = None) -> bool:
    """Tell whether somebody else has the address."""
    found = db.session.scalar(select(User.id).where(func.lower(User.email) == email.lower()))
    return found is not None and found != but


def open_sessions(user_id: int) -> list[Any]:
    """Return the sessions that still work, the latest used first; no token."""
    statement = (
        select(
            UserSession.id,
            UserSession.ip,
            UserSession.user_agent,
            UserSession.created_at,
            UserSession.last_seen_at,
        )
        .where(
            UserSession.user_id == user_id,
            UserSession.revoked_at.is_(None),
            UserSession.expires_at > func.now(),
            UserSession.last_seen_at > text("now() - interval '12 hours'"),
        )
        .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        .limit(100)
    )
    return list(db.session.execute(statement))


def find_session(session_id: int) -> Any:
    """Return a session with whose it is, whether it works, and when it ran out by itself; no token."""
    idle = UserSession.last_seen_at + text("interval '12 hours'")
    ran_out_at = func.least(UserSession.expires_at, idle)
    works = and_(UserSession.revoked_at.is_(None), ran_out_at > func.now())
    statement = (
        select(
            UserSession.user_id,
            User.name,
            UserSession.ip,
            UserSession.user_agent,
            UserSession.created_at,
            UserSession.revoked_at,
            ran_out_at.label("ran_out_at"),
            works.label("works"),
        )
        .join(User, User.id == UserSession.user_id)
        .where(UserSession.id == session_id)
    )
    return db.session.execute(statement).one_or_none()


def owns_session(user_id: int, session_id: int) -> bool:
    """Tell whether a session is a person's own."""
    mine = select(UserSession.id).where(
        UserSession.id == session_id, UserSession.user_id == user_id
    )
    return db.session.scalar(mine) is not None


def last_saved(user_id: int) -> tuple[str, datetime] | None:
    """Return who saved a person last, and when."""
    row = db.session.execute(
        select(AuditEvent.actor_name, AuditEvent.recorded_at)
        .where(
            AuditEvent.object_type == "user",
            AuditEvent.object_id == user_id,
            AuditEvent.category == "change",
        )
        .order_by(AuditEvent.recorded_at.desc())
        .limit(1)
    ).first()
    return (row.actor_name or "Somebody", row.recorded_at) if row else None


def usable_token(
    token_hash: bytes, kind: TokenKind, *, lock: bool
) -> tuple[UserToken, User] | None:
    """Find an unused, unexpired link of an active person."""
    statement = (
        select(UserToken, User)
        .join(User, User.id == UserToken.user_id)
        .where(
            UserToken.token_hash == token_hash,
            UserToken.kind == kind,
            UserToken.used_at.is_(None),
            UserToken.expires_at > func.now(),
            User.is_active,
        )
    )
    row = db.session.execute(statement.with_for_update() if lock else statement).one_or_none()
    return (row[0], row[1]) if row else None


def just_used(token_hash: bytes, kind: TokenKind) -> bool:
    """Tell whether somebody chose a password with a link within the last minutes; it may also have been spoilt."""
    lately = text("now() - interval '10 minutes'")
    used = select(UserToken.id).where(
        UserToken.token_hash == token_hash,
        UserToken.kind == kind,
        UserToken.used_at > lately,
        exists().where(
            AuditEvent.object_type == "user",
            AuditEvent.object_id == UserToken.user_id,
            AuditEvent.action.in_(("user.joined", "user.password_reset")),
            AuditEvent.recorded_at > lately,
        ),
    )
    return db.session.scalar(used) is not None


def mail_failed(user_id: int) -> bool:
    """Tell whether the mail server did not take the mail with a person's open link."""
    open_since = db.session.scalar(
        select(func.max(UserToken.created_at)).where(
            UserToken.user_id == user_id,
            UserToken.used_at.is_(None),
            UserToken.expires_at > func.now(),
        )
    )
    if open_since is None:  # most people, who are spared the look into the log
        return False
    last = (
        select(AuditEvent.action)
        .where(
            AuditEvent.object_type == "user",
            AuditEvent.object_id == user_id,
            AuditEvent.action.in_(("mail.sent", "mail.failed")),
            AuditEvent.recorded_at >= open_since,
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(1)
    )
    return db.session.scalar(last) == "mail.failed"


def unused_tokens(user_id: int) -> list[UserToken]:
    """Return every link of a person that was not used."""
    statement = select(UserToken).where(UserToken.user_id == user_id, UserToken.used_at.is_(None))
    return list(db.session.scalars(statement))
