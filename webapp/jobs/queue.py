"""The queue: a job is deferred in the transaction of the change that causes it, and runs in one of its own.

The queue itself is procrastinate's. A job acts as the person who caused it, with that person's scope, or as the
system. Whatever happens to its process, its work is committed once or not at all: the report is finished in the
job's own transaction, so that a second run sees that there is nothing left to do.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import procrastinate
import structlog
from flask import Flask
from procrastinate.jobs import Job
from sqlalchemy import text

from webapp.access import identity
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.database import CONNECT_ARGS, LIMITS
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.unit_of_work import unit_of_work
from webapp.jobs.models import JobReport

log = structlog.get_logger(__name__)
QUEUE = "default"
STALLED_AFTER = 30.0  # seconds without a heartbeat of its worker


class StillRunning(Exception):
    """Another process works on this job at this moment."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What can be deferred: a function that takes a ``Progress`` and JSON values."""

    name: str
    run: Callable[..., None]
    attempts: int
    minutes: int


TASKS: dict[str, Task] = {}


def task(
    name: str, *, attempts: int = 3, minutes: int = 10
) -> Callable[[Callable[..., None]], Task]:
    """Declare a function as a task; ``minutes`` is the longest that one of its statements may take."""

    def declare(run: Callable[..., None]) -> Task:
        TASKS[name] = Task(name=name, run=run, attempts=attempts, minutes=minutes)
        return TASKS[name]

    return declare


class Progress:
    """How far a job is, told on a connection of its own, so that it shows before the job commits."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id

    def tell(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` of ``total`` steps are behind it."""
        with db.engine.begin() as connection:
            connection.execute(
                text(
                    "UPDATE job_reports SET done = :done, total = coalesce(:total, total),"
                    " updated_at = now() WHERE job_id = :id"
                ),
                {"done": done, "total": total, "id": self.job_id},
            )


def defer(
    what: Task,
    *,
    title: str,
    user_id: int | None = None,
    page: str = "",
    url: str = "",
    lock: str | None = None,
    **args: Any,
) -> int:
    """Put a job into the queue when this transaction commits; return its id.

    Args:
        what: the task.
        title: what people read on the page of jobs.
        user_id: the person as whom it acts; None is the system, which sees every client.
        page: the page whose roles give that person's scope.
        url: where its result is shown.
        lock: of jobs with the same lock, one runs at a time.
        args: JSON values for the task.
    """
    packed = json.dumps(args | {"_user": user_id, "_page": page})
    statement = text(
        "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, CAST(:lock AS text), NULL,"
        " CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1]))[1]"
    )
    values = {"queue": QUEUE, "task": what.name, "lock": lock, "args": packed}
    job_id = int(db.session.execute(statement, values).scalar_one())
    db.session.add(JobReport(job_id=job_id, title=title, url=url, user_id=user_id))
    db.session.flush()
    return job_id


def run(what: Task, *, job_id: int, args: dict[str, Any]) -> None:
    """Do a job in one transaction; a second run of a finished one does nothing."""
    with _acting(what, job_id=job_id, user_id=args.pop("_user", None), page=args.pop("_page", "")):
        if not db.session.scalar(
            text("SELECT pg_try_advisory_xact_lock(20_240_229, :id)"), {"id": job_id % 2**31}
        ):
            raise StillRunning
        report = db.session.get(JobReport, job_id)
        if report is not None and report.finished_at is not None:
            return
        what.run(Progress(job_id), **args)
        if report is not None:
            db.session.refresh(report)
            report.finished_at, report.error = datetime.now(UTC), ""
            if report.total is not None:
                report.done = report.total


@contextmanager
def _acting(what: Task, *, job_id: int, user_id: int | None, page: str) -> Iterator[None]:
    origin = {"via": f"job:{job_id}", "request_id": f"job-{job_id}", "page": page or None}
    with unit_of_work(f"system:{what.name}"):
        db.session.execute(text(f"SET LOCAL statement_timeout = '{what.minutes}min'"))
        db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))
        if user_id is not None:
            identity.act_as_person(user_id, page=page)
        trail.context().update(origin)
        yield


def _note_failure(job_id: int, error: BaseException) -> None:
    """Keep what a person may read of a failure; the rest is in the log."""
    words = str(error) if isinstance(error, DomainError) else f"It failed. Quote job {job_id}."
    with db.engine.begin() as connection:
        connection.execute(
            text("UPDATE job_reports SET error = :error, updated_at = now() WHERE job_id = :id"),
            {"error": words[:2000], "id": job_id},
        )


class _Retry(procrastinate.BaseRetryStrategy):
    """A refusal by a rule stays one; everything else is tried again, each time a little later."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """Decide whether and when."""
        if isinstance(exception, StillRunning):
            return procrastinate.RetryDecision(retry_in={"seconds": 10})
        if isinstance(exception, DomainError) or job.attempts + 1 >= self.attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": 2 * 3**job.attempts})


def build(flask_app: Flask, settings: Settings) -> procrastinate.App:
    """Return the queue with every declared task, ready for a worker."""
    dsn = settings.app_url().replace("postgresql+psycopg", "postgresql", 1)
    # The worker's own connection waits for notifications for hours.
    options = CONNECT_ARGS | {
        "options": CONNECT_ARGS["options"].replace(
            f"idle_in_transaction_session_timeout={LIMITS['idle_in_transaction_session_timeout']}",
            "idle_in_transaction_session_timeout=0",
        )
    }
    queue = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=dsn, kwargs=options, min_size=1, max_size=4
        )
    )
    for what in TASKS.values():
        queue.task(name=what.name, queue=QUEUE, retry=_Retry(what.attempts), pass_context=True)(
            partial(_enter, flask_app, what)
        )
    queue.periodic(cron="* * * * *")(
        queue.task(name="jobs.rescue", queue=QUEUE, queueing_lock="jobs.rescue", pass_context=True)(
            _rescue
        )
    )
    return queue


def _enter(flask_app: Flask, what: Task, context: procrastinate.JobContext, **args: Any) -> None:
    job_id = context.job.id or 0
    with flask_app.app_context():
        try:
            run(what, job_id=job_id, args=args)
        except StillRunning:
            raise
        except BaseException as error:
            log.exception("job_failed", job_id=job_id, task=what.name)
            _note_failure(job_id, error)
            raise


async def _rescue(context: procrastinate.JobContext, timestamp: int) -> None:
    """Put jobs back whose worker died."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER):
        log.warning("job_rescued", job_id=job.id, task=job.task_name)
        await manager.retry_job(job)
