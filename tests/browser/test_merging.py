"""Merging a ticket into another one with a look before, and taking that back from the toast."""

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


def test_merge_with_a_preview_and_undo(app: Flask, open_browser: Open) -> None:
    boss = factories.make_user(name="Ana Ruiz")
    factories.grant(boss, factories.make_role("*", name="Administrator"))
    contact = factories.make_contact(name="Carla Gil")
    home, asked = contact.client_id, {"requester_contact_id": contact.id}
    one = factories.make_ticket("Printer jams", client_id=home, body="Paper everywhere", **asked)
    two = factories.make_ticket("Paper jam again", client_id=home, body="It jams", **asked)
    browser = open_browser(user=boss, app=app)
    page = browser.go(f"/tickets/{one.number}/merge")
    expect(page.get_by_role("heading", name="Perhaps one of these")).to_be_visible()
    # By its number, in the search box; then a look.
    box = page.get_by_role("combobox", name="Merge into")
    box.fill(f"#{two.number}")
    page.get_by_role("option", name=f"#{two.number} Paper jam again").click()
    page.get_by_role("button", name="Preview").click()
    title = f"Merge #{one.number} into #{two.number}"
    expect(page.get_by_role("heading", name=title)).to_be_visible()
    expect(page.get_by_role("cell", name="Printer jams")).to_be_visible()
    page.get_by_role("button", name=title).click()
    # It is all there now.
    page.wait_for_url(f"**/tickets/{two.number}")
    expect(page.get_by_text("Paper everywhere")).to_be_visible()
    expect(page.get_by_text("Merged into this one")).to_be_visible()
    # Not any more: the toast undoes it.
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    page.wait_for_url(f"**/tickets/{one.number}")
    expect(page.get_by_text("Paper everywhere")).to_be_visible()
    browser.go(f"/tickets/{two.number}")
    expect(page.get_by_text("Paper everywhere")).to_have_count(0)
    expect(page.get_by_text("Merged into this one")).to_have_count(0)
    assert not browser.complaints, browser.complaints
