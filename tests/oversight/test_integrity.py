"""The log is sealed by itself, checked when somebody asks, and people hear of trouble."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from pydantic import SecretStr
from sqlalchemy import make_url

from tests import factories
from tests.conftest import SECRET, dsn, empty
from tests.pages import CheckedClient
from webapp import create_app
from webapp.audit import checkpoints, sealing
from webapp.audit.queries import integrity
from webapp.core import database
from webapp.core.config import ConfigError, Settings
from webapp.core.db import db
from webapp.core.security import limiter
from webapp.jobs import queue, worker
from webapp.oversight import tasks

Owner = psycopg.Connection[dict[str, Any]]
# Each test begins with an empty log: what another one said within the hour is not said again.
LOG = ("audit_check", "audit_checkpoint", "audit_leaf", "audit_seal", "audit_event")
GUARDS = "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled = 'A'"
FAULT = {"kind": "row", "seal": 1, "row": 7, "words": "Seal 1: row 7 is not what it was"}


@pytest.fixture(scope="module")
def settings(migrated_database: Callable[[str], str], tmp_path_factory: Any) -> Settings:
    """A log of our own: seals and checks cannot be taken away again."""
    return Settings(
        database_url=migrated_database("integrity"),
        secret_key=SecretStr(SECRET),
        data_dir=tmp_path_factory.mktemp("integrity"),
        log_level="CRITICAL",
    )


@pytest.fixture(scope="module")
def _own_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config.update(WTF_CSRF_ENABLED=False)
    app.test_client_class = CheckedClient
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_own_app: Flask, settings: Settings) -> Iterator[Flask]:
    before, limiter.enabled = factories.use(_own_app), False
    _own_app.extensions["steward"] = settings
    yield _own_app
    factories.use(before)


@pytest.fixture
def owner(app: Flask, settings: Settings) -> Iterator[Owner]:
    url = dsn(settings.owner_url() or "")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection
        empty(connection)
        for table in LOG:
            guards = connection.execute(GUARDS, [table]).fetchall()
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
            for guard in guards:
                connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard['tgname']}")
    for path in (settings.seal_key, settings.checkpoints):
        path.unlink(missing_ok=True)


@pytest.fixture
def auditor(owner: Owner, sign_in: Any) -> Any:
    """Somebody who may check the log."""
    return sign_in("dashboard", "audit", "audit.verify", name="Aud Itor")


def tick(app: Flask) -> None:
    """One minute of the clock."""
    with app.app_context():
        queue.tick(tasks.seal_each_minute, job_id=1)


def one(owner: Owner, query: str, *values: Any) -> Any:
    row = owner.execute(query, values).fetchone()
    return next(iter(row.values())) if row else None


def change_a_row(owner: Owner) -> None:
    """What the owner of the database can do to the log."""
    owner.execute("ALTER TABLE audit_event DISABLE TRIGGER no_change")
    owner.execute(
        "UPDATE audit_event SET reason = 'as if' WHERE id = (SELECT min(id) FROM audit_event)"
    )
    owner.execute("ALTER TABLE audit_event ENABLE ALWAYS TRIGGER no_change")


def keep_check(owner: Owner, *, findings: list[Any], last: int = 9) -> None:
    owner.execute(
        "INSERT INTO audit_check (asked_by, started_at, finished_at, seal_from, seal_to, rows, unsealed,"
        " checkpoints, ok, findings) VALUES ('Steward', now(), now(), 1, %s, 1234, 0, 3, %s, %s)",
        [last, not findings, Jsonb(findings)],
    )


def test_each_minute_seals_and_keeps_the_head(
    app: Flask, owner: Owner, auditor: Any, settings: Settings
) -> None:
    tick(app)
    seal, rows = owner.execute("SELECT id, rows FROM audit_seal").fetchone().values()  # type: ignore[union-attr]
    assert seal == 1 and rows > 3
    assert list(checkpoints.read(settings.checkpoints)) == [1]
    assert settings.seal_key.stat().st_mode & 0o777 == 0o600
    page = auditor.get("/audit/integrity").text
    assert "everything is sealed" in page
    tick(app)
    assert one(owner, "SELECT count(*) FROM audit_seal") == 2


def test_a_check_that_somebody_asks_for(
    app: Flask, owner: Owner, auditor: Any, settings: Settings, statements: Any
) -> None:
    tick(app)
    reply = auditor.post("/audit/integrity/check", data={"days": ""})
    worker.run_waiting(app, settings)
    progress = reply.headers["Location"].replace("integrity?", "integrity/progress?")
    told = auditor.get(progress, headers={"HX-Request": "true"})
    assert told.headers["HX-Redirect"] == "/audit/integrity"
    check = owner.execute("SELECT * FROM audit_check").fetchone()
    assert check is not None
    assert (check["ok"], check["asked_by"], check["checkpoints"]) == (True, "Aud Itor", 1)
    noted = owner.execute("SELECT * FROM audit_event WHERE action = 'audit.verified'").fetchone()
    assert noted is not None
    assert noted["changes"]["seals"] == 1 and noted["outcome"] == "ok"
    with statements() as seen:
        page = auditor.get("/audit/integrity").text
    assert "Nothing found" in page and len(seen) <= 8  # with the one that records the reading


def test_a_changed_row_is_told_to_those_who_may_check(
    app: Flask, owner: Owner, auditor: Any, settings: Settings
) -> None:
    owner.execute(  # more than the sealer reads at once
        "INSERT INTO audit_event (action, category) SELECT 'test.done', 'system' FROM generate_series(1, 3000)"
    )
    tick(app)
    change_a_row(owner)
    with app.app_context():
        queue.tick(tasks.check_days, job_id=2)
    assert one(owner, "SELECT ok FROM audit_check") is False
    title = one(owner, "SELECT title FROM notifications WHERE user_id = %s", auditor.user.id)
    assert title.startswith("A check of the log found")
    assert "A check found something" in auditor.get("/audit/integrity").text
    assert "A check of the log found something" in auditor.get("/").text
    factories.grant(other := factories.make_user(), factories.make_role("dashboard", "audit"))
    assert one(owner, "SELECT count(*) FROM notifications WHERE user_id = %s", other.id) == 0


def test_a_lost_file_of_heads_is_a_finding(app: Flask, owner: Owner, settings: Settings) -> None:
    factories.make_user()  # something to seal
    tick(app)
    settings.checkpoints.unlink()
    with app.app_context():
        queue.tick(tasks.check_all, job_id=3)
    (found,) = one(owner, "SELECT findings FROM audit_check")
    assert found["kind"] == "heads" and found["seal"] == 1


@pytest.mark.parametrize("missing", ["url", "key"])
def test_what_is_missing_is_said_and_stops_nothing(
    app: Flask, owner: Owner, auditor: Any, settings: Settings, missing: str
) -> None:
    if missing == "url":
        plain = dsn(settings.app_url())
        without = settings.model_copy(update={"database_url": plain})
        app.extensions["steward"] = without
        why = "DATABASE_SEALER_URL"
    else:
        tick(app)
        settings.seal_key.unlink()
        auditor.get("/audit/integrity")
        why = "seal.key"
    tick(app)
    tick(app)
    rows = owner.execute(
        "SELECT reason, outcome FROM audit_event WHERE action = 'audit.not_sealed' AND reason LIKE %s",
        [f"%{why}%"],
    ).fetchall()
    assert [row["outcome"] for row in rows] == ["failed"]  # once an hour, not each minute
    page = auditor.get("/audit/integrity").text
    assert "The log is not being sealed" in page and why in page
    assert auditor.get("/").status_code == 200


def test_rows_that_wait_too_long_are_told_once(
    app: Flask, owner: Owner, auditor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise sealing.NoSealer("The sealer is away.")

    monkeypatch.setattr(sealing, "connect", fail)
    monkeypatch.setattr(integrity, "LATE", timedelta(0))
    tick(app)
    tick(app)
    titles = owner.execute(
        "SELECT title, body, count FROM notifications WHERE user_id = %s", [auditor.user.id]
    ).fetchall()
    assert [(row["body"], row["count"]) for row in titles] == [("The sealer is away.", 1)]
    assert "not been sealed for" in titles[0]["title"]
    assert "The log is not being sealed" in auditor.get("/").text


def test_a_later_check_that_finds_nothing_is_told_with_the_warning(
    owner: Owner, auditor: Any
) -> None:
    keep_check(owner, findings=[FAULT])
    keep_check(owner, findings=[], last=8)
    assert FAULT["words"] in auditor.get("/audit/integrity").text
    assert "later checks found nothing" not in auditor.get("/").text
    keep_check(owner, findings=[])
    number = one(owner, "SELECT min(id) FROM audit_check")
    assert f"Check {number} found something; later checks found nothing" in auditor.get("/").text
    assert "later checks of the same seals found nothing" in auditor.get("/audit/integrity").text


def test_the_heads_can_be_taken_away(
    app: Flask, owner: Owner, auditor: Any, tmp_path: Path
) -> None:
    for _minute in range(3):
        auditor.get("/audit")
        tick(app)
    seals = owner.execute("SELECT id, rows, kind FROM audit_seal ORDER BY id").fetchall()
    assert len(seals) > 1
    kept = tmp_path / "heads.jsonl"
    taken = auditor.get("/audit/integrity/heads").data
    kept.write_bytes(taken)
    assert list(checkpoints.read(kept)) == [one["id"] for one in seals]  # all of today
    told = [json.loads(line)["rows"] for line in taken.splitlines()]
    assert told[-1] == sum(one["rows"] for one in seals if one["kind"] == "rows")
    assert one(owner, "SELECT count(*) FROM audit_event WHERE action = 'audit.heads_taken'") == 1


def test_checking_takes_the_permission_everywhere(owner: Owner, sign_in: Any) -> None:
    reader = sign_in("dashboard", "audit")
    scoped = sign_in("dashboard", "audit", "audit.verify", client_id=factories.make_client().id)
    for client in (reader, scoped):
        assert client.post("/audit/integrity/check", data={"days": ""}).status_code == 403
        assert client.get("/audit/integrity/heads").status_code == 403
        page = client.get("/audit/integrity")
        assert page.status_code == 200 and "Check now" not in page.text


def test_an_owner_that_may_not_make_roles_hears_which_to_make(
    owner: Owner, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(settings.owner_url() or "").set(username="steward_test_boss", password="secret")
    bossed = settings.model_copy(
        update={"database_owner_url": url.render_as_string(hide_password=False)}
    )
    owner.execute("CREATE ROLE steward_test_boss LOGIN PASSWORD 'secret'")
    try:
        database.bootstrap(bossed)  # all are there
        monkeypatch.setattr(database, "SEALER_ROLE", "steward_test_missing")
        with pytest.raises(ConfigError, match=r"docs/operations\.md"):
            database.bootstrap(bossed)
    finally:
        owner.execute("DROP ROLE steward_test_boss")
