"""What undoing a change of many tickets sets back, read from the log."""

from datetime import datetime
from typing import Any

from webapp.core import trail
from webapp.core.language import _, listed
from webapp.tickets.models import Priority, Status, Ticket
from webapp.tickets.services.bulk_rules import TITLES, Task

FIELDS = ("status", "priority", "assignee_id", "team_id", "tags")
# What goes with a status or priority, and is set back with it.
WITH_STATUS = ("resolution", "resolved_at", "closed_at", "reopened")
WITH_PRIORITY = ("priority_reason",)
# What clocks and replies leave in the log: the first follow by themselves, the others stay.
FOLLOWS = (
    *("sla_policy_id", "responded_at", "response_due_at", "response_warned_at"),
    *("response_breached_at", "resolution_due_at", "resolution_warned_at"),
    "resolution_breached_at",
)


def known(fields: dict[str, Any]) -> bool:
    """Tell whether a request changed something about a ticket that can be set back at all."""
    return any(name not in FOLLOWS for name in fields)


def back(ticket: Ticket, done: dict[str, tuple[Any, Any]], *, later: bool) -> Task:
    """Return what sets a ticket back to what it was before a request, or why that cannot be."""
    mine = {name: pair for name, pair in done.items() if name in FIELDS}
    since = [
        name
        for name, (_old, new) in mine.items()
        if getattr(ticket, name) != _read(name, new) or (later and name == "status")
    ]
    task = Task(
        ticket=ticket,
        wanted={name: _read(name, old) for name, (old, _new) in mine.items()},
        more={
            name: _read(name, done[name][0])
            for name in (*WITH_STATUS, *WITH_PRIORITY)
            if name in done
        },
        back=True,
    )
    if since:
        fields = listed(TITLES[name] for name in since)
        task.why = _("It changed since then: %(fields)s.", fields=fields)
    elif done.keys() - {*FIELDS, *WITH_STATUS, *WITH_PRIORITY, *FOLLOWS}:
        task.why = _("This cannot be undone here: more than a bulk change did.")
    return task


def set_status_back(ticket: Ticket, task: Task) -> None:
    """Give a ticket the status that it had, with its times and its resolution."""
    trail.tell(ticket, "ticket.updated")
    ticket.status = task.changes["status"][1]
    for name in WITH_STATUS:
        if name in task.more:
            setattr(ticket, name, task.more[name])


def _read(name: str, stored: Any) -> Any:
    """Return a value of the log as the ticket has it."""
    if stored is None:
        return None
    if name == "status":
        return Status(stored)
    if name == "priority":
        return Priority(stored)
    return datetime.fromisoformat(stored) if name.endswith("_at") else stored
