"""Every address, with what nobody should send."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient
from tests.security.conftest import PUBLIC, SAFE, Route

SignIn = Callable[..., CheckedClient]

HOSTILE_IDS = [
    "0",
    "-1",
    "abc",
    "1.5",
    "1e3",
    str(2**63),
    str(2**70),
    "1%00",
    "%ED%A0%80",
    "%27%20OR%201=1",
    "..%2f..%2fetc",
    "9" * 5000,
]
HOSTILE_VALUES = {
    "NUL": "a\0b",
    "control": "a\x1b[31m\nb",
    "number": str(2**70),
    "negative": "-1",
    "markup": "'\"><script>alert(1)</script>{{7*7}}",
    "sql": "' OR 1=1; --",
    "deep": "[" * 200,
    "long": "x" * 100_000,
    "unicode": "\U0001d518\ufdfd \u202e",
    "percent": "%%%_\\",
}
FIELDS = [
    "q",
    "name",
    "email",
    "password",
    "sort",
    "limit",
    "after",
    "before",
    "page",
    "actor",
    "who",
    "action",
    "category",
    "outcome",
    "request",
    "since",
    "until",
    "from",
    "to",
    "client",
    "location",
    "project",
    "role",
    "scope",
    "address",
    "parent_id",
    "location_id",
    "client_id",
    "project_id",
    "role_id",
    "user_id",
    "ids",
    "code",
    "contact_email",
    "notes",
    "description",
    "starts_on",
    "ends_on",
    "reason",
    "version",
    "theme",
    "locale",
    "timezone",
    "current_password",
    "new_password",
    "permissions",
    "pages",
    "next",
    "status",
    "key",
]


@pytest.mark.parametrize("value", HOSTILE_IDS, ids=[value[:12] for value in HOSTILE_IDS])
def test_hostile_ids_are_not_found(
    sign_in: SignIn, routes_with: Callable[[str], list[Route]], value: str
) -> None:
    admin = sign_in("*")
    for route in routes_with(value):
        reply = admin.open(route.url, method=route.method)
        expected = (
            {200, 303, 400, 404, 405, 410, 422} if route.endpoint in PUBLIC else {400, 404, 405}
        )
        assert reply.status_code in expected, f"{route}: {reply.status_code}"


@pytest.mark.parametrize("kind", HOSTILE_VALUES)
def test_hostile_queries_break_nothing(sign_in: SignIn, routes: list[Route], kind: str) -> None:
    admin = sign_in("*")
    wrong = []
    for route in routes:
        if route.method != "GET":
            continue
        # No server reads more than 8 KB of an address; of fifty fields this is more.
        query = dict.fromkeys(FIELDS, HOSTILE_VALUES[kind][:2000])
        reply = admin.get(route.url, query_string=query)
        shown = reply.mimetype != "application/json"  # which no browser draws
        if reply.status_code >= 500 or (shown and "<script>alert" in reply.text):
            wrong.append(f"{route}: {reply.status_code}")
    assert wrong == []


def test_a_lone_surrogate_in_a_query_breaks_nothing(sign_in: SignIn, routes: list[Route]) -> None:
    admin = sign_in("*")
    query = "&".join(f"{name}=%ED%A0%80%FF" for name in FIELDS)
    for route in routes:
        if route.method == "GET":
            assert admin.get(f"{route.url}?{query}").status_code < 500, str(route)


@pytest.mark.parametrize("kind", HOSTILE_VALUES)
def test_hostile_forms_break_nothing(
    app: Flask, sign_in: SignIn, routes: list[Route], kind: str
) -> None:
    wrong = []
    everything = factories.make_role("*")
    for route in routes:
        if route.method in SAFE or route.endpoint == "auth.logout":
            continue
        admin = sign_in(user=_admin(everything))
        reply = admin.open(
            route.url, method=route.method, data=dict.fromkeys(FIELDS, HOSTILE_VALUES[kind])
        )
        if reply.status_code >= 500 or "<script>alert" in reply.text:
            wrong.append(f"{route}: {reply.status_code}")
    assert wrong == []


def _admin(everything: Any) -> Any:
    """A person with every right, made anew for each request: some forms sign people out."""
    user = factories.make_user()
    factories.grant(user, everything)
    return user


@pytest.mark.parametrize(
    "path",
    [
        "/users?state=zz",
        "/users?role=abc",
        "/users/export.csv?state=zz",
        "/users/export.csv?role=-1",
        "/users/deactivate?matching=state%3Dzz",
        "/access/routes?rule=zz",
        "/notifications?show=zz",
        "/organisation/clients?location=zz",
    ],
)
def test_a_filter_that_does_not_exist_is_refused(sign_in: Callable[..., Any], path: str) -> None:
    reply = sign_in("*").get(path)
    assert reply.status_code == 400 and "There is no such filter." in reply.text


def test_the_log_takes_no_filter_that_does_not_exist(sign_in: Callable[..., Any]) -> None:
    reply = sign_in("*").get("/audit?category=zz")
    assert reply.status_code == 422 and "Category" in reply.text
