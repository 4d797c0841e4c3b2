"""`flask access …`: pages and permissions in the database."""

import click
from flask import current_app
from flask.cli import AppGroup
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from webapp.core import database

cli = AppGroup("access", help="Pages and permissions.")


@cli.command("sync")
def sync() -> None:
    """Bring the tables of pages and permissions, and the grants on tables, in step with the code."""
    url = current_app.extensions["steward"].owner_url()
    if url is None:
        raise click.ClickException("Set DATABASE_OWNER_URL: only the owner may do this.")
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        database.grant(connection)
        database.sync(connection)
    engine.dispose()
    click.echo("Pages, permissions and grants are in step with the code.")
