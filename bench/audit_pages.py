"""Addresses of the log that the benchmark asks for, who asks, and what PostgreSQL has to do for them."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import psycopg
from sqlalchemy import text

MOST_STATEMENTS = 8
FEW_ROWS = 12_000  # of two million: a count stops at 10,001
SMALL = 1000  # rows of a partition that may as well be read whole
# Auditors of a sixth of the clients and of one: who they are, and what their role is held for.
AUDITORS = {
    "auditor of a place": (
        "bench2@example.org",
        "location_id",
        "SELECT location_id FROM clients WHERE code = 'BENCH-7'",
    ),
    "auditor of a client": (
        "bench3@example.org",
        "client_id",
        "SELECT id FROM clients WHERE code = 'BENCH-7'",
    ),
}
# Of the large data set: somebody who did much, a large request, a day far back, and so on.
_FACTS = {
    "client": "SELECT id FROM clients WHERE code = 'BENCH-7'",
    "other": "SELECT id FROM clients WHERE code = 'BENCH-8'",
    "busy": "SELECT id FROM users WHERE email = 'bench1@example.org'",
    "person": "SELECT id FROM users WHERE email = 'bench2500@example.org'",
    "ticket": "SELECT id FROM tickets WHERE external_ref = 'BENCH-1807'",
    "asset": "SELECT tag FROM assets WHERE tag = 'B-010100'",
    "day": "SELECT (now() - interval '300 days')::date",
    "last": "SELECT (now() - interval '270 days')::date",
    "ip": """SELECT host(ip) FROM audit_event WHERE recorded_at > now() - interval '200 days' AND family(ip) = 4
      ORDER BY recorded_at, id LIMIT 1""",
    "via": """SELECT via FROM audit_event WHERE recorded_at > now() - interval '200 days' AND via LIKE 'session:%'
      ORDER BY recorded_at, id LIMIT 1""",
    "row": "SELECT id FROM audit_event WHERE request_id = 'bench-200500' LIMIT 1",
    "at": "SELECT recorded_at FROM audit_event WHERE request_id = 'bench-200500' LIMIT 1",
    "word": """SELECT changes -> 'resolution' ->> 1 FROM audit_event WHERE changes ? 'resolution'
      AND recorded_at > now() - interval '200 days' AND request_id LIKE 'bench-%' ORDER BY recorded_at LIMIT 1""",
    "deep": """SELECT json_build_array(recorded_at, id) FROM audit_event WHERE request_id = 'bench-300000' LIMIT 1""",
}


def audit_pages(app: Any) -> list[tuple[str, str]]:
    """Names and addresses of every way into the log, with the large data set."""
    from webapp.core.db import db

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE steward_all"))
        found = {name: db.session.scalar(text(query)) for name, query in _FACTS.items()}
        db.session.rollback()
    at, deep = found["deep"]
    cursor = base64.urlsafe_b64encode(json.dumps([at, deep]).encode()).decode().rstrip("=")
    ways = dict(_ways(found))
    few = ("all", "a person", "a rare word", "a common word", "refusals", "denied", "by request")
    narrow = [
        (f"{who}: {name}", f"/audit{ways[name]}")
        for who in AUDITORS
        for name in few
        if name in ways
    ]
    at = quote(found["at"].isoformat())
    return [
        *((f"audit: {name}", f"/audit{query}") for name, query in ways.items()),
        ("audit: far back", f"/audit?after={cursor}"),
        ("audit: newer than far back", f"/audit?before={cursor}"),
        ("audit: by request, far back", f"/audit?group=1&after={cursor}"),
        ("audit: what a request did", f"/audit/group?at={at}"),
        ("audit: a row", f"/audit/{found['row']}?at={at}"),
        ("audit: a row of a large request", f"/audit/{found['row']}"),
        ("audit: history of a ticket", f"/audit/record/ticket/{found['ticket']}"),
        ("audit: integrity", "/audit/integrity"),
        ("audit: exports", "/audit/exports"),
        *narrow,
    ]


def _ways(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    number = found["word"].split()[2]
    days = f"since={found['day']}T00:00&until={found['last']}T00:00"
    yield from {
        "all": "",
        "oldest first": "?sort=recorded_at",
        "as it happened": "?sort=-occurred_at",
        "as it happened, a month": f"?sort=-occurred_at&{days}",
        "today": "?period=today",
        "last 7 days": "?period=7",
        "a month long ago": f"?{days}",
        "a person": f"?actor={found['busy']}",
        "a person, a month": f"?actor={found['person']}&{days}",
        "three people": f"?actor={found['busy']}&actor={found['person']}&actor=1",
        "a name": "?actor=Bench+Person+77",
        "a token": "?actor=token:7",
        "a job": "?actor=job:200500",
        "the system": "?actor=system:levels",
        "an action": "?action=role.revoked",
        "two actions": "?action=role.assigned&action=role.revoked",
        "a category": "?category=export",
        "two categories": "?category=export&category=access",
        "refusals": "?outcome=not-ok",
        "failed": "?outcome=failed",
        "a kind": "?object_type=client",
        "a ticket": f"?object_type=ticket&object_id={found['ticket']}",
        "an asset by its name": f"?object_type=asset&record={found['asset']}",
        "a client": f"?client={found['client']}",
        "two clients": f"?client={found['client']}&client={found['other']}",
        "an address": f"?ip={found['ip']}",
        "a network": "?ip=10.7.0.0/16",
        "a session": f"?via={found['via']}",
        "a request": "?request=bench-200500",
        "a rare word": f"?q={number}",
        "a common word": "?q=replaced",
        "two words": "?q=replaced+bench",
        "a field": "?field=warranty_until",
        "from open to closed": "?field=status&was=open&became=closed",
        "from normal to urgent": "?field=priority&was=normal&became=urgent",
        "several filters": f"?actor={found['busy']}&action=ticket.updated&category=change&{days}",
        "by request": "?group=1",
        "by request, a person": f"?group=1&actor={found['busy']}",
        "by request, a common word": "?group=1&q=replaced",
        "by request, an action": "?group=1&action=asset.updated",
    }.items()


def auditors(app: Any) -> dict[str, str]:
    """The addresses of the auditors who may read a part; they get their role if they have none."""
    from webapp.access.models import Role, UserRole
    from webapp.core.db import db
    from webapp.core.unit_of_work import unit_of_work
    from webapp.users.models import User

    with app.app_context(), unit_of_work("system:bench"):
        role = db.session.query(Role).filter_by(name="Auditor").one()
        for email, column, query in AUDITORS.values():
            user = db.session.query(User).filter_by(email=email).one()
            if not db.session.query(UserRole).filter_by(user_id=user.id, role_id=role.id).count():
                place = {column: db.session.scalar(text(query))}
                db.session.add(UserRole(user_id=user.id, role_id=role.id, **place))
    return {who: email for who, (email, _column, _query) in AUDITORS.items()}


def troubles(dsn: str, page: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with how a page reads the log: too many statements, no index, too much read."""
    if len(page["statements"]) > MOST_STATEMENTS:
        yield f"{len(page['statements'])} statements"
    with psycopg.connect(dsn) as connection:
        for statement, parameters in page["statements"]:
            if "audit_event" in statement and "INSERT" not in statement:
                asked = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
                found = connection.execute(asked, parameters).fetchone()  # type: ignore[arg-type]
                yield from _wrong(found[0][0]["Plan"] if found else {})
            connection.execute(statement, parameters)
        connection.rollback()


def _wrong(plan: dict[str, Any]) -> Iterator[str]:
    read = 0
    for scan in _scans(plan):
        rows = scan["Actual Loops"] * (
            scan["Actual Rows"]
            + scan.get("Rows Removed by Filter", 0)
            + scan.get("Rows Removed by Index Recheck", 0)
        )
        read += rows
        if scan["Node Type"] == "Seq Scan" and rows > SMALL:
            yield f"{scan['Relation Name']} read whole"
    if read > FEW_ROWS:
        yield f"{read:,.0f} rows read"


def _scans(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node.get("Relation Name", "").startswith("audit_event") and node["Actual Loops"]:
        yield node
    for part in node.get("Plans", ()):
        yield from _scans(part)
