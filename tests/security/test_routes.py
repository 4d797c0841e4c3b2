"""Every address, tried by those who may not."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.pages import CheckedClient
from tests.security.conftest import PUBLIC, SAFE, Route
from webapp.core import registry

SignIn = Callable[..., CheckedClient]
REFUSED = {400, 401, 403, 404, 405}


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
    # Any of several permissions on the ticket's place; the services look.
    "tickets.take",
    "tickets.preview_bulk",
    "tickets.apply_bulk",
    "tickets.undo",
    # One's own: replies, what one watches, that one is there, how a text would look.
    "tickets.create_reply",
    "tickets.preview_reply",
    "tickets.save_reply",
    "tickets.delete_reply",
    "tickets.restore_reply",
    "tickets.do_watch",
    "tickets.be_present",
    "tickets.preview",
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
