"""The queue by keyboard alone, and while others work on the same tickets."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect

from tests import factories
from tests.browser.conftest import Watched
from webapp.core.db import db
from webapp.tickets.models import Ticket

Open = Callable[..., Watched]
HERE = "document.activeElement.closest('tr[data-ticket]')?.dataset.number"


@pytest.fixture
def agent(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("*", name="Administrator"))
    return user


@pytest.fixture
def tickets(agent: Any) -> list[Ticket]:
    """Ten new tickets of a team, in the order of the list."""
    client = factories.make_client("Acme")
    team = factories.make_team(agent, name="First line")
    return [
        factories.make_ticket(f"Fault {number}", client_id=client.id, team_id=team.id)
        for number in range(1, 11)
    ]


def as_it_is(ticket: Ticket) -> Ticket:
    with factories.work():
        now = db.session.get_one(Ticket, ticket.id)
        db.session.expunge(now)
    return now


def test_triage_ten_tickets_by_keyboard_alone(
    app: Flask, agent: Any, tickets: list[Ticket], open_browser: Open
) -> None:
    browser = open_browser(user=agent, app=app)
    page = browser.go("/tickets?view=unassigned")
    expect(page.locator("#view-unassigned .tab-count")).to_have_text("10")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_contain_text("Assign to me")
    page.keyboard.press("Escape")
    for number, ticket in enumerate(tickets):
        page.keyboard.press("j")
        assert page.evaluate(HERE) == str(ticket.number)
        # One is taken, the next gets another status, then another priority, then tags.
        _TRIAGE[number % len(_TRIAGE)](page)
        assert page.evaluate(HERE) == str(ticket.number)
    now = [as_it_is(ticket) for ticket in tickets]
    taken = [ticket.assignee_id == agent.id for ticket in now]
    assert taken == [number % 5 == 0 for number in range(10)]
    assert [now[number].status for number in (1, 6)] == ["pending", "pending"]
    assert [now[number].priority for number in (2, 7)] == ["high", "high"]
    assert [now[number].tags for number in (3, 8)] == [["printer"], ["printer"]]
    assert page.locator("tr[data-stale]").count() == 2  # the taken ones do not jump away
    page.keyboard.press("r")
    page.wait_for_url(f"**/tickets/{tickets[-1].number}?compose=reply")
    # From there back through the list; the same keys do the same.
    page.keyboard.press("Escape")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("k")
    page.wait_for_url(f"**/tickets/{tickets[-2].number}")
    expect(page.locator("[data-place]")).to_have_attribute("title", "9 of 10 in the list")
    _dialog(page, "t", lambda: page.keyboard.type("late"))
    expect(page.locator("#side")).to_contain_text("late")
    assert browser.complaints == []


def test_keys_act_on_what_is_selected(
    app: Flask, agent: Any, tickets: list[Ticket], open_browser: Open
) -> None:
    browser = open_browser(user=agent, app=app)
    page = browser.go("/tickets?view=unassigned")
    for key in ("j", "x", "j", "x", "p"):
        page.keyboard.press(key)
    page.wait_for_url("**/tickets/bulk?*field=priority")
    expect(page.get_by_text("2 tickets are selected.")).to_be_visible()
    expect(page.locator("#priority")).to_be_focused()
    page.go_back()
    page.keyboard.press("m")
    page.wait_for_url("**/tickets/bulk?*field=me")
    expect(page.locator("#assignee")).to_have_value("Ana Ruiz")
    assert browser.complaints == []


def _take(page: Page) -> None:
    page.keyboard.press("m")
    expect(page.locator("tr.is-here .of-assignee")).to_contain_text("Ana Ruiz")


def _dialog(page: Page, key: str, then: Callable[[], None]) -> None:
    page.keyboard.press(key)
    expect(page.locator("#act[open] form")).to_be_visible()
    page.wait_for_function("document.activeElement.matches('#act select, #act input')")
    then()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#act[open]")).to_have_count(0)


def _wait(page: Page) -> None:
    _dialog(page, "s", lambda: page.keyboard.type("Pending"))
    expect(page.locator("tr.is-here .of-status")).to_contain_text("Pending")


def _raise(page: Page) -> None:
    _dialog(page, "p", lambda: page.keyboard.type("High"))  # the impact
    expect(page.locator("tr.is-here .of-priority")).to_contain_text("High")


def _tag(page: Page) -> None:
    _dialog(page, "t", lambda: page.keyboard.type("printer"))


def _leave(page: Page) -> None:
    page.keyboard.press("a")
    expect(page.locator("#act[open] form")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")  # the first closes the list of the search box
    expect(page.locator("#act[open]")).to_have_count(0)


_TRIAGE = (_take, _wait, _raise, _tag, _leave)


def test_rows_follow_while_one_is_selected_and_the_rest_waits(
    app: Flask, agent: Any, tickets: list[Ticket], open_browser: Open
) -> None:
    browser = open_browser(user=agent, app=app)
    page = browser.go("/tickets?sort=number")
    second = tickets[1]
    row = page.locator(f"#t-{second.id}")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-bulk] [data-count]")).to_have_text("1")
    with factories.work():
        db.session.get_one(Ticket, second.id).subject = "Changed by somebody else"
    new = factories.make_ticket("A new one", client_id=second.client_id)
    _tell(page, "live:ticket", id=second.id, number=second.number)
    expect(row.locator(".lead a")).to_have_text("Changed by somebody else")
    assert page.evaluate(HERE) == str(second.number)
    expect(row.locator("[data-row]")).to_be_checked()
    expect(row).to_have_class("is-picked is-here")
    _tell(page, "live:ticket", id=new.id, number=new.number, new=True)
    news = page.locator("#queue-news a")
    expect(news).to_have_text("1 new or changed: show")
    expect(page.locator("tr[data-ticket]")).to_have_count(10)
    assert page.evaluate(HERE) == str(second.number)
    page.keyboard.press("u")
    expect(page.locator("tr[data-ticket]")).to_have_count(11)
    expect(news).to_have_count(0)
    expect(row.locator("[data-row]")).to_be_checked()
    expect(page.locator("[data-bulk] [data-count]")).to_have_text("1")
    assert page.evaluate(HERE) == str(second.number)
    page.locator(".menu > summary", has_text="Views").click()
    expect(page.locator("#view-name")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.keyboard.type(str(second.number))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/tickets/{second.number}")
    assert browser.complaints == []


def _tell(page: Page, topic: str, **detail: Any) -> None:
    script = "([topic, detail]) => document.dispatchEvent(new CustomEvent(topic, {detail}))"
    page.evaluate(script, [topic, detail])


def test_filters_take_several_values_and_let_go_of_them(
    app: Flask, agent: Any, tickets: list[Ticket], open_browser: Open
) -> None:
    factories.make_team(name="Networks")
    browser = open_browser(user=agent, app=app)
    page = browser.go("/tickets")
    page.locator(".more-filters > summary").click()
    for name in ("First", "Networks"):
        page.locator("#filter-team").click()
        page.keyboard.type(name)
        page.locator(".picker-option", has_text=name).click()
        expect(page.locator(".chip", has_text=name)).to_be_visible()
    page.wait_for_url("**/tickets?team=*&team=*")
    expect(page.locator("tr[data-ticket]")).to_have_count(10)
    page.locator(".chip", has_text="First").click()
    expect(page.locator("tr[data-ticket]")).to_have_count(0)
    expect(page.locator(".blank-title")).to_have_text("No ticket matches")
    assert browser.complaints == []
