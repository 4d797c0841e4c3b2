"""How the demo's tickets stand to their service levels: when the desk answers and solves, and what was missed."""

from datetime import datetime, timedelta
from random import Random

from webapp.seed.tales import Tale
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
# Columns that time keeps, not people.
KEPT = frozenset({"created_at", "updated_at", "version", "reopened", "opened_at"})


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
    row |= sla.times_for(
        policy,
        row["priority"],
        opened_at=row["opened_at"],
        pauses=[(start, end) for start, end in tale.pauses],
        responded_at=row["responded_at"],
        resolved_at=row["resolved_at"],
        now=tale.until,
    )
