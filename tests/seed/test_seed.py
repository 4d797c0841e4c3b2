"""The demo data."""

import time
from datetime import date
from typing import Any

from sqlalchemy import text

from tests import factories
from webapp.seed import cli, state

GRANTS = 134  # the same in every run
COUNTS = (
    "SELECT (SELECT count(*) FROM users) AS people, (SELECT count(*) FROM clients) AS clients,"
    " (SELECT count(*) FROM projects) AS projects,"
    " (SELECT count(*) FROM locations WHERE parent_id IS NULL) AS places,"
    " (SELECT count(*) FROM user_roles) AS grants"
)


def test_the_demo_is_made_quickly_and_once(app: Any, owner: Any) -> None:
    began = time.monotonic()
    (since,) = owner.execute("SELECT clock_timestamp() AS at").fetchone().values()
    with app.app_context():
        assert state() == "empty"
        cli.seed_demo(date(2026, 1, 31))
        assert state() == "seeded"
    assert time.monotonic() - began < 30
    counted = {"people": 60, "clients": 12, "projects": 40, "places": 3, "grants": GRANTS}
    assert owner.execute(COUNTS).fetchall() == [counted]
    done = app.test_cli_runner().invoke(args=["seed"])
    assert "already" in done.output
    rows = owner.execute(
        "SELECT category, min(occurred_at) AS first FROM audit_event "
        " WHERE actor_name = 'Ana Ruiz' AND recorded_at >= %s GROUP BY 1",
        (since,),
    ).fetchall()
    assert [row["category"] for row in rows] == ["import"]
    assert rows[0]["first"].year == 2025


def test_it_leaves_a_database_of_somebody_else_alone(app: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(
        "webapp.seed._OURS", text("SELECT false WHERE CAST(:action AS text) IS NULL")
    )
    factories.make_user()
    done = app.test_cli_runner().invoke(args=["seed"])
    assert done.exit_code == 1
    assert "data of its own" in done.output
