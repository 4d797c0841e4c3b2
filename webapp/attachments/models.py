"""Files on records. The bytes lie in storage under their sha-256; a row says whose they are, and is isolated."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Timestamped

UNSENT = "(not sent)"


class Attachment(Audited, Timestamped, Model):
    """One file of one asset or ticket. Deleted ones are kept until `flask attachments purge`.

    On a ticket it belongs to a message or, without one, waits to be sent with the next of who uploaded it. With a
    draft it waits for a ticket that is being written, and has no client yet.
    """

    __tablename__ = "attachments"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256_format"),
        CheckConstraint("size > 0", name="size_positive"),
        CheckConstraint(
            "num_nonnulls(asset_id, ticket_id, draft_id) = 1"
            " OR (num_nonnulls(asset_id, ticket_id, draft_id) = 0 AND deleted_at IS NOT NULL)",
            name="one_record",
        ),
        CheckConstraint(
            "(client_id IS NULL) = (num_nonnulls(asset_id, ticket_id) = 0)", name="client_of_record"
        ),
        CheckConstraint("message_id IS NULL OR ticket_id IS NOT NULL", name="message_of_ticket"),
        # Named rather than imported: assets and tickets lie above this domain.
        ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_attachments_asset",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(
            ["client_id", "ticket_id"],
            ["tickets.client_id", "tickets.id"],
            name="fk_attachments_ticket",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(
            ["client_id", "message_id"],
            ["ticket_messages.client_id", "ticket_messages.id"],
            name="fk_attachments_message",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        ForeignKeyConstraint(
            ["draft_id"], ["ticket_drafts.id"], name="fk_attachments_draft", ondelete="RESTRICT"
        ),
        Index("ix_attachments_asset", "asset_id", "id"),
        Index("ix_attachments_ticket", "ticket_id", "id"),
        Index("ix_attachments_message", "message_id"),
        Index("ix_attachments_draft", "draft_id", postgresql_where=text("draft_id IS NOT NULL")),
        Index("ix_attachments_client_id", "client_id"),
        Index("ix_attachments_sha256", "sha256"),
        Index(
            "ix_attachments_deleted", "deleted_at", postgresql_where=text("deleted_at IS NOT NULL")
        ),
        # The picture of the asset; without one its first image is.
        Index(
            "uq_attachments_main",
            "asset_id",
            unique=True,
            postgresql_where=text("is_main AND deleted_at IS NULL"),
        ),
    )
    audit_type = "attachment"
    audit_ignored = Audited.audit_ignored | {"preview_sha256", "thumb_sha256", "draft_id"}

    id: Mapped[IntPK]
    client_id: Mapped[int | None]
    asset_id: Mapped[int | None]
    ticket_id: Mapped[int | None]
    draft_id: Mapped[int | None]
    message_id: Mapped[int | None]
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(120))
    # What we made of an image ourselves; only these are ever shown inside a page.
    preview_sha256: Mapped[str | None] = mapped_column(String(64))
    thumb_sha256: Mapped[str | None] = mapped_column(String(64))
    is_main: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    uploaded_by_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    deleted_at: Mapped[datetime | None]

    @property
    def audit_label(self) -> str:
        """Its name; of a file without a client, which nobody else can see, the log must not say it to everybody."""
        return self.name if self.client_id is not None else UNSENT
