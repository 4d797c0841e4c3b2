"""The process that does the jobs: fetches them, tries failed ones again, finds those whose process died."""

import asyncio
import logging
import os
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NoReturn

import procrastinate
import psycopg
import structlog
from flask import Flask
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from webapp.core.config import Settings
from webapp.core.database import CONNECT_ARGS
from webapp.core.errors import DomainError
from webapp.jobs import purge as _purge  # noqa: F401 - declares what it does each hour
from webapp.jobs import queue
from webapp.jobs.queue import PERIODIC, QUEUE, TASKS, Periodic, StillRunning, Stopping, Task

log = structlog.get_logger(__name__)
GRACE = 4.0  # seconds that running jobs get when the worker is asked to stop
LOOK_EVERY = 5.0  # seconds between two looks for jobs whose process died
DEATHS = 10  # runs that ended without a word, after which nobody tries again by itself
LONGEST_PAUSE = 30.0
# What becomes of a job is in our own log, with its traceback once.
QUIET = {
    "procrastinate": "WARNING",
    "procrastinate.worker": "CRITICAL",
    "procrastinate.worker.worker": "WARNING",
}

# Jobs that are said to be running, and whose lock nobody holds: their transaction has ended.
_LOST = """
SELECT id, attempts FROM procrastinate_jobs j
 WHERE status = 'doing' AND queue_name = %(queue)s AND NOT EXISTS (
   SELECT FROM pg_locks l
    WHERE l.locktype = 'advisory' AND l.classid = %(space)s AND l.objid = (j.id %% 2147483648)::oid AND l.objsubid = 2
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()))
"""
_PUT_BACK = """
UPDATE procrastinate_jobs j
   SET status = CASE WHEN EXISTS (SELECT FROM job_reports r WHERE r.job_id = j.id AND r.finished_at IS NOT NULL)
                     THEN 'succeeded' WHEN attempts >= %(most)s THEN 'failed'
                     WHEN EXISTS (SELECT FROM procrastinate_jobs o -- its next run waits already
                                   WHERE o.queueing_lock = j.queueing_lock AND o.status = 'todo')
                     THEN 'failed' ELSE 'todo'
                END::procrastinate_job_status,
       attempts = attempts + 1, scheduled_at = NULL, worker_id = NULL
 WHERE id = %(id)s AND attempts = %(attempts)s AND status = 'doing'
 RETURNING task_name, status
"""


