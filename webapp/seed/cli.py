"""`flask seed`: demo data."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from webapp.core.config import Settings
from webapp.core.database import APPEND_ONLY, AUDIT_TABLE, READ_ONLY
from webapp.core.db import db
from webapp.seed import (
    TOUCHED,
    assets,
    custody,
    demo,
    desk,
    history,
    large,
    names,
    oversight,
    papers,
    photos,
    state,
    tickets,
)

START_AFRESH = (
    "To start afresh, stop Steward and delete its data directory (rm -rf var), "
    "or with DATABASE_URL drop that database and create it again."
)
MESSAGES = {
    "touched": "The demo data is incomplete: an earlier start was interrupted while it was made, "
    f"and somebody has worked with it since, so it was left as it is. {START_AFRESH}",
    "foreign": "This database has data of its own. Nothing was changed.",
}
LOCK = "hashtext('steward seed')"


@click.command("seed")
@click.option("--size", type=click.Choice(["demo", "large"]), default="demo", show_default=True)
@with_appcontext
def seed(size: str) -> None:
    """Fill an empty database with a demo, or with much for measuring."""
    if size == "large":
        large.refuse_production()
    found = make_demo()
    if found in MESSAGES:
        raise click.ClickException(MESSAGES[found])
    if found == "seeded":
        click.echo("The demo data is there already.")
    if size == "large":
        large.fill()


def make_demo() -> str:
    """Make the demo in an empty database, or anew where that was interrupted; return what was found.

    Raises:
        ClickException: if another process makes it, or this one may not empty the tables.
    """
    with _alone():
        found = state()
        if found == "half-seeded":
            click.echo("The demo data was left half made by an earlier start; making it anew.")
            _empty()
        if found in {"empty", "half-seeded"}:
            seed_demo(datetime.now(UTC).date())
    return found


@contextmanager
def _alone() -> Iterator[None]:
    """Keep other processes from making, or emptying, the demo at the same time."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text(f"SELECT pg_try_advisory_lock({LOCK})")):
            raise click.ClickException("Another process is making the demo data just now.")
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({LOCK})"))


def _empty() -> None:
    """Empty all tables but the log, which keeps everything, if nobody but the seed worked in them."""
    settings: Settings = current_app.extensions["steward"]
    owner = settings.owner_url()
    if owner is None:
        raise click.ClickException(
            "It needs the owner of the tables: set DATABASE_OWNER_URL."
            f" Until then the demo data stays incomplete. {START_AFRESH}"
        )
    # The log stays, and what migrations filled.
    kept = {AUDIT_TABLE, *READ_ONLY, *APPEND_ONLY, "ticket_transitions"}
    tables = ", ".join(name for name in db.metadata.tables if name not in kept)
    engine = create_engine(owner, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables}"))
        if connection.scalar(TOUCHED):  # since we looked; this undoes it
            raise click.ClickException(MESSAGES["touched"])
    engine.dispose()


def seed_demo(today: date) -> None:
    """Make the demo, with a bar that shows how far it is."""
    with no_garbage_looked_for():
        _make(demo.start(today))


@contextmanager
def no_garbage_looked_for() -> Iterator[None]:
    """Leave cycles alone for a while: to look for them among so many young rows takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _make(made: demo.Demo) -> None:
    colleagues = demo.PEOPLE - len(names.ACCOUNTS)
    with click.progressbar(length=demo.DAYS + colleagues + 122, label="Demo data") as bar:
        demo.make_accounts(made)
        bar.update(1)
        demo.make_organisation(made)
        bar.update(1)
        made.now = made.base - timedelta(days=demo.DAYS + 1)
        for _ in range(colleagues):
            made.now += timedelta(minutes=12)
            demo.make_person(made)
            bar.update(1)
        stock = assets.take_over(made)
        photos.hang_up(made)
        bar.update(20)
        for day in range(demo.DAYS, 0, -1):
            history.live_a_day(made, day)
            assets.deliver(made, stock, day)
            custody.live_a_day(made, stock, day)
            bar.update(1)
        assets.keep_views(made)
        oversight.keep_views(made)
        for number in tickets.live_a_year(made, desk.open_desk(made)):
            bar.update(number // 50)
        papers.put_in(made)
        history.finish(made)
