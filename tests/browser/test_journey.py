"""What people do, in a real browser."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.browser.conftest import Watched

Open = Callable[..., Watched]
AXE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture
def admin(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("*", name="Administrator"))
    return user


def test_give_a_role_and_find_it_in_the_log(app: Flask, admin: Any, open_browser: Open) -> None:
    colleague = factories.make_user(name="Carla Colleague")
    role = factories.make_role("dashboard", name="Reader")
    browser = open_browser()
    page = browser.go("/login")
    page.fill("input[name=email]", admin.email)
    page.fill("input[name=password]", factories.PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_url(f"{browser.site}/")
    browser.go(f"/users/{colleague.id}")
    with page.expect_response(lambda reply: reply.request.method == "POST") as answer:
        form = page.locator(f"form[action$='/users/{colleague.id}/roles']")
        if not form.first.is_visible():
            page.get_by_text("Give a role").first.click()
        form.locator("[name=role_id]").select_option(str(role.id))
        form.locator("[name=reason]").fill("Joins the support desk")
        form.locator("button[type=submit]").click()
    assert answer.value.status in (204, 303), answer.value.status
    page.wait_for_load_state()
    with factories.work():
        from webapp.access.models import UserRole
        from webapp.core.db import db

        held = db.session.query(UserRole).filter_by(user_id=colleague.id, role_id=role.id).all()
        assert len(held) == 1
    browser.go("/audit")
    assert page.get_by_text("Carla Colleague").first.is_visible()
    assert browser.complaints == []


def test_signing_in_needs_no_mouse(admin: Any, open_browser: Open) -> None:
    browser = open_browser()
    page = browser.go("/login")
    page.wait_for_function("document.activeElement.name === 'email'")
    page.keyboard.type(admin.email)
    page.keyboard.press("Tab")
    page.keyboard.type(factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{browser.site}/")
    assert browser.complaints == []


def test_a_place_is_picked_by_keyboard(app: Flask, admin: Any, open_browser: Open) -> None:
    client = factories.make_client("Harbour Logistics")
    factories.make_client("Harbourside Clinic")
    colleague, role = factories.make_user(), factories.make_role("dashboard", name="Reader")
    browser = open_browser(user=admin, app=app)
    page = browser.go(f"/users/{colleague.id}")
    page.locator("[name=role_id]").select_option(str(role.id))
    page.locator("[name=role_id]").press("Tab")
    box = page.get_by_role("combobox", name="Where")
    assert box.input_value() == "Everywhere"
    page.keyboard.type("harbour")
    page.get_by_role("option", name="Harbourside").wait_for()
    for key in ("ArrowDown", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    assert box.input_value() == "Harbour Logistics"
    assert box.get_attribute("aria-expanded") == "false"
    page.keyboard.type("nowhere")
    page.get_by_text("Nothing matches.").wait_for()
    page.keyboard.press("Escape")
    assert box.input_value() == "Harbour Logistics"
    page.keyboard.press("Tab")
    page.keyboard.type("Joins the harbour")
    page.keyboard.press("Tab")
    with page.expect_response(lambda reply: reply.request.method == "POST") as answer:
        page.keyboard.press("Enter")
    assert answer.value.status in (204, 303)
    page.get_by_text("Client: Harbour Logistics").wait_for()
    with factories.work():
        from webapp.access.models import UserRole
        from webapp.core.db import db

        held = db.session.query(UserRole).filter_by(user_id=colleague.id, role_id=role.id).one()
        assert held.client_id == client.id
    assert browser.complaints == []


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
        *("/tickets/views", "/tickets/bulk"),
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
        "/nowhere",
    ]
    return sorted(set(plain) - not_pages) + records


@pytest.mark.timeout(180)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_accessible(
    app: Flask, admin: Any, open_browser: Open, paths: list[str], theme: str
) -> None:
    with factories.work():
        from webapp.core.db import db
        from webapp.users.models import User

        db.session.get_one(User, admin.id).theme = theme
    # axe has to be put into the page; without the bypass our own policy refuses it.
    checked = open_browser(user=admin, app=app, bypass_csp=True)
    found = []
    for path in paths:
        page = checked.go(path)
        page.evaluate("scrollTo(0, 0)")  # what the topbar happens to cover is no small target
        page.add_script_tag(path=str(AXE))
        result = page.evaluate("rules => axe.run({runOnly: rules})", RULES)
        found += [
            f"{path}: {one['id']}: {one['nodes'][0]['html'][:120]}" for one in result["violations"]
        ]
    assert found == []


def test_every_page_is_quiet(app: Flask, admin: Any, open_browser: Open, paths: list[str]) -> None:
    quiet = open_browser(user=admin, app=app)
    for path in paths:
        quiet.go(path)
    # Chromium itself notes in the console that a page was answered with 404.
    noise = [one for one in quiet.complaints if "404" not in one]
    assert noise == []


@pytest.mark.parametrize("width", [390])
def test_no_page_is_wider_than_a_phone(
    app: Flask, admin: Any, open_browser: Open, paths: list[str], width: int
) -> None:
    browser = open_browser(user=admin, app=app, viewport={"width": width, "height": 800})
    wide = []
    for path in paths:
        page = browser.go(path)
        if (is_wide := page.evaluate("document.documentElement.scrollWidth")) > width:
            wide.append(f"{path}: {is_wide}")
    assert wide == []
