"""Service levels of a ticket: when its targets are due, and when its clocks stand.

The clocks stand while a ticket is pending, resolved or closed. What was answered or solved, or was late, stays so
whatever is changed afterwards: its due time is kept. That of a standing clock is the one it had when it stopped.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import Range

from webapp.core import trail
from webapp.tickets import telling
from webapp.tickets.business_time import Pause, add_business
from webapp.tickets.clocks import STANDING
from webapp.tickets.models import Ticket
from webapp.tickets.queries.sla import Policies, Policy, Target, policies

WHATS = ("response", "resolution")
NO_TARGET = Target(response=None, resolution=None)


def begin(ticket: Ticket) -> None:
    """Choose the policy of a new ticket and set when its targets are due.

    Best before it is added to the session: what it says is then one row of the log.
    """
    ticket.opened_at = ticket.opened_at or policies().now
    refresh(ticket)


def refresh(ticket: Ticket) -> None:
    """Choose the policy anew and set the times again: after a change of client, kind or priority."""
    _set(ticket, planned(ticket, policies()))


def status_changed(ticket: Ticket, *, at: datetime | None = None) -> None:
    """Let the clocks stand or go on, as the ticket's new status has it; ``at`` is now."""
    now = at or policies().now
    pauses = pauses_of(ticket)
    stood = bool(pauses) and pauses[-1][1] is None
    stands = ticket.status in STANDING
    if not stood:
        _note_late(ticket, WHATS, now)
    if stands and not stood:
        pauses.append((now, None))
    elif stood and not stands:
        began = pauses.pop()[0]
        pauses += [(began, now)] if began < now else []
    if stands != stood:
        ticket.pauses = [Range(start, end) for start, end in pauses]
    refresh(ticket)


def responded(ticket: Ticket, *, at: datetime | None = None) -> None:
    """Note the first public reply by the desk; later ones change nothing."""
    if ticket.responded_at is not None:
        return
    now = at or policies().now
    if ticket.status not in STANDING:
        _note_late(ticket, ("response",), now)
    ticket.responded_at = now
    refresh(ticket)


def _note_late(ticket: Ticket, whats: Iterable[str], now: datetime) -> None:
    """Note a target that was missed while no job looked, before the ticket is changed."""
    for what in whats:
        due = getattr(ticket, f"{what}_due_at")
        over = getattr(ticket, f"{what}_breached_at") or (
            what == "response" and ticket.responded_at
        )
        if due is not None and due < now and not over:
            setattr(ticket, f"{what}_breached_at", due)
            trail.note(
                "ticket.sla_breached",
                object_type="ticket",
                object_id=ticket.id,
                object_label=ticket.audit_label,
                client_id=ticket.client_id,
                changes={f"{what}_breached_at": [None, due.isoformat()]},
            )
            telling.sla_breached(ticket, what)


def _set(ticket: Ticket, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if getattr(ticket, name) != value:
            setattr(ticket, name, value)


# --- on plain values ---------------------------------------------------------------


def settled(row: Any, what: str) -> bool:
    """Tell whether a target was met or missed, so that nothing moves it any more."""
    ended = row.responded_at if what == "response" else None
    return bool(getattr(row, f"{what}_breached_at") or ended or row.resolved_at)


def planned(row: Any, levels: Policies) -> dict[str, Any]:
    """Return the columns of service levels as they have to be, of a ticket or a row with its columns."""
    values: dict[str, Any] = {"sla_check_at": None}
    moving = [what for what in WHATS if not settled(row, what)]
    if moving:
        policy = levels.for_ticket(
            client_id=row.client_id, kind=row.kind or "", priority=row.priority or ""
        )
        values["sla_policy_id"] = policy.id if policy else None
        # A pause that still goes on has moved nothing yet.
        pauses = [one for one in pauses_of(row) if one[1] is not None]
        for what in moving:
            values |= _due(policy, row.priority, what, row.opened_at, pauses)
    if row.status not in STANDING:
        values["sla_check_at"] = _next_look(row, moving, values)
    return values


def _due(
    policy: Policy | None, priority: Any, what: str, opened_at: datetime, pauses: list[Pause]
) -> dict[str, datetime | None]:
    target = policy.targets.get(priority, NO_TARGET) if policy else NO_TARGET
    minutes: int | None = getattr(target, what)
    if policy is None or minutes is None:
        return {f"{what}_due_at": None, f"{what}_warn_at": None}
    until_warned = minutes * policy.warn_percent / 100
    return {
        f"{what}_due_at": add_business(policy.hours, opened_at, minutes, pauses),
        f"{what}_warn_at": add_business(policy.hours, opened_at, until_warned, pauses),
    }


def _next_look(row: Any, moving: Iterable[str], values: Mapping[str, Any]) -> datetime | None:
    """When something has to be told next: that a target is near, or that it was missed."""
    moments = [
        values[f"{what}_due_at"]
        if getattr(row, f"{what}_warned_at") is not None
        else values[f"{what}_warn_at"] or values[f"{what}_due_at"]
        for what in moving
    ]
    return min((one for one in moments if one is not None), default=None)


def pauses_of(row: Any) -> list[Pause]:
    """Return when the clocks stood, in order; the last one may go on."""
    return sorted((one.lower, one.upper) for one in row.pauses or ())


def times_for(
    policy: Policy | None,
    priority: str,
    *,
    opened_at: datetime,
    pauses: Iterable[Pause] = (),
    responded_at: datetime | None = None,
    resolved_at: datetime | None = None,
    now: datetime,
) -> dict[str, Any]:
    """Return all columns of service levels for a ticket with a history, without any object: for imports and the seed.

    What was late or near before ``now`` counts as told. ``policy`` is that of
    ``queries.sla.policies().for_ticket(…)``; ``pauses`` as in the column, and the last one open if the ticket is
    pending, resolved or closed now.
    """
    pauses = sorted(pauses, key=lambda one: one[0])
    over = [one for one in pauses if one[1] is not None]
    standing = pauses[-1][0] if len(over) < len(pauses) else None
    values: dict[str, Any] = {"sla_policy_id": policy.id if policy else None}
    looks = []
    for what in WHATS:
        times = _due(policy, priority, what, opened_at, over)
        due, warn = times[f"{what}_due_at"], times[f"{what}_warn_at"]
        ended = (responded_at or resolved_at) if what == "response" else resolved_at
        until = ended or now
        if standing is not None:
            until = min(until, standing)  # what comes while the clock stands is not late
        late, near = due is not None and due < until, warn is not None and warn <= until
        values |= times
        values[f"{what}_warned_at"] = warn if near else None
        values[f"{what}_breached_at"] = due if late else None
        if ended is None and standing is None and due is not None and not late:
            looks.append(due if near else warn or due)
    return values | {"sla_check_at": min(looks, default=None)}
