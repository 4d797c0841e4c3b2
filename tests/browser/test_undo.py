"""From the log: a look at what undoing a request would do, a reason, the change, and that in turn."""

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Watched
from webapp.assets.models import Asset
from webapp.core import trail
from webapp.core.db import db

Open = Callable[..., Watched]


def test_undo_part_of_a_request_and_have_it_again(app: Flask, open_browser: Open) -> None:
    boss = factories.make_user(name="Ana Ruiz")
    factories.grant(boss, factories.make_role("*", name="Administrator"))
    home = factories.make_client("Acme").id
    pump = factories.make_asset("Pump", tag="P-1", client_id=home, model="Old pump")
    fan = factories.make_asset("Fan", tag="F-1", client_id=home, model="Old fan")
    with factories.work():
        trail.context()["request_id"] = "request-by-hand"
        for thing in (pump, fan):
            db.session.get_one(Asset, thing.id).model = "Recalled"
    with factories.work():
        db.session.get_one(Asset, fan.id).model = "Newer fan"
    browser = open_browser(user=boss, app=app)
    page = browser.go("/audit/request/request-by-hand/undo")
    expect(page.get_by_text("1 thing is set back, 1 cannot be")).to_be_visible()
    expect(page.get_by_text("It was changed again since then.")).to_be_visible()
    expect(page.get_by_role("row", name="P-1 Pump")).to_contain_text("Old pump")
    # Without a reason, and without agreeing that part will do, nothing happens.
    undo = page.get_by_role("button", name="Undo", exact=True)
    undo.click()
    expect(page.get_by_text("Fill this in.")).to_be_visible()
    page.get_by_label("Reason").fill("The recall was a mistake")
    undo.click()
    expect(page.get_by_text("Not all of this can be undone, so nothing was.")).to_be_visible()
    page.get_by_label("Undo what can be undone").check()
    undo.click()
    page.wait_for_url("**/audit?request=*")
    expect(page.get_by_text("It was undone.")).to_be_visible()
    done = page.url.rpartition("=")[2]
    browser.go(f"/assets/{pump.tag}")
    expect(page.get_by_text("Old pump").first).to_be_visible()
    # The request says that it was undone; that can be undone in turn.
    browser.go("/audit/request/request-by-hand/undo")
    expect(page.get_by_role("link", name="See that, or undo it")).to_be_visible()
    browser.go(f"/audit/request/{done}/undo")
    page.get_by_label("Reason").fill("It was none")
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_url("**/audit?request=*")
    browser.go(f"/assets/{pump.tag}")
    expect(page.get_by_text("Recalled").first).to_be_visible()
    refused = [text for text in browser.complaints if "422" not in text and "409" not in text]
    assert not refused, refused
