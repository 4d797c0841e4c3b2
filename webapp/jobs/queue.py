"""The queue: a job is deferred in the transaction of the change that causes it, and runs in one of its own.

The queue itself is procrastinate's. A job acts as the person who caused it, with that person's scope, or as the
system. Whatever happens to its process, its work is committed once or not at all: the report is finished in the
job's own transaction, under a lock that only this transaction holds, so that a second run finds nothing left to do.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from webapp.access import identity
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import speaking
from webapp.core.unit_of_work import unit_of_work
from webapp.jobs.models import JobReport

log = structlog.get_logger(__name__)
QUEUE = "default"
LOCK_SPACE = 20240229  # of the advisory locks that running jobs hold
TELL_EVERY = 0.5  # seconds
# Set when the process is to end: the next word about progress undoes the job, which is then done elsewhere.
STOPPING = threading.Event()


class StillRunning(Exception):
    """Another process works on this job at this moment."""


class Stopping(Exception):
    """This process is to end; the job goes back into the queue."""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Periodic:
    """What is done again and again, by the clock: a function without arguments that returns nothing."""

    name: str
    cron: str
    run: Callable[[], None]
    minutes: int


PERIODIC: dict[str, Periodic] = {}


def periodic(
    name: str, *, cron: str, minutes: int = 10
) -> Callable[[Callable[[], None]], Periodic]:
    """Declare a function that is run by the clock (``cron`` in UTC), as the system, one run at a time.

    Nobody looks at these runs: they have no report, and the page of jobs does not show them. What is due while a
    run still waits is left out.
    """

    def declare(run: Callable[[], None]) -> Periodic:
        PERIODIC[name] = Periodic(name=name, cron=cron, run=run, minutes=minutes)
        return PERIODIC[name]

    return declare


class Progress:
    """How far a job is, and as whom it acts (``actor``; None is the system); ``failures``: how often it failed."""

    def __init__(self, job_id: int) -> None:
        self.job_id = job_id
        self.actor: identity.SignedIn | None = None
        self.failures = 0
        self._told_at = 0.0
        self._total: int | None = None

    def tell(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` of ``total`` steps are behind it; it is written twice a second at most.

        Raises:
            Stopping: if the process is to end.
        """
        if STOPPING.is_set():
            raise Stopping
        now = time.monotonic()
        if total == self._total and now - self._told_at < TELL_EVERY:
            return
        self._told_at, self._total = now, total
        _note("done = :done, total = coalesce(:total, total)", self.job_id, done=done, total=total)


def _note(columns: str, job_id: int, **values: Any) -> None:
    """Write into the report beside the job's own transaction, so that it shows before that commits.

    The job itself writes into its report as its last statement only, so neither waits for the other; whatever
    else goes wrong here must not stop the job.
    """
    with suppress(SQLAlchemyError), db.engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
        connection.execute(
            text(f"UPDATE job_reports SET {columns}, updated_at = now() WHERE job_id = :job_id"),  # noqa: S608 # nosec B608 - our own columns
            {"job_id": job_id, **values},
        )


