"""A ticket is opened by keyboard, and changed in the dialog without leaving its page."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests import factories
from tests.attachments import samples
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


@pytest.fixture
def agent(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("*", name="Administrator"))
    return user


def act(page: Page, name: str) -> None:
    link = page.locator("#side").get_by_role("link", name=name)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#act[open] form").last).to_be_visible()


def test_a_ticket_is_changed_in_the_dialog(app: Flask, agent: Any, open_browser: Open) -> None:
    client = factories.make_client()
    other = factories.make_user(name="Luis Ortega")
    factories.grant(other, factories.make_role("tickets"))
    ticket = factories.make_ticket("Printer jams", client_id=client.id, status="open")
    browser = open_browser(user=agent, app=app)
    page = browser.go(f"/tickets/{ticket.number}")
    side = page.locator("#side")

    # What was typed survives Escape, and the focus goes back to where it was.
    act(page, "Resolve…")
    expect(page.locator("#act-resolution")).to_be_focused()
    page.keyboard.type("Cleaned the rollers.")
    page.keyboard.press("Escape")
    expect(side.get_by_role("link", name="Resolve…")).to_be_focused()
    act(page, "Resolve…")
    expect(page.locator("#act-resolution")).to_have_value("Cleaned the rollers.")
    page.keyboard.press("Escape")

    # To somebody else, by typing the name; the search box closes before the dialog does.
    act(page, "Assign…")
    page.keyboard.type("luis")
    expect(page.locator("#act .picker-option")).to_have_count(1)
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(side).to_contain_text("Luis Ortega")
    expect(page.locator("#act[open]")).to_have_count(0)

    # The priority follows while one chooses; another one asks why, and keeps what was chosen.
    act(page, "Change the priority")
    page.locator("#act-impact").select_option("high")
    page.locator("#act-urgency").select_option("high")
    expect(page.locator("#act-priority-out")).to_contain_text("Urgent")
    page.locator("#act-priority").select_option("low")
    page.locator("#act-priority-reason").fill("A spare one stands beside it")
    page.keyboard.press("Control+Enter")
    expect(side).to_contain_text("A spare one stands beside it")
    expect(side.get_by_role("link", name="Change the priority")).to_be_focused()

    # What is typed behind the tags is another one; they are changed by key, as in the list.
    for tag in ("printer", "jams"):
        page.keyboard.press("t")
        expect(page.locator("#act-tags")).to_be_focused()
        page.keyboard.type(tag)
        page.keyboard.press("Enter")
        expect(page.locator("#act[open]")).to_have_count(0)
        expect(side).to_contain_text(tag)
    expect(side.locator(".kind-badge", has_text="printer")).to_have_text("printer")

    # It is his: one is asked before it is taken over.
    page.keyboard.press("m")
    expect(page.locator("#act")).to_contain_text("Take it over?")
    page.wait_for_function("document.activeElement.matches('#act [type=submit]')")
    page.keyboard.press("Enter")
    expect(side).to_contain_text("Ana Ruiz")
    assert browser.complaints == []


def test_a_refusal_stays_in_the_dialog(app: Flask, agent: Any, open_browser: Open) -> None:
    ticket = factories.make_ticket(status="open")
    browser = open_browser(user=agent, app=app, viewport={"width": 390, "height": 800})
    page = browser.go(f"/tickets/{ticket.number}")
    act(page, "Change the status")
    expect(page.locator("#act-resolution")).to_be_hidden()
    page.locator("#act-status").select_option("resolved")
    expect(page.locator("#act-resolution")).to_be_visible()
    page.locator("#act-status").press("Enter")
    expect(page.locator("#act-resolution")).to_be_focused()
    expect(page.locator("#act-status")).to_have_value("resolved")
    page.keyboard.type("New drum.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#side")).to_contain_text("Resolved")
    assert [one for one in browser.complaints if "422" not in one] == []


def test_a_ticket_is_opened_by_keyboard(app: Flask, agent: Any, open_browser: Open) -> None:
    client = factories.make_client("Acme")
    factories.make_client("Other")
    factories.make_contact(client_id=client.id, name="Bo Lund")
    factories.make_contact(name="Bo of another")
    browser = open_browser(user=agent, app=app)
    page = browser.go("/tickets/new")
    expect(page.locator("#client_id")).to_be_focused()
    page.keyboard.type("acm")
    expect(page.locator(".picker-option:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_selector(f"[data-picker$='requesters?client={client.id}']", state="attached")
    page.locator("#requester").focus()
    page.keyboard.type("bo l")
    expect(page.locator(".picker-option:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#requester")).to_have_value("Bo Lund")
    page.locator("#subject").fill("Printer jams")
    page.locator("#say-new").fill("It **jams**, @")
    page.keyboard.type(agent.name[:3])
    expect(page.get_by_role("option", name=agent.name)).to_be_visible()
    page.keyboard.press("Tab")
    picture = {"name": "jam.jpg", "mimeType": "image/jpeg", "buffer": samples.image()}
    page.locator("[data-attach]").set_input_files([picture])
    expect(page.locator("#waiting .file-chip")).to_contain_text("jam.jpg")
    expect(page.locator("[data-state]")).to_have_text("Draft saved")
    browser.go("/tickets/new")
    expect(page.locator("#subject")).to_have_value("Printer jams")
    expect(page.locator("#requester")).to_have_value("Bo Lund")
    expect(page.locator("#waiting .file-chip")).to_contain_text("jam.jpg")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#say-preview strong")).to_have_text("jams")
    page.get_by_role("button", name="Preview").click()
    page.locator("#say-new").press("Control+Enter")
    expect(page.locator("h1")).to_contain_text("Printer jams")
    expect(page.locator("#side")).to_contain_text("Bo Lund")
    expect(page.locator(".message .file-chip")).to_contain_text("jam.jpg")
    browser.go("/tickets/new")
    expect(page.locator("#subject")).to_have_value("")
    assert browser.complaints == []
