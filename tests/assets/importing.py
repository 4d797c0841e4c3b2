"""What the tests of imports share."""

import io
import re
from typing import Any

from flask import Flask
from sqlalchemy import text

from tests import factories
from tests.pages import CheckedClient
from webapp.core.db import db
from webapp.jobs import queue

PAGES = ("assets.import",)
ALL = ("assets.import", "assets", "assets.edit", "assets.custody", "assets.apply_import")


def upload(client: CheckedClient, content: str | bytes, name: str = "assets.csv") -> int:
    """Upload a file; return the import's id."""
    data = content.encode() if isinstance(content, str) else content
    reply = client.post("/assets/import", data={"file": (io.BytesIO(data), name)})
    assert reply.status_code == 303, reply.text
    return int(re.findall(r"/assets/import/(\d+)", reply.location)[0])


def options(owner: Any, run_id: int, **changes: Any) -> dict[str, Any]:
    """What the form would send, with changes."""
    row = owner.execute("SELECT settings FROM asset_imports WHERE id = %s", [run_id]).fetchone()
    sent = {"match": "tag", "status": "in_stock", **row["settings"]["options"], **changes}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def work_off(app: Flask) -> int:
    """Do every job that waits, as a worker would; return how many."""
    with app.app_context():
        rows = db.session.execute(
            text(
                "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id"
            )
        ).all()
        db.session.rollback()
        for row in rows:
            try:
                queue.run(queue.TASKS[row.task_name], job_id=row.id, args=dict(row.args))
                done = "succeeded"
            except Exception:
                done = "failed"
                raise
            finally:
                with db.engine.begin() as connection:
                    connection.execute(
                        text(
                            "UPDATE procrastinate_jobs SET status = CAST(:s AS procrastinate_job_status) WHERE id = :id"
                        ),
                        {"s": done, "id": row.id},
                    )
    return len(rows)


def check(
    app: Flask, client: CheckedClient, owner: Any, run_id: int, **changes: Any
) -> dict[str, int]:
    """Say what the columns mean, and have the rows checked; return the counts."""
    sent = options(owner, run_id, **changes)
    reply = client.post(f"/assets/import/{run_id}/check", data=sent)
    assert reply.status_code == 303, reply.text
    work_off(app)
    return counts(owner, run_id)


def apply(app: Flask, client: CheckedClient, owner: Any, run_id: int) -> dict[str, int]:
    """Apply what was checked; return the counts."""
    assert client.post(f"/assets/import/{run_id}/apply").status_code == 303
    work_off(app)
    return counts(owner, run_id)


def counts(owner: Any, run_id: int) -> dict[str, int]:
    """The counts of an import that came to its end."""
    row = owner.execute(
        "SELECT state, counts FROM asset_imports WHERE id = %s", [run_id]
    ).fetchone()
    assert row["state"] in ("checked", "applied"), row
    return {name: n for name, n in row["counts"].items() if n}


def verdicts(owner: Any, run_id: int) -> dict[int, dict[str, Any]]:
    """What was found, by line."""
    rows = owner.execute(
        "SELECT * FROM asset_import_rows WHERE run_id = %s ORDER BY line", [run_id]
    )
    return {row["line"]: row for row in rows.fetchall()}


def place() -> Any:
    """A client that the small file names, and a type."""
    client = factories.make_client("Northwind Rail", code="NWR")
    factories.make_type("Ticket machine")
    return client
