"""What people do, in a real browser."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from tests import factories
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


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
