"""The bell counts without anybody loading the page again, and shows what is new."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.browser.conftest import Watched
from webapp.notifications.announcing import announce


@pytest.fixture
def agent(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("users", "tickets", "dashboard"))
    return user


def say(user: Any, title: str, kind: str = "ticket.assigned") -> None:
    with factories.work():
        announce([user.id], kind=kind, words=lambda: (title, ""), url="/account")


def test_the_bell_counts_as_things_happen(
    app: Flask, agent: Any, open_browser: Callable[..., Watched]
) -> None:
    watched = open_browser(user=agent, app=app)
    page = watched.go("/users")
    page.wait_for_selector("html[data-live=on]")
    say(agent, "Bo gave you #7 Printer")
    page.wait_for_selector("#bell-count:not([hidden]) >> text=1")
    say(agent, "Bo gave you #8 Scanner")
    page.wait_for_selector("#bell-count >> text=2")
    assert "2 unread" in (page.get_attribute("#bell > summary", "aria-label") or "")
    page.click("#bell > summary")
    page.wait_for_selector("#bell-list .inbox-row >> text=Scanner")
    page.click("#bell-list .inbox-row:first-child button[title='Mark as read']")
    page.wait_for_selector("#bell-count >> text=1")
    assert page.get_attribute("#bell", "open") is not None
    # Another tab of the same person knows at once.
    other = watched.page.context.new_page()
    other.goto(f"{watched.site}/users")
    other.wait_for_selector("html[data-live=on]")
    page.click("#bell-list >> text=Mark all as read")
    page.wait_for_selector("#bell-count", state="hidden")
    other.wait_for_selector("#bell-count", state="hidden")
    say(agent, "Bo gave you #9 Phone")
    page.click("#bell-list .bell-row >> text=Phone")
    page.wait_for_url("**/account")
    assert page.locator("#bell-count").is_hidden()
    # Signing out ends the stream without a word.
    page.click("details.account > summary")
    page.click("text=Sign out")
    page.wait_for_url("**/login**")
    assert watched.complaints == []
