"""Tickets on the pages of others: assets, places, people, the tree, the first page, the search."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import TeamMember

HTMX = {"HX-Request": "true"}
READ = ("tickets", "assets", "organisation", "users", "dashboard")


@pytest.fixture
def world(app: Any) -> Any:
    """Two clients of which the first has an asset with two open tickets and one that is done."""

    class World:
        mine, other = factories.make_client(), factories.make_client()
        asset = factories.make_asset(client_id=mine.id, tag="PC-1")
        plain = factories.make_asset(client_id=mine.id, tag="PC-2")
        ana = factories.make_user(name="Ana Ruiz")

    for subject in ("Does not start", "Is loud"):
        factories.make_ticket(
            subject, client_id=World.mine.id, asset_id=World.asset.id, assignee_id=World.ana.id
        )
    factories.make_ticket(
        "Was slow", client_id=World.mine.id, asset_id=World.asset.id, status="closed"
    )
    factories.make_ticket("Elsewhere", client_id=World.other.id, assignee_id=World.ana.id)
    return World


def test_the_page_of_an_asset_has_a_card_with_its_tickets(
    world: Any, sign_in: Callable[..., Any]
) -> None:
    browser = sign_in(*READ, "tickets.create")
    url = f"/tickets/about/asset/{world.asset.id}"
    assert f'hx-get="{url}"' in browser.get("/assets/PC-1").text
    assert "/tickets/about/" not in sign_in("assets").get("/assets/PC-1").text
    card = browser.get(url, headers=HTMX).text
    assert "2 open tickets" in card
    assert card.index("Is loud") < card.index("Was slow")
    assert f"/tickets/new?asset=PC-1&amp;client={world.mine.code}" in card
    bare = browser.get(f"/tickets/about/asset/{world.plain.id}", headers=HTMX).text
    assert "No tickets about it yet." in bare
    reader = sign_in("tickets", client_id=world.mine.id)
    assert "/tickets/new" not in reader.get(url, headers=HTMX).text


def test_places_count_only_what_the_reader_sees(world: Any, sign_in: Callable[..., Any]) -> None:
    everywhere, narrow = sign_in("tickets"), sign_in("tickets", client_id=world.other.id)
    here = f"/tickets/about/client/{world.mine.id}"
    assert "2 open tickets" in everywhere.get(here, headers=HTMX).text
    assert "No open tickets" in narrow.get(here, headers=HTMX).text
    above = f"/tickets/about/location/{world.other.location_id}"
    assert "1 open ticket" in narrow.get(above, headers=HTMX).text
    page = sign_in(*READ).get(f"/organisation/clients/{world.mine.id}").text
    assert f'hx-get="{here}"' in page


def test_the_register_finds_what_has_an_open_ticket(
    world: Any, sign_in: Callable[..., Any]
) -> None:
    found = sign_in(*READ).get("/assets?tickets=1").text
    assert "PC-1" in found
    assert "PC-2" not in found
    closed = sign_in("assets").get("/assets?tickets=1").text
    assert "PC-1" not in closed
    assert "Has an open ticket" not in closed
    narrow = sign_in("assets")
    factories.grant(narrow.user, factories.make_role("tickets"), client_id=world.other.id)
    assert "PC-1" not in narrow.get("/assets?tickets=1").text


def test_the_tree_counts_open_tickets_for_whose_reach_is_as_wide(
    world: Any, sign_in: Callable[..., Any]
) -> None:
    node = f"/assets/tree/children?node=location:{world.mine.location_id}&level=2"
    assert "2 open tickets" in sign_in(*READ).get(node, headers=HTMX).text
    assert "open ticket" not in sign_in("assets").get(node, headers=HTMX).text
    same = sign_in("assets", "tickets", client_id=world.mine.id)
    assert "2 open tickets" in same.get(node, headers=HTMX).text
    narrow = sign_in("assets")
    factories.grant(narrow.user, factories.make_role("tickets"), client_id=world.other.id)
    assert "open ticket" not in narrow.get(node, headers=HTMX).text


def test_a_person_s_page_and_their_leaving_show_what_they_have(
    world: Any, sign_in: Callable[..., Any]
) -> None:
    team = factories.make_team(world.ana, name="Network")
    browser = sign_in(*READ, "users.deactivate")
    page = browser.get(f"/tickets/people/{world.ana.id}").text
    assert "Does not start" in page
    assert "Elsewhere" in page
    assert team.name in page
    leaving = browser.get(f"/users/{world.ana.id}/deactivate").text
    assert "Is loud" in leaving
    narrow = sign_in("users", "users.deactivate")
    factories.grant(narrow.user, factories.make_role("tickets"), client_id=world.other.id)
    leaving = narrow.get(f"/users/{world.ana.id}/deactivate").text
    assert "Elsewhere" in leaving
    assert "Is loud" not in leaving
    agent = sign_in("tickets").get(f"/tickets/people/{world.ana.id}")
    assert agent.location == f"/tickets?assignee={world.ana.id}"


def test_the_first_page_says_what_waits_in_few_statements(
    world: Any, sign_in: Callable[..., Any], statements: Callable[[], Any]
) -> None:
    browser = sign_in(*READ, user=world.ana)
    now = datetime.now(UTC)
    team = factories.make_team()
    with factories.work():
        db.session.add(TeamMember(team_id=team.id, user_id=world.ana.id))
    late = factories.make_ticket(
        client_id=world.mine.id, team_id=team.id, resolution_due_at=now - timedelta(hours=1)
    )
    factories.make_ticket(
        client_id=world.mine.id,
        resolution_due_at=now + timedelta(hours=1),
        resolution_warn_at=now - timedelta(hours=1),
    )
    factories.grant(world.ana, factories.make_role(*READ))
    with statements() as seen:
        page = browser.get("/").text
    assert len(seen) <= 8
    shown = [
        part.partition('stat-value">')[2].partition("<")[0]
        for part in page.split('class="card stat')[1:5]
    ]
    assert shown == ["3", "1", "1", "1"]
    flow = browser.get("/tickets/flow", headers=HTMX).text
    assert "6 opened" in flow
    assert "1 resolved" in flow
    assert "/tickets/flow" not in sign_in("dashboard").get("/").text
    assert late.number


def test_the_search_finds_tickets_by_number_and_words(
    world: Any, sign_in: Callable[..., Any]
) -> None:
    ticket = factories.make_ticket("Beamer flickers", client_id=world.mine.id, body="In room Orion")
    browser = sign_in("tickets", "tickets.create")
    for typed in (f"%23{ticket.number}", ticket.number, "beamer", "orion"):
        assert f"#{ticket.number} Beamer flickers" in browser.get(f"/search?q={typed}").text
    assert "/tickets/new" in browser.get("/search?q=new").text
    narrow = sign_in("tickets", client_id=world.other.id)
    for typed in (ticket.number, "beamer"):
        assert "Beamer" not in narrow.get(f"/search?q={typed}").text.replace("“beamer”", "")
    assert "/tickets/new" not in narrow.get("/search?q=new").text
    assert "Beamer" not in sign_in("users").get("/search?q=beamer").text
