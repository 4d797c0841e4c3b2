"""Headers that every reply carries, and headers of clients that nobody believes."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import factories
from tests.pages import CheckedClient
from webapp import create_app
from webapp.core.config import Settings
from webapp.core.db import db

STRANGE = {
    "X-Forwarded-For": "203.0.113.77",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "https",
    "X-Real-IP": "203.0.113.77",
    "Forwarded": "for=203.0.113.77;host=evil.example",
    "X-Request-ID": "forged-id",
}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/", 200), ("/login", 303), ("/nowhere", 404), ("/roles/1", 403), ("/healthz", 200)],
)
def test_every_reply_is_closed_to_other_sites(
    sign_in: Callable[..., CheckedClient], path: str, status: int
) -> None:
    reply = sign_in("dashboard").get(path)
    assert reply.status_code == status
    policy = reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy
    assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert reply.headers["Cache-Control"] == "no-store"
    assert "Cookie" in reply.headers["Vary"]
    assert len(reply.headers["X-Request-ID"]) == 16
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_forged_addresses_and_hosts_are_not_believed(
    client: CheckedClient, audit_rows: Callable[..., Any]
) -> None:
    user = factories.make_user()
    factories.grant(user, factories.make_role("dashboard"))
    sent = {"email": user.email, "password": factories.PASSWORD}
    reply = client.post("/login", data=sent, headers=STRANGE)
    assert reply.status_code == 303 and reply.location == "/"
    assert reply.headers["X-Request-ID"] != "forged-id"
    (row,) = audit_rows(action="session.opened", actor_id=user.id)
    assert str(row["ip"]) == "127.0.0.1" and row["request_id"] == reply.headers["X-Request-ID"]
    reply = client.get("/nowhere", headers={**STRANGE, "Host": "evil.example"})
    assert "evil.example" not in reply.text + str(reply.headers)


@pytest.fixture
def named(settings: Settings) -> Iterator[Any]:
    """A client of an app that knows its own address."""
    app = create_app(settings.model_copy(update={"base_url": "http://steward.example:8080"}))
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "host", ["steward.example", "Steward.Example:8080", "localhost:1", "127.0.0.1", "[::1]:8000"]
)
def test_our_own_names_are_answered(named: Any, host: str) -> None:
    assert named.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "steward.example.evil.example", "[x]", "a b", ""])
def test_other_names_are_not_answered(named: Any, host: str) -> None:
    for path in ("/healthz", "/login", "/nowhere"):
        reply = named.get(path, headers={"Host": host})
        assert reply.status_code == 400 and "evil.example" not in reply.text
    told = named.get("/login", headers={"Host": host, "Accept": "application/json"})
    assert told.status_code == 400 and told.json["error"]["code"] == "bad_request"


def test_an_export_is_not_kept_by_caches(sign_in: Callable[..., CheckedClient]) -> None:
    reply = sign_in("*").get("/users/export.csv")
    assert reply.status_code == 200 and reply.headers["Cache-Control"] == "no-store"


def test_an_id_has_one_spelling(sign_in: Callable[..., CheckedClient]) -> None:
    client = sign_in("*")
    number = client.user.id
    arabic = "".join(chr(0x660 + int(digit)) for digit in str(number))
    for spelled, status in ((number, 200), (f"0{number}", 404), (arabic, 404), ("0", 404)):
        assert client.get(f"/users/{spelled}").status_code == status


@pytest.mark.rate_limits
def test_who_was_too_often_is_told_in_our_words_how_long_to_wait(
    sign_in: Callable[..., CheckedClient],
) -> None:
    client = sign_in("*")
    for _ in range(20):
        assert client.get("/users/export.csv").status_code == 200
    for headers in ({}, {"HX-Request": "true"}, {"Accept": "application/json"}):
        reply = client.get("/users/export.csv", headers=headers)
        assert reply.status_code == 429 and "That was too often." in reply.text
        assert 0 < int(reply.headers["Retry-After"]) <= 61


@pytest.mark.parametrize("path", ["/.git/config", "/static/../wsgi.py", "/static/%2e%2e/wsgi.py"])
def test_no_file_of_ours_is_served(client: CheckedClient, path: str) -> None:
    assert client.get(path).status_code in (302, 303, 404)


def test_what_is_refused_at_the_door_has_an_id_too(
    csrf_client: CheckedClient, audit_rows: Callable[..., Any]
) -> None:
    reply = csrf_client.post("/login", data={"email": "a@example.com", "password": "b"})
    assert reply.status_code == 400
    assert len(reply.headers["X-Request-ID"]) == 16
    assert reply.headers["X-Request-ID"] in reply.text
    assert len(audit_rows(request_id=reply.headers["X-Request-ID"])) == 1
