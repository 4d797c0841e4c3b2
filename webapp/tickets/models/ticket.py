"""A ticket, and the people of a client who ask without having an account. Isolated by row level security."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZMULTIRANGE, TSVECTOR
from sqlalchemy.orm import Mapped, deferred, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned, choice

# Sorts need a value: what is due never sorts last.
DUE = "coalesce(due_at, '9999-12-31 00:00:00+00'::timestamp with time zone)"
OPEN = text("is_open")
_DUE_AT = (
    "CASE WHEN status IN ('pending', 'resolved', 'closed') THEN NULL"
    " WHEN responded_at IS NULL THEN least(response_due_at, resolution_due_at) ELSE resolution_due_at END"
)
_RANK = "CASE priority WHEN 'urgent' THEN 1 WHEN 'high' THEN 2 WHEN 'normal' THEN 3 ELSE 4 END"


class Kind(enum.StrEnum):
    """What a ticket is about, in ITIL's words; maintenance is planned work."""

    INCIDENT = "incident"
    REQUEST = "request"
    MAINTENANCE = "maintenance"


class Status(enum.StrEnum):
    """Where a ticket is in its life; the table ``ticket_transitions`` says what may follow what."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"  # waits for the requester: the clocks stand
    ON_HOLD = "on_hold"  # waits for us or a third party: the clocks go on
    RESOLVED = "resolved"
    CLOSED = "closed"


class Priority(enum.StrEnum):
    """How soon; it follows from impact and urgency (``ticket_priority_rules``) unless a reason overrides it."""

    URGENT = "urgent"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Level(enum.StrEnum):
    """Impact or urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Contact(Audited, Timestamped, Versioned, Model):
    """A person of a client who asks by e-mail and has no account."""

    __tablename__ = "contacts"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("email LIKE '_%@_%' AND email = btrim(email)", name="email_format"),
        Index("uq_contacts_client_email", "client_id", "email_key", unique=True),
        Index("ix_contacts_name_id", "name", "id"),
    )
    audit_type = "contact"
    audit_ignored = Audited.audit_ignored | {"email_key"}

    id: Mapped[IntPK]
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id", ondelete="RESTRICT"))
    name: Mapped[Name]
    email: Mapped[str] = mapped_column(String(254))
    # lower() is not leakproof, so under a policy no index on it would be used; on this one it is.
    email_key: Mapped[str] = mapped_column(String(254), Computed("lower(email)", persisted=True))
    phone: Mapped[str] = mapped_column(String(60), default="", server_default="")


