"""The tree Location (nested) > Client > Project."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned


class Location(Audited, Timestamped, Versioned, Model):
    """A place, possibly inside another; a trigger refuses cycles."""

    __tablename__ = "locations"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        Index(
            "uq_locations_parent_name",
            "parent_id",
            text("lower(name)"),
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_locations_name_id", "name", "id"),
    )
    audit_type = "location"

    id: Mapped[IntPK]
    name: Mapped[Name]
    address: Mapped[str] = mapped_column(Text, default="", server_default="")
    parent_id: Mapped[int | None] = mapped_column(
        ForeignKey("locations.id", ondelete="RESTRICT"), index=True
    )
    deleted_at: Mapped[datetime | None]


class Client(Audited, Timestamped, Versioned, Model):
    """An organisation that is looked after; isolated by row level security."""

    __tablename__ = "clients"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("code ~ '^[A-Z0-9][A-Z0-9-]{1,15}$'", name="code_format"),
        # Within a place, so that the key tells nobody of clients elsewhere; the service looks further.
        UniqueConstraint("location_id", "code"),
        Index("ix_clients_code", "code"),
        Index("ix_clients_name_id", "name", "id"),
    )
    audit_type = "client"

    id: Mapped[IntPK]
    name: Mapped[Name]
    code: Mapped[str] = mapped_column(String(16))
    location_id: Mapped[int] = mapped_column(
        ForeignKey("locations.id", ondelete="RESTRICT"), index=True
    )
    contact_email: Mapped[str | None] = mapped_column(String(254))
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    deleted_at: Mapped[datetime | None]

    @property
    def audit_client_id(self) -> int | None:
        """A client belongs to itself."""
        return self.id


class Project(Audited, Timestamped, Versioned, Model):
    """A piece of work for one client; isolated by row level security."""

    __tablename__ = "projects"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint(
            "ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="ends_after_start"
        ),
        # What points at a project does so together with its client.
        UniqueConstraint("client_id", "id"),
        Index(
            "uq_projects_client_name",
            "client_id",
            text("lower(name)"),
            unique=True,
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_projects_name_id", "name", "id"),
    )
    audit_type = "project"

    id: Mapped[IntPK]
    name: Mapped[Name]
    client_id: Mapped[int] = mapped_column(
        ForeignKey("clients.id", ondelete="RESTRICT"), index=True
    )
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    deleted_at: Mapped[datetime | None]
