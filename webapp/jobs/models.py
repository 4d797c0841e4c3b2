"""What a job is doing, for people; the queue itself is procrastinate's."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Model, Timestamped


class JobReport(Timestamped, Model):
    """Progress and outcome of one job. Written beside the job's own transaction, so that a bar can move."""

    __tablename__ = "job_reports"
    __table_args__ = (Index("ix_job_reports_user", "user_id", "job_id"),)

    job_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    title: Mapped[str] = mapped_column(String(300))
    url: Mapped[str] = mapped_column(String(500), default="", server_default="")
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    done: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="", server_default="")
    finished_at: Mapped[datetime | None]