class _Retry(procrastinate.BaseRetryStrategy):
    """A refusal by a rule stays one; everything else is tried again, each time a little later."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        """Decide whether and when."""
        if isinstance(exception, StillRunning | Stopping):
            return procrastinate.RetryDecision(
                retry_in={"seconds": 10 if isinstance(exception, StillRunning) else 0}
            )
        failures = int(str(job.task_kwargs.get("_failures", 0)))  # before this one
        if isinstance(exception, DomainError) or failures + 1 >= self.attempts:
            return None
        return procrastinate.RetryDecision(retry_in={"seconds": 2 * 3**failures})


def build(flask_app: Flask, settings: Settings, *, by_the_clock: bool = True) -> procrastinate.App:
    """Return the queue with every declared task, ready for a worker, and what the clock starts."""
    jobs = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=settings.app_url().replace("postgresql+psycopg", "postgresql", 1),
            kwargs=CONNECT_ARGS,
            min_size=1,
            max_size=4,
            timeout=5.0,
        )
    )
    for what in TASKS.values():
        jobs.task(name=what.name, queue=QUEUE, retry=_Retry(what.attempts), pass_context=True)(
            partial(_enter, flask_app, what)
        )
    for periodic in PERIODIC.values():
        run = jobs.task(
            name=periodic.name,
            queue=QUEUE,
            lock=periodic.name,
            queueing_lock=periodic.name,
            pass_context=True,
        )(partial(_tick, flask_app, periodic))
        if by_the_clock:
            jobs.periodic(cron=periodic.cron)(run)
    return jobs


def _enter(flask_app: Flask, what: Task, context: procrastinate.JobContext, **args: Any) -> None:
    with flask_app.app_context():
        queue.run(what, job_id=context.job.id or 0, args=args)


def _tick(
    flask_app: Flask, what: Periodic, context: procrastinate.JobContext, timestamp: int
) -> None:
    with flask_app.app_context():
        queue.tick(what, job_id=context.job.id or 0)


def run_waiting(flask_app: Flask, settings: Settings) -> None:
    """Do the jobs that are due, here and now, and return: for tests and small commands. The clock starts none."""

    async def work() -> None:
        jobs = build(flask_app, settings, by_the_clock=False)
        async with jobs.open_async():
            worker = Worker(
                jobs, queues=[QUEUE], wait=False, install_signal_handlers=False, listen_notify=False
            )
            await worker.run()  # type: ignore[no-untyped-call]

    # In a thread of its own: the caller's may have a loop already.
    with ThreadPoolExecutor(max_workers=1) as aside:
        aside.submit(lambda: asyncio.run(work())).result()


def work(flask_app: Flask, settings: Settings, *, concurrency: int) -> None:
    """Do jobs until a signal comes; what is not done within a few seconds then is undone and done later."""
    for name, level in QUIET.items():
        logging.getLogger(name).setLevel(level)
    asyncio.run(_work(flask_app, settings, concurrency))


async def _work(flask_app: Flask, settings: Settings, concurrency: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    stopping = asyncio.create_task(stop.wait())
    pause = 0.5
    while not stop.is_set():
        serving = asyncio.create_task(_serve(flask_app, settings, concurrency, stop))
        await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            queue.STOPPING.set()
            await asyncio.wait({serving}, timeout=GRACE + 1)
        if not serving.done():
            _leave("worker_not_done_in_time")
        try:
            serving.result()
            pause = 0.5
        except (ConnectorException, psycopg.Error, OSError) as error:
            cause = error.__cause__ or error
            log.warning("worker_without_database", error=str(cause), retry_in=pause)
            await asyncio.wait({stopping}, timeout=pause)
            pause = min(pause * 2, LONGEST_PAUSE)
    log.info("worker_stopped")


def _leave(why: str) -> NoReturn:
    # A thread cannot be stopped. Its transaction ends with the process, and the job is found again by its lock.
    log.warning(why)
    sys.stderr.flush()
    os._exit(0)


async def _serve(
    flask_app: Flask, settings: Settings, concurrency: int, stop: asyncio.Event
) -> None:
    """Fetch and do jobs until the database goes away or the worker is to stop."""
    jobs = build(flask_app, settings)
    async with jobs.open_async():
        worker = Worker(
            jobs,
            queues=[QUEUE],
            concurrency=concurrency,
            install_signal_handlers=False,
            shutdown_graceful_timeout=GRACE,
        )
        looking = asyncio.create_task(_look_for_lost(jobs))
        stopping = asyncio.create_task(_stop_with(worker, stop))
        log.info("worker_started", concurrency=concurrency)
        try:
            await worker.run()  # type: ignore[no-untyped-call]
        finally:
            for side in (looking, stopping):
                side.cancel()


async def _stop_with(worker: Worker, stop: asyncio.Event) -> None:
    await stop.wait()
    worker.stop()  # type: ignore[no-untyped-call]


async def _look_for_lost(jobs: procrastinate.App) -> None:
    """Put jobs back whose process died, whichever it was; two looks must agree, as some are just beginning."""
    before: set[tuple[int, int]] = set()
    while True:
        try:
            before = await _look(jobs, before)
        except (ConnectorException, psycopg.Error):
            before = set()
        await asyncio.sleep(LOOK_EVERY)


async def _look(jobs: procrastinate.App, before: set[tuple[int, int]]) -> set[tuple[int, int]]:
    query = jobs.connector.execute_query_all_async
    rows = await query(_LOST, queue=QUEUE, space=queue.LOCK_SPACE)
    lost = {(row["id"], row["attempts"]) for row in rows}
    for job_id, attempts in lost & before:
        for row in await query(_PUT_BACK, id=job_id, attempts=attempts, most=DEATHS):
            log.warning("job_found", job_id=job_id, task=row["task_name"], now=row["status"])
    return lost
