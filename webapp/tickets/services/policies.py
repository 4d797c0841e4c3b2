"""Service levels: what people change about them. Open tickets get their times anew by a job."""

from datetime import UTC, datetime
from typing import Any

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.tickets import lengths
from webapp.tickets.models import Priority, SlaPolicy, SlaTarget
from webapp.tickets.queries import levels as queries
from webapp.tickets.queries import sla as current
from webapp.tickets.queries.common import sees_every_client
from webapp.tickets.services.base import saying
from webapp.tickets.sla_schemas import WHATS, PolicyEdit, target_name
from webapp.tickets.sla_tasks import defer_recalculation

PERMISSION = "tickets.configure"
FIELDS = ("name", "client_id", "kind", "hours_id", "warn_percent")
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_sla_policies_scope": (
        _("There is a service level for these tickets already. Change that one."),
        "client_id",
    ),
    "fk_sla_policies_hours_id_business_hours": (_("Choose one of the list."), "hours_id"),
    "fk_sla_policies_client_id_clients": (_("Choose one of the list."), "client_id"),
}


def may_configure(actor: SignedIn) -> bool:
    """Tell whether a person may change service levels and hours: they count for every client."""
    return actor.can(PERMISSION) and sees_every_client(actor, "tickets.desk")


def require(actor: SignedIn | None) -> None:
    """Refuse to change what counts for clients that the actor (None: the system) does not see.

    Raises:
        Denied: if the actor may not.
    """
    if actor is not None and not may_configure(actor):
        raise Denied(
            _(
                "Service levels count everywhere, so only those who run the desk everywhere change them."
            ),
            key=PERMISSION,
        )


def create(actor: SignedIn | None, command: PolicyEdit) -> SlaPolicy:
    """Add a service level.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        DomainError: if there is one for the same tickets, or a target is too long.
    """
    require(actor)
    targets = _targets(command)
    policy = SlaPolicy(**{name: getattr(command, name) for name in FIELDS})
    _require_client(command.client_id)
    with saying(REFUSALS):
        db.session.add(policy)
    _set_targets(policy, targets)
    _recalculate(actor, policy)
    return policy


def save(
    actor: SignedIn | None, policy: SlaPolicy, command: PolicyEdit, *, version: int | None
) -> SlaPolicy:
    """Change a service level.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        StaleVersion: if it was saved since ``version``.
        DomainError: if there is one for the same tickets, a target is too long, or it is deleted.
    """
    require(actor)
    policy = queries.get_policy(policy.id, lock=True) or policy
    check_version(policy, version)
    if policy.deleted_at is not None:
        raise DomainError(_("This service level is deleted. Restore it first."))
    targets = _targets(command)
    if command.client_id != policy.client_id:
        _require_client(command.client_id)
    before = (policy.client_id, policy.kind)
    with saying(REFUSALS):
        for name in FIELDS:
            if getattr(policy, name) != getattr(command, name):
                setattr(policy, name, getattr(command, name))
        if _set_targets(policy, targets):
            policy.updated_at = datetime.now(
                UTC
            )  # targets are part of it: who edits it now is behind
    _recalculate(actor, policy, before)
    return policy


def delete(actor: SignedIn | None, policy: SlaPolicy, *, version: int | None) -> None:
    """Hide a service level; another one may count for its tickets then.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        StaleVersion: if it was saved since ``version``.
    """
    require(actor)
    check_version(policy, version)
    if policy.deleted_at is None:
        with saying(REFUSALS):
            policy.deleted_at = datetime.now(UTC)
        _recalculate(actor, policy)


def restore(actor: SignedIn | None, policy: SlaPolicy) -> None:
    """Bring a deleted service level back.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        DomainError: if there is another one for the same tickets by now.
    """
    require(actor)
    if policy.deleted_at is not None:
        with saying(REFUSALS):
            policy.deleted_at = None
        _recalculate(actor, policy)


def _require_client(client_id: int | None) -> None:
    if client_id is not None and queries.client_named(client_id) is None:
        raise DomainError(_("Choose one of the list."), field="client_id")


def _targets(command: PolicyEdit) -> dict[Priority, tuple[int | None, int | None]]:
    """Return the targets in minutes of the hours that count.

    Raises:
        DomainError: if one is shorter than a minute or longer than a year, or there are no such hours.
    """
    hours = queries.calendars().get(command.hours_id)
    if hours is None:
        raise DomainError(_("Choose one of the list."), field="hours_id")
    found = {}
    for priority, pair in command.targets.items():
        minutes = [one.in_minutes(hours.day_minutes) if one else None for one in pair]
        for what, count in zip(WHATS, minutes, strict=True):
            if count is not None and not 1 <= count <= lengths.MOST:
                raise DomainError(
                    _("Write at least a minute and at most 365 days of 24 hours."),
                    field=target_name(priority, what),
                )
        found[priority] = (minutes[0], minutes[1])
    return found


def _set_targets(policy: SlaPolicy, targets: dict[Priority, tuple[int | None, int | None]]) -> bool:
    """Write the targets that differ, told as changes of the service level; tell whether there were some."""
    known = queries.targets_of([policy.id])[policy.id]
    about: dict[str, Any] = {
        "object_type": "sla_policy",
        "object_id": policy.id,
        "object_label": policy.name,
        "client_id": policy.client_id,
    }
    changed = False
    for priority, (response, resolution) in targets.items():
        row = known.get(priority)
        if (row.response if row else None, row.resolution if row else None) == (
            response,
            resolution,
        ):
            continue
        changed = True
        # A new row and one that goes say themselves of which priority they are.
        same = {"priority": [priority.value, priority.value]} if row else {}
        wanted = response is not None or resolution is not None
        if row is None:
            row = SlaTarget(policy_id=policy.id, priority=priority)
            db.session.add(row)
        trail.tell(row, "sla_policy.target_set", **about, changes=same)
        if wanted:
            row.response, row.resolution = response, resolution
        else:
            db.session.delete(row)
    db.session.flush()
    return changed


def _recalculate(
    actor: SignedIn | None, policy: SlaPolicy, *more: tuple[int | None, str | None]
) -> None:
    current.forget()
    defer_recalculation(
        actor,
        scopes={(policy.client_id, policy.kind), *more},
        policy_ids=[policy.id],
        url=f"/tickets/desk/service-levels/{policy.id}",
        reason=f"Service level “{policy.name}” was changed",
    )
