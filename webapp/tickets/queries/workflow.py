"""Reads about the workflow: what may follow a status, and for whom."""

from typing import Any

from sqlalchemy import exists, or_, select

from webapp.access.models import Role, UserRole
from webapp.core.db import db
from webapp.tickets.models import Priority, PriorityRule, Status, Ticket, Transition, TransitionRole

ORDER = {status: number for number, status in enumerate(Status)}


def next_statuses(ticket: Ticket, user_id: int | None) -> list[Status]:
    """What may follow the ticket's status: for a person, or for the system (None). In the order of a life."""
    if ticket.merged_into_id is not None:
        return []
    statement = select(Transition.to_status).where(
        Transition.from_status == ticket.status, Transition.is_allowed
    )
    if user_id is not None:
        named = exists().where(TransitionRole.transition_id == Transition.id)
        held = exists().where(
            TransitionRole.transition_id == Transition.id,
            TransitionRole.role_id == UserRole.role_id,
            UserRole.user_id == user_id,
        )
        statement = statement.where(or_(~named, held))
    return sorted(db.session.scalars(statement), key=ORDER.__getitem__)


def transitions() -> list[Transition]:
    """Every pair of statuses."""
    return list(db.session.scalars(select(Transition).order_by(Transition.id)))


def roles_by_transition() -> dict[int, list[Any]]:
    """For each change of status the roles that may make it: rows (id, role_id, name)."""
    statement = (
        select(TransitionRole.transition_id, TransitionRole.role_id, Role.name)
        .join(Role, Role.id == TransitionRole.role_id)
        .order_by(Role.name, Role.id)
    )
    found: dict[int, list[Any]] = {}
    for row in db.session.execute(statement):
        found.setdefault(row.transition_id, []).append(row)
    return found


def transition_roles() -> list[TransitionRole]:
    """Every role of every change of status."""
    return list(db.session.scalars(select(TransitionRole)))


def roles() -> list[Any]:
    """The roles that can be named: rows (id, name)."""
    return list(db.session.execute(select(Role.id, Role.name).order_by(Role.name, Role.id)))


def priority_rules() -> dict[tuple[str, str], Priority]:
    """The priority that each impact and urgency give."""
    rows = db.session.execute(
        select(PriorityRule.impact, PriorityRule.urgency, PriorityRule.priority)
    )
    return {(row.impact.value, row.urgency.value): row.priority for row in rows}
