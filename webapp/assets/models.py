"""What the organisation looks after: types, assets, who holds them. All but types is isolated by row level security."""

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR, ExcludeConstraint
from sqlalchemy.orm import Mapped, deferred, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned

LIVE = text("deleted_at IS NULL")
# Sorts need a value: what has no date sorts as if it never ended.
NO_DAY = "'9999-12-31'::date"
WARRANTY = f"coalesce(warranty_until, {NO_DAY})"
PURCHASED = f"coalesce(purchased_on, {NO_DAY})"
SEARCH = "steward_asset_terms(tag || ' ' || serial || ' ' || name || ' ' || manufacturer || ' ' || model, attributes)"


class Status(enum.StrEnum):
    """Where an asset is in its life; the table ``asset_status_transitions`` says what may follow what."""

    PLANNED = "planned"
    IN_STOCK = "in_stock"
    IN_USE = "in_use"
    IN_REPAIR = "in_repair"
    RETIRED = "retired"
    LOST = "lost"


class Condition(enum.StrEnum):
    """How an asset came back."""

    GOOD = "good"
    WORN = "worn"
    DAMAGED = "damaged"


class AssetType(Audited, Timestamped, Versioned, Model):
    """A kind of asset, and the attributes that assets of this kind have.

    ``attributes`` is a list of ``{key, label, kind, unit, choices, required, unique}``; ``schemas.Attribute`` has the
    rules, and the trigger ``check_attributes`` holds assets to them.
    """

    __tablename__ = "asset_types"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("jsonb_typeof(attributes) = 'array'", name="attributes_list"),
        Index("uq_asset_types_name", text("lower(name)"), unique=True, postgresql_where=LIVE),
        Index("ix_asset_types_name_id", "name", "id"),
    )
    audit_type = "asset_type"

    id: Mapped[IntPK]
    name: Mapped[Name]
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    attributes: Mapped[list[dict[str, Any]]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'")
    )
    deleted_at: Mapped[datetime | None]


class Asset(Audited, Timestamped, Versioned, Model):
    """One thing. It lies in a client, perhaps in one of its projects, perhaps inside another asset."""

    __tablename__ = "assets"
    __table_args__ = (
        CheckConstraint("tag ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$'", name="tag_format"),
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("parent_id <> id", name="not_its_own_parent"),
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint("jsonb_typeof(attributes) = 'object'", name="attributes_object"),
        # Composite with the client, so that no key tells of another client's rows.
        Index("uq_assets_client_tag", "client_id", "tag_key", unique=True),
        Index("ix_assets_tag_key", "tag_key"),
        UniqueConstraint("client_id", "id"),
        ForeignKeyConstraint(
            ["client_id", "project_id"],
            ["projects.client_id", "projects.id"],
            name="fk_assets_project",
            ondelete="RESTRICT",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        ForeignKeyConstraint(
            ["client_id", "parent_id"],
            ["assets.client_id", "assets.id"],
            name="fk_assets_parent",
            ondelete="RESTRICT",
            deferrable=True,
            initially="IMMEDIATE",
        ),
        Index("ix_assets_tag_id", "tag", "id", postgresql_where=LIVE),
        Index("ix_assets_name_id", "name", "id", postgresql_where=LIVE),
        Index("ix_assets_serial_id", "serial", "id", postgresql_where=LIVE),
        Index("ix_assets_model_id", "model", "id", postgresql_where=LIVE),
        Index("ix_assets_warranty_id", text(WARRANTY), "id", postgresql_where=LIVE),
        Index("ix_assets_purchased_id", text(PURCHASED), "id", postgresql_where=LIVE),
        Index("ix_assets_updated_id", "updated_at", "id", postgresql_where=LIVE),
        Index("ix_assets_client_tag_id", "client_id", "tag", "id", postgresql_where=LIVE),
        Index("ix_assets_project_tag_id", "project_id", "tag", "id", postgresql_where=LIVE),
        Index("ix_assets_type_tag_id", "type_id", "tag", "id", postgresql_where=LIVE),
        Index(
            "ix_assets_type_status_tag_id",
            *("type_id", "status", "tag", "id"),
            postgresql_where=LIVE,
        ),
        Index("ix_assets_status_tag_id", "status", "tag", "id", postgresql_where=LIVE),
        Index("ix_assets_parent_id", "parent_id"),
        # For the tree: counts from an index alone, and what lies directly in a client.
        Index("ix_assets_count", "client_id", "project_id", postgresql_where=LIVE),
        Index(
            "ix_assets_top",
            "client_id",
            "tag",
            "id",
            postgresql_where=text(
                "project_id IS NULL AND parent_id IS NULL AND deleted_at IS NULL"
            ),
        ),
        Index("ix_assets_deleted", "tag", "id", postgresql_where=text("deleted_at IS NOT NULL")),
        Index("ix_assets_search", "search", postgresql_using="gin"),
    )
    audit_type = "asset"
    audit_ignored = Audited.audit_ignored | {"search", "tag_key"}

    id: Mapped[IntPK]
    tag: Mapped[str] = mapped_column(String(64))
    # lower() is not leakproof, so under a policy no index on it would be used; on this one it is.
    tag_key: Mapped[str] = mapped_column(String(64), Computed("lower(tag)", persisted=True))
    name: Mapped[Name]
    type_id: Mapped[int] = mapped_column(ForeignKey("asset_types.id", ondelete="RESTRICT"))
    client_id: Mapped[int] = mapped_column(ForeignKey("clients.id", ondelete="RESTRICT"))
    project_id: Mapped[int | None]
    parent_id: Mapped[int | None]
    status: Mapped[Status] = mapped_column(default=Status.IN_STOCK, server_default="in_stock")
    serial: Mapped[str] = mapped_column(String(120), default="", server_default="")
    manufacturer: Mapped[str] = mapped_column(String(120), default="", server_default="")
    model: Mapped[str] = mapped_column(String(160), default="", server_default="")
    purchased_on: Mapped[date | None]
    cost: Mapped[Decimal | None] = mapped_column(Numeric(14, 2))
    warranty_until: Mapped[date | None]
    notes: Mapped[str] = mapped_column(Text, default="", server_default="")
    attributes: Mapped[dict[str, Any]] = mapped_column(
        JSONB, default=dict, server_default=text("'{}'")
    )
    deleted_at: Mapped[datetime | None]
    search: Mapped[str] = deferred(mapped_column(TSVECTOR, Computed(SEARCH, persisted=True)))

    @property
    def audit_label(self) -> str:
        """Tag and name."""
        return f"{self.tag} {self.name}"


class AssetUniqueValue(Model):
    """A value of an attribute that is unique within a client and type; the trigger ``check_attributes`` keeps it."""

    __tablename__ = "asset_unique_values"
    __table_args__ = (
        PrimaryKeyConstraint("client_id", "type_id", "key", "value", name="pk_asset_unique_values"),
        ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_asset_unique_values_asset",
            ondelete="CASCADE",
            onupdate="CASCADE",
        ),
        Index("ix_asset_unique_values_asset_id", "asset_id"),
    )

    client_id: Mapped[int]
    type_id: Mapped[int] = mapped_column(ForeignKey("asset_types.id", ondelete="CASCADE"))
    key: Mapped[str] = mapped_column(String(40))
    value: Mapped[str] = mapped_column(String(500))
    asset_id: Mapped[int]


