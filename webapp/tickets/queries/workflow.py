"""Reads about the workflow: what may follow a status, and for whom."""

from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, exists, or_, select

from webapp.access.identity import SignedIn
from webapp.access.models import Role
from webapp.core.db import db
from webapp.organisation.tree import Place
from webapp.tickets.models import Priority, PriorityRule, Status, Ticket, Transition, TransitionRole

ORDER = {status: number for number, status in enumerate(Status)}


def roles_at(who: SignedIn, place: Place) -> frozenset[int]:
    """Return the roles that a person holds where a ticket lies."""
    return frozenset(grant.role_id for grant in who.grants if grant.covers(place))


def next_statuses(ticket: Ticket, roles: frozenset[int] | None) -> list[Status]:
    """What may follow the ticket's status: with these roles, or for the system (None). In the order of a life."""
    if ticket.merged_into_id is not None:
        return []
    asked = {"status": ticket.status} | ({} if roles is None else {"roles": list(roles)})
    found = db.session.scalars(_following(named=roles is not None), asked)
    return sorted(found, key=ORDER.__getitem__)


@cache
def _following(*, named: bool) -> Any:
    """The statement, made once; only for those with a role where one is ``named``."""
    statement = select(Transition.to_status).where(
        Transition.from_status == bindparam("status", type_=Transition.from_status.type),
        Transition.is_allowed,
    )
    if named:
        some = exists().where(TransitionRole.transition_id == Transition.id)
        held = bindparam("roles", type_=ARRAY(BigInteger))
        statement = statement.where(or_(~some, some.where(TransitionRole.role_id == any_(held))))
    return statement


def roles_for(before: Status, after: Status) -> frozenset[int]:
    """Return the roles of which somebody needs one for a change of status; none: anybody makes it."""
    statement = (
        select(TransitionRole.role_id)
        .join(Transition, Transition.id == TransitionRole.transition_id)
        .where(Transition.from_status == before, Transition.to_status == after)
    )
    return frozenset(db.session.scalars(statement))


def transitions() -> list[Transition]:
    """Every pair of statuses."""
    return list(db.session.scalars(select(Transition).order_by(Transition.id)))


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
