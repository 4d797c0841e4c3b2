"""One row per change, sign-in, refusal, sensitive read, export or command.

The table is append-only, partitioned by month, and stamped by triggers: see the first migration.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    Identity,
    Index,
    SmallInteger,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import INET, JSONB, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger, UserDefinedType

from webapp.core.db import Model

CATEGORIES = ("change", "access", "sign-in", "read", "export", "import", "system")
OUTCOMES = ("ok", "denied", "failed")


class XID8(UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name the type for DDL."""
        return "xid8"


class AuditEvent(Model):
    """What happened, to what, by whom, when and from where."""

    __tablename__ = "audit_event"
    __table_args__ = (
        CheckConstraint(f"category IN {CATEGORIES}", name="category"),
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint(
            "occurred_at = recorded_at OR category = 'import'", name="history_only_by_import"
        ),
        Index("ix_audit_event_occurred", text("occurred_at DESC"), text("id DESC")),
        Index(
            "ix_audit_event_object",
            *("object_type", "object_id", text("recorded_at DESC"), text("id DESC")),
        ),
        Index("ix_audit_event_type", "object_type", text("recorded_at DESC"), text("id DESC")),
        Index("ix_audit_event_actor", "actor_id", text("recorded_at DESC"), text("id DESC")),
        Index("ix_audit_event_action", "action", text("recorded_at DESC"), text("id DESC")),
        Index("ix_audit_event_category", "category", text("recorded_at DESC"), text("id DESC")),
        Index(
            "ix_audit_event_outcome",
            text("recorded_at DESC"),
            text("id DESC"),
            postgresql_where=text("outcome <> 'ok'"),
        ),
        Index("ix_audit_event_client", "client_id", text("recorded_at DESC"), text("id DESC")),
        Index(
            "ix_audit_event_system",
            *("actor_name", text("recorded_at DESC"), text("id DESC")),
            postgresql_where=text("actor_id IS NULL"),
        ),
        Index("ix_audit_event_via", "via", text("recorded_at DESC"), text("id DESC")),
        Index("ix_audit_event_ip", "ip", text("recorded_at DESC"), text("id DESC")),
        Index(
            "ix_audit_event_search",
            "search",
            postgresql_using="gin",
            postgresql_with={"gin_pending_list_limit": "1024"},
        ),
        Index("ix_audit_event_request", "request_id"),
        Index("ix_audit_event_xid", "epoch", "xid"),
        # Append-only: rows lie in the order of their ids, which is what BRIN is for (a few KB, 40 times faster).
        Index(
            "ix_audit_event_id",
            "id",
            postgresql_using="brin",
            postgresql_with={"autosummarize": "on"},
        ),
        {"postgresql_partition_by": "RANGE (recorded_at)"},
    )

    recorded_at: Mapped[datetime] = mapped_column(
        primary_key=True, server_default=text("transaction_timestamp()")
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(server_default=text("transaction_timestamp()"))
    xid: Mapped[str] = mapped_column(XID8, server_default=text("pg_current_xact_id()"))
    epoch: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    request_id: Mapped[str | None] = mapped_column(String(64))
    actor_id: Mapped[int | None]
    actor_name: Mapped[str | None] = mapped_column(String(200))
    via: Mapped[str | None] = mapped_column(String(64))
    ip: Mapped[str | None] = mapped_column(INET)
    user_agent: Mapped[str | None] = mapped_column(String(400))
    method: Mapped[str | None] = mapped_column(String(8))
    path: Mapped[str | None] = mapped_column(String(500))
    page: Mapped[str | None] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(16))
    outcome: Mapped[str] = mapped_column(String(8), server_default=text("'ok'"))
    object_type: Mapped[str | None] = mapped_column(String(32))
    object_id: Mapped[int | None]
    object_label: Mapped[str | None] = mapped_column(String(300))
    client_id: Mapped[int | None]
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    reason: Mapped[str | None] = mapped_column(Text)
    # Words of label, reason and values; '=field', '<field:old' and '>field:new' of each change. For searching only.
    search: Mapped[str] = mapped_column(
        TSVECTOR,
        Computed("audit_terms(object_label, actor_name, reason, changes)", persisted=True),
        deferred=True,
    )
