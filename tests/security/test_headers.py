"""Headers that every reply carries, and headers of clients that nobody believes."""

from collections.abc import Callable
from typing import Any

import pytest

from tests import factories
from tests.pages import CheckedClient

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
    sent = {"email": user.email, "password": factories.PASSWORD}
    reply = client.post("/login", data=sent, headers=STRANGE)
    assert reply.status_code == 303 and reply.location == "/"
    assert reply.headers["X-Request-ID"] != "forged-id"
    (row,) = audit_rows(action="session.opened", actor_id=user.id)
    assert str(row["ip"]) == "127.0.0.1" and row["request_id"] == reply.headers["X-Request-ID"]
    reply = client.get("/nowhere", headers={**STRANGE, "Host": "evil.example"})
    assert "evil.example" not in reply.text + str(reply.headers)


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
