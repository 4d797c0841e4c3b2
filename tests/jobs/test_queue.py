"""Jobs run in the process of the test: what they do, as whom, and what becomes of failures."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import text

from tests import factories
from tests.jobs import tasks
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.jobs import purge, queue

Owner = psycopg.Connection[dict[str, Any]]
Run = Callable[[], None]


def job(owner: Owner, job_id: int) -> dict[str, Any]:
    row = owner.execute(
        "SELECT j.status::text, j.attempts, j.scheduled_at, r.* FROM procrastinate_jobs j"
        " JOIN job_reports r ON r.job_id = j.id WHERE j.id = %s",
        [job_id],
    ).fetchone()
    assert row is not None
    return row


def places(owner: Owner, name: str) -> int:
    row = owner.execute(
        "SELECT count(*) FROM locations WHERE starts_with(name, %s)", [name]
    ).fetchone()
    return int(row["count"]) if row else 0


def test_a_job_is_done_once_and_signed(
    work: Any, owner: Owner, run_jobs: Run, audit_rows: Any
) -> None:
    who = factories.make_user(name="Vera Lind")
    factories.grant(who, factories.make_role("dashboard", "organisation"))
    with work():
        job_id = tasks.defer(
            tasks.make_locations, user_id=who.id, page="organisation", name="by a job", count=3
        )
    run_jobs()
    run_jobs()
    done = job(owner, job_id)
    assert (done["status"], done["done"], done["total"]) == ("succeeded", 3, 3)
    assert done["finished_at"] and done["error"] == ""
    rows = audit_rows("location", request_id=f"job-{job_id}")
    assert len(rows) == places(owner, "by a job") == 3
    assert {(row["actor_id"], row["actor_name"], row["via"], row["page"]) for row in rows} == {
        (who.id, "Vera Lind", f"job:{job_id}", "organisation")
    }


def test_the_system_is_named(work: Any, run_jobs: Run, audit_rows: Any) -> None:
    with work():
        job_id = tasks.defer(tasks.make_locations, name="by nobody")
    run_jobs()
    (row,) = audit_rows("location", request_id=f"job-{job_id}")
    assert (row["actor_id"], row["actor_name"]) == (None, "system:test.locations")


def test_what_is_rolled_back_defers_nothing(work: Any, owner: Owner, run_jobs: Run) -> None:
    def fail() -> None:
        with work():
            tasks.defer(tasks.make_locations, name="never")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    run_jobs()
    assert places(owner, "never") == 0
    assert (
        owner.execute("SELECT FROM procrastinate_jobs WHERE task_name LIKE 'test%'").rowcount == 0
    )
    assert owner.execute("SELECT FROM job_reports").rowcount == 0


def test_a_finished_job_is_not_done_again(app: Flask, work: Any, owner: Owner) -> None:
    """Its process died after the commit, before the queue heard of it."""
    with work():
        job_id = tasks.defer(tasks.make_locations, name="once")
    for _ in range(2):
        with app.app_context():
            queue.run(tasks.make_locations, job_id=job_id, args={"name": "once"})
    assert places(owner, "once") == 1


def test_only_one_works_on_a_job(app: Flask, work: Any, owner: Owner) -> None:
    with work():
        job_id = tasks.defer(tasks.make_locations, name="alone")
    with owner.transaction(), app.app_context():
        owner.execute("SELECT pg_advisory_xact_lock(%s, %s)", [queue.LOCK_SPACE, job_id])
        with pytest.raises(queue.StillRunning):
            queue.run(tasks.make_locations, job_id=job_id, args={"name": "alone"})
    assert places(owner, "alone") == 0


def test_a_job_sees_what_its_person_sees(work: Any, owner: Owner, run_jobs: Run) -> None:
    who, role = factories.make_user(name="Scoped One"), factories.make_role("organisation")
    client = factories.make_client()
    factories.make_client()
    factories.grant(who, role, client_id=client.id)
    with work():
        scoped = tasks.defer(tasks.count_clients, user_id=who.id, page="organisation")
        system = tasks.defer(tasks.count_clients)
    run_jobs()
    assert (job(owner, scoped)["done"], job(owner, scoped)["error"]) == (1, "as Scoped One")
    assert (job(owner, system)["done"], job(owner, system)["error"]) == (2, "as the system")


@pytest.mark.parametrize("lost", ["account", "role"])
def test_whoever_may_not_do_it_any_more(work: Any, owner: Owner, run_jobs: Run, lost: str) -> None:
    who = factories.make_user()
    grant = factories.grant(who, factories.make_role("organisation"))
    with work():
        job_id = tasks.defer(
            tasks.make_locations, user_id=who.id, page="organisation", name="too late"
        )
        if lost == "account":
            db.session.execute(text("UPDATE users SET is_active = false"))
        else:
            db.session.execute(text("DELETE FROM user_roles WHERE id = :id"), {"id": grant.id})
        trail.note("test.lost", category="system")
    run_jobs()
    failed = job(owner, job_id)
    assert (failed["status"], failed["error"]) == (
        "failed",
        "Whoever started this may not do it any more.",
    )
    assert places(owner, "too late") == 0


def test_a_refusal_is_not_tried_again(work: Any, owner: Owner, run_jobs: Run) -> None:
    with work():
        job_id = tasks.defer(tasks.refuse, name="refused")
    run_jobs()
    failed = job(owner, job_id)
    assert (failed["status"], failed["attempts"], failed["done"]) == ("failed", 1, 1)
    assert failed["error"] == "The file is not what it seems."
    assert places(owner, "refused") == 0 and failed["finished_at"] is None


def test_a_bug_is_tried_again_later_and_then_left(work: Any, owner: Owner, run_jobs: Run) -> None:
    with work():
        job_id = tasks.defer(tasks.crash, name="crashed")
    run_jobs()
    first = job(owner, job_id)
    assert first["status"] == "todo" and first["scheduled_at"] > first["updated_at"]
    run_jobs()
    assert job(owner, job_id)["attempts"] == 1, "not before its time"
    owner.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run_jobs()
    last = job(owner, job_id)
    assert (last["status"], last["error"]) == ("failed", "")
    assert places(owner, "crashed") == 0


def test_jobs_with_one_lock_keep_their_order(work: Any, owner: Owner, run_jobs: Run) -> None:
    with work():
        for name in ("one", "two"):
            tasks.defer(tasks.make_locations, lock="turn", name=name, count=2, pause=0.05)
    run_jobs()
    names = owner.execute("SELECT name FROM locations WHERE name ~ '^(one|two) ' ORDER BY id")
    assert [row["name"] for row in names] == ["one 0", "one 1", "two 0", "two 1"]


def test_progress_is_told_seldom_and_never_waits(
    app: Flask, work: Any, statements: Any, owner: Owner
) -> None:
    with work():
        job_id = tasks.defer(tasks.make_locations, name="x")
    with app.app_context(), statements() as seen:
        progress = queue.Progress(job_id)
        for done in range(1000):
            progress.tell(done, 1000)
    assert len([one for one in seen if one.startswith("UPDATE")]) <= 2
    with owner.transaction(), app.app_context():  # somebody holds the report
        owner.execute("UPDATE job_reports SET title = title WHERE job_id = %s", [job_id])
        queue.Progress(job_id).tell(5, 7)
    assert job(owner, job_id)["total"] == 1000


def test_what_is_old_goes(
    app: Flask, work: Any, owner: Owner, run_jobs: Run, audit_rows: Any
) -> None:
    who = factories.make_user()
    factories.open_session(who)
    with work():
        old, new = (tasks.defer(tasks.make_locations, name=name) for name in ("old", "new"))
    run_jobs()
    owner.execute(
        "UPDATE procrastinate_events SET at = now() - interval '31 days' WHERE job_id = %s", [old]
    )
    with work():
        for statement in (
            "UPDATE user_sessions SET expires_at = now() - interval '91 days'",
            "INSERT INTO sign_in_attempts (email_key, ip, succeeded) VALUES ('x', '::1', false)",
            "UPDATE sign_in_attempts SET at = now() - interval '91 days'",
        ):
            db.session.execute(text(statement))
        trail.note("test.aged", category="system")
    with work():
        counts = purge.remove()
    expected = {"jobs": 1, "reports": 1, "sign_in_attempts": 1, "sessions": 1, "links": 0}
    assert counts == expected | {
        "imports": 0,
        "notifications": 0,
        "audit_exports": 0,
        "ticket_drafts": 0,
    }
    assert job(owner, new)["status"] == "succeeded"
    assert audit_rows(action="system.purged")[-1]["changes"]["jobs"] == 1


def test_the_embedded_server_is_not_started_for_a_worker(
    settings: Settings, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from webapp.jobs import cli

    class Started:
        started_here = True

    app = Flask(__name__)
    app.extensions["steward"] = settings.model_copy(update={"database_url": None})
    monkeypatch.setattr(cli, "server_for", lambda _: Started())
    with app.app_context():
        said = CliRunner().invoke(cli.worker, [])
    assert said.exit_code == 1 and "flask serve" in said.output
