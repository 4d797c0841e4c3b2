"""Much data for measuring: made by the database itself, never in production."""

import os

import click
from flask import current_app
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from webapp.core.config import Settings

BATCH = 100_000
EVENTS = 2_000_000
# Each statement's transaction carries an audit row first: the database refuses it otherwise.
MARK = text(
    "INSERT INTO audit_event (action, category, actor_name) VALUES ('system.bench_data', 'system', 'system:seed')"
)
STEPS = {
    "people": (
        "INSERT INTO users (email, name) SELECT 'bench' || i || '@example.org', 'Bench Person ' || i"
        " FROM generate_series(1, 5000) AS i"
    ),
    "clients": (
        "INSERT INTO clients (name, code, location_id) SELECT 'Bench Client ' || i, 'BENCH-' || i,"
        " (SELECT (array_agg(id ORDER BY id))[1 + i % count(*)] FROM locations WHERE deleted_at IS NULL)"
        " FROM generate_series(1, 2000) AS i"
    ),
    "projects": (
        "INSERT INTO projects (name, client_id) SELECT 'Bench Project ' || i, c.id"
        " FROM generate_series(1, 10) AS i, clients c WHERE c.code LIKE 'BENCH-%'"
    ),
}
_EVENTS = text("""
INSERT INTO audit_event (occurred_at, actor_id, actor_name, request_id, action, category, outcome, object_type,
  object_id, object_label, client_id, changes)
SELECT now() - make_interval(secs => (CAST(:most AS bigint) - i) * 15), i % 5000 + 1, 'Bench Person ' || (i % 5000 + 1),
  'bench-' || (i / 3),
  (ARRAY['client.updated', 'project.updated', 'session.opened', 'user.viewed', 'access.denied'])[1 + i % 5],
  'import', CASE WHEN i % 5 = 4 THEN 'denied' ELSE 'ok' END,
  (ARRAY['client', 'project', 'user', 'user', NULL])[1 + i % 5], i % 2000 + 1, 'Bench ' || (i % 2000 + 1),
  CASE WHEN i % 5 < 2 THEN i % 2000 + 1 END,
  CASE WHEN i % 5 < 2 THEN jsonb_build_object('name', jsonb_build_array('Old ' || i, 'New ' || i)) ELSE '{}' END
  FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS i
""")


def refuse_production() -> None:
    """Stop unless somebody said that this is no production database."""
    settings: Settings = current_app.extensions["steward"]
    if not settings.demo and os.environ.get("STEWARD_BENCH") != "1":
        raise click.ClickException("Set DEMO=1 or STEWARD_BENCH=1: this data is for measuring.")
    if settings.owner_url() is None:
        raise click.ClickException("Set DATABASE_OWNER_URL: this needs the owner.")


def fill(events: int = EVENTS) -> None:
    """Add people, clients, projects and rows of the log, as the owner."""
    settings: Settings = current_app.extensions["steward"]
    engine = create_engine(settings.owner_url() or "", poolclass=NullPool)
    with engine.connect() as connection:
        if connection.scalar(text("SELECT EXISTS (SELECT FROM clients WHERE code = 'BENCH-1')")):
            click.echo("The large data is there already.")
            return
    for what, statement in STEPS.items():
        with engine.begin() as connection:
            connection.execute(MARK)
            connection.execute(text(statement))
        click.echo(f"{what} done")
    starts = range(1, events + 1, BATCH)
    with click.progressbar(starts, label="Log") as bar:
        for first in bar:
            with engine.begin() as connection:
                last = min(first + BATCH - 1, events)
                connection.execute(_EVENTS, {"first": first, "last": last, "most": events})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()
