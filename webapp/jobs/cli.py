"""`flask worker`: does the jobs of the queue."""

import click
from flask import current_app
from flask.cli import with_appcontext

from webapp.core.config import Settings
from webapp.core.embedded_pg import server_for
from webapp.jobs import worker as process

CONCURRENCY = 2


@click.command("worker")
@click.option("--concurrency", default=CONCURRENCY, type=click.IntRange(1, 8), show_default=True)
@with_appcontext
def worker(concurrency: int) -> None:
    """Do jobs until Ctrl-C; `flask serve` starts one by itself."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001 - threads need the app itself
    settings: Settings = app.extensions["steward"]
    if settings.embedded and server_for(settings.data_dir).started_here:
        raise click.ClickException(
            "Nobody serves here: the embedded database runs only while `flask serve` does,\n"
            "and that starts a worker by itself. With DATABASE_URL a worker runs on its own."
        )
    process.work(app, settings, concurrency=concurrency)
