"""What the database and the processes do to us, against the real server.

Success shown means saved and recorded; not recorded means not done; refused means nothing changed;
unknown says so, and repeating is safe. And afterwards everything works again by itself.
"""

import contextlib
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.conftest import Target

Background = Callable[..., Any]
RAISE = "RAISE EXCEPTION 'refused for a test' USING ERRCODE = '{}';"


def unique() -> str:
    return f"place {secrets.token_hex(6)}"


def test_connection_killed_between_flush_and_commit(
    steward: Target, in_background: Background
) -> None:
    name = unique()
    reply = in_background(steward.create, name, then="pause")
    time.sleep(0.7)
    assert steward.kill_backends() >= 1
    answer = reply.result()
    assert answer.status == 503
    assert "Nothing was saved" in answer.body and "X-Request-ID" in answer.headers
    assert steward.saved(name) == (0, 0)
    assert steward.recovers()


def test_connection_killed_while_it_commits(steward: Target, in_background: Background) -> None:
    name = unique()
    with steward.fault("locations", "PERFORM pg_sleep(1.5);", at_commit=True):
        reply = in_background(steward.create, name, _key=name)
        time.sleep(0.7)
        assert steward.kill_backends() >= 1
        answer = reply.result()
    assert answer.status == 503
    assert "we do not know whether" in answer.body
    assert steward.saved(name) == (0, 0)
    assert steward.recovers()
    assert steward.create(name, _key=name).ok
    assert steward.saved(name) == (1, 1)


def test_commit_refused_by_a_deferred_trigger(steward: Target) -> None:
    name = unique()
    with steward.fault("locations", RAISE.format("P0001"), at_commit=True):
        answer = steward.create(name)
        assert steward.get("/healthz").status == 200
    assert answer.status == 503 and "Nothing was saved" in answer.body
    assert "<h1" in answer.body and "Set-Cookie" not in answer.headers
    assert steward.saved(name) == (0, 0)
    assert steward.recovers()


def test_no_room_for_the_audit_row(steward: Target) -> None:
    name = unique()
    with steward.fault("audit_event", RAISE.format("disk_full"), at_commit=False):
        answer = steward.create(name)
    assert answer.status == 503 and "Nothing was saved" in answer.body
    assert steward.saved(name) == (0, 0)
    assert steward.create(name).ok
    assert steward.saved(name) == (1, 1)


def test_no_right_to_write_the_log(steward: Target) -> None:
    from webapp.core.database import AUDIT_COLUMNS

    name = unique()
    roles = "steward_app, steward_all"
    with steward.connect() as owner:
        owner.execute(f"REVOKE INSERT ({AUDIT_COLUMNS}) ON audit_event FROM {roles}")
        try:
            answer = steward.create(name)
        finally:
            owner.execute(f"GRANT INSERT ({AUDIT_COLUMNS}) ON audit_event TO {roles}")
    assert answer.status == 503 and "Nothing was saved" in answer.body
    assert steward.saved(name) == (0, 0)
    assert steward.create(name).ok


def test_lost_acknowledgement_and_a_retry(steward: Target) -> None:
    """The server commits, and we never hear of it: the same form again makes nothing twice."""
    name = unique()
    steward.proxy.mode = "drop-ack"
    dropped = steward.proxy.dropped
    answer = steward.create(name, _key=name)
    steward.proxy.mode = "pass"
    assert steward.proxy.dropped > dropped
    assert answer.status == 503 and "we do not know whether" in answer.body
    assert steward.saved(name) == (1, 1)
    again = steward.create(name, _key=name)
    assert again.status == 303 and again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"].endswith(f"/{steward.rows(name)[0]}")
    assert steward.saved(name) == (1, 1)
    assert steward.recovers()


def test_a_commit_that_never_arrived_and_a_retry(steward: Target) -> None:
    name = unique()
    steward.proxy.mode = "drop-commit"
    answer = steward.create(name, _key=name)
    steward.proxy.mode = "pass"
    assert answer.status == 503 and "we do not know whether" in answer.body
    assert steward.saved(name) == (0, 0)
    assert steward.create(name, _key=name).ok
    assert steward.saved(name) == (1, 1)


def test_worker_killed_in_the_middle(steward: Target, in_background: Background) -> None:
    name = unique()
    reply = in_background(steward.create, name, then="pause")
    time.sleep(0.7)
    steward.kill_worker()
    assert reply.result().status == 0
    assert steward.recovers()
    assert steward.saved(name) == (0, 0)


def test_database_down_and_up_again(steward: Target) -> None:
    """While it is away our own page says so at once; when it is back, nobody restarts us."""
    steward.kill_server()
    try:
        begun = time.monotonic()
        answer = steward.get("/probe/quick")
        assert answer.status == 503 and time.monotonic() - begun < 4
        assert "Retry-After" in answer.headers and "<h1" in answer.body
        assert steward.get("/healthz").status == 200
        assert steward.get("/readyz").status == 503
    finally:
        steward.start_server()
    assert steward.recovers()
    assert steward.get("/readyz").status == 200


def test_six_at_once_are_one(steward: Target, in_background: Background) -> None:
    name = unique()
    with steward.fault("locations", "PERFORM pg_sleep(0.3);", at_commit=True):
        replies = [in_background(steward.create, name, _key=name) for _ in range(6)]
        answers = [reply.result() for reply in replies]
    assert {answer.status for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert steward.saved(name) == (1, 1)


def test_no_connection_stays_open_in_a_transaction(steward: Target) -> None:
    for number in range(5):
        steward.create(unique(), then=("abort", "refuse", "raise", "page", "")[number])
    with steward.connect() as owner, contextlib.closing(owner.cursor()) as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE usename = 'steward_app' AND state LIKE 'idle in transaction%'"
        )
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("seconds", [0.5])
def test_a_lock_that_is_held_is_not_waited_for_forever(steward: Target, seconds: float) -> None:
    begun = time.monotonic()
    with steward.connect() as owner, owner.transaction():
        owner.execute("LOCK TABLE locations IN SHARE MODE")
        answer = steward.create(unique())
    assert answer.status == 503 and time.monotonic() - begun < 5 + seconds
