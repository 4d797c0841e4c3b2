"""Files that people took out of the log."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Timestamped

FORMATS = ("csv", "jsonl", "bundle")


class AuditExport(Audited, Timestamped, Model):
    """A search of the log as a file: asked for, made by a job, there until it expires."""

    __tablename__ = "audit_exports"
    __table_args__ = (
        CheckConstraint(f"format IN {FORMATS}", name="format"),
        CheckConstraint(
            "(finished_at IS NULL) = (sha256 IS NULL) AND (finished_at IS NULL) = (rows IS NULL)"
            " AND (finished_at IS NULL) = (size IS NULL)",
            name="finished_has_file",
        ),
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        Index("ix_audit_exports_user", "user_id", "id"),
        Index("ix_audit_exports_expires_at", "expires_at"),
        Index("ix_audit_exports_sha256", "sha256"),
    )
    audit_type = "audit_export"

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    format: Mapped[str] = mapped_column(String(8))
    query: Mapped[str] = mapped_column(String(2000))
    job_id: Mapped[int | None]
    rows: Mapped[int | None]
    size: Mapped[int | None]
    sha256: Mapped[str | None] = mapped_column(String(64))
    finished_at: Mapped[datetime | None]
    expires_at: Mapped[datetime]

    @property
    def audit_label(self) -> str:
        """Name it by what it holds."""
        return f"{self.format} {self.id}"
