"""Demo data, generated through the services."""

import click
from flask import Flask
from sqlalchemy import text

from webapp.core.db import db

_OURS = text("SELECT EXISTS (SELECT FROM audit_event WHERE action = :action)")
_USED = text(
    "SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM locations) OR EXISTS (SELECT FROM roles)"
)
# What the seed does is history that it imports, and upgrades register pages; the rest of the log, somebody did.
TOUCHED = text(
    "SELECT EXISTS (SELECT FROM audit_event WHERE category <> 'import' AND action <> 'access.synced')"
)


def state() -> str:
    """Tell whether the database is empty, seeded, half-seeded (and touched since), or somebody's own.

    Needs an app context.
    """
    try:
        if db.session.scalar(_OURS, {"action": "system.seeded"}):
            return "seeded"
        if not db.session.scalar(_USED):
            return "empty"
        if not db.session.scalar(_OURS, {"action": "system.seed_started"}):
            return "foreign"
        return "touched" if db.session.scalar(TOUCHED) else "half-seeded"
    finally:
        db.session.rollback()


def seed_if_empty(app: Flask) -> bool:
    """Fill an empty database with the demo, or finish what was interrupted; tell whether it was done.

    What keeps it from that is said, and no reason not to serve.
    """
    from webapp.seed.cli import MESSAGES, make_demo

    with app.app_context():
        try:
            found = make_demo()
        except click.ClickException as error:
            click.echo(error.message, err=True)
            return False
        if found == "touched":
            click.echo(MESSAGES[found], err=True)
        return found in {"empty", "half-seeded"}
