"""Invitations, resets and passwords."""

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import factories
from webapp.users import passwords

GOOD = "wobbly lantern quartz 9"
BOTH = {"password": GOOD, "again": GOOD}


@pytest.fixture
def invited(sign_in):
    """A client of an inviter, and the path of a fresh invitation."""
    client = sign_in("*")
    answer = client.post("/users/new", data={"name": "New One", "email": "new.one@example.com"})
    path = re.search(r"/invitation/[\w-]+", client.get(answer.location).text)[0]
    assert path not in client.get(answer.location).text  # shown once
    return client, path


def test_an_invitation_works_once(invited, client, audit_rows):
    _, path = invited
    assert "New One" in client.get(path).text
    assert client.post(path, data=BOTH).status_code == 303
    assert client.get("/account").status_code == 200
    again = client.post(path, data=BOTH)
    assert again.status_code == 410 and "Set-Cookie" not in again.headers
    assert "This link was used a moment ago. Sign in." in again.text
    assert client.get(path).status_code == 410
    token = path.rsplit("/", 1)[1]
    assert not any(token in str(row) for row in audit_rows())


def test_an_invitation_sent_twice_at_once_is_told_kindly(invited, app):
    _, path = invited

    def post(_number):
        answer = app.test_client().post(path, data=BOTH)
        return answer.status_code, "used a moment ago" in answer.text

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(post, range(4)))
    assert answers == [(303, False), *[(410, True)] * 3]


def test_a_link_that_was_replaced_was_not_used(invited, client, owner):
    inviter, path = invited
    (row,) = owner.execute("SELECT id FROM users WHERE email = 'new.one@example.com'").fetchall()
    inviter.post(f"/users/{row['id']}/link")
    answer = client.get(path)
    assert answer.status_code == 410 and "a moment ago" not in answer.text


def test_an_invitation_expires(invited, client, owner):
    _, path = invited
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE user_tokens SET expires_at = now() - interval '1 second'")
    assert client.post(path, data=BOTH).status_code == 410


@pytest.mark.parametrize(
    ("password", "again"),
    [("short", "short"), ("password1234", "password1234"), (GOOD, GOOD + "x"), ("", "")],
)
def test_weak_or_different_passwords_are_refused(invited, client, password, again):
    _, path = invited
    assert client.post(path, data={"password": password, "again": again}).status_code == 422
    assert client.get(path).status_code == 200


def test_a_new_password_rotates_the_session_and_ends_others(sign_in):
    person = factories.make_user()
    here, there = sign_in(user=person), sign_in(user=person)
    wrong = {"current": "no", **BOTH}
    assert here.post("/account/password", data=wrong).status_code == 422
    with here.session_transaction() as cookie:
        before = cookie["_user_id"]
    right = {"current": factories.PASSWORD, "end_others": "y", **BOTH}
    assert here.post("/account/password", data=right).status_code == 303
    with here.session_transaction() as cookie:
        assert cookie["_user_id"] != before
    assert here.get("/account").status_code == 200
    assert there.get("/account").status_code == 303


def _try(client, email, password="wrong wrong wrong", ip="10.0.0.1"):  # noqa: S107
    return client.post(
        "/login",
        data={"email": email, "password": password},
        environ_base={"REMOTE_ADDR": ip},
    )


def test_a_stranger_is_delayed_and_the_owner_is_not(client, app):
    person = factories.make_user()
    assert _try(client, person.email, factories.PASSWORD, ip="10.0.0.9").status_code == 303
    stranger = app.test_client()
    for _ in range(5):
        assert _try(stranger, person.email).status_code == 422
    assert _try(stranger, person.email).status_code == 429
    assert (
        _try(app.test_client(), person.email, factories.PASSWORD, ip="10.0.0.9").status_code == 303
    )


def test_an_unknown_person_gets_the_same_answer_in_the_same_time(app):
    person, times, texts = factories.make_user(), {}, {}
    passwords.matches("warm up", None)
    for email in (person.email, "nobody@example.com"):
        spent = []
        for number in range(3):
            start = time.perf_counter()
            answer = _try(app.test_client(), email, ip=f"10.1.{len(times)}.{number}")
            spent.append(time.perf_counter() - start)
        times[email], texts[email] = min(spent), answer.status_code
    assert texts[person.email] == texts["nobody@example.com"] == 422
    assert 0.5 < times[person.email] / times["nobody@example.com"] < 2
