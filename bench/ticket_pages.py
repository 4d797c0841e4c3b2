"""Addresses of tickets that the benchmark asks for, and what it sends where it changes one."""

import base64
import json
from typing import Any

from sqlalchemy import text

DEEP = 25 * 999
# Of the large data set: what is filtered by, and the tickets that are read, answered and changed.
_FACTS = {
    "client": "SELECT id FROM clients WHERE code = 'BENCH-7'",
    "place": "SELECT location_id FROM clients WHERE code = 'BENCH-7'",
    "team": "SELECT id FROM teams WHERE name = 'Bench team 3'",
    "person": """SELECT user_id FROM team_members WHERE team_id =
      (SELECT id FROM teams WHERE name = 'Bench team 3') ORDER BY id LIMIT 1""",
    "project": "SELECT project_id FROM assets WHERE tag = 'B-180000'",
    "asset": "SELECT id FROM assets WHERE tag = 'B-180006'",
    "contact": "SELECT min(id) FROM contacts WHERE email LIKE '%@bench-7.example'",
    "word": """SELECT substring(m.body FROM 'Reference (.*)') FROM ticket_messages m
      JOIN tickets t ON t.id = m.ticket_id WHERE t.external_ref = 'BENCH-180009' ORDER BY m.id LIMIT 1""",
    "read": "SELECT number FROM tickets WHERE external_ref = 'BENCH-180009'",
    "scoped": """SELECT max(number) FROM tickets
      WHERE client_id = (SELECT id FROM clients WHERE code = 'BENCH-7')""",
    "answered": "SELECT max(number) FROM tickets WHERE status = 'open' AND assignee_id > 0 AND id % 7 = 1",
    "changed": "SELECT max(number) FROM tickets WHERE status = 'open' AND assignee_id > 0 AND id % 7 = 2",
}
_OPEN = """SELECT coalesce(due_at, '9999-12-31 00:00:00+00'::timestamptz), id FROM tickets WHERE is_open
  ORDER BY 1, 2 OFFSET :rows LIMIT 1"""
_ALL = "SELECT updated_at, id FROM tickets ORDER BY 1 DESC, 2 DESC OFFSET :rows LIMIT 1"


def ticket_pages(app: Any) -> list[tuple[str, str]]:
    """Names and addresses of the queue, a ticket and what is done with one, with the large data set."""
    from webapp.core.db import db

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE steward_all"))
        found = {name: db.session.scalar(text(query)) for name, query in _FACTS.items()}
        deep, latest = (
            db.session.execute(text(query), {"rows": DEEP}).one() for query in (_OPEN, _ALL)
        )
        db.session.rollback()
    return [
        *_queues(found, _cursor(deep), _cursor(latest)),
        ("a ticket", f"/tickets/{found['read']}"),
        ("a ticket, history", f"/tickets/{found['read']}/history"),
        ("a ticket, side panel", f"/tickets/{found['read']}/side"),
        ("a ticket, scoped", f"/tickets/{found['scoped']}"),
        ("views of the queue", "/tickets/views"),
        ("views of the queue, scoped", "/tickets/views"),
        ("bell", "/notifications/bell"),
        ("a reply (POST, audited)", f"POST /tickets/{found['answered']}/messages"),
        ("a status (POST, audited)", f"POST /tickets/{found['changed']}/status"),
    ]


def _queues(found: dict[str, Any], deep: str, latest: str) -> list[tuple[str, str]]:
    filters = {
        "status": "status=pending&status=on_hold",
        "priority": "priority=urgent",
        "kind": "kind=maintenance",
        "team": f"team={found['team']}",
        "assignee": f"assignee={found['person']}",
        "nobody's": "assignee=none",
        "requester": f"requester=contact:{found['contact']}",
        "client": f"place=client:{found['client']}",
        "place": f"place=location:{found['place']}",
        "project": f"place=project:{found['project']}",
        "asset": f"asset={found['asset']}&all=1",
        "tag": "tag=vip",
        "rare tags": "tag=vip&tag=site-7&all=1",
        "overdue": "due=overdue",
        "due today": "due=today",
        "created": "created_from=2026-01-01&created_to=2026-01-31&all=1",
        "with files": "files=1",
        "watched": "watching=1",
        "several": f"team={found['team']}&status=open&priority=high&sort=-updated",
        "all": "all=1",
        "mine": "view=mine",
        "unassigned": "view=unassigned",
        "at risk": "view=risk",
        "recent": "view=recent",
    }
    sorts = ("-updated", "-created", "priority", "-number", "-due")
    return [
        ("tickets", "/tickets"),
        *((f"tickets, {name}", f"/tickets?{query}") for name, query in filters.items()),
        *((f"tickets, sort={sort}", f"/tickets?sort={sort}") for sort in sorts),
        ("tickets, all, sorted", "/tickets?all=1&sort=-updated"),
        ("tickets, a rare word", f"/tickets?q={found['word']}&all=1"),
        ("tickets, a common word", "/tickets?q=please"),
        ("tickets, a common word, all", "/tickets?q=please&all=1&sort=-updated"),
        ("tickets, a number", f"/tickets?q={found['read']}"),
        ("tickets, page 1,000", f"/tickets?after={deep}"),
        ("tickets, all, page 1,000", f"/tickets?all=1&sort=-updated&after={latest}"),
        ("tickets, scoped", "/tickets"),
        ("tickets, scoped, sorted", "/tickets?sort=-updated"),
        ("tickets, scoped, a rare word", f"/tickets?q={found['word']}&all=1"),
        ("tickets, scoped, a common word", "/tickets?q=please"),
    ]


def _cursor(row: Any) -> str:
    packed = json.dumps([row[0].isoformat(), row[1]]).encode()
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def fields_of(path: str, turn: int) -> dict[str, str]:
    """What a form sends in its ``turn``: each turn changes what the one before left."""
    here, there = (("open", "on_hold"), ("on_hold", "open"))[turn % 2]
    if path.endswith("/status"):
        return {"was": here, "status": there}
    if path.endswith("/messages"):
        return {"mode": "reply", "body": f"We look at it, **turn {turn}**.", "anyway": "y"}
    return {"theme": ("dark", "light")[turn % 2]}