class StatusTransition(Model):
    """A change of status that the database allows. Filled by a migration."""

    __tablename__ = "asset_status_transitions"
    __table_args__ = (
        PrimaryKeyConstraint("from_status", "to_status", name="pk_asset_status_transitions"),
    )

    from_status: Mapped[str] = mapped_column(String(32))
    to_status: Mapped[str] = mapped_column(String(32))


class Custody(Audited, Timestamped, Versioned, Model):
    """Somebody or some place has an asset, or had it; never two at a time."""

    __tablename__ = "asset_custody"
    __table_args__ = (
        CheckConstraint("num_nonnulls(holder_user_id, holder_location_id) = 1", name="one_holder"),
        CheckConstraint("returned_at >= taken_at", name="returned_after_taken"),
        CheckConstraint(
            "due_on >= (taken_at AT TIME ZONE 'UTC')::date - 1", name="due_after_taken"
        ),
        ForeignKeyConstraint(
            ["client_id", "asset_id"],
            ["assets.client_id", "assets.id"],
            name="fk_asset_custody_asset",
            ondelete="RESTRICT",
            onupdate="CASCADE",
        ),
        # Core PostgreSQL has no gist operator class for bigint; a range of one number does as well.
        # With the client, so that no other's rows are inferred.
        ExcludeConstraint(
            (text("int8range(client_id, client_id, '[]')"), "&&"),
            (text("int8range(asset_id, asset_id, '[]')"), "&&"),
            (text("tstzrange(taken_at, returned_at)"), "&&"),
            name="ex_asset_custody_one_at_a_time",
            using="gist",
        ),
        Index("ix_asset_custody_asset", "asset_id", text("taken_at DESC")),
        Index(
            "ix_asset_custody_user",
            "holder_user_id",
            "asset_id",
            postgresql_where=text("returned_at IS NULL"),
        ),
        Index(
            "ix_asset_custody_location",
            "holder_location_id",
            "asset_id",
            postgresql_where=text("returned_at IS NULL"),
        ),
        Index(
            "ix_asset_custody_due",
            "due_on",
            "id",
            postgresql_where=text("returned_at IS NULL AND due_on IS NOT NULL"),
        ),
        Index("ix_asset_custody_client_id", "client_id"),
    )
    audit_type = "custody"

    id: Mapped[IntPK]
    client_id: Mapped[int]
    asset_id: Mapped[int]
    holder_user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="RESTRICT"))
    holder_location_id: Mapped[int | None] = mapped_column(
        ForeignKey("locations.id", ondelete="RESTRICT")
    )
    taken_at: Mapped[datetime] = mapped_column(server_default=func.now())
    due_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    returned_at: Mapped[datetime | None]
    condition: Mapped[Condition | None]
    return_note: Mapped[str] = mapped_column(Text, default="", server_default="")
