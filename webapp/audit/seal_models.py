"""What proves that the log is untouched: seals, checkpoints sent out of the database, and the history of checks.

All are append-only and written by the sealer's role alone.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import BigInteger

from webapp.audit.models import XID8
from webapp.core.db import IntPK, Model


class AuditSeal(Model):
    """The Merkle root of the rows of one month that a window of transactions wrote, chained to the seal before.

    The window is ``xid_from <= xid < xid_to``; ``form`` is the version of the rows' canonical form. A seal of the
    kind "retired" says that its month was taken out of the log: how many rows, under which root.
    """

    __tablename__ = "audit_seal"
    __table_args__ = (
        CheckConstraint("kind IN ('rows', 'retired')", name="kind"),
        CheckConstraint("rows >= 0", name="rows_not_negative"),
        CheckConstraint("month ~ '^[0-9]{4}-[0-9]{2}$'", name="month"),
        CheckConstraint("xid_from <= xid_to", name="window"),
        CheckConstraint(
            "length(root) = 32 AND length(previous) = 32 AND length(hash) = 32"
            " AND length(signature) = 64 AND length(public_key) = 32",
            name="lengths",
        ),
        Index("ix_audit_seal_window", "epoch", "month", "xid_to"),
        Index("ix_audit_seal_sealed_at", "sealed_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8))
    epoch: Mapped[int] = mapped_column(SmallInteger)
    month: Mapped[str] = mapped_column(String(7))
    xid_from: Mapped[str] = mapped_column(XID8)
    xid_to: Mapped[str] = mapped_column(XID8)
    rows: Mapped[int]
    id_min: Mapped[int | None]
    id_max: Mapped[int | None]
    form: Mapped[int] = mapped_column(SmallInteger)
    root: Mapped[bytes] = mapped_column(LargeBinary)
    previous: Mapped[bytes] = mapped_column(LargeBinary)
    hash: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sealed_at: Mapped[datetime]


class AuditLeaf(Model):
    """What is kept of a seal's rows, 65,536 to a part: ids as steps of 8 bytes, and 8 bytes of each hash.

    It proves nothing (the root does); it names the row where the root no longer fits.
    """

    __tablename__ = "audit_leaf"

    seal_id: Mapped[int] = mapped_column(ForeignKey("audit_seal.id"), primary_key=True)
    part: Mapped[int] = mapped_column(Integer, primary_key=True)
    ids: Mapped[bytes] = mapped_column(LargeBinary)
    hashes: Mapped[bytes] = mapped_column(LargeBinary)


class AuditCheckpoint(Model):
    """That the head of the chain was sent somewhere outside the database, or why it was not (``error``)."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = (
        CheckConstraint("destination IN ('file', 'mail', 'webhook')", name="destination"),
        Index("ix_audit_checkpoint_destination", "destination", "id"),
        Index("ix_audit_checkpoint_seal_id", "seal_id"),
    )

    id: Mapped[IntPK]
    seal_id: Mapped[int] = mapped_column(ForeignKey("audit_seal.id"))
    destination: Mapped[str] = mapped_column(String(8))
    target: Mapped[str] = mapped_column(String(500))
    sent_at: Mapped[datetime] = mapped_column(server_default=text("clock_timestamp()"))
    error: Mapped[str] = mapped_column(Text, server_default="")


class AuditCheck(Model):
    """One verification: of which seals, by whom, and what it found; nothing found is a log untouched."""

    __tablename__ = "audit_check"
    __table_args__ = (
        CheckConstraint("ok = (findings = '[]')", name="ok_is_nothing_found"),
        CheckConstraint("finished_at >= started_at", name="ends_after_start"),
    )

    id: Mapped[IntPK]
    asked_by: Mapped[str] = mapped_column(String(200))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime]
    seal_from: Mapped[int | None]
    seal_to: Mapped[int | None]
    rows: Mapped[int]
    unsealed: Mapped[int]
    checkpoints: Mapped[int]
    ok: Mapped[bool]
    findings: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)


class AuditCheckAcknowledgement(Model):
    """Who has looked at what a check found, and what they say of it; no reference to people, whom the log outlives."""

    __tablename__ = "audit_check_acknowledgement"
    __table_args__ = (
        CheckConstraint("length(btrim(comment)) BETWEEN 1 AND 2000", name="comment"),
        UniqueConstraint("check_id"),
    )

    id: Mapped[IntPK]
    check_id: Mapped[int] = mapped_column(ForeignKey("audit_check.id"))
    user_id: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(Text)
    acknowledged_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
