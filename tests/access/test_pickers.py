"""What search boxes offer: nothing out of sight, only where something may be done, and roles that can be given."""

import re
from typing import Any

import pytest

from tests import factories

SECRETS = ("Lisbon", "rivals", "RIVAL", "secretive")
BOXES = [
    "/organisation/pickers/locations",
    "/organisation/pickers/clients",
    "/organisation/pickers/homes",
    "/organisation/pickers/owners",
    "/users/pickers/places",
    "/access/pickers/places",
]
EVERY = ("organisation", "organisation.edit", "users", "roles.assign", "access.explain")


@pytest.fixture
def world(app: Any) -> dict[str, Any]:
    top = factories.make_location("Madrid")
    floor = factories.make_location("Madrid floor", parent_id=top.id)
    far = factories.make_location("Lisbon")
    mine = factories.make_client("Alpha works", location_id=floor.id, code="ALPHA")
    theirs = factories.make_client("Alpha rivals", location_id=far.id, code="RIVAL")
    return {
        "top": top,
        "floor": floor,
        "far": far,
        "mine": mine,
        "theirs": theirs,
        "project": factories.make_project("Alpha one", client_id=mine.id),
        "other": factories.make_project("Alpha secretive", client_id=theirs.id),
    }


def scope(world: dict[str, Any], kind: str) -> dict[str, int]:
    return {
        "client": {"client_id": world["mine"].id},
        "location": {"location_id": world["top"].id},
        "project": {"project_id": world["project"].id},
    }[kind]


def offered(client: Any, url: str, **query: Any) -> list[str]:
    reply = client.get(url, query_string=query)
    assert reply.status_code == 200 and reply.mimetype == "application/json"
    return [one["label"] for one in reply.json["options"]]


@pytest.mark.parametrize("kind", ["client", "location", "project"])
def test_nothing_out_of_scope_is_offered(world: Any, sign_in: Any, kind: str) -> None:
    client = sign_in(*EVERY, **scope(world, kind))
    for url in BOXES:
        for typed in ("", "a", "alpha", "lisb", "secret", "%", "riv"):
            text = client.get(f"{url}?q={typed}").get_data(as_text=True)
            assert not [secret for secret in SECRETS if secret in text], (url, typed)
    places = offered(client, "/access/pickers/places", q="alpha")
    assert "Alpha one" in places


@pytest.mark.parametrize("url", [*BOXES, "/access/pickers/people"])
def test_a_box_is_as_closed_as_its_page(sign_in: Any, url: str) -> None:
    assert sign_in("dashboard").get(url).status_code == 403
    assert sign_in("*").get(url).status_code == 200


def test_boxes_that_change_something_ask_for_the_permission(sign_in: Any) -> None:
    client = sign_in("organisation", "users", "access.explain")
    for url in (
        "organisation/pickers/homes",
        "organisation/pickers/owners",
        "users/pickers/places",
    ):
        assert client.get(f"/{url}").status_code == 403


def test_only_places_within_reach_of_the_permission_are_offered(world: Any, sign_in: Any) -> None:
    person = factories.make_user()
    factories.grant(person, factories.make_role("organisation", "users"))
    factories.grant(
        person,
        factories.make_role("organisation.edit", "roles.assign"),
        location_id=world["top"].id,
    )
    client = sign_in(user=person)
    assert offered(client, "/organisation/pickers/homes") == ["Madrid", "Madrid floor"]
    assert offered(client, "/organisation/pickers/owners") == ["Alpha works"]
    assert "Lisbon" in offered(client, "/organisation/pickers/locations")
    assert offered(client, "/users/pickers/places", q="alpha") == ["Alpha works", "Alpha one"]


def test_what_begins_as_typed_comes_first_and_a_move_leaves_out_what_lies_inside(
    world: Any, sign_in: Any
) -> None:
    factories.make_location("A floor")
    client = sign_in("*")
    factories.make_location("Floor one")
    found = offered(client, "/organisation/pickers/homes", q="floor")
    assert found == ["Floor one", "A floor", "Madrid floor"]
    moved = offered(client, "/organisation/pickers/homes", moved=world["top"].id)
    assert moved == ["A floor", "Floor one", "Lisbon"]
    assert client.get("/organisation/pickers/homes?moved=x").status_code == 400


def test_only_roles_that_could_be_given_can_be_chosen(world: Any, sign_in: Any) -> None:
    small = factories.make_role("organisation", name="Small")
    factories.make_role("audit", name="Mighty")
    person = factories.make_user()
    factories.grant(person, factories.make_role("users", name="Reader"))
    factories.grant(
        person,
        factories.make_role("organisation", "roles.assign", name="Local"),
        client_id=world["mine"].id,
    )
    target, client = factories.make_user(), sign_in(user=person)
    page = client.get(f"/users/{target.id}").get_data(as_text=True)
    options = re.findall(r"<option([^>]*)>([^<]+)</option>", page)
    disabled = {name for attributes, name in options if "disabled" in attributes}
    assert disabled == {"Mighty"}
    assert not [name for _, name in options if name == "Everywhere"]
    data = {"role_id": small.id, "scope": f"client:{world['mine'].id}", "reason": "Why not"}
    assert client.post(f"/users/{target.id}/roles", data=data).status_code == 303


def test_a_picked_place_keeps_its_name_and_one_out_of_sight_is_refused(
    world: Any, sign_in: Any, owner: Any
) -> None:
    client = sign_in(*EVERY, client_id=world["mine"].id)
    target, role = factories.make_user(), factories.make_role("users")
    url = f"/users/{target.id}/roles"
    again = client.post(url, data={"role_id": role.id, "scope": f"client:{world['mine'].id}"})
    assert again.status_code == 422
    assert f'<option selected value="client:{world["mine"].id}">Alpha works</option>' in again.text
    data = {"role_id": role.id, "scope": f"client:{world['theirs'].id}", "reason": "Why not"}
    reply = client.post(url, data=data)
    assert reply.status_code == 422 and "This place does not exist." in reply.text
    assert "rivals" not in reply.text
    assert not owner.execute("SELECT FROM user_roles WHERE user_id = %s", [target.id]).fetchall()


def test_pages_hold_only_the_present_choice(world: Any, sign_in: Any) -> None:
    client = sign_in("*")
    for number in range(40):
        factories.make_client(f"Many {number:02}", location_id=world["top"].id)
    for url in (
        f"/users/{client.user.id}",
        "/users/new",
        "/access/explain",
        f"/organisation/projects/{world['project'].id}/edit",
        "/organisation/projects",
    ):
        page = client.get(url).get_data(as_text=True)
        assert "<option" not in page or "Many 07" not in re.sub(r"<td.*?</td>", "", page), url
    first = client.get("/organisation/pickers/clients?q=many").json
    assert len(first["options"]) == 30 and "type to narrow" in first["note"]


def test_who_cannot_use_the_top_begins_with_a_place_of_their_own(world: Any, sign_in: Any) -> None:
    client = sign_in("organisation", "organisation.edit", location_id=world["top"].id)
    page = client.get("/organisation/locations/new").get_data(as_text=True)
    assert f'<option selected value="{world["top"].id}">Madrid</option>' in page
    assert "At the top" not in page
    assert "At the top" in sign_in("*").get("/organisation/locations/new").get_data(as_text=True)


def test_zones_are_found_by_their_city(sign_in: Any) -> None:
    client = sign_in("dashboard")
    assert offered(client, "/account/pickers/zones", q="lis")[0] == "Europe/Lisbon"
    assert offered(client, "/account/pickers/zones", q="new york") == ["America/New York"]
