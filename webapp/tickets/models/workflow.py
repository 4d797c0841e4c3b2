"""Which status may follow which, who may do it, and what priority follows from impact and urgency."""

from sqlalchemy import ForeignKey, Index, PrimaryKeyConstraint, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, choice
from webapp.tickets.models.ticket import Level, Priority, Status


class Transition(Audited, Model):
    """A change of status; only an allowed one is made. Filled by a migration for every pair."""

    __tablename__ = "ticket_transitions"
    __table_args__ = (
        UniqueConstraint("from_status", "to_status", name="uq_ticket_transitions_pair"),
    )
    audit_type = "ticket_transition"

    id: Mapped[IntPK]
    from_status: Mapped[Status] = mapped_column(choice(Status, "from_status"))
    to_status: Mapped[Status] = mapped_column(choice(Status, "to_status"))
    is_allowed: Mapped[bool] = mapped_column(default=False, server_default=text("false"))

    @property
    def audit_label(self) -> str:
        """From what to what."""
        return f"{self.from_status} → {self.to_status}"


class TransitionRole(Audited, Model):
    """A role that may make a transition; where none is named, whoever may edit the ticket may."""

    __tablename__ = "ticket_transition_roles"
    __table_args__ = (
        UniqueConstraint("transition_id", "role_id", name="uq_ticket_transition_roles_pair"),
        Index("ix_ticket_transition_roles_role_id", "role_id"),
    )
    audit_type = "ticket_transition_role"

    id: Mapped[IntPK]
    transition_id: Mapped[int] = mapped_column(
        ForeignKey("ticket_transitions.id", ondelete="CASCADE")
    )
    role_id: Mapped[int] = mapped_column(ForeignKey("roles.id", ondelete="CASCADE"))


class PriorityRule(Model):
    """The priority that an impact and an urgency give. Filled by a migration."""

    __tablename__ = "ticket_priority_rules"
    __table_args__ = (PrimaryKeyConstraint("impact", "urgency", name="pk_ticket_priority_rules"),)

    impact: Mapped[Level] = mapped_column(choice(Level, "impact"))
    urgency: Mapped[Level] = mapped_column(choice(Level, "urgency"))
    priority: Mapped[Priority]
