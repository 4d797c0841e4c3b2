"""What is said and done on a ticket: messages, who follows it, time spent; drafts and who is there now."""

import enum
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Timestamped, choice


class Via(enum.StrEnum):
    """How a message came in."""

    WEB = "web"
    EMAIL = "email"
    SYSTEM = "system"
    IMPORT = "import"
    PHONE = "phone"
    IN_PERSON = "in_person"


class MailState(enum.StrEnum):
    """What became of the mail to the contact who asked."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    NO_SERVER = "no_server"


def _of_ticket(table: str, *, cascade: bool = False) -> ForeignKeyConstraint:
    """The key to the ticket, with its client, so that no key tells of another client's rows."""
    return ForeignKeyConstraint(
        ["client_id", "ticket_id"],
        ["tickets.client_id", "tickets.id"],
        name=f"fk_{table}_ticket",
        ondelete="CASCADE" if cascade else "RESTRICT",
        onupdate="CASCADE",
    )


class Message(Audited, Timestamped, Model):
    """A public reply, or with ``is_note`` an internal note. Markdown as it was typed. Never changed, but merged.

    ``origin_id`` is the ticket it was written on, if it came from there by a merge or split. ``recorded_by_id`` is who
    of the desk wrote down what the requester said, on the phone for example; a trigger keeps that true. ``mailed_to``
    is the contact's address that a reply goes to, whatever becomes of it.
    """

    __tablename__ = "ticket_messages"
    __table_args__ = (
        CheckConstraint("btrim(body) <> ''", name="body_not_blank"),
        CheckConstraint("num_nonnulls(author_id, contact_id) <= 1", name="one_author"),
        CheckConstraint(
            "recorded_by_id IS NULL OR (NOT is_note AND num_nonnulls(author_id, contact_id) = 1"
            " AND author_id IS DISTINCT FROM recorded_by_id)",
            name="recorded_has_author",
        ),
        CheckConstraint(
            "via NOT IN ('phone', 'in_person') OR recorded_by_id IS NOT NULL",
            name="spoken_is_recorded",
        ),
        CheckConstraint(
            "mail_state IS NULL OR (NOT is_note AND recorded_by_id IS NULL)",
            name="mailed_is_public",
        ),
        CheckConstraint("(mail_state IS NULL) = (mailed_to IS NULL)", name="mailed_to_somebody"),
        CheckConstraint(
            "(mailed_at IS NOT NULL) = (mail_state IS NOT NULL AND mail_state IN ('sent', 'failed'))",
            name="mailed_at",
        ),
        _of_ticket("ticket_messages"),
        UniqueConstraint("client_id", "id"),
        Index("ix_ticket_messages_ticket", "ticket_id", "sent_at", "id"),
        Index("ix_ticket_messages_client_id", "client_id"),
        Index("ix_ticket_messages_author_id", "author_id", "id"),
        Index(
            "ix_ticket_messages_recorded_by",
            "recorded_by_id",
            postgresql_where=text("recorded_by_id IS NOT NULL"),
        ),
    )
    audit_type = "ticket_message"
    audit_ignored = Audited.audit_ignored | {"sent_at"}

    id: Mapped[IntPK]
    client_id: Mapped[int]
    ticket_id: Mapped[int]
    is_note: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contacts.id", ondelete="RESTRICT"))
    body: Mapped[str] = mapped_column(Text)
    via: Mapped[Via] = mapped_column(default=Via.WEB, server_default="web")
    sent_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id", ondelete="RESTRICT"))
    recorded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    mail_state: Mapped[MailState | None] = mapped_column(choice(MailState, "mail_state"))
    mailed_to: Mapped[str | None] = mapped_column(String(254))
    mailed_at: Mapped[datetime | None]

    @property
    def audit_label(self) -> str:
        """The beginning of what it says."""
        return self.body[:80]


class Watcher(Audited, Model):
    """A person who is told about a ticket."""

    __tablename__ = "ticket_watchers"
    __table_args__ = (
        _of_ticket("ticket_watchers"),
        # With its client, as in other keys here: else a key would tell of rows that their owner alone sees.
        UniqueConstraint(
            "ticket_id", "user_id", "client_id", name="uq_ticket_watchers_ticket_user"
        ),
        Index("ix_ticket_watchers_user_id", "user_id", "ticket_id"),
        Index("ix_ticket_watchers_client_id", "client_id"),
    )
    audit_type = "ticket_watcher"

    id: Mapped[IntPK]
    client_id: Mapped[int]
    ticket_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class TimeEntry(Audited, Timestamped, Model):
    """Time that a person spent on a ticket, in minutes."""

    __tablename__ = "time_entries"
    __table_args__ = (
        CheckConstraint("minutes BETWEEN 1 AND 1440", name="minutes_of_a_day"),
        _of_ticket("time_entries"),
        Index("ix_time_entries_ticket", "ticket_id", "id"),
        Index("ix_time_entries_user", "user_id", "spent_on"),
        Index("ix_time_entries_client_id", "client_id"),
    )
    audit_type = "time_entry"

    id: Mapped[IntPK]
    client_id: Mapped[int]
    ticket_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    minutes: Mapped[int] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(String(300), default="", server_default="")
    spent_on: Mapped[date]

    @property
    def audit_label(self) -> str:
        """How long."""
        return f"{self.minutes} min"


class Draft(Model):
    """What a person has typed and not sent yet; seen by that person alone.

    Of a ticket that is not there yet it has a ``key``, by which its form knows it, and the other ``fields``.
    """

    __tablename__ = "ticket_drafts"
    __table_args__ = (
        UniqueConstraint("ticket_id", "user_id", "is_note", name="uq_ticket_drafts_ticket"),
        UniqueConstraint("user_id", "key", name="uq_ticket_drafts_key"),
        CheckConstraint("num_nonnulls(ticket_id, key) = 1", name="ticket_or_key"),
        Index("ix_ticket_drafts_user_id", "user_id"),
    )

    id: Mapped[IntPK]
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("tickets.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    is_note: Mapped[bool]
    key: Mapped[str | None] = mapped_column(String(32))
    body: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    saved_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class Presence(Model):
    """Who has a ticket open, and who types an answer. Not written to disk before it is forgotten."""

    __tablename__ = "ticket_presence"
    __table_args__ = (
        PrimaryKeyConstraint("ticket_id", "user_id", "client_id", name="pk_ticket_presence"),
        _of_ticket("ticket_presence", cascade=True),
        Index("ix_ticket_presence_seen_at", "seen_at"),
        {"prefixes": ["UNLOGGED"]},
    )

    client_id: Mapped[int]
    ticket_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    seen_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    typing_at: Mapped[datetime | None]
