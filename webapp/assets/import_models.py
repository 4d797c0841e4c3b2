"""Uploads on their way into the register. Drafts: the log has their steps, and field by field what is applied."""

import enum
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import IntPK, Model, Timestamped


class ImportState(enum.StrEnum):
    """How far an import is."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"


class Verdict(enum.StrEnum):
    """What a row would do."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    WRONG = "wrong"


class ImportRun(Timestamped, Model):
    """One uploaded file, on its way through check and application. Only its owner sees it."""

    __tablename__ = "asset_imports"
    __table_args__ = (Index("ix_asset_imports_user", "user_id", text("id DESC")),)

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    file_name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[ImportState] = mapped_column(
        default=ImportState.UPLOADED, server_default="uploaded"
    )
    header: Mapped[list[str]] = mapped_column(JSONB)
    settings: Mapped[dict[str, Any]] = mapped_column(
        JSONB
    )  # mapping, defaults, what may be created
    counts: Mapped[dict[str, int]] = mapped_column(JSONB, default=dict, server_default=text("'{}'"))
    job_id: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="", server_default="")
    finished_at: Mapped[datetime | None]


class ImportRow(Model):
    """What the dry run found out about one line of the file."""

    __tablename__ = "asset_import_rows"
    __table_args__ = (
        PrimaryKeyConstraint("run_id", "line", name="pk_asset_import_rows"),
        Index("ix_asset_import_rows_verdict", "run_id", "verdict", "line"),
    )
    run_id: Mapped[int] = mapped_column(ForeignKey("asset_imports.id", ondelete="CASCADE"))
    line: Mapped[int]
    verdict: Mapped[Verdict]
    label: Mapped[str] = mapped_column(String(300), default="", server_default="")
    values: Mapped[dict[str, Any]] = mapped_column(JSONB)  # what the row says, by field
    changes: Mapped[dict[str, Any]] = mapped_column(JSONB)  # field -> [old, new]
    problems: Mapped[list[str]] = mapped_column(JSONB)


class ImportMapping(Timestamped, Model):
    """The mapping a person used for a header, offered again for the same one."""

    __tablename__ = "asset_import_mappings"
    __table_args__ = (
        PrimaryKeyConstraint("user_id", "header_hash", name="pk_asset_import_mappings"),
    )
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    header_hash: Mapped[str] = mapped_column(String(64))
    settings: Mapped[dict[str, Any]] = mapped_column(JSONB)
