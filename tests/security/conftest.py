"""Something behind every address: rows whose ids fill the routes."""

import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.routing import Rule

from tests import factories
from webapp.assets.import_models import ImportRun
from webapp.assets.models import Custody
from webapp.attachments.models import Attachment
from webapp.core import guards
from webapp.core.db import db
from webapp.jobs.models import JobReport
from webapp.saved_views.models import SavedView

PUBLIC = {
    "auth.login",
    "auth.sign_in",
    "auth.invitation",
    "auth.reset",
    "health.healthz",
    "notifications.unsubscribe",
    "notifications.stop_mail",
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
    event = owner.execute(
        "SELECT id, request_id FROM audit_event ORDER BY id DESC LIMIT 1"
    ).fetchone()
    asset = factories.make_asset(client_id=client.id, project_id=project.id)
    return {
        **_parts_of_assets(asset, user),
        "kind": "project",
        "what": "team",
        "node_id": project.id,
        "request_id": event["request_id"] or "0" * 32,
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
        "tag": asset.tag,
        "asset_id": asset.id,
        "type_id": factories.make_type().id,
    }


def _parts_of_assets(asset: Any, user: Any) -> dict[str, Any]:
    """A file and a custody of the asset, a view, an import and a job."""
    with factories.work():
        db.session.execute(
            text("SELECT set_config('app.user_id', :id, true)"), {"id": str(user.id)}
        )
        file = Attachment(client_id=asset.client_id, asset_id=asset.id, name="Manual.pdf")
        file.sha256, file.size, file.media_type = "a" * 64, 5, "application/pdf"
        custody = Custody(client_id=asset.client_id, asset_id=asset.id, holder_user_id=user.id)
        view = SavedView(user_id=user.id, page="assets", name="Mine", query="q=x", is_shared=True)
        run = ImportRun(
            user_id=user.id, file_name="x.csv", sha256="a" * 64, header=["Tag"], settings={}
        )
        db.session.add_all([file, custody, view, run])
        db.session.flush()
        db.session.add(JobReport(job_id=1, title="Bring assets in", user_id=user.id))
        return {
            "attachment_id": file.id,
            "custody_id": custody.id,
            "view_id": view.id,
            "run_id": run.id,
            "job_id": 1,
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
        value = str(part(name))
        url = re.sub(rf"<(?:[^<>]*:)?{name}>", lambda _, value=value: value, url)
    return url.replace("\x1f", "%1F")
