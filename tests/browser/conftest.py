"""The app behind a real server, and Chromium in front of it."""

import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, sync_playwright
from werkzeug.serving import make_server

from tests import factories
from webapp.core import trail
from webapp.core.db import db

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, "the browser tests need Chromium: `make chromium` installs it"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def site(app: Flask, with_csrf: None) -> Iterator[str]:
    """The address of the running app, with CSRF checks."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)
    server.server_close()


class Watched:
    """A page whose complaints and requests are noted."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site = page, site
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", self._asked)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{self.page.url}: {message.text}")

    def _asked(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc != urlsplit(self.site).netloc:
            self.complaints.append(f"{self.page.url}: asked {request.url}")

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}", wait_until="load")
        return self.page


@pytest.fixture
def open_browser(chromium: Browser, site: str) -> Iterator[Callable[..., Watched]]:
    """A fresh browser profile; `user=` has it signed in."""
    contexts = []

    def opened(*, user: Any = None, app: Flask | None = None, **options: Any) -> Watched:
        context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        context.set_default_timeout(8000)
        contexts.append(context)
        if user is not None:
            assert app is not None
            cookie = _cookie(app, user)
            context.add_cookies([{"name": "steward", "value": cookie, "url": site}])
        return Watched(context.new_page(), site)

    yield opened
    for context in contexts:
        context.close()


def _cookie(app: Flask, user: Any) -> str:
    interface = app.session_interface
    signer = interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return str(signer.dumps({"_user_id": factories.open_session(user)}))


@pytest.fixture
def admin(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("*", name="Administrator"))
    return user


@pytest.fixture
def paths(app: Flask, admin: Any) -> list[str]:
    """Every page without a part to fill, and one of each kind of record."""
    client = factories.make_client("Acme")
    project = factories.make_project("Repair", client_id=client.id)
    plain = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and "/pickers/" not in rule.rule
    ]
    not_pages = {
        "/healthz",
        "/readyz",
        "/users/export.csv",
        "/assets/export.csv",
        "/assets/export.xlsx",
        "/assets/new/attributes",  # a fragment of the form
        "/views",  # of a page that has views
        "/live",  # a stream
        "/tickets/export.csv",
        # Parts of pages, and answers for scripts.
        *("/notifications/bell", "/tickets/bulk/replies", "/tickets/desk/recalculation"),
        *("/tickets/desk/service-levels/preview", "/tickets/flow", "/tickets/new/client"),
        *("/tickets/new/priority", "/tickets/news", "/tickets/replies", "/tickets/rows"),
        *("/tickets/views", "/tickets/bulk", "/tickets/new/files/waiting", "/tickets/new/mentions"),
        *("/audit/integrity/progress", "/audit/integrity/heads"),
        *("/audit/tail", "/audit/group"),
        "/login",
    }
    thing = factories.make_asset(client_id=client.id, project_id=project.id)
    asset = f"/assets/{thing.tag}"
    asked = factories.make_ticket(
        client_id=client.id,
        asset_id=thing.id,
        body="It **broke**.\n\n> a\n> b\n> c\n> d\n\n```\nlog\n```",
    )
    team, ticket = factories.make_team(admin), f"/tickets/{asked.number}"
    with factories.work():
        trail.context()["request_id"] = "a-request"
        db.session.get_one(type(thing), thing.id).model = "New"
    records = [
        *(ticket, f"{ticket}/history", f"{ticket}/edit", f"{ticket}/merge", f"{ticket}/split"),
        *(f"{ticket}/links", f"{ticket}/time", f"{ticket}/status", f"{ticket}/assign"),
        *(f"/tickets/bulk?ids={asked.id}", f"/tickets/desk/teams/{team.id}"),
        *(asset, f"{asset}?tab=custody", f"{asset}/files", f"{asset}/history", f"{asset}/edit"),
        *(f"{asset}/check-out", f"{asset}/move", f"/assets/tree?open=asset:{thing.id}"),
        *(f"/assets/types/{thing.type_id}", f"/assets/types/{thing.type_id}/edit"),
        *(f"/assets/bulk?ids={thing.id}", f"/assets/labels?ids={thing.id}"),
        f"/users/{admin.id}",
        f"/users/{admin.id}/edit",
        f"/organisation/locations/{client.location_id}",
        f"/organisation/clients/{client.id}",
        f"/organisation/projects/{project.id}",
        "/audit/request/a-request/undo",
        "/nowhere",
    ]
    return sorted(set(plain) - not_pages) + records
