"""The queue and a ticket read by index, with few statements whatever the length: no page scans the tickets."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import Message

ROWS = 24_000
CLIENTS = 150
CAPPED = 10_001
QUEUE, TICKET = 10, 14  # statements at most
BIG = ("tickets", "ticket_messages", "ticket_watchers", "ticket_links", "time_entries")
# Made by the database itself; one row of the log for all. Words and priorities are what the triggers would make.
FILL = """
INSERT INTO audit_event (action, category) VALUES ('test.filled', 'system');
INSERT INTO locations (name) SELECT 'Place ' || i FROM generate_series(1, 6) AS i;
INSERT INTO clients (name, code, location_id) SELECT 'Client ' || i, 'CL-' || i, (SELECT (array_agg(id))[1 + i % 6]
  FROM locations) FROM generate_series(1, {clients}) AS i;
INSERT INTO projects (name, client_id) SELECT 'Project', id FROM clients;
INSERT INTO users (email, name) SELECT 'agent' || i || '@example.org', 'Agent ' || i FROM generate_series(1, 60) AS i;
INSERT INTO teams (name) SELECT 'Team ' || i FROM generate_series(1, 12) AS i;
INSERT INTO contacts (client_id, name, email) SELECT id, 'Contact', 'c@' || code || '.example' FROM clients;
ALTER TABLE tickets DISABLE TRIGGER keep_ticket;
ALTER TABLE ticket_messages DISABLE TRIGGER add_words;
INSERT INTO tickets (number, subject, status, priority, impact, urgency, client_id, project_id, assignee_id, team_id,
  requester_contact_id, tags, resolution, opened_at, updated_at, resolved_at, closed_at, resolution_due_at, search)
SELECT 500000 + i, 'The printer ' || i, s, 'normal', 'medium', 'medium', c.ids[1 + i % {clients}],
  CASE WHEN i / {clients} % 3 = 0 THEN p.ids[1 + i % {clients}] END, CASE WHEN i % 5 > 0 THEN u.ids[1 + i % 59] END,
  t.ids[1 + i % 12], k.ids[1 + i % {clients}], ARRAY['tag-' || i % 50],
  CASE WHEN s = 'closed' THEN 'Done.' ELSE '' END, now() - make_interval(mins => i * 10),
  now() - make_interval(mins => i * 7), CASE WHEN s = 'closed' THEN now() END, CASE WHEN s = 'closed' THEN now() END,
  now() + make_interval(mins => i % 20000 - 3000),
  steward_terms(500000 + i || ' the printer please help md' || md5(i::text))
  FROM generate_series(1, {rows}) AS i, LATERAL (SELECT (ARRAY['new', 'open', 'open', 'pending', 'on_hold', 'closed',
      'closed', 'closed', 'closed', 'closed'])[1 + i / 3 % 10] AS s) AS state,
    (SELECT array_agg(id ORDER BY id) AS ids FROM clients) AS c,
    (SELECT array_agg(id ORDER BY client_id) AS ids FROM projects) AS p,
    (SELECT array_agg(id ORDER BY id) AS ids FROM users WHERE email LIKE 'agent%') AS u,
    (SELECT array_agg(id ORDER BY id) AS ids FROM teams) AS t,
    (SELECT array_agg(id ORDER BY client_id) AS ids FROM contacts) AS k;
INSERT INTO ticket_messages (client_id, ticket_id, body, sent_at) SELECT client_id, id, 'Please help', opened_at
  FROM tickets;
INSERT INTO ticket_watchers (client_id, ticket_id, user_id) SELECT client_id, id, assignee_id FROM tickets
  WHERE assignee_id IS NOT NULL;
INSERT INTO ticket_links (client_id, ticket_id, other_client_id, other_id) SELECT a.client_id, a.id, b.client_id, b.id
  FROM tickets a JOIN tickets b ON b.number = a.number - {clients} AND b.client_id = a.client_id;
INSERT INTO time_entries (client_id, ticket_id, user_id, minutes, spent_on) SELECT client_id, id, assignee_id, 5,
  '2026-01-01' FROM tickets WHERE assignee_id IS NOT NULL;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE tickets ENABLE TRIGGER keep_ticket;
