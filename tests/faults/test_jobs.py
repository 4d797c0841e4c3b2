"""Real workers, killed and stopped half-way: a job is done once, or not at all, and then done again."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import SECRET, own_directory
from tests.faults.conftest import ROOT
from tests.jobs import tasks
from webapp.core.config import Settings
from webapp.core.unit_of_work import unit_of_work

Owner = psycopg.Connection[dict[str, Any]]
Start = Callable[[], "subprocess.Popen[bytes]"]
STEPS = 8


@pytest.fixture
def start_worker(app: Any, settings: Settings) -> Iterator[Start]:
    """Starts workers on the database of the tests."""
    running: list[subprocess.Popen[bytes]] = []
    with own_directory() as home, (home / "worker.log").open("ab") as log:
        env = os.environ | {
            "DATABASE_URL": settings.database_url or "",
            "SECRET_KEY": SECRET,
            "DATA_DIR": str(home),
            "DEMO": "1",
        }

        def start() -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "tests.jobs.tasks"]
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
            running.append(process)
            return process

        yield start
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()
        text = Path(log.name).read_text()
    assert "unexpected" not in text


def defer(app: Any, **values: Any) -> int:
    with app.app_context(), unit_of_work("test"):
        return tasks.defer(tasks.make_locations, name="step", count=STEPS, pause=0.3, **values)


def wait_for(owner: Owner, condition: str, job_id: int, *, within: float = 40) -> None:
    query = (
        "SELECT FROM procrastinate_jobs j JOIN job_reports r ON r.job_id = j.id"
        f" WHERE j.id = %s AND {condition}"
    )
    deadline = time.monotonic() + within
    while owner.execute(query, [job_id]).rowcount == 0:
        assert time.monotonic() < deadline, owner.execute(
            "SELECT * FROM procrastinate_jobs j JOIN job_reports r ON r.job_id = j.id"
        ).fetchall()
        time.sleep(0.05)


def made(owner: Owner, job_id: int) -> tuple[int, int]:
    """How many rows and how many records of them there are."""
    rows = owner.execute("SELECT FROM locations WHERE starts_with(name, 'step')").rowcount
    query = "SELECT FROM audit_event WHERE request_id = %s AND action = 'location.created'"
    return rows, owner.execute(query, [f"job-{job_id}"]).rowcount


def test_a_killed_worker_leaves_nothing_half_done(
    app: Any, owner: Owner, start_worker: Start
) -> None:
    job_id = defer(app)
    first = start_worker()
    wait_for(owner, "r.done BETWEEN 2 AND 6", job_id)
    first.kill()
    first.wait()
    assert made(owner, job_id) == (0, 0)
    start_worker()
    wait_for(owner, "j.status = 'succeeded'", job_id)
    assert made(owner, job_id) == (STEPS, STEPS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_worker_undoes_its_job_in_time(
    app: Any, owner: Owner, start_worker: Start, number: signal.Signals
) -> None:
    job_id = defer(app)
    worker = start_worker()
    wait_for(owner, "r.done BETWEEN 1 AND 5", job_id)
    begun = time.monotonic()
    worker.send_signal(number)
    assert worker.wait(10) == 0 and time.monotonic() - begun < 7
    assert made(owner, job_id) == (0, 0)
    wait_for(owner, "j.status = 'todo'", job_id, within=1)
    start_worker()
    wait_for(owner, "j.status = 'succeeded'", job_id)
    assert made(owner, job_id) == (STEPS, STEPS)


def test_a_task_that_never_tells_is_left_in_time(
    app: Any, owner: Owner, start_worker: Start
) -> None:
    with app.app_context(), unit_of_work("test"):
        job_id = tasks.defer(tasks.make_locations, name="step", count=1, pause=12)
    worker = start_worker()
    wait_for(owner, "r.done = 1", job_id)
    worker.terminate()
    assert worker.wait(9) == 0
    assert made(owner, job_id) == (0, 0)


def test_two_workers_do_each_job_once(app: Any, owner: Owner, start_worker: Start) -> None:
    start_worker(), start_worker()
    job_ids = []
    for number in range(6):
        with app.app_context(), unit_of_work("test"):
            job_ids.append(
                tasks.defer(tasks.make_locations, name=f"step {number}", count=2, pause=0.05)
            )
    for job_id in job_ids:
        wait_for(owner, "j.status = 'succeeded' AND j.attempts = 1", job_id)
        assert made(owner, job_id)[1] == 2
    assert made(owner, job_ids[0])[0] == 12


def test_connections_that_break_do_not_end_the_worker(
    app: Any, owner: Owner, start_worker: Start
) -> None:
    worker = start_worker()
    job_id = defer(app)
    wait_for(owner, "r.done BETWEEN 1 AND 5", job_id)
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'steward_app' AND datname = current_database()"
    )
    wait_for(owner, "j.status = 'succeeded'", job_id, within=60)
    assert made(owner, job_id) == (STEPS, STEPS)
    assert worker.poll() is None
