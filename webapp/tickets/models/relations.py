"""How tickets hang together: links between them, and merges that can be undone."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model


class LinkKind(enum.StrEnum):
    """What the first ticket of a link is to the other."""

    DUPLICATE = "duplicate"
    BLOCKS = "blocks"
    CAUSED_BY = "caused_by"
    RELATED = "related"


class Link(Audited, Model):
    """``ticket`` is a duplicate of, blocks, is caused by or is related to ``other``; both may be of different clients.

    Only who sees both tickets sees it.
    """

    __tablename__ = "ticket_links"
    __table_args__ = (
        CheckConstraint("ticket_id <> other_id", name="not_to_itself"),
        ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_links_ticket",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(
            ["other_client_id", "other_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_links_other",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index(
            "uq_ticket_links_pair",
            text("least(ticket_id, other_id)"),
            text("greatest(ticket_id, other_id)"),
            "kind",
            text("least(client_id, other_client_id)"),
            text("greatest(client_id, other_client_id)"),
            unique=True,
        ),
        Index("ix_ticket_links_ticket_id", "ticket_id"),
        Index("ix_ticket_links_other_id", "other_id"),
    )
    audit_type = "ticket_link"

    id: Mapped[IntPK]
    client_id: Mapped[int]
    ticket_id: Mapped[int]
    other_client_id: Mapped[int]
    other_id: Mapped[int]
    kind: Mapped[LinkKind] = mapped_column(default=LinkKind.RELATED, server_default="related")
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))

    @property
    def audit_label(self) -> str:
        """What kind of link it is."""
        return self.kind.value.replace("_", " ")


class Merge(Audited, Model):
    """Ticket ``source`` became part of ``target``; ``moved`` has all that undoing it needs."""

    __tablename__ = "ticket_merges"
    __table_args__ = (
        CheckConstraint("source_id <> target_id", name="not_into_itself"),
        ForeignKeyConstraint(
            ["client_id", "source_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_merges_source",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(
            ["client_id", "target_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_ticket_merges_target",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        Index(
            "uq_ticket_merges_source",
            "source_id",
            "client_id",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
        Index("ix_ticket_merges_target_id", "target_id"),
        Index("ix_ticket_merges_client_id", "client_id"),
    )
    audit_type = "ticket_merge"
    audit_ignored = Audited.audit_ignored | {"moved"}

    id: Mapped[IntPK]
    client_id: Mapped[int]
    source_id: Mapped[int]
    target_id: Mapped[int]
    moved: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'"))
    merged_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    merged_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    undone_at: Mapped[datetime | None]