def defer(
    what: Task,
    *,
    title: str,
    user_id: int | None = None,
    page: str = "",
    url: str = "",
    lock: str | None = None,
    asked_by: int | None = None,
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
        asked_by: whose job it is in the list, though the system does it.
        args: JSON values for the task.
    """
    packed = json.dumps(args | {"_user": user_id, "_page": page})
    statement = text(
        "SELECT (procrastinate_defer_jobs_v1(ARRAY[ROW(:queue, :task, 0, CAST(:lock AS text), NULL,"
        " CAST(:args AS jsonb), NULL)::procrastinate_job_to_defer_v1]))[1]"
    )
    values = {"queue": QUEUE, "task": what.name, "lock": lock, "args": packed}
    job_id = int(db.session.execute(statement, values).scalar_one())
    whose = user_id or asked_by
    db.session.add(JobReport(job_id=job_id, title=title[:300], url=url, user_id=whose))
    db.session.flush()
    return job_id


def run(what: Task, *, job_id: int, args: dict[str, Any]) -> None:
    """Do a job in one transaction; a second run of a finished one does nothing.

    Raises:
        StillRunning: if another process does it.
        Stopping: if the process is to end.
        Exception: whatever the task raised; its words, if it has any for people, are in the report.
    """
    progress = Progress(job_id)
    began = time.monotonic()
    try:
        _do(what, progress, dict(args))
    except (StillRunning, Stopping):
        raise
    except Exception as error:
        refused = isinstance(error, DomainError)
        (log.info if refused else log.exception)("job_failed", job_id=job_id, task=what.name)
        _note_failure(progress, _words(progress, error) if refused else "")
        raise
    seconds = round(time.monotonic() - began, 3)
    log.info("job_done", job_id=job_id, task=what.name, seconds=seconds)


def _do(what: Task, progress: Progress, args: dict[str, Any]) -> None:
    user_id, page = args.pop("_user", None), args.pop("_page", "")
    progress.failures = int(args.pop("_failures", 0))
    with _transaction(what, progress.job_id):
        hold(progress.job_id)
        if _is_done(progress.job_id):
            return
        if user_id is not None:
            progress.actor = identity.act_as_person(user_id, page=page)
        sign(progress.job_id, page)
        _note("done = 0, error = ''", progress.job_id)
        with speaking(progress.actor.locale) if progress.actor else nullcontext():
            what.run(progress, **args)
        db.session.flush()
        db.session.execute(_FINISH, {"id": progress.job_id})


_FINISH = text(
    "UPDATE job_reports SET finished_at = clock_timestamp(), error = '', done = coalesce(total, done),"
    " updated_at = now() WHERE job_id = :id"
)


def hold(job_id: int) -> None:
    """Take the job's lock until the transaction ends: by it the others see that somebody works on it.

    Raises:
        StillRunning: if another transaction holds it.
    """
    values = {"space": LOCK_SPACE, "id": job_id % 2**31}
    if not db.session.scalar(text("SELECT pg_try_advisory_xact_lock(:space, :id)"), values):
        raise StillRunning


def _is_done(job_id: int) -> bool:
    waiting = text("SELECT finished_at IS NULL FROM job_reports WHERE job_id = :id")
    return not db.session.scalar(waiting, {"id": job_id})


def tick(what: Periodic, *, job_id: int) -> None:
    """Do what is done by the clock; like a job, but nobody is told of it.

    Raises:
        StillRunning: if another process does this very run.
        Exception: whatever it raised; the next run comes by itself.
    """
    try:
        with _transaction(what, job_id):
            hold(job_id)
            what.run()
    except (StillRunning, Stopping):
        raise
    except Exception:
        log.exception("periodic_failed", job_id=job_id, task=what.name)
        raise


@contextmanager
def part(reason: str | None = None) -> Iterator[None]:
    """A transaction of its own inside a job, for work that may be done bit by bit: what is done stays done.

    For jobs of the system. One that is done again finds what is left, so this is for work that can be repeated; and
    rows are held no longer than a part takes.

    Raises:
        Stopping: if the process is to end.
    """
    if STOPPING.is_set():
        raise Stopping
    outer = trail.context()
    # A word on the job's own connection, which else ends after five minutes of silence.
    db.session.execute(text("SELECT 1"))
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - a context of its own
    with app.app_context(), unit_of_work(str(outer["actor_name"])):
        db.session.execute(text("SET LOCAL lock_timeout = '15s'"))
        db.session.execute(text("SET LOCAL statement_timeout = '2min'"))
        trail.context().update({name: outer[name] for name in ("via", "request_id")})
        trail.because(reason)
        yield


@contextmanager
def _transaction(what: Task | Periodic, job_id: int) -> Iterator[None]:
    with unit_of_work(f"system:{what.name}"):
        db.session.execute(text(f"SET LOCAL statement_timeout = '{what.minutes}min'"))
        # Of a machine that vanished without a word, the server learns by this.
        db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '5min'"))
        db.session.execute(text("SET LOCAL lock_timeout = '15s'"))
        sign(job_id)
        yield


def sign(job_id: int, page: str = "") -> None:
    """Have every audit row of this transaction name the job."""
    trail.context().update(via=f"job:{job_id}", request_id=f"job-{job_id}", page=page or None)


def _words(progress: Progress, error: Exception) -> str:
    """Return the words of a refusal in the language of whoever caused the job."""
    with speaking(progress.actor.locale) if progress.actor else nullcontext():
        return str(error)


def _note_failure(progress: Progress, words: str) -> None:
    """Keep what a person may read of a failure, and count it; the rest is in the log."""
    _note("error = :words", progress.job_id, words=words[:2000])
    count = text(
        "UPDATE procrastinate_jobs SET args = args || jsonb_build_object('_failures',"
        " coalesce((args ->> '_failures')::int, 0) + 1) WHERE id = :id"
    )
    with suppress(SQLAlchemyError), db.engine.begin() as connection:
        connection.execute(count, {"id": progress.job_id})
