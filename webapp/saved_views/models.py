"""Filters that a person keeps under a name, for themselves or for all."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Timestamped


class SavedView(Audited, Timestamped, Model):
    """A query string of a list page."""

    __tablename__ = "saved_views"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        Index("uq_saved_views_owner_name", "user_id", "page", text("lower(name)"), unique=True),
        Index("ix_saved_views_shared", "page", "name", postgresql_where=text("is_shared")),
    )
    audit_type = "saved_view"

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    page: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(String(2000))
    is_shared: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
