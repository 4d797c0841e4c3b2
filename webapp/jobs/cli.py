"""`flask worker`: does the jobs of the queue."""

import asyncio

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp.core.db import db
from webapp.jobs import queue

CONCURRENCY = 2
GRACE = 5.0  # seconds that running jobs get when the worker is asked to stop


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Do jobs until Ctrl-C."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the app itself
    jobs = queue.build(app, app.extensions["steward"])
    db.engine.dispose()

    async def work() -> None:
        async with jobs.open_async():
            await jobs.run_worker_async(
                queues=[queue.QUEUE],
                concurrency=CONCURRENCY,
                shutdown_graceful_timeout=GRACE,
                stalled_worker_timeout=queue.STALLED_AFTER,
            )

    asyncio.run(work())
