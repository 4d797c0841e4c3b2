"""The register and the tree read by index: no page scans the assets, whoever asks."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event

from webapp.core.db import db

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
ROWS = 20_000
CLIENTS = 200
# Made by the database itself; one row of the log for all.
FILL = """
INSERT INTO audit_event (action, category) VALUES ('test.filled', 'system');
INSERT INTO locations (name) SELECT 'Place ' || i FROM generate_series(1, 6) AS i;
INSERT INTO clients (name, code, location_id) SELECT 'Client ' || i, 'CL-' || i, (SELECT (array_agg(id))[1 + i % 6]
  FROM locations) FROM generate_series(1, {clients}) AS i;
INSERT INTO projects (name, client_id) SELECT 'Project', id FROM clients;
INSERT INTO asset_types (name) SELECT 'Kind ' || i FROM generate_series(1, 10) AS i;
INSERT INTO assets (tag, name, type_id, client_id, project_id, status, serial, model, warranty_until)
SELECT 'P-' || lpad(i::text, 6, '0'), 'Latitude ' || i, t.ids[1 + i % 10], c.ids[1 + i % {clients}],
  CASE WHEN i / {clients} % 3 = 0 THEN p.ids[1 + i % {clients}] END,
  (ARRAY['in_use', 'in_stock', 'in_repair', 'retired'])[1 + i / 7 % 4], 'SN' || md5(i::text), 'Model ' || i % 50,
  date '2024-01-01' + i % 900
  FROM generate_series(1, {rows}) AS i,
    (SELECT array_agg(id ORDER BY id) AS ids FROM asset_types) AS t,
    (SELECT array_agg(id ORDER BY id) AS ids FROM clients) AS c,
    (SELECT array_agg(id ORDER BY client_id) AS ids FROM projects) AS p;
"""


@pytest.fixture
def filled(owner: Any) -> dict[str, Any]:
    """Many assets, and what addresses need of them."""
    with owner.transaction():
        owner.execute("SET LOCAL statement_timeout = 0")
        owner.execute(FILL.format(clients=CLIENTS, rows=ROWS))
    owner.execute("VACUUM ANALYZE assets, clients, projects, locations, asset_types, asset_custody")
    asked = (
        "SELECT a.id, a.tag, a.serial, a.client_id, a.project_id, a.type_id, c.location_id FROM assets a"
        " JOIN clients c ON c.id = a.client_id WHERE a.project_id IS NOT NULL AND c.code = 'CL-7' LIMIT 1"
    )
    found: dict[str, Any] = owner.execute(asked).fetchone()
    deep = owner.execute("SELECT id FROM assets WHERE tag = 'P-015000'").fetchone()
    packed = json.dumps(["P-015000", deep["id"]]).encode()
    return found | {"cursor": base64.urlsafe_b64encode(packed).decode().rstrip("=")}


ADDRESSES = {
    "first page": "/assets",
    "filtered": "/assets?type={type_id}&status=in_repair",
    "of a client": "/assets?place=client:{client_id}",
    "of a place": "/assets?place=location:{location_id}",
    "of a project": "/assets?place=project:{project_id}",
    "sorted": "/assets?sort=-warranty",
    "sorted by name": "/assets?sort=name",
    "a rare word": "/assets?q={serial}",
    "deep": "/assets?after={cursor}",
    "overdue": "/assets?overdue=1",
    "a record": "/assets/{tag}",
    "tree of a client": "/assets/tree/children?node=client:{client_id}",
    "tree of a project": "/assets/tree/children?node=project:{project_id}",
}


@pytest.fixture
def asked(app: Flask) -> Iterator[list[tuple[str, Any]]]:
    """The statements that pages send, with their values."""
    seen: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append((statement, values))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def scans(plan: Any) -> Iterator[str]:
    """Sequential scans of assets anywhere in a plan."""
    if plan["Node Type"] == "Seq Scan" and plan.get("Relation Name") == "assets":
        yield f"{plan['Node Type']} on assets, {plan.get('Filter', 'all of it')}"
    for inner in plan.get("Plans", ()):
        yield from scans(inner)


def test_no_page_scans_the_assets(
    filled: dict[str, Any],
    asked: list[tuple[str, Any]],
    sign_in: Callable[..., Any],
    app_role: psycopg.Connection[dict[str, Any]],
) -> None:
    scopes = {"everything": {}, "location": {"location_id": filled["location_id"]}}
    scopes["client"] = {"client_id": filled["client_id"]}
    wrong = []
    for who, scope in scopes.items():
        client = sign_in("assets", "organisation", **scope)
        for name, address in ADDRESSES.items():
            asked.clear()
            headers = FRAGMENT if "tree" in name else {}
            reply = client.get(address.format(**filled), headers=headers)
            assert reply.status_code == 200, (name, reply.status_code)
            assert len(asked) <= 10, (name, len(asked))
            about = [one for one in asked if "assets" in one[0] and "held AS" not in one[0]]
            assert about, name
            for statement, values in about:
                enter(app_role, client.user.id, everything=who == "everything")
                (row,) = app_role.execute(f"EXPLAIN (FORMAT JSON) {statement}", values).fetchall()
                found = scans(row["QUERY PLAN"][0]["Plan"])
                wrong += [f"{who}, {name}: {one}\n{statement}" for one in found]
    assert not wrong, "\n".join(wrong)


def enter(
    connection: psycopg.Connection[dict[str, Any]], user_id: int, *, everything: bool
) -> None:
    """Be at the database who the page was drawn for."""
    connection.rollback()
    connection.execute(
        "SELECT set_config('app.user_id', %s, true), set_config('app.page', 'assets', true)",
        [str(user_id)],
    )
    if everything:
        connection.execute("SET LOCAL ROLE steward_all")
