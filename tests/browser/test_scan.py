"""What was scanned survives a reload, for whoever scanned it, until it is done."""

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


def _scan(page: Page, *tags: str) -> None:
    for tag in tags:
        page.locator("#scan-tag").fill(tag)
        page.keyboard.press("Enter")
        page.locator(f"#scanned tr[data-scanned='{tag.lower()}']").wait_for()


def _listed(page: Page) -> list[str]:
    rows = page.locator("#scanned tr")
    return [str(row.get_attribute("data-scanned")) for row in rows.all()]


def test_the_list_survives_a_reload_until_it_is_done(app: Flask, open_browser: Open) -> None:
    boss = factories.make_user(name="Ana Ruiz")
    factories.grant(boss, factories.make_role("*", name="Administrator"))
    for tag in ("A-1", "A-2", "A-3"):
        factories.make_asset(tag=tag)
    browser = open_browser(user=boss, app=app)
    page = browser.go("/assets/scan")
    _scan(page, "A-1", "A-2", "A-3")
    page.get_by_role("button", name="Take A-2 off the list").click()
    page.reload()
    expect(page.locator("#scanned tr")).to_have_count(2)
    assert _listed(page) == ["a-3", "a-1"]
    expect(page.locator("[data-scan-count]")).to_have_text("2 ready")
    assert browser.go("/assets/scan?way=in").locator("#scanned tr").count() == 0
    browser.go("/assets/scan")
    expect(page.locator("#scanned tr")).to_have_count(2)
    page.locator("#scan select, #scan input[role=combobox]").first.focus()
    page.evaluate(
        "id => { const s = document.querySelector('#scan [name=holder]');"
        " if (s.options) s.add(new Option('Ana', id, true, true)); s.value = id; }",
        f"user:{boss.id}",
    )
    page.get_by_role("button", name="Check out", exact=True).click()
    page.get_by_text("2 assets were handed out.").wait_for()
    assert "done=" not in page.url
    page.reload()
    expect(page.locator("[data-scan-count]")).to_have_text("Nothing scanned yet.")
    assert page.evaluate("sessionStorage.length") == 0
    assert browser.complaints == []
