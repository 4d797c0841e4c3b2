"""The demo data."""

import itertools
import time
from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from tests import factories
from tests.conftest import dsn
from webapp import create_app
from webapp.core import database, trail
from webapp.core.db import db
from webapp.core.unit_of_work import unit_of_work
from webapp.seed import cli, demo, history, seed_if_empty, state

_numbers = itertools.count()
GRANTS = 134  # the same in every run
COUNTS = (
    "SELECT (SELECT count(*) FROM users) AS people, (SELECT count(*) FROM clients) AS clients,"
    " (SELECT count(*) FROM projects) AS projects,"
    " (SELECT count(*) FROM locations WHERE parent_id IS NULL) AS places,"
    " (SELECT count(*) FROM user_roles) AS grants, (SELECT count(*) FROM assets) AS assets,"
    " (SELECT count(*) FROM assets WHERE tag <> upper(tag) OR serial = '' OR warranty_until IS NULL) AS odd,"
    " (SELECT count(*) FROM attachments WHERE asset_id > 0) AS photos,"
    " (SELECT count(*) FROM attachments WHERE message_id > 0) AS papers,"
    " (SELECT count(*) > 100 FROM assets WHERE parent_id > 0) AS inside,"
    " (SELECT count(*) > 200 FROM asset_custody WHERE returned_at IS NULL) AS held,"
    " (SELECT count(*) > 5 FROM asset_custody WHERE returned_at IS NULL AND due_on < '2026-01-31') AS overdue,"
    " (SELECT count(*) > 300 FROM asset_custody WHERE returned_at IS NOT NULL) AS returned,"
    " (SELECT count(*) FROM saved_views WHERE is_shared) AS views,"
    " (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM teams) AS teams,"
    " (SELECT count(*) > 80 FROM tickets WHERE is_open) AS open,"
    " (SELECT count(*) > 15000 FROM ticket_messages) AS conversations,"
    " (SELECT count(*) > 1500 FROM tickets WHERE asset_id IS NOT NULL) AS about_assets,"
    " (SELECT count(*) BETWEEN 200 AND 1000 FROM tickets WHERE resolution_breached_at IS NOT NULL) AS missed,"
    " (SELECT count(*) > 10 FROM ticket_merges) AS merged, (SELECT count(*) > 50 FROM ticket_links) AS linked"
)


def test_the_demo_is_made_quickly_and_once(app: Any, owner: Any) -> None:
    began = time.process_time()  # on the clock it takes as long as the machine is busy
    (since,) = owner.execute("SELECT clock_timestamp() AS at").fetchone().values()
    with app.app_context():
        assert state() == "empty"
        cli.seed_demo(date(2026, 1, 31))
        assert state() == "seeded"
    assert time.process_time() - began < 40  # 5,000 tickets with 24,000 messages take a third of it
    counted = {"people": 60, "clients": 12, "projects": 40, "places": 3, "grants": GRANTS}
    counted |= {
        "assets": 2000,
        "odd": 0,
        "photos": 10,
        "papers": 12,
        "views": 12,
        "tickets": 5000,
        "teams": 4,
    }
    counted |= dict.fromkeys(("inside", "held", "overdue", "returned"), True)
    counted |= dict.fromkeys(("open", "conversations", "about_assets", "missed"), True)
    counted |= dict.fromkeys(("merged", "linked"), True)
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


@pytest.fixture
def half(new_database: Any, settings: Any, monkeypatch: Any) -> Iterator[Any]:
    """An app on a database of its own, whose seed was interrupted."""
    own = settings.model_copy(update={"database_url": new_database(f"half_{next(_numbers)}")})
    database.prepare(own)
    made = create_app(own)

    def interrupt(done: Any, day: int) -> None:
        if day < demo.DAYS - 20:
            raise KeyboardInterrupt
        history.live_a_day(done, day)

    with monkeypatch.context() as patched:
        patched.setattr(cli, "history", SimpleNamespace(live_a_day=interrupt))
        with pytest.raises(KeyboardInterrupt), made.app_context():
            cli.make_demo()
    yield made
    with made.app_context():
        db.engine.dispose()


def test_an_interrupted_demo_is_made_anew(half: Any, capsys: Any) -> None:
    with half.app_context():
        assert state() == "half-seeded"
    assert seed_if_empty(half)
    assert "half made" in capsys.readouterr().out
    with half.app_context():
        assert state() == "seeded"
        assert db.session.scalar(text("SELECT count(*) FROM users")) == demo.PEOPLE
        begun = text("SELECT count(*) FROM audit_event WHERE action = 'system.seed_started'")
        assert db.session.scalar(begun) == 2  # the log keeps both
    assert not seed_if_empty(half)


def test_an_interrupted_demo_that_is_in_use_is_only_told(half: Any, capsys: Any) -> None:
    with half.app_context():
        with unit_of_work("somebody"):
            trail.note("session.opened", category="sign-in")
        before = db.session.scalar(text("SELECT max(id) FROM users"))
    assert not seed_if_empty(half)
    assert "rm -rf var" in capsys.readouterr().err
    said = half.test_cli_runner().invoke(args=["seed"])
    assert said.exit_code == 1 and "rm -rf var" in said.output
    with half.app_context():
        assert db.session.scalar(text("SELECT max(id) FROM users")) == before


def test_two_do_not_make_the_demo_at_once(half: Any, settings: Any) -> None:
    with (
        psycopg.connect(dsn(half.extensions["steward"].owner_url())) as other,
        half.app_context(),
    ):
        other.execute("SELECT pg_advisory_lock(hashtext('steward seed'))")
        said = half.test_cli_runner().invoke(args=["seed"])
        assert said.exit_code == 1 and "just now" in said.output
        assert state() == "half-seeded"
