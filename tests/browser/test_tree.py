"""The tree of assets by keyboard, and by dragging."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.browser.conftest import Watched

Open = Callable[..., Watched]


@pytest.fixture
def boss(app: Flask) -> Any:
    user = factories.make_user(name="Ana Ruiz")
    factories.grant(user, factories.make_role("*", name="Administrator"))
    return user


@pytest.fixture
def places(app: Flask) -> dict[str, Any]:
    town = factories.make_location("Madrid")
    factories.make_location("Lisbon")
    acme = factories.make_client("Acme", location_id=town.id)
    other = factories.make_client("Bolt", location_id=town.id)
    project = factories.make_project("Refit", client_id=acme.id)
    rack = factories.make_asset("Rack", tag="RACK-1", client_id=acme.id, project_id=project.id)
    disk = factories.make_asset(
        "Disk",
        tag="DISK-1",
        client_id=acme.id,
        project_id=project.id,
        parent_id=rack.id,
        type_id=rack.type_id,
    )
    return {"acme": acme, "other": other, "project": project, "rack": rack, "disk": disk}


def test_walk_the_tree_by_keyboard_and_open_a_record(
    app: Flask, boss: Any, places: dict[str, Any], open_browser: Open
) -> None:
    browser = open_browser(user=boss, app=app)
    page = browser.go("/assets/tree")
    here = "document.activeElement.dataset.name"
    page.locator("#filter-q").focus()
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.getAttribute('role')") != "treeitem":
        page.keyboard.press("Tab")
    assert page.evaluate(here) == "Lisbon"
    page.keyboard.type("mad")
    assert page.evaluate(here) == "Madrid"
    for name in ("Acme", "Refit", "RACK-1", "DISK-1"):
        page.keyboard.press("ArrowRight")  # opens
        page.get_by_role("treeitem", name=name).wait_for()
        page.keyboard.press("ArrowRight")  # goes in
        assert page.evaluate(here) == name
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(here) == "RACK-1"
    page.keyboard.press("ArrowLeft")  # closes
    assert not page.get_by_role("treeitem", name="DISK-1").is_visible()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(here) == "Bolt"
    page.keyboard.press("Home")
    assert page.evaluate(here) == "Lisbon"
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    assert page.evaluate(here) == "RACK-1"
    assert page.get_by_role("group", name="What is chosen in the tree").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_url(f"{browser.site}/assets/RACK-1*")
    page.go_back()
    page.wait_for_function(f"{here} === 'RACK-1'")  # as it was left
    assert browser.complaints == []


def test_drag_an_asset_to_another_client(
    app: Flask, boss: Any, places: dict[str, Any], open_browser: Open
) -> None:
    browser = open_browser(user=boss, app=app)
    page = browser.go(f"/assets/tree?open=asset:{places['rack'].id}")
    page.get_by_role("treeitem", name="RACK-1").drag_to(page.get_by_role("treeitem", name="Bolt"))
    page.get_by_text("comes along: 1 asset").wait_for()
    page.get_by_role("button", name="Move", exact=True).click()
    page.get_by_text("RACK-1 was moved, and 1 asset with it.").wait_for()
    with factories.work():
        from webapp.assets.models import Asset
        from webapp.core.db import db

        for one in ("rack", "disk"):
            moved = db.session.get_one(Asset, places[one].id)
            assert (moved.client_id, moved.project_id) == (places["other"].id, None)
    assert browser.complaints == []


def test_from_a_record_to_its_node_and_all_open_beside_it(
    app: Flask, boss: Any, places: dict[str, Any], open_browser: Open
) -> None:
    factories.make_asset("Van", tag="VAN-1", client_id=places["other"].id)
    browser = open_browser(user=boss, app=app)
    page = browser.go("/assets/DISK-1")
    page.locator(".card").get_by_role("link", name="Show in the tree").click()
    page.wait_for_function("document.activeElement.dataset.name === 'DISK-1'")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("treeitem", name="Bolt").focus()
    page.keyboard.press("*")
    page.get_by_role("treeitem", name="VAN-1").wait_for()
    assert len(asked) == 1 and "/tree/children" in asked[0]
    page = browser.go("/assets/tree")
    places_ = [factories.make_location(f"Place {number:02}") for number in range(22)]
    for place in places_:
        factories.make_client(f"Client of {place.name}", location_id=place.id)
    page.reload()
    asked.clear()
    page.get_by_role("treeitem", name="Place 07").focus()
    page.keyboard.press("*")
    page.get_by_role("treeitem", name="Client of Place 21").wait_for()
    assert len([url for url in asked if "/tree/children" in url]) == 2  # of 23 that hold something
    for name in ("Acme", "Client of Place 00", "Client of Place 20"):
        assert page.get_by_role("treeitem", name=name).is_visible()
    assert page.evaluate("document.activeElement.dataset.name") == "Place 07"
    assert browser.complaints == []
