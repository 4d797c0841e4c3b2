"""`flask audit …`: chores around the log."""

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from webapp.core.config import Settings

cli = AppGroup("audit", help="The log.")

_PARTITIONS = text(
    "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
)


@cli.command("partitions")
@click.option("--ahead", default=13, show_default=True, type=click.IntRange(0, 120))
def partitions(ahead: int) -> None:
    """Make the months of the log ahead of time; run it each month."""
    settings: Settings = current_app.extensions["steward"]
    owner = settings.owner_url()
    if owner is None:
        raise click.ClickException("Set DATABASE_OWNER_URL: only the owner may add months.")
    engine = create_engine(owner, poolclass=NullPool)
    with engine.begin() as connection:
        before = set(connection.scalars(_PARTITIONS))
        connection.execute(text("SELECT audit_add_months(:ahead)"), {"ahead": ahead})
        made = sorted(set(connection.scalars(_PARTITIONS)) - before)
    engine.dispose()
    for name in made:
        click.echo(f"made {name}")
    if not made:
        click.echo(f"Nothing to do: {len(before)} months are there.")
