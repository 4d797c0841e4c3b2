"""Warnings, missed targets, closing, and times set anew: once each, whatever runs beside."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests import factories
from tests.tickets.levels import NOW, make_clocked, make_policy, minutes
from webapp.core.config import Settings
from webapp.jobs import queue, worker
from webapp.jobs.queue import PERIODIC
from webapp.tickets import sla_tasks, telling

Owner = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """What was told: warned or breached, of which ticket, which target."""
    heard: list[tuple[str, int, str]] = []
    for event in ("warned", "breached"):
        monkeypatch.setitem(
            sla_tasks.TELL,
            event,
            lambda ticket, what, event=event: heard.append((event, ticket.id, what)),
        )
    return heard


@pytest.fixture
def tick(app: Flask) -> Callable[[str], None]:
    """Does what the clock would start."""
    numbers = iter(range(900_000, 1_000_000))

    def run(name: str = "tickets.watch_service_levels") -> None:
        with app.app_context():
            queue.tick(PERIODIC[name], job_id=next(numbers))

    return run


def stored(owner: Owner, ticket: Any) -> dict[str, Any]:
    row = owner.execute("SELECT * FROM tickets WHERE id = %s", [ticket.id]).fetchone()
    assert row is not None
    return row


def move(owner: Owner, ago: int) -> None:
    """Let so many minutes pass for the clocks of all tickets."""
    columns = ("response_due_at", "resolution_due_at", "response_warn_at", "resolution_warn_at")
    setting = ", ".join(f"{one} = {one} - interval '{ago} min'" for one in columns)
    with owner.transaction():
        owner.execute("INSERT INTO audit_event (action, category) VALUES ('test.moved', 'system')")
        owner.execute(
            f"UPDATE tickets SET {setting}, sla_check_at = sla_check_at - interval '{ago} min'"  # noqa: S608 - ours
        )


def test_warned_then_missed_and_never_twice(
    owner: Owner, told: Any, tick: Any, audit_rows: Any
) -> None:
    make_policy({"normal": (60, None)})  # warned after 48
    ticket = make_clocked(40)
    tick()
    assert told == []
    move(owner, 10)
    tick()
    tick()
    assert told == [("warned", ticket.id, "response")]
    row = stored(owner, ticket)
    assert row["response_warned_at"] and row["sla_check_at"] == row["response_due_at"]
    # A warning is no edit: a form that is open stays good, and nothing moves to the top of a list.
    assert (row["version"], row["updated_at"]) == (ticket.version, ticket.updated_at)
    move(owner, 20)
    tick()
    tick()
    assert told[1:] == [("breached", ticket.id, "response")]
    row = stored(owner, ticket)
    assert row["response_breached_at"] == row["response_due_at"]
    assert row["sla_check_at"] is None
    rows = [one for one in audit_rows("ticket", ticket.id) if ".sla_" in one["action"]]
    assert [one["action"] for one in rows] == ["ticket.sla_warned", "ticket.sla_breached"]
    assert {one["actor_name"] for one in rows} == {"system:tickets.watch_service_levels"}
    assert all(one["client_id"] == ticket.client_id and one["via"] for one in rows)


def test_each_target_is_told_of_by_itself(owner: Owner, told: Any, tick: Any) -> None:
    make_policy({"normal": (10, 100)})
    ticket = make_clocked(90)
    tick()
    assert sorted(told) == [
        ("breached", ticket.id, "response"),
        ("warned", ticket.id, "resolution"),
    ]
    row = stored(owner, ticket)
    assert row["sla_check_at"] == row["resolution_due_at"]


def test_standing_and_settled_clocks_are_left_alone(owner: Owner, told: Any, tick: Any) -> None:
    make_policy({"normal": (10, None)})
    for values in (
        {"status": "pending"},
        {"status": "resolved"},
        {"responded_at": NOW - minutes(85)},
    ):
        make_clocked(90, **values)
    owner.execute("UPDATE tickets SET sla_check_at = now()")
    tick()
    assert told == []
    assert {row["sla_check_at"] for row in owner.execute("SELECT * FROM tickets")} == {None}


def test_two_workers_tell_once(
    app: Flask, owner: Owner, told: Any, tick: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at the same time, in small lots; what one holds the other leaves out."""
    monkeypatch.setattr(sla_tasks, "LOT", 3)
    make_policy({"normal": (10, None)})
    client = factories.make_client().id
    tickets = [make_clocked(20, client_id=client).id for _ in range(10)]
    threads = [threading.Thread(target=tick) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    tick()
    assert sorted(ticket for _event, ticket, _what in told) == tickets


def test_what_somebody_holds_comes_the_next_time(owner: Owner, told: Any, tick: Any) -> None:
    make_policy({"normal": (10, None)})
    ticket = make_clocked(20)
    with owner.transaction():
        owner.execute("SELECT FROM tickets WHERE id = %s FOR UPDATE", [ticket.id])
        tick()
        assert told == []
    tick()
    assert len(told) == 1


def test_what_fails_was_told_to_nobody(
    owner: Owner, tick: Any, monkeypatch: pytest.MonkeyPatch, audit_rows: Any
) -> None:
    make_policy({"normal": (10, None)})
    ticket = make_clocked(20)

    def fail(*_: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(sla_tasks.TELL, "breached", fail)
    with pytest.raises(ZeroDivisionError):
        tick()
    assert stored(owner, ticket)["response_breached_at"] is None
    assert not audit_rows("ticket", ticket.id, action="ticket.sla_breached")


def test_resolved_tickets_are_closed_after_a_week(owner: Owner, tick: Any, audit_rows: Any) -> None:
    old, new = (
        make_clocked(status="resolved", resolved_at=NOW - timedelta(days=days)) for days in (8, 6)
    )
    tick("tickets.close_resolved")
    assert [stored(owner, one)["status"] for one in (old, new)] == ["closed", "resolved"]
    (row,) = audit_rows("ticket", old.id, action="ticket.closed")
    assert (row["actor_name"], row["reason"]) == (
        "system:tickets.close_resolved",
        "Resolved 7 days ago",
    )
    tick("tickets.close_resolved")


def test_a_workflow_that_forbids_closing_is_heeded(owner: Owner, tick: Any) -> None:
    old = make_clocked(status="resolved", resolved_at=NOW - timedelta(days=8))
    flip = "UPDATE ticket_transitions SET is_allowed = %s WHERE from_status = 'resolved' AND to_status = 'closed'"
    log = "INSERT INTO audit_event (action, category) VALUES ('test.flipped', 'system')"
    for allowed in (False, True):
        with owner.transaction():
            owner.execute(flip, [allowed])
            owner.execute(log)
        tick("tickets.close_resolved")
        assert stored(owner, old)["status"] == ("closed" if allowed else "resolved")


def test_times_are_set_anew_after_a_change(
    owner: Owner, work: Any, run_jobs: Any, audit_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sla_tasks, "LOT", 2)
    policy = make_policy({"normal": (60, 600)})
    tickets = [make_clocked(10) for _ in range(5)]
    answered = make_clocked(10, responded_at=NOW - minutes(5))
    closed = make_clocked(10, status="closed")
    with owner.transaction():
        owner.execute("INSERT INTO audit_event (action, category) VALUES ('test', 'system')")
        owner.execute("UPDATE sla_targets SET response = 30, resolution = 300")
    with work():
        job_id = sla_tasks.defer_recalculation(
            None, scopes=[(None, None)], policy_ids=[policy.id], reason="The policy was changed"
        )
    run_jobs()
    report = owner.execute("SELECT * FROM job_reports WHERE job_id = %s", [job_id]).fetchone()
    assert report is not None and report["finished_at"] and report["done"] == report["total"] == 6
    for ticket in tickets:
        row = stored(owner, ticket)
        assert row["response_due_at"] == NOW + minutes(20)
        assert row["sla_check_at"] == row["response_warn_at"] == NOW + minutes(14)
        (line,) = audit_rows("ticket", ticket.id, request_id=f"job-{job_id}")
        assert set(line["changes"]) == {"response_due_at", "resolution_due_at"}
        assert line["reason"] == "The policy was changed"
    # What was met keeps its time; what is over has no clocks.
    assert stored(owner, answered)["response_due_at"] == answered.response_due_at
    assert stored(owner, closed)["resolution_due_at"] == closed.resolution_due_at


def test_a_change_that_the_log_does_not_hold_is_written_all_the_same(
    owner: Owner, work: Any, run_jobs: Any
) -> None:
    """Another percentage moves the warning alone."""
    policy = make_policy({"normal": (100, None)}, warn_percent=50)
    ticket = make_clocked(10)
    with owner.transaction():
        owner.execute("INSERT INTO audit_event (action, category) VALUES ('test', 'system')")
        owner.execute("UPDATE sla_policies SET warn_percent = 90")
    with work():
        sla_tasks.defer_recalculation(None, scopes=[], policy_ids=[policy.id], reason="Later")
    run_jobs()
    assert stored(owner, ticket)["response_warn_at"] == NOW + minutes(80)


def test_the_clock_starts_one_at_a_time(app: Flask, settings: Settings, owner: Owner) -> None:
    """It is on no page of jobs, and a run whose process died does not stand in the way of the next."""
    jobs = worker.build(app, settings)
    task = jobs.tasks["tickets.watch_service_levels"]
    assert (task.lock, task.queueing_lock) == (task.name, task.name)
    assert "tickets.watch_service_levels" in {
        name for name, _id in jobs.periodic_registry.periodic_tasks
    }
    insert = (
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status, args)"
        " VALUES ('default', %(name)s::text, %(name)s::text, %(name)s::text, %(status)s,"
        " '{\"timestamp\": 1}') RETURNING id"
    )
    lost, waiting = (
        (owner.execute(insert, {"name": task.name, "status": status}).fetchone() or {})["id"]
        for status in ("doing", "todo")
    )
    row = owner.execute("SELECT attempts FROM procrastinate_jobs WHERE id = %s", [lost]).fetchone()
    assert row is not None
    put_back = worker._PUT_BACK
    owner.execute(put_back, {"id": lost, "attempts": row["attempts"], "most": worker.DEATHS})
    found = owner.execute("SELECT id, status::text FROM procrastinate_jobs ORDER BY id").fetchall()
    assert [(one["id"], one["status"]) for one in found] == [(lost, "failed"), (waiting, "todo")]
    worker.run_waiting(app, settings)
    done = owner.execute("SELECT status::text FROM procrastinate_jobs WHERE id = %s", [waiting])
    assert (done.fetchone() or {})["status"] == "succeeded"
    assert owner.execute("SELECT FROM job_reports").rowcount == 0


def test_what_is_told_is_what_tickets_tell() -> None:
    assert sla_tasks.TELL["warned"] is telling.sla_warned
    assert sla_tasks.TELL["breached"] is telling.sla_breached
