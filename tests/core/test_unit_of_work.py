"""One transaction a request: what was answered with success is saved and recorded, nothing else is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import event

from tests import factories
from tests.conftest import _note_commit
from tests.faults import target
from webapp.core import request_keys
from webapp.core.config import Settings
from webapp.core.db import db

Rows = list[dict[str, Any]]
Owner = psycopg.Connection[dict[str, Any]]


@pytest.fixture(scope="module")
def probe_app(settings: Settings) -> Iterator[Flask]:
    app = target.build(settings)
    if not event.contains(db.session, "after_commit", _note_commit):
        event.listen(db.session, "after_commit", _note_commit)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def probe(probe_app: Flask, app: Flask) -> Any:
    """A client of the app with probing views, signed in."""
    user = factories.make_user()
    factories.grant(user, factories.make_role("organisation", "dashboard"))
    client = probe_app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = factories.open_session(user)
    client.user = user  # type: ignore[attr-defined]
    return client


@pytest.fixture
def named(owner: Owner) -> Callable[[str], Rows]:
    """The locations whose name begins so."""
    query = "SELECT id, name FROM locations WHERE name LIKE %s ORDER BY id"
    return lambda name: owner.execute(query, [f"{name}%"]).fetchall()


@contextmanager
def refusing(
    owner: Owner, table: str, *, deferred: bool, code: str = "disk_full"
) -> Iterator[None]:
    """Have inserts into a table refused, at once or at COMMIT."""
    kind = "CONSTRAINT TRIGGER zz_fault AFTER" if deferred else "TRIGGER zz_fault BEFORE"
    when = "DEFERRABLE INITIALLY DEFERRED" if deferred else ""
    owner.execute(
        "CREATE OR REPLACE FUNCTION zz_fault() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION 'refused for a test' USING ERRCODE = '{code}'; END $$"
    )
    owner.execute(
        f"CREATE {kind} INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION zz_fault()"
    )
    try:
        yield
    finally:
        owner.execute(f"DROP TRIGGER zz_fault ON {table}")


def test_success_is_saved_with_its_audit_row(
    probe: Any, named: Callable[[str], Rows], audit_rows: Callable[..., Rows]
) -> None:
    reply = probe.post("/probe/locations", data={"name": "Riga", "reason": "moved"})
    assert reply.status_code == 303
    (row,) = named("Riga")
    (event_row,) = audit_rows("location", row["id"])
    assert event_row["action"] == "location.created"
    assert event_row["actor_id"] == probe.user.id
    assert event_row["reason"] == "moved"
    assert event_row["request_id"] == reply.headers["X-Request-ID"]
    assert event_row["changes"]["name"] == [None, "Riga"]


@pytest.mark.parametrize(("then", "status"), [("abort", 409), ("refuse", 400), ("raise", 500)])
def test_what_was_not_a_success_is_not_saved(
    probe: Any,
    named: Callable[[str], Rows],
    audit_rows: Callable[..., Rows],
    then: str,
    status: int,
) -> None:
    reply = probe.post("/probe/locations", data={"name": "Riga", "then": then})
    assert reply.status_code == status
    assert named("Riga") == []
    assert audit_rows(request_id=reply.headers["X-Request-ID"]) == []


def test_a_get_cannot_write(probe: Any, named: Callable[[str], Rows]) -> None:
    reply = probe.get("/probe/writes?name=Riga")
    assert reply.status_code >= 500
    assert named("Riga") == []


def test_no_audit_row_no_change(probe: Any, owner: Owner, named: Callable[[str], Rows]) -> None:
    with refusing(owner, "audit_event", deferred=False):
        reply = probe.post("/probe/locations", data={"name": "Riga"})
    assert reply.status_code == 503
    assert "Nothing was saved" in reply.text
    assert named("Riga") == []
    assert probe.post("/probe/locations", data={"name": "Riga"}).status_code == 303


def test_an_unaudited_change_is_refused_by_the_database(
    probe: Any, named: Callable[[str], Rows]
) -> None:
    assert probe.post("/probe/unaudited", data={"name": "Riga"}).status_code == 503
    assert named("Riga") == []


@pytest.mark.parametrize(
    ("headers", "mimetype"),
    [
        ({}, "text/html"),
        ({"HX-Request": "true"}, "text/html"),
        ({"Accept": "application/json"}, "application/json"),
    ],
)
def test_a_refused_commit_is_told_in_the_callers_shape(
    probe: Any,
    owner: Owner,
    named: Callable[[str], Rows],
    headers: dict[str, str],
    mimetype: str,
) -> None:
    with refusing(owner, "locations", deferred=True):
        reply = probe.post("/probe/locations", data={"name": "Riga"}, headers=headers)
    assert reply.status_code == 503 and reply.mimetype == mimetype
    assert named("Riga") == []
    assert reply.headers["X-Request-ID"]
    assert reply.headers["Retry-After"] == "3"
    assert "Set-Cookie" not in reply.headers and "Location" not in reply.headers
    if mimetype == "application/json":
        assert reply.get_json()["success"] is False
        assert reply.get_json()["error"]["code"] == "not_saved"
        return
    assert "Nothing was saved" in reply.text
    assert reply.headers["X-Request-ID"] in reply.text
    assert ("<html" in reply.text) is not bool(headers)
    if headers:
        assert reply.headers["HX-Retarget"] == "#toasts"


def test_an_undone_savepoint_leaves_no_row_and_no_record(
    probe: Any, named: Callable[[str], Rows], audit_rows: Callable[..., Rows]
) -> None:
    reply = probe.post("/probe/savepoints", data={"name": "Riga"})
    assert reply.status_code == 200
    assert [row["name"] for row in named("Riga")] == ["Riga one", "Riga three"]
    recorded = audit_rows(request_id=reply.headers["X-Request-ID"])
    assert [row["object_label"] for row in recorded] == ["Riga one", "Riga three"]


def test_the_same_form_twice_is_one_change_and_one_answer(
    probe: Any, named: Callable[[str], Rows], audit_rows: Callable[..., Rows]
) -> None:
    sent = {"name": "Riga", "_key": "a-key", "csrf_token": "one"}
    first = probe.post("/probe/locations", data=sent)
    second = probe.post("/probe/locations", data=sent | {"csrf_token": "two"})
    assert (first.status_code, first.location) == (second.status_code, second.location)
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    (row,) = named("Riga")
    assert len(audit_rows("location", row["id"])) == 1


def test_a_key_with_other_contents_is_refused(probe: Any, named: Callable[[str], Rows]) -> None:
    assert probe.post("/probe/locations", data={"name": "Riga", "_key": "k"}).status_code == 303
    assert probe.post("/probe/locations", data={"name": "Oslo", "_key": "k"}).status_code == 409
    assert named("Oslo") == []


def test_a_failed_use_leaves_the_key_free(probe: Any, named: Callable[[str], Rows]) -> None:
    sent = {"name": "Riga", "_key": "k", "then": "abort"}
    assert probe.post("/probe/locations", data=sent).status_code == 409
    assert probe.post("/probe/locations", data={"name": "Riga", "_key": "k"}).status_code == 303
    assert len(named("Riga")) == 1


@pytest.mark.parametrize("key", ["k" * 101, "with\nnewline", "größe"])
def test_a_malformed_key_is_a_bad_request(probe: Any, key: str) -> None:
    assert probe.post("/probe/locations", data={"name": "Riga", "_key": key}).status_code == 400


def test_another_persons_key_is_another_key(
    probe: Any, probe_app: Flask, named: Callable[[str], Rows]
) -> None:
    other = probe_app.test_client()
    user = factories.make_user()
    factories.grant(user, factories.make_role("organisation"))
    with other.session_transaction() as cookie:
        cookie["_user_id"] = factories.open_session(user)
    assert probe.post("/probe/locations", data={"name": "Riga", "_key": "k"}).status_code == 303
    assert other.post("/probe/locations", data={"name": "Oslo", "_key": "k"}).status_code == 303
    assert len(named("Oslo")) == 1


def test_what_waits_for_the_commit_cannot_spoil_the_answer(
    probe: Any, owner: Owner, named: Callable[[str], Rows], audit_rows: Callable[..., Rows]
) -> None:
    reply = probe.post("/probe/afterwards", data={"name": "Riga"})
    assert reply.status_code == 200
    assert len(named("Riga")) == 1
    seen = audit_rows(request_id=reply.headers["X-Request-ID"], category="system")
    assert [row["action"] for row in seen] == ["probe.first", "probe.third"]
    with refusing(owner, "locations", deferred=True):
        reply = probe.post("/probe/afterwards", data={"name": "Oslo"})
    assert reply.status_code == 503
    assert audit_rows(request_id=reply.headers["X-Request-ID"]) == []


@pytest.mark.parametrize("key", ['"a, b"', '"8e03978e-40d5"', r'"with \" and \\"', "bare-key"])
def test_the_header_may_be_quoted(probe: Any, named: Callable[[str], Rows], key: str) -> None:
    sent = {"data": {"name": "Riga"}, "headers": {"Idempotency-Key": key}}
    first, second = (probe.post("/probe/locations", **sent) for _ in "ab")
    assert (first.status_code, second.status_code) == (303, 303)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert len(named("Riga")) == 1


def test_quotes_are_no_part_of_the_key(probe: Any, named: Callable[[str], Rows]) -> None:
    for key in ('"one"', "one"):
        headers = {"Idempotency-Key": key}
        reply = probe.post("/probe/locations", data={"name": "Riga"}, headers=headers)
        assert reply.status_code == 303
    assert len(named("Riga")) == 1


@pytest.mark.parametrize("key", ["a, b", '"a", "b"', '"open', '""', '"a\\b"', "größe"])
def test_a_header_that_is_not_one_key_is_refused(
    probe: Any, named: Callable[[str], Rows], key: str
) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    reply = probe.post("/probe/locations", data={"name": "Riga"}, headers=headers)
    assert reply.status_code == 400
    assert named("Riga") == []


def test_old_keys_are_forgotten(probe: Any, owner: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.execute(
        "INSERT INTO request_keys (owner, key, fingerprint, created_at) VALUES"
        " ('x', 'old', '', now() - interval '3 days'), ('x', 'new', '', now())"
    )
    monkeypatch.setattr(request_keys, "FORGET_EVERY", 1)
    assert probe.post("/probe/locations", data={"name": "Riga", "_key": "k"}).status_code == 303
    left = owner.execute("SELECT key FROM request_keys ORDER BY key").fetchall()
    assert [row["key"] for row in left] == ["k", "new"]
