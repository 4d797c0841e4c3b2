"""A message for one person inside the app, and how people want to be told."""

from datetime import datetime, time

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model

UNREAD = "read_at IS NULL AND in_app"
TO_MAIL = "read_at IS NULL AND emailed_at IS NULL AND mail_due_at IS NOT NULL"
EVERY = 10  # minutes between mails to one person, unless they say otherwise


class Notification(Model):
    """Something one person should know, with a link to act on it. Nobody else sees it.

    Of what is unread about the same (``group_key``) there is one, which counts. ``mail_due_at``: when a mail is to tell
    it (None: never); ``in_app``: whether the bell does. It follows from what the log has, and is not in the log itself.
    """

    __tablename__ = "notifications"
    __table_args__ = (
        CheckConstraint("count > 0", name="count_positive"),
        Index("ix_notifications_user_told", "user_id", "told_at", "id"),
        Index("ix_notifications_unread", "user_id", postgresql_where=text(UNREAD)),
        Index("ix_notifications_to_mail", "user_id", "mail_due_at", postgresql_where=text(TO_MAIL)),
        Index(
            "uq_notifications_group",
            "user_id",
            "group_key",
            unique=True,
            postgresql_where=text("read_at IS NULL AND group_key <> ''"),
        ),
    )

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    title: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text, default="", server_default="")
    url: Mapped[str] = mapped_column(String(500), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    read_at: Mapped[datetime | None]
    group_key: Mapped[str] = mapped_column(String(100), default="", server_default="")
    count: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    object_type: Mapped[str] = mapped_column(String(32), default="", server_default="")
    object_id: Mapped[int | None]
    in_app: Mapped[bool] = mapped_column(default=True, server_default=text("true"))
    told_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    mail_due_at: Mapped[datetime | None]
    emailed_at: Mapped[datetime | None]


class Preference(Audited, Model):
    """How a person wants to be told of one kind of thing, where it is not the usual way."""

    __tablename__ = "notification_preferences"
    __table_args__ = (
        UniqueConstraint("user_id", "kind", name="uq_notification_preferences_user_kind"),
    )
    audit_type = "notification_preference"

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(64))
    in_app: Mapped[bool]
    email: Mapped[bool]

    @property
    def audit_label(self) -> str:
        """What it is about."""
        return self.kind


class NotificationSettings(Audited, Model):
    """When a person gets no mail (by the clock on their wall), and how long mails gather, in minutes."""

    __tablename__ = "notification_settings"
    __table_args__ = (
        CheckConstraint("num_nulls(quiet_from, quiet_until) IN (0, 2)", name="quiet_whole"),
        CheckConstraint("quiet_from <> quiet_until", name="quiet_ends"),
        CheckConstraint("mail_every BETWEEN 0 AND 1440", name="mail_every"),
        UniqueConstraint("user_id", name="uq_notification_settings_user_id"),
    )
    audit_type = "notification_settings"

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    mail_every: Mapped[int] = mapped_column(Integer, default=EVERY, server_default=text(str(EVERY)))
