"""Talking on a ticket in a browser: canned replies, files, drafts, and two people at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests import factories
from tests.attachments import samples
from tests.browser.conftest import Watched
from webapp.core.db import db
from webapp.tickets.models import CannedReply

Open = Callable[..., Watched]
KEYS = ("tickets", "tickets.reply", "tickets.edit", "tickets.assign")


@pytest.fixture
def ticket(app: Flask) -> Any:
    home = factories.make_client("Acme")
    asker = factories.make_contact(client_id=home.id, name="Rosa Blanco")
    return factories.make_ticket(
        "The lift is stuck",
        client_id=home.id,
        requester_contact_id=asker.id,
        body="It stopped between floors.",
    )


@pytest.fixture
def agents(ticket: Any) -> tuple[Any, Any]:
    role = factories.make_role(*KEYS)
    people = factories.make_user(name="Ana Ruiz"), factories.make_user(name="Luis Vega")
    for person in people:
        factories.grant(person, role, client_id=ticket.client_id)
    return people


def text_of(page: Page) -> Any:
    return page.locator("#say-reply")


def test_a_canned_text_and_a_file_go_out_together(
    app: Flask, open_browser: Open, ticket: Any, agents: Any, tmp_path: Path
) -> None:
    with factories.work():
        db.session.add(
            CannedReply(
                shortcut="hello",
                title="Greeting",
                body="Dear {{requester.name}}, this is about {{ticket.number}}.",
            )
        )
    picture = tmp_path / "lift.jpg"
    picture.write_bytes(samples.image())
    browser = open_browser(user=agents[0], app=app)
    page = browser.go(f"/tickets/{ticket.number}")
    page.keyboard.press("r")
    page.keyboard.type("::hel")
    expect(page.get_by_role("option", name="Greeting")).to_be_visible()
    page.keyboard.press("Enter")
    expect(text_of(page)).to_have_value(f"Dear Rosa Blanco, this is about #{ticket.number}.")
    page.keyboard.type("\n\nSee the *picture*, @lui")
    page.get_by_role("option", name="Luis Vega").wait_for()
    page.keyboard.press("Tab")
    chip = page.locator("#waiting .file-chip")
    page.locator("[data-attach]").set_input_files([picture, picture])
    expect(chip).to_have_count(2)
    page.get_by_role("button", name="Remove lift.jpg").last.click()
    expect(chip).to_have_count(1)
    expect(chip).to_contain_text("lift.jpg")
    expect(page.locator("[data-state]")).to_have_text("Draft saved")
    page.reload()
    expect(chip).to_contain_text("lift.jpg")
    expect(text_of(page)).to_have_value(
        f"Dear Rosa Blanco, this is about #{ticket.number}.\n\n"
        f"See the *picture*, [@Luis Vega](user:{agents[1].id}) "
    )
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#say-preview em")).to_have_text("picture")
    page.get_by_role("button", name="Preview").click()
    page.locator("#say-status").select_option("pending")
    page.keyboard.press("r")
    text_of(page).press("Control+Enter")
    said = page.locator(".message.is-desk")
    expect(said).to_contain_text("Dear Rosa Blanco")
    expect(said.locator(".mention")).to_have_text("@Luis Vega")
    expect(said.locator(".file-chip")).to_contain_text("lift.jpg")
    expect(page.locator("#ticket-head")).to_contain_text("Pending")
    expect(text_of(page)).to_have_value("")
    expect(page.locator("#waiting .file-chip")).to_have_count(0)
    page.reload()
    expect(text_of(page)).to_have_value("")
    expect(page.locator(".message")).to_have_count(2)
    assert browser.complaints == []


def test_a_refused_file_stays_in_sight_and_holds_the_reply_back(
    app: Flask, open_browser: Open, ticket: Any, agents: Any, tmp_path: Path
) -> None:
    refused = tmp_path / "evil.html"
    refused.write_text("<script>alert(1)</script>")
    browser = open_browser(user=agents[0], app=app)
    page = browser.go(f"/tickets/{ticket.number}")
    text_of(page).fill("Without a file")
    page.locator("[data-attach]").set_input_files([refused])
    lost = page.locator("[data-uploads] .is-refused")
    expect(lost).to_contain_text("evil.html")
    text_of(page).press("Control+Enter")
    expect(page.locator("#confirm")).to_contain_text("evil.html. Send without it?")
    page.keyboard.press("Escape")
    expect(lost).to_have_count(1)
    expect(page.locator(".message")).to_have_count(1)
    text_of(page).press("Control+Enter")
    page.get_by_role("button", name="Send without").click()
    expect(page.locator(".message")).to_have_count(2)
    assert [one for one in browser.complaints if "422" not in one] == []


def test_a_note_is_followed_by_a_note_and_what_opens_has_the_focus(
    app: Flask, open_browser: Open, ticket: Any, agents: Any
) -> None:
    factories.grant(agents[0], factories.make_role("*"))
    browser = open_browser(user=agents[0], app=app)
    page = browser.go(f"/tickets/{ticket.number}")
    page.keyboard.press("n")
    page.keyboard.type("Between us")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".message.is-note")).to_contain_text("Between us")
    expect(page.locator("#say-note")).to_be_focused()
    expect(page.locator("#mode-note")).to_be_checked()
    page.get_by_role("link", name="Add time").click()
    expect(page.locator("#time input[name=minutes]")).to_be_focused()
    page.get_by_role("link", name="Add a link").click()
    expect(page.locator("#links select[name=tie]")).to_be_focused()
    assert browser.complaints == []


def test_two_at_one_ticket_see_each_other_and_nobody_answers_twice(
    app: Flask, open_browser: Open, ticket: Any, agents: Any
) -> None:
    ana = open_browser(user=agents[0], app=app)
    luis = open_browser(user=agents[1], app=app)
    hers, his = ana.go(f"/tickets/{ticket.number}"), None
    # He hears of nothing by himself: the stream is cut off, and he learns it as he sends.
    luis.page.route("**/live*", lambda route: route.abort())
    luis.page.route("**/messages?after=*", lambda route: route.abort())
    his = luis.go(f"/tickets/{ticket.number}")
    expect(his.locator("#presence")).to_contain_text("Ana Ruiz is looking at this")
    text_of(hers).fill("I am on my way.")
    hers.evaluate("document.dispatchEvent(new CustomEvent('live:poll'))")
    expect(hers.locator("#presence")).to_contain_text("Luis Vega is looking at this")
    text_of(his).fill("I shall go there.")
    expect(his.locator("[data-state]")).to_have_text("Draft saved")
    his.evaluate("document.dispatchEvent(new CustomEvent('live:poll'))")
    expect(his.locator("#presence")).to_contain_text("Ana Ruiz is typing an answer")
    hers.get_by_role("button", name="Send the reply").click()
    expect(hers.locator(".message")).to_have_count(2)

    his.get_by_role("button", name="Send the reply").click()
    expect(his.locator(".message.is-new")).to_contain_text("I am on my way.")
    expect(his.get_by_text("1 new message arrived")).to_be_visible()
    expect(text_of(his)).to_have_value("I shall go there.")
    expect(his.locator(".message")).to_have_count(2)
    his.get_by_role("button", name="Send anyway").click()
    expect(his.locator(".message")).to_have_count(3)
    expect(text_of(his)).to_have_value("")

    # What he said appears at hers, and what she types meanwhile stays.
    text_of(hers).fill("Half a sen")
    hers.evaluate(
        "number => document.dispatchEvent(new CustomEvent('live:ticket', {detail: {number}}))",
        ticket.number,
    )
    expect(hers.locator(".message")).to_have_count(3)
    expect(hers.locator(".message").last).to_contain_text("I shall go there.")
    expect(text_of(hers)).to_have_value("Half a sen")
    expect(text_of(hers)).to_be_focused()
    # It is there, but came a moment ago: that she read it is not taken for granted.
    hers.keyboard.press("Control+Enter")
    expect(hers.get_by_text("1 new message arrived")).to_be_visible()
    expect(hers.locator(".message")).to_have_count(3)
    expect(text_of(hers)).to_have_value("Half a sen")
    assert [one for one in ana.complaints if "409" not in one] == []
