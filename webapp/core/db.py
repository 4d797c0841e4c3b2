"""The database handle, the declarative base, and shorthands for columns."""

import enum
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, Enum, Identity, Integer, MetaData, String, event, func
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Mapper,
    declared_attr,
    mapped_column,
    registry,
)
from sqlalchemy.types import BigInteger

IntPK = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Name = Annotated[str, mapped_column(String(200))]

# Every constraint has a predictable name, so that a migration can drop it again.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Times carry a zone; an enum is text that a CHECK constraint keeps honest."""

    # Flask-SQLAlchemy copies this class, which only works if the type map sits
    # on the registry; on the class itself SQLAlchemy refuses the copy.
    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={
            int: BigInteger,
            datetime: DateTime(timezone=True),
            enum.StrEnum: Enum(
                enum.StrEnum,
                native_enum=False,
                create_constraint=True,
                length=32,
                values_callable=lambda members: [member.value for member in members],
            ),
        },
    )


# pool_pre_ping finds a dead connection before a request uses it; the rest are the
# limits of a connection (see webapp.core.database.CONNECT_ARGS).
db = SQLAlchemy(model_class=Base, disable_autonaming=True)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model


class Audited:
    """Marks a model whose every change leaves an audit row.

    ``audit_type`` is the object type in the log, ``audit_label`` what a person calls the row, ``audit_client_id``
    the client it belongs to; columns in ``audit_secret`` are recorded as changed, without a value, those in
    ``audit_ignored`` not at all. ``audit_told`` is how a service wants the next change told (``core.trail.tell``).
    """

    audit_type: str
    audit_secret: frozenset[str] = frozenset()
    audit_ignored: frozenset[str] = frozenset({"updated_at", "created_at", "version"})
    audit_told: dict[str, Any] | None = None

    @property
    def audit_label(self) -> str:
        """What a person calls this row."""
        return str(getattr(self, "name", "") or "")

    @property
    def audit_client_id(self) -> int | None:
        """The client whose row this is."""
        return getattr(self, "client_id", None)


@event.listens_for(Mapper, "mapper_configured")
def _remember_old_values(mapper: Mapper[Any], model: type) -> None:
    """Have a column's old value loaded before it is overwritten.

    SQLAlchemy skips that by default, and the audit row of a change to an expired
    object would claim that there was nothing before.
    """
    if issubclass(model, Audited):
        for column in mapper.column_attrs:
            attribute = getattr(model, column.key)
            event.listen(attribute, "set", lambda *_: None, active_history=True)


def choice(kind: type[enum.StrEnum], name: str) -> Enum:
    """Return the type of a column for ``kind`` whose check is called ``name``: for two such columns in a table."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class Timestamped:
    """When a row was written and last touched, by the database's clock."""

    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Versioned:
    """A number that rises with each save, so that a stale save is noticed."""

    version: Mapped[int] = mapped_column(Integer, server_default="1")

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        """Let the ORM keep the number, and refuse to write over a newer one."""
        return {"version_id_col": cls.version}
