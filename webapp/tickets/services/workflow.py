"""Which status may follow which, and who may do it."""

from collections.abc import Iterable

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.tickets.life_schemas import Workflow
from webapp.tickets.models import Status, Transition, TransitionRole
from webapp.tickets.queries import workflow as queries
from webapp.tickets.words import STATUS


def save(actor: SignedIn | None, command: Workflow) -> None:
    """Allow exactly these changes of status, to these roles each (none: to whoever may edit the ticket).

    Raises:
        Denied: if the actor may not configure the desk.
        DomainError: if tickets of some status would stay in it for ever, or nothing could be resolved.
    """
    if actor is not None and not actor.can("tickets.configure"):
        raise Denied(_("Your permission does not reach this."), key="tickets.configure")
    # One after the other: two people at once would mix their tables.
    db.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('ticket workflow'))"))
    pairs = queries.transitions()
    _require_ways_out([pair for pair in pairs if pair.id in set(command.allowed)])
    known = {row.id: row.name for row in queries.roles()}
    held = {(row.transition_id, row.role_id): row for row in queries.transition_roles()}
    for pair in pairs:
        allowed = pair.id in command.allowed
        if pair.is_allowed != allowed:
            pair.is_allowed = allowed
        _name_roles(pair, command.roles_of(pair.id) & known.keys(), known, held)
    db.session.flush()


def _require_ways_out(allowed: Iterable[Transition]) -> None:
    ways = {(pair.from_status, pair.to_status) for pair in allowed}
    for status in Status:
        if status != Status.CLOSED and not any(before == status for before, _after in ways):
            raise DomainError(
                _("Nothing would follow “%(status)s”: allow a way out.", status=STATUS[status])
            )
    if not any(after == Status.RESOLVED for _before, after in ways):
        raise DomainError(_("No ticket could be resolved: allow a way there."))


def _name_roles(
    pair: Transition,
    wanted: set[int],
    names: dict[int, str],
    held: dict[tuple[int, int], TransitionRole],
) -> None:
    before = {role for transition, role in held if transition == pair.id}
    for role_id in sorted(wanted ^ before):
        row = held.get((pair.id, role_id))
        label = f"{pair.audit_label}: {names.get(role_id, '')}"
        if row is None:
            row = TransitionRole(transition_id=pair.id, role_id=role_id)
            trail.tell(row, "ticket_transition_role.created", object_label=label)
            db.session.add(row)
        else:
            trail.tell(row, "ticket_transition_role.deleted", object_label=label)
            db.session.delete(row)
