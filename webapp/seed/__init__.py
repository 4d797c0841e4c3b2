"""Demo data, generated through the services."""

from datetime import UTC, datetime

from flask import Flask
from sqlalchemy import text

from webapp.core.db import db

_OURS = text("SELECT EXISTS (SELECT FROM audit_event WHERE action = :action)")
_USED = text(
    "SELECT EXISTS (SELECT FROM users) OR EXISTS (SELECT FROM locations) OR EXISTS (SELECT FROM roles)"
)


def state() -> str:
    """Tell whether the database is empty, seeded, half-seeded or somebody's own (needs an app context)."""
    try:
        if db.session.scalar(_OURS, {"action": "system.seeded"}):
            return "seeded"
        if not db.session.scalar(_USED):
            return "empty"
        begun = db.session.scalar(_OURS, {"action": "system.seed_started"})
        return "half-seeded" if begun else "foreign"
    finally:
        db.session.rollback()


def seed_if_empty(app: Flask) -> bool:
    """Fill an empty database with the demo; tell whether it was done."""
    from webapp.seed.cli import seed_demo

    with app.app_context():
        if state() != "empty":
            return False
        seed_demo(datetime.now(UTC).date())
        return True
