"""How the demo's tickets stand to their service levels: when the desk answers and solves, and what was missed."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from webapp.seed.tales import Event, Tale
from webapp.tickets.business_time import add_business
from webapp.tickets.queries.sla import Policy
from webapp.tickets.services import sla

LATE = 0.08  # of targets are missed
SLACK, TOO_LATE = (0.05, 0.85), (1.05, 1.8)  # of a target
STUCK, LONG = 0.06, (6.0, 25.0)  # wait for a part, a decision, somebody's return
# There is more to do lately than the desk gets done.
LATELY, JUST_NOW = timedelta(days=10), timedelta(days=4)
BACKLOG, BUSY = 0.75, (2.0, 7.0)
UNHURRIED = 8 * 60  # business minutes, where no target hurries
WATCHER = "system:tickets.watch_service_levels"


def pace(policy: Policy, tale: Tale, opened: datetime) -> tuple[timedelta, timedelta]:
    """Return how long after ``opened`` the desk answers, and has solved it."""
    target = policy.targets[tale.row["priority"]]
    chance = tale.chance
    first = _some(chance, target.response or UNHURRIED)
    done = first + _some(chance, target.resolution or UNHURRIED * 4)
    ago = tale.until - opened
    if chance.random() < (BACKLOG if ago < LATELY else STUCK):
        done *= chance.uniform(*(BUSY if ago < LATELY else LONG))
    if ago < JUST_NOW and chance.random() < BACKLOG:
        first = done
    return tuple(
        (add_business(policy.hours, opened, minutes) or opened) - opened
        for minutes in (first, done)
    )  # type: ignore[return-value]  # two of them


def _some(chance: Random, minutes: int) -> float:
    return minutes * chance.uniform(*(TOO_LATE if chance.random() < LATE else SLACK))


def measure(policy: Policy, tale: Tale) -> None:
    """Set when targets were due, warned of and missed, by the end of the tale."""
    row = tale.row
    row["pauses"] = "{" + ",".join(f"[{start},{end or ''})" for start, end in tale.pauses) + "}"
    times = sla.times_for(
        policy,
        row["priority"],
        opened_at=row["opened_at"],
        pauses=[(start, end) for start, end in tale.pauses],
        responded_at=row["responded_at"],
        resolved_at=row["resolved_at"],
        now=tale.until,
    )
    row |= times
    _note(tale, times)


def _note(tale: Tale, times: dict[str, Any]) -> None:
    """Have the log tell when targets are due from the beginning, and when the desk was warned or late."""
    for what in sla.WHATS:
        due, near, late = (times[f"{what}_{name}_at"] for name in ("due", "warned", "breached"))
        if due is not None:
            tale.events[0].changes[f"{what}_due_at"] = [None, due]
        for name, at in (("warned", near), ("breached", late)):
            if at is not None:
                action, changes = f"ticket.sla_{name}", {f"{what}_{name}_at": [None, at]}
                told = Event(at=at, who=WATCHER, who_id=None, action=action, changes=changes)
                tale.events.append(told)
    tale.events.sort(key=lambda event: event.at)
