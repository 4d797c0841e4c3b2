"""Much data for measuring: made by the database itself, never in production."""

import os

import click
from flask import current_app
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from webapp.core.config import Settings
from webapp.seed import large_log, large_tickets

ASSETS = 200_000
ASSETS_AT_ONCE = 20_000
RACKS = 10_000  # five of each client; what lies in them comes later
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
_TYPES = text("""
INSERT INTO asset_types (name, attributes) SELECT 'Bench ' || name, (SELECT jsonb_agg(jsonb_build_object('key', key,
  'label', label, 'kind', kind, 'unit', '', 'choices', '[]'::jsonb, 'required', false, 'unique', key = 'inventory'))
  FROM (VALUES ('hostname', 'Host name', 'text'), ('memory', 'Memory', 'number'),
    ('inventory', 'Inventory number', 'text')) AS a (key, label, kind))
  FROM unnest(ARRAY['rack', 'laptop', 'monitor', 'phone', 'server', 'switch', 'access point', 'printer', 'van',
  'meter']) AS name
""")
# Row i belongs to client i % 2000; one in ten lies in a rack of that client, four of ten belong to a project.
_ASSETS = text("""
WITH clients AS MATERIALIZED (
  SELECT c.id, substr(c.code, 7)::int AS number, p.ids AS projects FROM clients c
    JOIN (SELECT client_id, array_agg(id ORDER BY id) AS ids FROM projects GROUP BY 1) p ON p.client_id = c.id
   WHERE c.code LIKE 'BENCH-%'),
types AS MATERIALIZED (SELECT array_agg(id ORDER BY id) AS ids FROM asset_types WHERE name LIKE 'Bench %')
INSERT INTO assets (tag, name, type_id, client_id, project_id, parent_id, status, serial, manufacturer, model,
  purchased_on, cost, warranty_until, attributes, created_at, updated_at)
SELECT 'B-' || lpad(i::text, 6, '0'), m.model || ' ' || i, t.ids[CASE WHEN i <= :racks THEN 1 ELSE 2 + i / 3 % 9 END],
  c.id, CASE WHEN i > :racks AND i % 10 < 4 THEN c.projects[1 + i / 10 % 10] END, r.id,
  (ARRAY['in_use', 'in_use', 'in_use', 'in_stock', 'in_stock', 'in_use', 'in_repair', 'planned', 'retired', 'in_use'])
    [1 + i / 7 % 10],
  'SN' || upper(substr(md5(i::text), 1, 9)), m.maker, m.model, date '2018-01-01' + i % 2900, 100 + i % 5000,
  CASE WHEN i % 9 > 0 THEN date '2021-01-01' + i % 3400 END,
  jsonb_build_object('hostname', 'host-' || i, 'memory', 8 * (1 + i % 8), 'inventory', 'INV' || i),
  now() - make_interval(mins => (:most - i) * 2), now() - make_interval(mins => (:most - i) * 2)
  FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS i
  CROSS JOIN types t JOIN clients c ON c.number = 1 + i % 2000
  JOIN (VALUES (0, 'Dell', 'Latitude 7440'), (1, 'HP', 'EliteBook 840'), (2, 'Lenovo', 'ThinkPad T14'),
    (3, 'Cisco', 'Catalyst 9200L'), (4, 'APC', 'Smart-UPS 1500')) AS m (number, maker, model) ON m.number = i / 11 % 5
  LEFT JOIN assets r ON i > :racks AND i % 10 = 5 AND r.client_id = c.id
    AND r.tag = 'B-' || lpad((1 + (i - 1) % 2000 + i / 20 % 5 * 2000)::text, 6, '0')
""")
_CUSTODY = text("""
INSERT INTO asset_custody (client_id, asset_id, holder_user_id, holder_location_id, taken_at, due_on, returned_at,
  condition)
SELECT a.client_id, a.id, CASE WHEN n % 4 > 0 THEN people.ids[1 + n % 5000] END,
  CASE WHEN n % 4 = 0 THEN c.location_id END, now() - make_interval(days => 100 + n % 300),
  CASE WHEN n % 6 = 0 THEN current_date - 20 + n % 200 END,
  CASE WHEN n % 3 = 0 THEN now() - make_interval(days => n % 99) END, CASE WHEN n % 3 = 0 THEN 'good' END
  FROM (SELECT *, substr(tag, 3)::int AS n FROM assets WHERE tag LIKE 'B-%') AS a JOIN clients c ON c.id = a.client_id
  CROSS JOIN (SELECT array_agg(id ORDER BY id) AS ids FROM users WHERE email LIKE 'bench%') AS people
 WHERE a.status = 'in_use' AND n % 5 < 3 AND n BETWEEN :first AND :last
""")


def refuse_production() -> None:
    """Stop unless somebody said that this is no production database."""
    settings: Settings = current_app.extensions["steward"]
    if not settings.demo and os.environ.get("STEWARD_BENCH") != "1":
        raise click.ClickException("Set DEMO=1 or STEWARD_BENCH=1: this data is for measuring.")
    if settings.owner_url() is None:
        raise click.ClickException("Set DATABASE_OWNER_URL: this needs the owner.")


def fill(
    events: int = large_log.EVENTS, assets: int = ASSETS, tickets: int = large_tickets.TICKETS
) -> None:
    """Add people, clients, projects, assets, tickets and rows of the log, as the owner."""
    settings: Settings = current_app.extensions["steward"]
    engine = create_engine(settings.owner_url() or "", poolclass=NullPool)
    steps = {
        "organisation": (_organisation, 0),
        "assets": (_assets, assets),
        "tickets": (large_tickets.fill, tickets),
        "log": (large_log.fill, events),
    }
    done = {
        "organisation": "SELECT EXISTS (SELECT FROM clients WHERE code = 'BENCH-1')",
        "assets": "SELECT EXISTS (SELECT FROM assets WHERE tag = 'B-000001')",
        "tickets": "SELECT EXISTS (SELECT FROM tickets WHERE external_ref = 'BENCH-1')",
        "log": "SELECT EXISTS (SELECT FROM audit_event WHERE request_id = 'bench-1')",
    }
    for what, (step, rows) in steps.items():
        with engine.connect() as connection:
            there = connection.scalar(text(done[what]))
        if there:
            click.echo(f"{what}: there already")
        else:
            step(engine, rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
    engine.dispose()


def _organisation(engine: Engine, _rows: int) -> None:
    for what, statement in STEPS.items():
        with engine.begin() as connection:
            connection.execute(MARK)
            connection.execute(text(statement))
        click.echo(f"{what} done")


def _assets(engine: Engine, rows: int) -> None:
    with engine.begin() as connection:
        connection.execute(MARK)
        connection.execute(_TYPES)
    starts = [1, *range(RACKS + 1, rows + 1, ASSETS_AT_ONCE)]
    for label, statement in (("Assets", _ASSETS), ("Custody", _CUSTODY)):
        with click.progressbar(
            zip(starts, [*starts[1:], rows + 1], strict=True), len(starts), label
        ) as bar:
            for first, after in bar:
                values = {"first": first, "last": after - 1}
                with engine.begin() as connection:
                    connection.execute(MARK)
                    if statement is _ASSETS:
                        values |= {"most": rows, "racks": RACKS}
                    connection.execute(statement, values)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE assets"))