ALTER TABLE ticket_messages ENABLE TRIGGER add_words;
"""


@pytest.fixture
def filled(owner: Any) -> dict[str, Any]:
    """Many tickets, and what addresses need of them."""
    with owner.transaction():
        owner.execute("SET LOCAL statement_timeout = 0")
        owner.execute(FILL.format(clients=CLIENTS, rows=ROWS))
    owner.execute(
        f"VACUUM ANALYZE {', '.join(BIG)}, clients, projects, locations, users, teams, contacts"
    )
    asked = (
        "SELECT t.*, c.location_id FROM tickets t JOIN clients c ON c.id = t.client_id"
        " WHERE t.project_id IS NOT NULL AND t.assignee_id IS NOT NULL AND is_open AND c.code = 'CL-7' LIMIT 1"
    )
    found: dict[str, Any] = owner.execute(asked).fetchone()
    deep = owner.execute(
        "SELECT updated_at, id FROM tickets ORDER BY 1 DESC, 2 DESC OFFSET 15000 LIMIT 1"
    ).fetchone()
    packed = json.dumps([deep["updated_at"].isoformat(), deep["id"]]).encode()
    found["cursor"] = base64.urlsafe_b64encode(packed).decode().rstrip("=")
    (rare,) = owner.execute(
        "SELECT 'md' || md5((number - 500000)::text) AS word FROM tickets WHERE id = %s",
        [found["id"]],
    ).fetchall()
    return found | rare


LISTS = {
    "first page": "/tickets",
    "status": "/tickets?status=pending&status=on_hold",
    "priority": "/tickets?priority=normal",
    "team": "/tickets?team={team_id}",
    "assignee": "/tickets?assignee={assignee_id}",
    "nobody's": "/tickets?assignee=none",
    "requester": "/tickets?requester=contact:{requester_contact_id}",
    "client": "/tickets?place=client:{client_id}",
    "place": "/tickets?place=location:{location_id}",
    "project": "/tickets?place=project:{project_id}",
    "tag": "/tickets?tag=tag-7",
    "overdue": "/tickets?due=overdue",
    "mine": "/tickets?view=mine",
    "at risk": "/tickets?view=risk",
    "recent": "/tickets?view=recent",
    "all": "/tickets?all=1",
    "sorted": "/tickets?sort=-updated",
    "sorted by age": "/tickets?sort=created",
    "sorted by priority": "/tickets?sort=priority",
    "sorted by number": "/tickets?sort=-number",
    "all, sorted": "/tickets?all=1&sort=-updated",
    "a rare word": "/tickets?q={word}&all=1",
    "a common word": "/tickets?q=printer",
    "a number": "/tickets?q={number}",
    "a rare phrase": "/tickets?q=help-{word}&all=1",
    "a common phrase": "/tickets?q=%22please+help%22",
    "deep": "/tickets?all=1&sort=-updated&after={cursor}",
}
PAGES = {
    "a ticket": "/tickets/{number}",
    "its side": "/tickets/{number}/side",
    "its links": "/tickets/{number}/links",
    "its history": "/tickets/{number}/history",
}
RIGHTS = (
    "tickets",
    "organisation",
    "tickets.edit",
    "tickets.reply",
    "tickets.assign",
    "tickets.merge",
)


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


def wrongs(plan: Any) -> Iterator[str]:
    """Sequential scans of what is big, and more rows than a capped count may see, anywhere in a plan."""
    where = plan.get("Relation Name")
    if plan["Node Type"] == "Seq Scan" and where in BIG:
        yield f"{plan['Node Type']} on {where}, {plan.get('Filter', 'all of it')}"
    rows = plan.get("Actual Rows", 0) * plan.get("Actual Loops", 1)
    if where in BIG and plan["Node Type"] != "Bitmap Heap Scan" and rows > CAPPED:
        yield f"{rows} rows of {where} by {plan['Node Type']}"
    for inner in plan.get("Plans", ()):
        yield from wrongs(inner)


def test_no_page_scans_the_tickets(
    filled: dict[str, Any],
    asked: list[tuple[str, Any]],
    sign_in: Callable[..., Any],
    app_role: psycopg.Connection[dict[str, Any]],
) -> None:
    scopes = {"everything": {}, "location": {"location_id": filled["location_id"]}}
    scopes["project"] = {"project_id": filled["project_id"]}
    wrong, explained = [], 0
    for who, scope in scopes.items():
        client = sign_in(*RIGHTS, **scope)
        for name, address in (LISTS | PAGES).items():
            asked.clear()
            reply = client.get(address.format(**filled))
            assert reply.status_code == 200, (who, name, reply.status_code)
            most = QUEUE if name in LISTS else TICKET
            if len(asked) > most:
                wrong.append(f"{who}, {name}: {len(asked)} statements")
            for statement, values in asked:
                if (
                    not statement.lstrip().startswith(("SELECT", "WITH"))
                    or "ticket" not in statement
                ):
                    continue
                enter(app_role, client.user.id, everything=who == "everything")
                asking = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
                (row,) = app_role.execute(asking, values).fetchall()
                explained += 1
                found = wrongs(row["QUERY PLAN"][0]["Plan"])
                wrong += [f"{who}, {name}: {one}\n{statement}" for one in found]
    assert not wrong, "\n\n".join(wrong)
    assert explained > 3 * len(LISTS | PAGES)


def enter(
    connection: psycopg.Connection[dict[str, Any]], user_id: int, *, everything: bool
) -> None:
    """Be at the database who the page was drawn for."""
    connection.rollback()
    connection.execute(
        "SELECT set_config('app.user_id', %s, true), set_config('app.page', 'tickets', true)",
        [str(user_id)],
    )
    if everything:
        connection.execute("SET LOCAL ROLE steward_all")


def test_statements_do_not_grow_with_rows(app: Flask, sign_in: Any, statements: Any) -> None:
    client = sign_in("*")
    agent, contact = factories.make_user(), factories.make_contact()
    team = factories.make_team(agent, client.user)
    place = factories.make_project(client_id=contact.client_id)

    def make(some: int) -> Any:
        for number in range(some):
            ticket = factories.make_ticket(
                body=f"It broke {number}", client_id=contact.client_id, project_id=place.id,
                assignee_id=agent.id, team_id=team.id, requester_contact_id=contact.id, tags=["a"],
            )  # fmt: skip
        return ticket

    def counted(*addresses: str) -> list[int]:
        counts = []
        for address in addresses:
            with statements() as seen:
                assert client.get(address).status_code == 200
            counts.append(len(seen))
        return counts

    ticket = make(2)
    pages = ("/tickets", "/tickets?view=mine&all=1", "/tickets/views", f"/tickets/{ticket.number}")
    few = counted(*pages)
    make(22)
    with factories.work():
        for turn in range(20):
            db.session.add(_message(ticket, agent.id, turn))
    assert counted(*pages) == few
    assert max(few[:3]) <= QUEUE
    assert few[3] <= TICKET


def _message(ticket: Any, author_id: int, turn: int) -> Any:
    return Message(
        client_id=ticket.client_id, ticket_id=ticket.id, author_id=author_id, body=f"Turn {turn}"
    )
