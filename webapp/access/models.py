"""The chain User > UserRole > Role > permissions and pages."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned


class Page(Model):
    """What may be opened; kept in step with ``core.registry`` by ``flask access sync``."""

    __tablename__ = "pages"
    __table_args__ = (Index("uq_pages_key", "key", unique=True),)

    id: Mapped[IntPK]
    key: Mapped[str] = mapped_column(String(64))


class Permission(Model):
    """What may be done; kept in step with ``core.registry`` by ``flask access sync``."""

    __tablename__ = "permissions"
    __table_args__ = (Index("uq_permissions_key", "key", unique=True),)

    id: Mapped[IntPK]
    key: Mapped[str] = mapped_column(String(64))


class Role(Audited, Timestamped, Versioned, Model):
    """A named bundle of pages and permissions that people are given."""

    __tablename__ = "roles"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        Index("uq_roles_lower_name", text("lower(name)"), unique=True),
    )
    audit_type = "role"

    id: Mapped[IntPK]
    name: Mapped[Name]
    description: Mapped[str] = mapped_column(Text, default="", server_default="")


class RolePermission(Audited, Model):
    """A role may do something."""

    __tablename__ = "role_permissions"
    audit_type = "role_permission"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )
    permission_id: Mapped[int] = mapped_column(
        ForeignKey("permissions.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class PageRole(Audited, Model):
    """A role may open a page."""

    __tablename__ = "page_roles"
    audit_type = "page_role"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("roles.id", ondelete="CASCADE"), primary_key=True
    )
    page_id: Mapped[int] = mapped_column(
        ForeignKey("pages.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class UserRole(Audited, Timestamped, Model):
    """A person holds a role, everywhere or within one location, client or project."""

    __tablename__ = "user_roles"
    __table_args__ = (
        CheckConstraint("num_nonnulls(location_id, client_id, project_id) <= 1", name="one_scope"),
        Index(
            "uq_user_roles_grant",
            "user_id",
            "role_id",
            "location_id",
            "client_id",
            "project_id",
            unique=True,
            postgresql_nulls_not_distinct=True,
        ),
    )
    audit_type = "user_role"

    id: Mapped[IntPK]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="RESTRICT"), index=True)
    location_id: Mapped[int | None] = mapped_column(
        ForeignKey("locations.id", ondelete="RESTRICT"), index=True
    )
    client_id: Mapped[int | None] = mapped_column(
        ForeignKey("clients.id", ondelete="RESTRICT"), index=True
    )
    project_id: Mapped[int | None] = mapped_column(
        ForeignKey("projects.id", ondelete="RESTRICT"), index=True
    )
