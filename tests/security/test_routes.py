"""Every address, tried by those who may not, and with what nobody should send."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient
from tests.security.conftest import PUBLIC, SAFE, Route
from webapp.core import registry

SignIn = Callable[..., CheckedClient]
REFUSED = {400, 401, 403, 404, 405}

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


def test_strangers_come_nowhere(client: CheckedClient, routes: list[Route]) -> None:
    wrong = []
    for route in routes:
        if route.endpoint in PUBLIC:
            continue
        for headers in ({}, {"HX-Request": "true"}, {"Authorization": "Bearer nonsense"}):
            reply = client.open(route.url, method=route.method, headers=headers)
            to_login = (reply.location or reply.headers.get("HX-Redirect", "")).startswith("/login")
            if reply.status_code not in REFUSED and not to_login:
                wrong.append(f"{route}: {reply.status_code}")
    assert wrong == []
    assert len(routes) > 40


def test_a_bogus_cookie_is_no_sign_in(app: Flask, routes: list[Route]) -> None:
    client = app.test_client()
    with client.session_transaction() as cookie:
        cookie["_user_id"] = "1"
    for route in routes:
        if route.endpoint not in PUBLIC and route.method == "GET":
            reply = client.get(route.url)
            assert reply.status_code in (302, 303) and "/login" in str(reply.location), str(route)


def test_whoever_holds_nothing_opens_nothing(
    sign_in: SignIn, routes: list[Route], audit_rows: Callable[..., Any]
) -> None:
    nobody = sign_in()
    admin = sign_in("*")
    wrong = []
    tried = 0
    for route in routes:
        if route.rule.kind != "page":
            continue
        tried += 1
        reply = nobody.open(route.url, method=route.method)
        if reply.status_code != 403:
            wrong.append(f"{route}: {reply.status_code}")
        # The address itself is good: to somebody who may, it says something else.
        if route.method == "GET" and admin.get(route.url).status_code == 403:
            wrong.append(f"{route}: 403 for everybody")
    assert wrong == []
    assert tried > 10
    assert [row for row in audit_rows(actor_id=nobody.user.id) if row["category"] == "change"] == []
    assert audit_rows(actor_id=nobody.user.id, outcome="denied")


def test_who_may_only_look_changes_nothing(
    sign_in: SignIn, routes: list[Route], audit_rows: Callable[..., Any]
) -> None:
    reader = sign_in(*registry.PAGE_BY_KEY)
    asked = [route for route in routes if route.method not in SAFE and route.rule.permissions]
    wrong = [
        f"{route}: {status}"
        for route in asked
        if (status := reader.open(route.url, method=route.method).status_code) != 403
    ]
    assert wrong == []
    assert len(asked) > 10
    assert [row for row in audit_rows(actor_id=reader.user.id) if row["category"] == "change"] == []


# A page is enough: one's own drafts, which nobody else sees; a sheet of paper, whose many ids no address could hold.
WRITES_BY_PAGE = {
    "assets.upload_import",
    "assets.choose_import_sheet",
    "assets.check_import",
    "assets.remove_import",
    "assets.retry_import",
    "assets.create_missing",
    "assets.print_labels",
}


def test_no_page_alone_gives_the_right_to_write(routes: list[Route]) -> None:
    lax = [
        str(route)
        for route in routes
        if route.method not in SAFE
        and route.rule.kind == "page"
        and not route.rule.permissions
        and route.endpoint not in WRITES_BY_PAGE
    ]
    assert lax == []


@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "FOO", "CONNECT"])
def test_strange_methods_are_refused(sign_in: SignIn, routes: list[Route], method: str) -> None:
    admin = sign_in("*")
    for url in {route.url for route in routes}:
        assert admin.open(url, method=method).status_code in (400, 404, 405), (method, url)


def test_a_header_does_not_change_the_method(
    sign_in: SignIn, routes: list[Route], audit_rows: Callable[..., Any]
) -> None:
    admin = sign_in("*")
    names = ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
    headers = dict.fromkeys(names, "POST")
    for route in routes:
        if route.method == "GET":
            admin.get(route.url, headers=headers, query_string={"_method": "POST"})
    assert [row for row in audit_rows(actor_id=admin.user.id) if row["category"] == "change"] == []


@pytest.mark.parametrize("kind", ["missing", "empty", "nonsense", "foreign", "text/plain"])
def test_no_form_without_its_token(  # noqa: PLR0917 - fixtures
    app: Flask,
    sign_in: SignIn,
    with_csrf: None,
    routes: list[Route],
    audit_rows: Callable[..., Any],
    kind: str,
) -> None:
    from flask_wtf.csrf import generate_csrf

    with app.test_request_context():
        foreign = generate_csrf()
    admin = sign_in("*")
    body: dict[str, Any] = {"data": {"name": "Changed", "email": "x@example.com"}}
    if kind == "text/plain":
        body = {"data": '{"name": "Changed"}', "content_type": "text/plain"}
    elif kind != "missing":
        token = {"empty": "", "nonsense": "abc", "foreign": foreign}[kind]
        body["data"]["csrf_token"] = token
    wrong = []
    for route in routes:
        if route.method in SAFE:
            continue
        reply = admin.open(route.url, method=route.method, **body)
        if reply.status_code != 400:
            wrong.append(f"{route}: {reply.status_code}")
    assert wrong == []
    assert [row for row in audit_rows(actor_id=admin.user.id) if row["category"] == "change"] == []


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
        reply = admin.get(route.url, query_string=dict.fromkeys(FIELDS, HOSTILE_VALUES[kind]))
        if reply.status_code >= 500 or "<script>alert" in reply.text:
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
    for route in routes:
        if route.method in SAFE or route.endpoint == "auth.logout":
            continue
        admin = sign_in(user=_admin())
        reply = admin.open(
            route.url, method=route.method, data=dict.fromkeys(FIELDS, HOSTILE_VALUES[kind])
        )
        if reply.status_code >= 500 or "<script>alert" in reply.text:
            wrong.append(f"{route}: {reply.status_code}")
    assert wrong == []


def _admin() -> Any:
    """A person with every right, made anew for each request: some forms sign people out."""
    user = factories.make_user()
    factories.grant(user, factories.make_role("*"))
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
