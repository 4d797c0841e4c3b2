"""What forbids a change of one of many tickets: the rules that the services and the database hold them to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from webapp.access.identity import SignedIn
from webapp.core.language import _
from webapp.organisation.tree import Place
from webapp.tickets.bulk_schemas import BulkChange
from webapp.tickets.models import Priority, Status, Ticket
from webapp.tickets.queries import bulk as queries
from webapp.tickets.queries import people, workflow
from webapp.tickets.schemas import MAX_TAGS
from webapp.tickets.services.status import DONE

TITLES = {
    "status": _("Status"),
    "priority": _("Priority"),
    "assignee_id": _("Assignee"),
    "team_id": _("Team"),
    "tags": _("Tags"),
    "message": _("Message"),
}
# Which permission a change of each needs.
NEEDED = {
    "status": "tickets.edit",
    "priority": "tickets.edit",
    "tags": "tickets.edit",
    "assignee_id": "tickets.assign",
    "team_id": "tickets.assign",
    "message": "tickets.reply",
}


@dataclass(kw_only=True, slots=True)
class Task:
    """A ticket, what it shall have, and why not. ``back``: to what it was before a request."""

    ticket: Ticket
    wanted: dict[str, Any]
    says: bool = False
    why: str | None = None
    back: bool = False
    priority_reason: str = ""
    more: dict[str, Any] = field(default_factory=dict)  # what goes with a status that is set back
    changes: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def look(self) -> None:
        """Note what is different from how it shall be."""
        now = {name: getattr(self.ticket, name) for name in self.wanted}
        self.changes = {
            name: (now[name], value) for name, value in self.wanted.items() if now[name] != value
        }
        if self.says:
            self.changes["message"] = ("", "")


class _Known:
    """What the rules ask for, read once for all tickets."""

    def __init__(self, actor: SignedIn, tasks: Sequence[Task], command: BulkChange | None) -> None:
        names = {name for task in tasks for name in task.changes}
        self.actor, self.command = actor, command
        self.homes = queries.locations_of({task.ticket.client_id for task in tasks})
        self.moves = queries.transitions() if "status" in names else {}
        self.given = workflow.priority_rules() if "priority" in names else {}
        self.teams = {row.id for row in people.live_teams()} if "team_id" in names else set()
        self._sees: dict[tuple[int, int | None, int], bool] = {}
        self._may: dict[tuple[int, int | None, str], bool] = {}

    def may(self, ticket: Ticket, permission: str) -> bool:
        """Tell whether the actor holds a permission where the ticket lies."""
        key = ticket.client_id, ticket.project_id, permission
        if key not in self._may:
            self._may[key] = self.actor.can(permission, on=self.place_of(ticket))
        return self._may[key]

    def place_of(self, ticket: Ticket) -> Place:
        """Return where the ticket lies."""
        return Place(
            location_id=self.homes.get(ticket.client_id),
            client_id=ticket.client_id,
            project_id=ticket.project_id,
        )

    def sees(self, ticket: Ticket, user_id: int) -> bool:
        """Tell whether a person can see the ticket."""
        key = ticket.client_id, ticket.project_id, user_id
        if key not in self._sees:
            spot = people.Spot(ticket.client_id, ticket.project_id)
            self._sees[key] = user_id in people.can_see(spot, [user_id])
        return self._sees[key]


def check(actor: SignedIn, tasks: Sequence[Task], command: BulkChange | None) -> None:
    """Note what changes about each ticket, and why it may not."""
    for task in tasks:
        task.look()
    known = _Known(actor, tasks, command)
    for task in tasks:
        if task.why is None and task.changes:
            task.why = _why_not(known, task)


def _why_not(known: _Known, task: Task) -> str | None:
    ticket = task.ticket
    if ticket.merged_into_id is not None:
        return _("This ticket was merged into another one, so it stays as it is.")
    if not all(known.may(ticket, NEEDED[name]) for name in task.changes):
        return _("Your permission does not reach this ticket.")
    if not task.back and _stays_closed(task):
        return _("This ticket is closed. Open it again to change it.")
    return (
        _why_not_status(known, task)
        or _why_not_priority(known, task)
        or _why_not_people(known, task)
        or _why_not_tags(task)
    )


def _stays_closed(task: Task) -> bool:
    """Tell whether what a closed ticket says would change without opening it."""
    said = task.changes.keys() - {"status", "message"}
    return bool(said) and task.ticket.status == Status.CLOSED and "status" not in task.changes


def _why_not_status(known: _Known, task: Task) -> str | None:
    if "status" not in task.changes or task.back:
        return None
    before, after = task.changes["status"]
    if (before, after) not in known.moves:
        return _("A ticket with this status cannot get that one.")
    needed, place = known.moves[before, after], known.place_of(task.ticket)
    if needed and not needed & workflow.roles_at(known.actor, place):
        return _("None of your roles may change the status this way.")
    typed = known.command.resolution if known.command else None
    if after in DONE and not (typed or (before in DONE and task.ticket.resolution.strip())):
        return _("Say how it was resolved.")
    return None


def _why_not_priority(known: _Known, task: Task) -> str | None:
    """Say why not, or note the reason that goes with the priority: none where impact and urgency give it."""
    if "priority" not in task.changes:
        return None
    ticket, wanted = task.ticket, Priority(task.changes["priority"][1])
    if task.back:
        task.priority_reason = task.more.get("priority_reason", "")
    elif known.command is not None:
        task.priority_reason = known.command.priority_reason or ""
    if wanted == known.given[ticket.impact.value, ticket.urgency.value]:
        task.priority_reason = ""
    elif not task.priority_reason:
        return _("This is not the priority that impact and urgency give. Say why.")
    return None


def _why_not_people(known: _Known, task: Task) -> str | None:
    assignee = task.changes.get("assignee_id", (None, None))[1]
    if assignee is not None and not known.sees(task.ticket, assignee):
        return _("This person cannot see the ticket.")
    team = task.changes.get("team_id", (None, None))[1]
    if team is not None and team not in known.teams:
        return _("There is no such team any more.")
    return None


def _why_not_tags(task: Task) -> str | None:
    if len(task.changes.get("tags", ((), ()))[1]) > MAX_TAGS:
        return _("It would have more than %(most)s tags.", most=MAX_TAGS)
    return None
