"""Changing many tickets at once: tried by the rules first, then done as one transaction, and undone by its request."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from webapp.access.identity import SignedIn
from webapp.audit.many import undoing
from webapp.core import trail
from webapp.core.bulk import REPEATING, UNDOING, Changed, Outcome, Told, Verdict, seal_versions
from webapp.core.db import db
from webapp.tickets import mailing, telling
from webapp.tickets.bulk_schemas import NOBODY, BulkChange
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import bulk as queries
from webapp.tickets.services import base, bulk_rules, bulk_saying, bulk_undoing, sla
from webapp.tickets.services import status as statuses
from webapp.tickets.services.bulk_rules import Task

MOST = 20_000  # tickets that one change takes
AT_ONCE = 500  # more are not changed while somebody waits
LOT = 250  # that are written between two words about progress
TITLES = bulk_rules.TITLES


def preview(actor: SignedIn, command: BulkChange) -> Outcome:
    """Say what the change would do."""
    return _change(actor, command, do=False)


def apply(actor: SignedIn, command: BulkChange, *, told: Told | None = None) -> Outcome:
    """Change what may be changed, as one transaction.

    Raises:
        Changed: if the tickets are not what the preview showed.
    """
    trail.because(command.reason)
    outcome = _change(actor, command, do=True, told=told)
    said = len(outcome.changed) if command.body else 0
    fields = sum(any(name != "message" for name in one.changes) for one in outcome.changed)
    if fields:
        trail.note(queries.CHANGED, changes={"tickets": fields})
    if said:
        trail.note(queries.SAID, changes={"tickets": said, "as": command.said_as})
    return outcome


def count(actor: SignedIn, command: BulkChange) -> int:
    """Return how many tickets the change is about.

    Raises:
        Changed: if they are not what the preview showed.
    """
    ids, _more = chosen(actor, command.ids, command.matching)
    if len(ids) > AT_ONCE and _seal(queries.versions_of(ids), command) != command.seen:
        raise Changed
    return len(ids)


def chosen(actor: SignedIn, ids: Sequence[int], matching: str | None) -> tuple[Sequence[int], bool]:
    """Return the tickets of a selection or, where given, of a filter; and whether more match than one change takes."""
    if matching is None:
        return ids, False
    found = queries.matching_ids(matching, actor, limit=MOST + 1)
    return found[:MOST], len(found) > MOST


def _change(actor: SignedIn, command: BulkChange, *, do: bool, told: Told | None = None) -> Outcome:
    ids, more = chosen(actor, command.ids, command.matching)
    tickets = queries.get_tickets(ids, lock=do)
    seal = _seal(tickets, command)
    if do and command.seen != seal:
        raise Changed
    tasks = [_task(ticket, command) for ticket in tickets]
    bulk_rules.check(actor, tasks, command)
    bulk_saying.refuse_holes(actor, tasks, command)
    verdicts = _verdicts(tasks)
    if do:
        _carry_out(actor, tasks, command, told=told)
    return Outcome(verdicts=verdicts, seal=seal, more=more, aside=len(verdicts) > AT_ONCE)


def _seal(rows: Iterable[Any], command: BulkChange) -> str:
    """Mark what was seen: where something is said also the last message, so that nobody answers twice."""
    return seal_versions(rows, *(("last_message_at",) if command.body is not None else ()))


def _task(ticket: Ticket, command: BulkChange) -> Task:
    wanted: dict[str, Any] = {}
    if command.status is not None:
        wanted["status"] = command.status
    if command.priority is not None:
        wanted["priority"] = command.priority
    if command.assignee is not None:
        wanted["assignee_id"] = _id(command.assignee)
    if command.team is not None:
        wanted["team_id"] = _id(command.team)
    if command.add_tags or command.remove_tags:
        kept = {*ticket.tags, *command.add_tags} - set(command.remove_tags)
        wanted["tags"] = ticket.tags if kept == set(ticket.tags) else sorted(kept)
    return Task(ticket=ticket, wanted=wanted, says=command.body is not None)


def _id(choice: str) -> int | None:
    return None if choice == NOBODY else int(choice)


def _verdicts(tasks: Iterable[Task]) -> list[Verdict]:
    found = [
        Verdict(
            id=task.ticket.id,
            label=f"#{task.ticket.number}",
            name=task.ticket.subject,
            changes=task.changes,
            why=task.why,
        )
        for task in tasks
    ]
    return sorted(found, key=lambda one: int(one.label[1:]))


def _carry_out(
    actor: SignedIn, tasks: Sequence[Task], command: BulkChange | None, *, told: Told | None
) -> None:
    """Write lot by lot; each is flushed, and written into the log, before the next."""
    fine = [task for task in tasks if task.why is None and task.changes]
    say = None
    if command is not None and command.body is not None:
        say = bulk_saying.Saying(actor, command, [task.ticket.id for task in fine])
    for start in range(0, len(fine), LOT):
        lot = fine[start : start + LOT]
        with base.saying():
            for task in lot:
                _set(actor, task, command)
            db.session.flush()
            if say is not None:
                say.write([task.ticket for task in lot])
            if command is not None and (say is None or say.is_note):
                mailing.resolved([task.ticket for task in lot if _is_resolved(task)])
        if told is not None:
            trail.write_out()  # else the log of very many would wait in memory
            told(min(start + LOT, len(fine)), len(fine))


def _is_resolved(task: Task) -> bool:
    before, after = task.changes.get("status", (None, None))
    return after in statuses.DONE and before not in statuses.DONE


def _set(actor: SignedIn, task: Task, command: BulkChange | None) -> None:
    ticket, changes = task.ticket, task.changes
    was_done = ticket.status in statuses.DONE
    if "status" in changes:
        status = changes["status"][1]
        if task.back:
            bulk_undoing.set_status_back(ticket, task)
        else:
            said = (command.resolution if command else None) or ""
            trail.tell(ticket, statuses.TOLD.get(status, "ticket.updated"))
            statuses.write(ticket, status, said.strip())
    for name in ("assignee_id", "team_id", "tags"):
        if name in changes:
            setattr(ticket, name, changes[name][1])
    if "priority" in changes:
        ticket.priority, ticket.priority_reason = changes["priority"][1], task.priority_reason
    _tell(actor, task, was_done=was_done)


def _tell(actor: SignedIn, task: Task, *, was_done: bool) -> None:
    """Have the clocks follow, and tell whom it concerns; all that one person hears of it is one notice."""
    ticket, changes = task.ticket, task.changes
    if "status" in changes:
        sla.status_changed(ticket)
        if was_done != (ticket.status in statuses.DONE):
            telling.status_changed(ticket, actor)
        elif ticket.status == Status.PENDING and not task.back:
            telling.asked(ticket, actor)
    elif "priority" in changes:
        sla.refresh(ticket)
    given = changes.get("assignee_id", (None, None))[1] or changes.get("team_id", (None, None))[1]
    if given is not None:
        telling.assigned(ticket, actor)
    if "assignee_id" in changes:
        telling.taken(ticket, actor, had_it=changes["assignee_id"][0])


def preview_undo(actor: SignedIn, request_id: str) -> Outcome:
    """Say what undoing a request would do."""
    return _undo(actor, request_id, do=False)


def undo(actor: SignedIn, request_id: str, *, told: Told | None = None) -> Outcome:
    """Set back what the actor's request changed, where it still is as the request left it. What was said stays."""
    again = queries.LOG.reason_of(request_id, actor.id) == UNDOING
    trail.because(REPEATING if again else UNDOING)
    outcome = replace(_undo(actor, request_id, do=True, told=told), again=again)
    if outcome.changed:
        noted = {"tickets": len(outcome.changed), "request": request_id}
        trail.note(queries.UNDONE, changes=noted)
    return outcome


def _undo(actor: SignedIn, request_id: str, *, do: bool, told: Told | None = None) -> Outcome:
    done = queries.LOG.changes_of(request_id, actor.id, limit=4 * MOST)
    done = {key: fields for key, fields in done.items() if bulk_undoing.known(fields)}
    tickets = queries.get_tickets(done, lock=do)
    states = [key for key, fields in done.items() if "status" in fields]
    later = queries.LOG.states_since(request_id, states) if states else set()
    tasks = [
        bulk_undoing.back(ticket, done[ticket.id], later=ticket.id in later) for ticket in tickets
    ]
    bulk_rules.check(actor, tasks, None)
    verdicts = _verdicts(tasks)
    if do:
        undoing(request_id)
        _carry_out(actor, tasks, None, told=told)
    return Outcome(verdicts=verdicts)
