"""Signing in and out: server-side sessions, and delays that grow with failures."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text

from webapp.access.identity import token_hash
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, ngettext
from webapp.users import passwords
from webapp.users.models import User, UserSession
from webapp.users.schemas import email_key

LIFETIME = timedelta(days=7)
FREE_FAILURES = 5  # failures within an hour before the delays begin
LONGEST_DELAY = timedelta(minutes=15)
ADDRESS_FREE_FAILURES = 20
MINUTE = 60
FAILED = _("The e-mail address or the password is not right.")


class SignInRefused(DomainError):
    """Sign-in failed, for whatever reason: the text is always the same."""

    def __init__(self) -> None:
        """Say no more than that it failed."""
        super().__init__(FAILED)


class TooManyAttempts(DomainError):
    """Wait before trying again; ``seconds`` says how long."""

    def __init__(self, seconds: int) -> None:
        """Keep how long to wait."""
        super().__init__(_wait(seconds))
        self.seconds = seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A new session: the token goes into the cookie and is stored nowhere."""

    token: str
    user: User


# Failures of the last hour since the last success, for the account from strange addresses, and for the address.
# An address from which the account signed in before is not slowed by others' failures: a stranger cannot lock
# the owner out, neither from elsewhere nor by guessing for other accounts from the same office.
_FAILURES = text("""
SELECT
  (SELECT count(*) FROM sign_in_attempts a WHERE a.email_key = :email AND NOT a.succeeded
     AND a.at > now() - interval '1 hour' AND (NOT known.here OR a.ip = CAST(:ip AS inet))
     AND a.at > coalesce((SELECT max(s.at) FROM sign_in_attempts s WHERE s.email_key = :email AND s.succeeded
                            AND s.ip = CAST(:ip AS inet)), '-infinity')) AS account,
  (SELECT count(*) FROM sign_in_attempts a WHERE a.ip = CAST(:ip AS inet) AND NOT a.succeeded
     AND NOT known.here AND a.at > now() - interval '1 hour') AS address,
  extract(epoch FROM clock_timestamp() - (SELECT max(a.at) FROM sign_in_attempts a WHERE NOT a.succeeded
     AND (a.email_key = :email AND (NOT known.here OR a.ip = CAST(:ip AS inet)))))
     AS since_account,
  extract(epoch FROM clock_timestamp() - (SELECT max(a.at) FROM sign_in_attempts a WHERE NOT a.succeeded
     AND a.ip = CAST(:ip AS inet))) AS since_address
FROM (SELECT EXISTS (SELECT FROM sign_in_attempts k WHERE k.email_key = :email AND k.succeeded
        AND k.ip = CAST(:ip AS inet) AND k.at > now() - interval '30 days') AS here) AS known
""")


# Whoever guesses in parallel waits here for their turn; every attempt takes the address first, so none waits in a ring.
_TURN = text("""
SELECT pg_advisory_xact_lock(731, hashtext(:ip)), pg_advisory_xact_lock(732, hashtext(:email))
""")
_BOOK = text("""
INSERT INTO sign_in_attempts (email_key, ip, succeeded) VALUES (:email, CAST(:ip AS inet), false) RETURNING id
""")
_SUCCEEDED = text("""
UPDATE sign_in_attempts SET succeeded = true, at = clock_timestamp() WHERE id = :id
""")


def _book(*, email: str, ip: str) -> int:
    """Count an attempt as failed before its password is looked at; return its id.

    The transaction is one of its own: the count stands whatever becomes of the request, and parallel guesses see it.

    Raises:
        TooManyAttempts: if the account or the address has to wait.
    """
    asked = {"email": email_key(email), "ip": ip}
    with db.engine.begin() as connection:
        connection.execute(_TURN, asked)
        row = connection.execute(_FAILURES, asked).one()
        waits = (
            _delay(row.account, FREE_FAILURES) - float(row.since_account or 0),
            _delay(row.address, ADDRESS_FREE_FAILURES) - float(row.since_address or 0),
        )
        if wait := max(0, *(int(wait) + 1 if wait > 0 else 0 for wait in waits)):
            raise TooManyAttempts(wait)
        return int(connection.execute(_BOOK, asked).scalar_one())


