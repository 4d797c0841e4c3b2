"""Service levels: what people change about them. Open tickets get their times anew by a job."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.tickets import lengths
from webapp.tickets.models import Priority, SlaPolicy
from webapp.tickets.queries import levels as queries
from webapp.tickets.queries import sla as current
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


Targets = dict[Priority, tuple[int | None, int | None]]
NOTHING = (None, None)
_CLEAR = text("DELETE FROM sla_targets WHERE policy_id = :policy AND priority = :priority")
_SET = text(
    "INSERT INTO sla_targets (policy_id, priority, response, resolution)"
    " VALUES (:policy, :priority, :response, :resolution) ON CONFLICT (policy_id, priority)"
    " DO UPDATE SET response = excluded.response, resolution = excluded.resolution"
)


def may_configure(actor: SignedIn) -> bool:
    """Tell whether a person may change service levels and hours: they count for every client."""
    return actor.can(PERMISSION) and actor.sees_every_client("tickets.desk")


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
    targets, day = _targets(command)
    changed = _differing({}, targets)
    _require_client(command.client_id)
    policy = SlaPolicy(**{name: getattr(command, name) for name in FIELDS})
    trail.tell(policy, "sla_policy.created", changes=_told({}, changed, day))
    with saying(REFUSALS):
        db.session.add(policy)
    _write(policy, changed)
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
    targets, day = _targets(command)
    if command.client_id != policy.client_id:
        _require_client(command.client_id)
    scope = (policy.client_id, policy.kind)
    before = queries.targets_of([policy.id])[policy.id]
    changed = _differing(before, targets)
    told = _told(before, changed, day)
    own = [name for name in FIELDS if getattr(policy, name) != getattr(command, name)]
    if own:
        trail.tell(policy, "sla_policy.updated", changes=told)
    elif told:
        _note(policy, told)
    with saying(REFUSALS):
        for name in own:
            setattr(policy, name, getattr(command, name))
        if changed:
            policy.updated_at = datetime.now(
                UTC
            )  # targets are part of it: who edits it now is behind
    _write(policy, changed)
    _recalculate(actor, policy, scope)
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


def _note(policy: SlaPolicy, changes: dict[str, Any]) -> None:
    trail.note(
        "sla_policy.updated",
        object_type="sla_policy",
        object_id=policy.id,
        object_label=policy.name,
        client_id=policy.client_id,
        changes=changes,
    )


def _require_client(client_id: int | None) -> None:
    if client_id is not None and queries.client_named(client_id) is None:
        raise DomainError(_("Choose one of the list."), field="client_id")


def _targets(command: PolicyEdit) -> tuple[Targets, int]:
    """Return the targets in minutes, and how many a day of the hours that count has.

    Raises:
        DomainError: if one is shorter than a minute or longer than a year, or there are no such hours.
    """
    hours = current.policies().calendars.get(command.hours_id)
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
    return found, hours.day_minutes


def _differing(before: Mapping[str, Any], after: Targets) -> Targets:
    """The targets that are others than those that are stored."""
    stored = {
        priority: (before[priority].response, before[priority].resolution)
        if priority in before
        else NOTHING
        for priority in Priority
    }
    return {key: pair for key, pair in after.items() if stored[key] != pair}


def _told(before: Mapping[str, Any], changed: Targets, day: int) -> dict[str, Any]:
    """Changed targets as people type them, by priority: what was and what is."""
    return {
        key.value: [
            _pair(before[key].response, before[key].resolution, day) if key in before else None,
            _pair(*pair, day) if pair != NOTHING else None,
        ]
        for key, pair in changed.items()
    }


def _pair(response: int | None, resolution: int | None, day: int) -> str:
    return " / ".join(lengths.typed(one, day) or "-" for one in (response, resolution))


def _write(policy: SlaPolicy, changed: Targets) -> None:
    """Write targets past the session: the log tells them with their service level."""
    for priority, (response, resolution) in changed.items():
        values = {"policy": policy.id, "priority": priority.value}
        if (response, resolution) == NOTHING:
            db.session.execute(_CLEAR, values)
        else:
            more = {"response": response, "resolution": resolution}
            db.session.execute(_SET, values | more)


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
