"""People and what proves who they are."""

import enum
from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import INET, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned

# When somebody was last here, for sorting: never null, so that a list can go on after any row.
LAST_SEEN = "coalesce(last_seen_at, '1970-01-01 00:00:00+00'::timestamp with time zone)"


class Theme(enum.StrEnum):
    """How pages look; ``system`` follows the device."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class TokenKind(enum.StrEnum):
    """What a one-use link is for."""

    INVITATION = "invitation"
    PASSWORD_RESET = "password_reset"  # noqa: S105 # nosec B105 - a kind, not a password


class User(Audited, Timestamped, Versioned, Model):
    """A person who may sign in once the invitation is accepted, while active."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("email LIKE '_%@_%' AND email = btrim(email)", name="email_format"),
        Index("uq_users_lower_email", text("lower(email)"), unique=True),
        Index("ix_users_name_id", "name", "id"),
        Index("ix_users_email_id", "email", "id"),
        Index("ix_users_last_seen", text(LAST_SEEN), "id"),
        Index("ix_users_created_at_id", "created_at", "id"),
        Index("ix_users_search", "search", postgresql_using="gin"),
    )
    audit_type = "user"
    audit_secret = frozenset({"password_hash"})
    audit_ignored = frozenset(
        {"updated_at", "created_at", "version", "search", "last_seen_at", "last_sign_in_at"}
    )

    id: Mapped[IntPK]
    email: Mapped[str] = mapped_column(String(254))
    name: Mapped[Name]
    password_hash: Mapped[str | None] = mapped_column(Text)
    is_active: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    locale: Mapped[str] = mapped_column(String(8), default="en", server_default="en")
    timezone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")
    theme: Mapped[Theme] = mapped_column(default=Theme.SYSTEM, server_default="system")
    last_seen_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed("steward_terms(name || ' ' || email)", persisted=True),
        deferred=True,
    )


class UserSession(Model):
    """One signed-in browser; only a hash of its token is kept."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("uq_user_sessions_token_hash", "token_hash", unique=True),)

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str] = mapped_column(String(400), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    last_seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class SignInAttempt(Model):
    """A try to sign in, counted for the growing delays."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("ix_sign_in_attempts_email_key_at", "email_key", "at"),
        Index("ix_sign_in_attempts_ip_at", "ip", "at"),
    )

    id: Mapped[IntPK]
    at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    email_key: Mapped[str] = mapped_column(String(254))
    ip: Mapped[str] = mapped_column(INET)
    succeeded: Mapped[bool]


class UserToken(Audited, Model):
    """A link that works once, for a while: an invitation or a password reset."""

    __tablename__ = "user_tokens"
    __table_args__ = (Index("uq_user_tokens_token_hash", "token_hash", unique=True),)
    audit_type = "user_token"
    audit_secret = frozenset({"token_hash"})

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    kind: Mapped[TokenKind]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    created_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @property
    def audit_label(self) -> str:
        """What kind of link this is."""
        return self.kind.value.replace("_", " ")