class Ticket(Audited, Timestamped, Versioned, Model):
    """Something asked for or broken. It belongs to a client, perhaps to a project and an asset of it.

    Triggers keep: the number; allowed changes of status; a reason where the priority is not what impact and urgency
    give; asset, contact and target of a merge from the same client when they are chosen; ``search``.
    ``opened_at`` is ``created_at`` but for imported history. Times of service levels are kept by ``services.sla``.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        CheckConstraint("btrim(subject) <> ''", name="subject_not_blank"),
        CheckConstraint(
            "num_nonnulls(requester_user_id, requester_contact_id) <= 1", name="one_requester"
        ),
        CheckConstraint(
            "status NOT IN ('resolved', 'closed') OR btrim(resolution) <> '' OR merged_into_id IS NOT NULL",
            name="resolution_given",
        ),
        CheckConstraint(
            "(resolved_at IS NOT NULL) = (status IN ('resolved', 'closed'))", name="resolved_at"
        ),
        CheckConstraint("(closed_at IS NOT NULL) = (status = 'closed')", name="closed_at"),
        CheckConstraint("merged_into_id <> id", name="not_merged_into_itself"),
        CheckConstraint("merged_into_id IS NULL OR status = 'closed'", name="merged_is_closed"),
        CheckConstraint("cardinality(tags) <= 30", name="tags_few"),
        UniqueConstraint("number", name="uq_tickets_number"),
        UniqueConstraint("client_id", "id"),
        # A project that goes to another client takes its tickets along.
        ForeignKeyConstraint(
            ["client_id", "project_id"],
            ["projects.client_id", "projects.id"],
            name="fk_tickets_project",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        Index("uq_tickets_external_ref", "client_id", "external_ref", unique=True),
        # Each sort of the list, of open tickets and of all.
        Index("ix_tickets_open_due", text(DUE), "id", postgresql_where=OPEN),
        Index("ix_tickets_open_updated", "updated_at", "id", postgresql_where=OPEN),
        Index("ix_tickets_open_created", "opened_at", "id", postgresql_where=OPEN),
        Index("ix_tickets_open_priority", "priority_rank", "id", postgresql_where=OPEN),
        Index("ix_tickets_open_number", "number", "id", postgresql_where=OPEN),
        Index("ix_tickets_due", text(DUE), "id"),
        Index("ix_tickets_updated_id", "updated_at", "id"),
        Index("ix_tickets_opened_id", "opened_at", "id"),
        Index("ix_tickets_priority_id", "priority_rank", "id"),
        # Each filter, with the two sorts that people use.
        Index("ix_tickets_assignee_due", "assignee_id", text(DUE), "id", postgresql_where=OPEN),
        Index("ix_tickets_assignee_updated", "assignee_id", "updated_at", "id"),
        Index("ix_tickets_team_due", "team_id", text(DUE), "id", postgresql_where=OPEN),
        Index("ix_tickets_team_updated", "team_id", "updated_at", "id"),
        Index("ix_tickets_client_due", "client_id", text(DUE), "id", postgresql_where=OPEN),
        Index("ix_tickets_client_updated", "client_id", "updated_at", "id"),
        Index("ix_tickets_project_due", "project_id", text(DUE), "id", postgresql_where=OPEN),
        Index("ix_tickets_project_updated", "project_id", "updated_at", "id"),
        Index("ix_tickets_status_due", "status", text(DUE), "id"),
        Index("ix_tickets_status_updated", "status", "updated_at", "id"),
        Index("ix_tickets_asset", "asset_id", "updated_at", "id"),
        Index("ix_tickets_requester_user", "requester_user_id", "updated_at", "id"),
        Index("ix_tickets_requester_contact", "requester_contact_id", "updated_at", "id"),
        Index("ix_tickets_merged_into", "merged_into_id"),
        Index("ix_tickets_sla_policy_id", "sla_policy_id"),
        Index(
            "ix_tickets_sla_check",
            "sla_check_at",
            "id",
            postgresql_where=text("sla_check_at IS NOT NULL"),
        ),
        Index(
            "ix_tickets_resolved_at",
            "resolved_at",
            "id",
            postgresql_where=text("status = 'resolved'"),
        ),
        # For the tree: counts from an index alone.
        Index("ix_tickets_count", "client_id", "project_id", postgresql_where=OPEN),
        Index("ix_tickets_tags", "tags", postgresql_using="gin"),
        Index("ix_tickets_search", "search", postgresql_using="gin"),
    )
    audit_type = "ticket"
    audit_ignored = Audited.audit_ignored | {
        *("search", "is_open", "due_at", "priority_rank", "sla_check_at", "last_message_at"),
        *("pauses", "opened_at", "response_warn_at", "resolution_warn_at"),
    }

    id: Mapped[IntPK]
    number: Mapped[int] = mapped_column(server_default=text("nextval('ticket_numbers')"))
    subject: Mapped[str] = mapped_column(String(300))
    kind: Mapped[Kind] = mapped_column(default=Kind.INCIDENT, server_default="incident")
    status: Mapped[Status] = mapped_column(default=Status.NEW, server_default="new")
    priority: Mapped[Priority] = mapped_column(default=Priority.NORMAL, server_default="normal")
    impact: Mapped[Level] = mapped_column(
        choice(Level, "impact"), default=Level.MEDIUM, server_default="medium"
    )
    urgency: Mapped[Level] = mapped_column(
        choice(Level, "urgency"), default=Level.MEDIUM, server_default="medium"
    )
    # Why the priority is another than impact and urgency give; empty if it is not.
    priority_reason: Mapped[str] = mapped_column(String(500), default="", server_default="")
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id", ondelete="RESTRICT"))
    project_id: Mapped[int | None]
    asset_id: Mapped[int | None] = mapped_column(ForeignKey("assets.id", ondelete="RESTRICT"))
    requester_user_id: Mapped[int | None] = mapped_column(
        ForeignKey("users.id", ondelete="RESTRICT")
    )
    requester_contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contacts.id", ondelete="RESTRICT")
    )
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="RESTRICT"))
    tags: Mapped[list[str]] = mapped_column(
        ARRAY(String(40)), default=list, server_default=text("'{}'")
    )
    resolution: Mapped[str] = mapped_column(Text, default="", server_default="")
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    responded_at: Mapped[datetime | None]  # the first public reply by the desk
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    reopened: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    last_message_at: Mapped[datetime | None]
    merged_into_id: Mapped[int | None] = mapped_column(
        ForeignKey("tickets.id", ondelete="RESTRICT")
    )
    external_ref: Mapped[str | None] = mapped_column(String(64))  # its number in another system
    # Service levels: when each target is due, was warned of, was missed; when a job has to look next.
    sla_policy_id: Mapped[int | None] = mapped_column(
        ForeignKey("sla_policies.id", ondelete="SET NULL")
    )
    response_due_at: Mapped[datetime | None]
    resolution_due_at: Mapped[datetime | None]
    response_warn_at: Mapped[datetime | None]
    resolution_warn_at: Mapped[datetime | None]
    response_warned_at: Mapped[datetime | None]
    resolution_warned_at: Mapped[datetime | None]
    response_breached_at: Mapped[datetime | None]
    resolution_breached_at: Mapped[datetime | None]
    sla_check_at: Mapped[datetime | None]
    # When the clocks stood; the last one is without end while they still do.
    pauses: Mapped[Any] = mapped_column(TSTZMULTIRANGE, server_default=text("'{}'"))
    # Derived.
    is_open: Mapped[bool] = mapped_column(
        Computed("status NOT IN ('resolved', 'closed')", persisted=True)
    )
    due_at: Mapped[datetime | None] = mapped_column(Computed(_DUE_AT, persisted=True))
    priority_rank: Mapped[int] = mapped_column(SmallInteger, Computed(_RANK, persisted=True))
    search: Mapped[str] = deferred(mapped_column(TSVECTOR, server_default=text("''")))

    @property
    def audit_label(self) -> str:
        """Number and subject."""
        return f"#{self.number} {self.subject}"
