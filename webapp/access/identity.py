"""Who is signed in: one query by the session's token finds the person, the grants and the scope."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import g
from flask_login import UserMixin
from sqlalchemy import text

from webapp.access.grants import Grant, grant_from
from webapp.access.queries import GRANTS, grants_of
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _

IDLE_HOURS = 12
SEEN_EVERY_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class SignedIn(UserMixin):
    """The person behind a session, with what they hold. Never a database row."""

    id: int
    name: str
    email: str
    theme: str
    locale: str
    timezone: str
    session_id: int
    token: str = field(repr=False)
    last_seen_at: datetime
    unread: int
    grants: tuple[Grant, ...]

    def get_id(self) -> str:
        """What Flask-Login keeps in the cookie: the session's token."""
        return self.token

    def opens(self, page: str) -> bool:
        """Tell whether some role opens ``page``."""
        return any(page in grant.pages for grant in self.grants)

    def sees_every_client(self, page: str) -> bool:
        """Tell whether a role without scope opens ``page``: no policy filters then."""
        return any(grant.everywhere and page in grant.pages for grant in self.grants)

    def holds(self, permission: str) -> bool:
        """Tell whether some role holds ``permission``, wherever."""
        return any(permission in grant.permissions for grant in self.grants)

    def can(self, permission: str, on: Any = None) -> bool:
        """Tell whether a role whose scope covers ``on`` (a Place; None: everywhere) holds ``permission``."""
        return any(permission in grant.permissions and grant.covers(on) for grant in self.grants)

    def named_grants(self) -> tuple[Grant, ...]:
        """The grants with the names of their places, whichever page may show those; asks the database."""
        db.session.execute(_AS_ON_NO_PAGE, {"id": str(self.id)})
        return tuple(grants_of([self.id])[self.id])


# The scope is set in the same statement: app.user_id and app.page for the policies, and the role that sees
# every client where a grant without scope opens the page. Both end with the transaction.
_LOAD = text(f"""
WITH who AS (
  SELECT s.id AS session_id, s.last_seen_at, u.id, u.name, u.email, u.theme, u.locale, u.timezone
    FROM user_sessions s JOIN users u ON u.id = s.user_id
   WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > now()
     AND s.last_seen_at > now() - make_interval(hours => {IDLE_HOURS}) AND u.is_active
), held AS ({GRANTS} WHERE ur.user_id = (SELECT id FROM who))
SELECT who.*, now() AS now,
  steward_unread(who.id) AS unread,
  (SELECT coalesce(json_agg(held ORDER BY held.role, held.id), '[]') FROM held) AS grants,
  set_config('app.user_id', who.id::text, true), set_config('app.page', :page, true),
  CASE WHEN EXISTS (SELECT FROM held
    WHERE num_nonnulls(location_id, client_id, project_id) = 0 AND (:page = '' OR :page = ANY (pages)))
  THEN set_config('role', 'steward_all', true) END
FROM who
""")  # noqa: S608 - no user input


# Without a page the scope is that of all grants together.
_AS_ON_NO_PAGE = text(
    "SELECT set_config('app.user_id', :id, true), set_config('app.page', '', true)"
)


def token_hash(token: str) -> bytes:
    """Hash a session's token: 256 random bits need no salt and no stretching."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def load(token: str) -> SignedIn | None:
    """Return the person whose session carries ``token``, if it is still good."""
    g.person_known = True
    row = db.session.execute(
        _LOAD, {"hash": token_hash(token), "page": g.get("page_key", "")}
    ).one_or_none()
    if row is None:
        return None
    if (row.now - row.last_seen_at).total_seconds() > SEEN_EVERY_SECONDS:
        g.seen_session = row.session_id
    return SignedIn(
        id=row.id,
        name=row.name,
        email=row.email,
        theme=row.theme,
        locale=row.locale,
        timezone=row.timezone,
        session_id=row.session_id,
        token=token,
        last_seen_at=row.last_seen_at,
        unread=row.unread,
        grants=tuple(grant_from(grant) for grant in row.grants),
    )


_ACT = text(f"""
WITH who AS (SELECT id, name, email, theme, locale, timezone FROM users WHERE id = :id AND is_active),
held AS ({GRANTS} WHERE ur.user_id = (SELECT id FROM who))
SELECT who.*, (SELECT coalesce(json_agg(held ORDER BY held.role, held.id), '[]') FROM held) AS grants,
  set_config('app.user_id', who.id::text, true), set_config('app.page', :page, true),
  set_config('role', CASE WHEN EXISTS (SELECT FROM held
    WHERE num_nonnulls(location_id, client_id, project_id) = 0 AND (:page = '' OR :page = ANY (pages)))
  THEN 'steward_all' ELSE 'none' END, true)
FROM who
""")  # noqa: S608 - no user input


def act_as_person(user_id: int, *, page: str) -> SignedIn:
    """Go on in this transaction as a person, with the scope that their roles have on ``page`` now.

    For jobs, which no session starts.

    Raises:
        DomainError: if the account is not active any more, or no role of it opens the page.
    """
    row = db.session.execute(_ACT, {"id": user_id, "page": page}).one_or_none()
    grants = tuple(grant_from(grant) for grant in row.grants) if row else ()
    if row is None or (page and not any(page in grant.pages for grant in grants)):
        raise DomainError(_("Whoever started this may not do it any more."))
    trail.act_as(row.name, user_id=row.id)
    return SignedIn(
        id=row.id,
        name=row.name,
        email=row.email,
        theme=row.theme,
        locale=row.locale,
        timezone=row.timezone,
        session_id=0,
        token="",
        last_seen_at=datetime.now(UTC),
        unread=0,
        grants=grants,
    )
