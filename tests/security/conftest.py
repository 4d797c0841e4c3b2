"""Something behind every address: rows whose ids fill the routes."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests import factories
from webapp.core import guards

PUBLIC = {
    "auth.login",
    "auth.sign_in",
    "auth.invitation",
    "auth.reset",
    "health.healthz",
    "health.readyz",
}
SAFE = {"GET", "HEAD", "OPTIONS"}


@dataclass(frozen=True)
class Route:
    """An address with its ids filled in, and a method that it takes."""

    endpoint: str
    method: str
    url: str
    rule: guards.Rule

    def __str__(self) -> str:
        return f"{self.method} {self.url} ({self.endpoint})"


@pytest.fixture
def world(app: Flask, owner: Any) -> dict[str, Any]:
    """Values for the parts of addresses; each names a row that exists."""
    location = factories.make_location("Riga")
    client = factories.make_client("Acme", location_id=location.id)
    project = factories.make_project("Repair", client_id=client.id)
    user = factories.make_user(name="Olga Other")
    role = factories.make_role("dashboard", name="Reader")
    given = factories.grant(user, role)
    factories.open_session(user)
    session = owner.execute("SELECT id FROM user_sessions WHERE user_id = %s", [user.id]).fetchone()
    event = owner.execute("SELECT id FROM audit_event ORDER BY id DESC LIMIT 1").fetchone()
    return {
        "location_id": location.id,
        "client_id": client.id,
        "project_id": project.id,
        "user_id": user.id,
        "role_id": role.id,
        "grant_id": given.id,
        "session_id": session["id"],
        "event_id": event["id"],
        "notification_id": 1,
        "token": secrets.token_urlsafe(32),
        "tag": factories.make_asset(client_id=client.id).tag,
        "type_id": factories.make_type().id,
    }


@pytest.fixture
def routes(app: Flask, world: dict[str, Any]) -> list[Route]:
    """Every address with every method it takes."""
    return list(_routes(app, lambda name: world.get(name, 1)))


@pytest.fixture
def routes_with(app: Flask) -> Callable[[str], list[Route]]:
    """Every address that has a part to fill, filled with something else."""
    return lambda value: [
        route
        for route in _routes(app, lambda _: "\x1f")
        if "%1F" in route.url
        for route in [
            Route(route.endpoint, route.method, route.url.replace("%1F", value), route.rule)
        ]
    ]


def _routes(app: Flask, part: Callable[[str], Any]) -> Iterator[Route]:
    for rule in app.url_map.iter_rules():
        guard = guards.rule_of(app, rule.endpoint)
        assert guard is not None, rule.endpoint
        url = _fill(rule, part)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield Route(rule.endpoint, method, url, guard)


def _fill(rule: Rule, part: Callable[[str], Any]) -> str:
    """Build the address without its converters, which would refuse what a stranger may type."""
    url = rule.rule
    for name in rule.arguments:
        for converter in ("id:", "int:", "path:", "string:", ""):
            url = url.replace(f"<{converter}{name}>", str(part(name)))
    return url.replace("\x1f", "%1F")