def _delay(failures: int, free: int) -> float:
    """Two seconds, doubled with each failure, up to a quarter of an hour."""
    if failures < free:
        return 0.0
    return min(2.0 ** min(failures - free + 1, 20), LONGEST_DELAY.total_seconds())


def _wait(seconds: int) -> str:
    if seconds <= MINUTE:
        return ngettext(
            "Too many failed attempts. Try again in %(num)s second.",
            "Too many failed attempts. Try again in %(num)s seconds.",
            seconds,
        )
    return ngettext(
        "Too many failed attempts. Try again in %(num)s minute.",
        "Too many failed attempts. Try again in %(num)s minutes.",
        -(-seconds // MINUTE),
    )


def sign_in(*, email: str, password: str, ip: str, user_agent: str, demo: bool) -> Opened:
    """Open a session.

    Raises:
        TooManyAttempts: if the account or the address has to wait.
        SignInRefused: for an unknown person, a wrong password, an inactive account alike.
    """
    attempt = _book(email=email, ip=ip)
    user = db.session.scalar(
        select(User).where(text("lower(email) = :e")).params(e=email_key(email))
    )
    fits = passwords.matches(password, user.password_hash if user else None)
    if user is None or not fits or not user.is_active:
        raise SignInRefused
    if password == passwords.DEMO_PASSWORD and not demo:
        raise SignInRefused
    if user.password_hash and passwords.needs_rehash(user.password_hash):
        user.password_hash = passwords.hash_password(password)
    db.session.execute(_SUCCEEDED, {"id": attempt})
    opened = open_session(user, ip=ip, user_agent=user_agent)
    trail.note(
        "session.opened",
        category="sign-in",
        actor_id=user.id,
        actor_name=user.name,
        **_about(user),
    )
    return opened


def open_session(user: User, *, ip: str, user_agent: str) -> Opened:
    """Give a person a new session with a token of 256 random bits."""
    token = secrets.token_urlsafe(32)
    session = UserSession(
        user_id=user.id,
        token_hash=token_hash(token),
        ip=ip,
        user_agent=user_agent[:400],
        expires_at=datetime.now(UTC) + LIFETIME,
    )
    db.session.add(session)
    db.session.flush()
    # Not through the ORM: signing in must not make an open form about the person stale.
    db.session.execute(
        text("UPDATE users SET last_sign_in_at = now(), last_seen_at = now() WHERE id = :id"),
        {"id": user.id},
    )
    return Opened(token=token, user=user)


def end_session(
    session_id: int, *, action: str = "session.closed", reason: str | None = None
) -> None:
    """Revoke one session at once."""
    session = db.session.get(UserSession, session_id)
    if session is None or session.revoked_at is not None:
        return
    user = db.session.get_one(User, session.user_id)
    session.revoked_at = datetime.now(UTC)
    trail.note(action, category="sign-in", reason=reason, **_about(user))
    db.session.flush()


def end_all_sessions(user: User, *, but: int | None = None, reason: str) -> int:
    """Revoke every session of a person, except ``but``; return how many there were."""
    open_ones = db.session.scalars(
        select(UserSession).where(UserSession.user_id == user.id, UserSession.revoked_at.is_(None))
    ).all()
    ended = [session for session in open_ones if session.id != but]
    for session in ended:
        session.revoked_at = datetime.now(UTC)
    if ended:
        trail.note(
            "session.revoked",
            category="sign-in",
            reason=reason,
            changes={"sessions": [len(ended), 0]},
            **_about(user),
        )
    db.session.flush()
    return len(ended)


def touch(session_id: int) -> None:
    """Remember that a session was used just now."""
    db.session.execute(
        text("UPDATE user_sessions SET last_seen_at = now() WHERE id = :id"), {"id": session_id}
    )
    db.session.execute(
        text(
            "UPDATE users SET last_seen_at = now() WHERE id = (SELECT user_id FROM user_sessions WHERE id = :id)"
        ),
        {"id": session_id},
    )


def _about(user: User) -> dict[str, object]:
    return {
        "object_type": "user",
        "object_id": user.id,
        "object_label": user.name,
    }


def replace_session(user: User, *, session_id: int, ip: str, user_agent: str) -> Opened:
    """Give a person a new token in place of the session that asks."""
    end_session(session_id, reason="replaced")
    return open_session(user, ip=ip, user_agent=user_agent)
