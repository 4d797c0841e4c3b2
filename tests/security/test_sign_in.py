"""Signing in: cookies, rotation, replay, guessing, and where it leads afterwards."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient
from webapp import create_app
from webapp.core.config import Settings
from webapp.core.db import db


@pytest.fixture
def person(app: Flask) -> Any:
    user = factories.make_user()
    factories.grant(user, factories.make_role("dashboard"))
    return user


def enter(client: Any, user: Any, password: str = factories.PASSWORD, **kwargs: Any) -> Any:
    return client.post("/login", data={"email": user.email, "password": password}, **kwargs)


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    client: CheckedClient, person: Any
) -> None:
    cookie = enter(client, person).headers["Set-Cookie"]
    assert "HttpOnly" in cookie and "SameSite=Lax" in cookie and "Domain" not in cookie
    assert len(cookie.split(";")[0]) > 22


def test_behind_tls_the_cookie_is_bound_to_host_and_tls(settings: Settings, person: Any) -> None:
    secure = create_app(settings.model_copy(update={"base_url": "https://steward.example"}))
    secure.config["WTF_CSRF_ENABLED"] = False
    reply = enter(secure.test_client(), person, base_url="https://steward.example")
    cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith("__Host-steward=") and "Secure" in cookie and "Path=/" in cookie
    assert "max-age=" in reply.headers["Strict-Transport-Security"]
    with secure.app_context():
        db.engine.dispose()


def test_nothing_from_before_survives_signing_in(client: CheckedClient, person: Any) -> None:
    with client.session_transaction() as cookie:
        cookie["planted"] = "by a stranger"
        cookie["_user_id"] = "chosen by a stranger"
    enter(client, person)
    with client.session_transaction() as cookie:
        assert "planted" not in cookie and cookie["_user_id"] != "chosen by a stranger"
        first = cookie["_user_id"]
    enter(client, person)
    with client.session_transaction() as cookie:
        assert cookie["_user_id"] != first


def test_a_cookie_kept_from_before_logout_is_worth_nothing(
    app: Flask, client: CheckedClient, person: Any
) -> None:
    enter(client, person)
    with client.session_transaction() as cookie:
        kept = cookie["_user_id"]
    assert client.get("/").status_code == 200
    reply = client.post("/logout")
    assert reply.status_code == 303 and "storage" in reply.headers["Clear-Site-Data"]
    thief = app.test_client()
    with thief.session_transaction() as cookie:
        cookie["_user_id"] = kept
    assert thief.get("/").status_code in (302, 303)


def test_unknown_and_wrong_look_and_last_the_same(
    client: CheckedClient, person: Any, owner: Any
) -> None:
    times: dict[str, list[float]] = {person.email: [], "nobody@example.com": []}
    answers = set()
    for _ in range(9):
        for email, taken in times.items():
            owner.execute("TRUNCATE sign_in_attempts")
            begun = time.perf_counter()
            reply = client.post("/login", data={"email": email, "password": "wrong password"})
            taken.append(time.perf_counter() - begun)
            assert reply.status_code == 422
            answers.add("The e-mail address or the password is not right." in reply.text)
    assert answers == {True}
    known, unknown = (statistics.median(taken) for taken in times.values())
    assert max(known, unknown) / min(known, unknown) <= 1.5


def test_guessing_is_slowed_down_and_recorded(
    client: CheckedClient, person: Any, audit_rows: Callable[..., Any]
) -> None:
    statuses = [enter(client, person, password="guess").status_code for _ in range(25)]
    assert statuses[0] == 422 and statuses[-1] == 429
    assert enter(client, person).status_code == 429  # even with the right one, for a while
    refused = audit_rows(action="session.refused", object_label=person.email)
    assert len(refused) == 26 and {row["outcome"] for row in refused} == {"denied"}


def test_a_stranger_cannot_lock_the_owner_out(app: Flask, person: Any) -> None:
    home, stranger = {"REMOTE_ADDR": "192.0.2.7"}, {"REMOTE_ADDR": "198.51.100.9"}
    assert enter(app.test_client(), person, environ_base=home).status_code == 303
    for _ in range(8):
        enter(app.test_client(), person, password="guess", environ_base=stranger)
    assert enter(app.test_client(), person, environ_base=stranger).status_code == 429
    assert enter(app.test_client(), person, environ_base=home).status_code == 303


def test_guesses_for_others_from_the_same_office_do_not_make_a_colleague_wait(
    app: Flask, person: Any
) -> None:
    office = {"REMOTE_ADDR": "192.0.2.8"}
    assert enter(app.test_client(), person, environ_base=office).status_code == 303
    for number in range(22):
        sent = {"email": f"nobody{number}@example.com", "password": "guess"}
        last = app.test_client().post("/login", data=sent, environ_base=office)
    assert last.status_code == 429 and 0 < int(last.headers["Retry-After"]) <= 900
    assert enter(app.test_client(), person, environ_base=office).status_code == 303


def test_parallel_guesses_do_not_outrun_the_delays(app: Flask, person: Any) -> None:
    def guess(_number: int) -> int:
        return int(enter(app.test_client(), person, password="guess").status_code)

    with ThreadPoolExecutor(10) as pool:
        statuses = list(pool.map(guess, range(20)))
    assert statuses.count(422) == 5 and statuses.count(429) == 15


@pytest.mark.parametrize(
    ("keys", "where"),
    [(("dashboard", "users"), "/"), (("users", "roles"), "/users"), ((), "/account")],
)
def test_signing_in_leads_where_somebody_may_go(
    client: CheckedClient, keys: tuple[str, ...], where: str
) -> None:
    user = factories.make_user()
    if keys:
        factories.grant(user, factories.make_role(*keys))
    assert enter(client, user).location == where
    shown = client.get(where)
    assert shown.status_code == 200 and ("You have no role yet." in shown.text) is (not keys)
    assert f'href="{where}">Go to the start page' in client.get("/audit").text


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "/\n/evil.example/",
        " //evil.example/",
        "javascript:alert(1)",
        "https:evil.example",
        "http:///evil.example",
        "///evil.example",
        "/%0d%0aSet-Cookie:x=1\r\nX: y",
    ],
)
def test_signing_in_leads_to_no_other_site(client: CheckedClient, person: Any, target: str) -> None:
    reply = client.post(
        "/login",
        query_string={"next": target},
        data={"email": person.email, "password": factories.PASSWORD},
    )
    assert reply.status_code == 303 and reply.location == "/"


def test_signing_in_leads_back(client: CheckedClient, person: Any) -> None:
    sent = {"email": person.email, "password": factories.PASSWORD}
    reply = client.post("/login?next=/users%3Fq%3Dana", data=sent)
    assert reply.location == "/users?q=ana"


@pytest.mark.rate_limits
def test_too_many_requests_to_sign_in_are_refused(client: CheckedClient) -> None:
    sent = {"email": "", "password": ""}
    statuses = [client.post("/login", data=sent).status_code for _ in range(62)]
    assert statuses[0] == 422 and statuses[-1] == 429


def test_no_secret_is_kept_in_any_column(app: Flask, person: Any, owner: Any) -> None:
    client = app.test_client()
    enter(client, person, password="a wrong secret to look for")
    enter(client, person)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    columns = owner.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea')"
    ).fetchall()
    assert len(columns) > 30
    for secret in (token, factories.PASSWORD, "a wrong secret to look for"):
        for column in columns:
            table, name = column["table_name"], column["column_name"]
            value = (
                f"encode({name}, 'escape')" if column["data_type"] == "bytea" else f"{name}::text"
            )
            query = f"SELECT FROM {table} WHERE strpos({value}, %s) > 0"
            assert owner.execute(query, [secret]).rowcount == 0, f"{secret} in {table}.{name}"
