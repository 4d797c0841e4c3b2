"""Who gets a ticket, who takes it, who follows it: only people who see it, only by who may."""

from typing import Any

import pytest

from tests import factories
from webapp.access.identity import act_as_person
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.tickets.models import Message, Ticket, Watcher
from webapp.tickets.queries import people as queries
from webapp.tickets.services import people

pytestmark = pytest.mark.usefixtures("app")
HTMX = {"HX-Request": "true"}
ALL = ("tickets.assign", "tickets.edit", "tickets.reply")


def person(*keys: str, pages: tuple[str, ...] = ("tickets",), **place: int) -> Any:
    user = factories.make_user()
    factories.grant(user, factories.make_role(*pages, *keys), **place)
    return user


def reread(ticket: Ticket) -> Ticket:
    with factories.work():
        row = db.session.get(Ticket, ticket.id)
        assert row is not None
        db.session.refresh(row)
        db.session.expunge(row)
    return row


def assign(user: Any, ticket: Ticket, **values: Any) -> Ticket:
    with factories.work():
        actor = act_as_person(user.id, page="tickets")
        row = db.session.get(Ticket, ticket.id)
        assert row is not None
        values = {"assignee_id": row.assignee_id, "team_id": row.team_id} | values
        people.assign(actor, row, **values)
    return reread(ticket)


def test_who_can_see_a_ticket() -> None:
    above = factories.make_location()
    here = factories.make_location(parent_id=above.id)
    client = factories.make_client(location_id=here.id)
    project = factories.make_project(client_id=client.id)
    other = factories.make_project(client_id=client.id)
    ticket = factories.make_ticket(client_id=client.id, project_id=project.id)
    seeing = [
        person(),
        person(location_id=above.id),
        person(location_id=here.id),
        person(client_id=client.id),
        person(project_id=project.id),
    ]
    blind = [
        person(project_id=other.id),
        person(client_id=factories.make_client().id),
        person(location_id=factories.make_location().id),
        person(pages=("assets",)),
        factories.make_user(),
        factories.make_user(is_active=False),
    ]
    gone = factories.make_user(is_active=False)
    factories.grant(gone, factories.make_role("tickets"))
    with factories.work():
        everyone = [one.id for one in (*seeing, *blind, gone)]
        assert queries.can_see(ticket, everyone) == {one.id for one in seeing}
        assert set(db.session.scalars(queries.who_can_see(ticket))) == {one.id for one in seeing}


def test_only_people_who_see_it_and_live_teams_get_it() -> None:
    client = factories.make_client()
    lead = person(*ALL)
    ticket = factories.make_ticket(client_id=client.id)
    team, closed = factories.make_team(), factories.make_team(deleted_at="2026-01-01T00:00:00Z")
    seeing, blind = person(client_id=client.id), person(client_id=factories.make_client().id)
    row = assign(lead, ticket, assignee_id=seeing.id, team_id=team.id)
    assert (row.assignee_id, row.team_id, row.status) == (seeing.id, team.id, "new")
    for wrong, field in (
        ({"assignee_id": blind.id}, "assignee_id"),
        ({"assignee_id": factories.make_user(is_active=False).id}, "assignee_id"),
        ({"assignee_id": 10**12}, "assignee_id"),
        ({"team_id": closed.id}, "team_id"),
        ({"team_id": 10**12}, "team_id"),
    ):
        with pytest.raises(DomainError) as refused:
            assign(lead, ticket, **wrong)
        assert refused.value.field == field, wrong
    assert assign(lead, ticket, assignee_id=None, team_id=None).assignee_id is None


def test_whoever_lost_sight_of_it_keeps_it_until_it_is_given_away() -> None:
    lead, blind = person(*ALL), person(client_id=factories.make_client().id)
    ticket = factories.make_ticket(assignee_id=blind.id)
    team = factories.make_team()
    assert assign(lead, ticket, team_id=team.id).assignee_id == blind.id


def test_who_may_assign() -> None:
    here, there = factories.make_client(), factories.make_client()
    agent = person(*ALL, client_id=here.id)
    factories.grant(agent, factories.make_role("tickets"), client_id=there.id)
    mine, other = (factories.make_ticket(client_id=one.id) for one in (here, there))
    assert assign(agent, mine, assignee_id=agent.id).assignee_id == agent.id
    with pytest.raises(Denied):
        assign(agent, other, assignee_id=agent.id)
    with pytest.raises(Denied):
        assign(person("tickets.edit"), mine, assignee_id=agent.id)


def test_out_of_sight_is_missing_and_out_of_reach_forbidden(sign_in: Any) -> None:
    here, seen, far = (factories.make_client() for _ in range(3))
    browser = sign_in("tickets", *ALL, client_id=here.id)
    factories.grant(browser.user, factories.make_role("tickets"), client_id=seen.id)
    for client, status in ((seen, 403), (far, 404)):
        ticket = factories.make_ticket(client_id=client.id)
        url = f"/tickets/{ticket.number}"
        for action in ("assign", "hand-over", "status", "resolve", "reopen", "priority", "tags"):
            assert browser.get(f"{url}/{action}").status_code == status, action
            assert browser.post(f"{url}/{action}", data={}).status_code == status, action
        assert browser.post(f"{url}/take").status_code == status
        assert browser.get(f"{url}/edit").status_code == status
        assert browser.post(f"{url}/edit", data={}).status_code == status
        assert browser.get(f"{url}/side").status_code == (200 if status == 403 else 404)
        assert reread(ticket).assignee_id is None


def test_taking_opens_a_new_ticket(sign_in: Any) -> None:
    ticket = factories.make_ticket()
    browser = sign_in("tickets", "tickets.assign")
    done = browser.post(f"/tickets/{ticket.number}/take", data={"was": ""}, headers=HTMX)
    assert done.status_code == 204
    row = reread(ticket)
    assert (row.assignee_id, row.status) == (browser.user.id, "open")
    technician = sign_in("tickets", "tickets.edit")
    assert technician.post(f"/tickets/{ticket.number}/take", data={}).status_code == 303
    row = reread(ticket)
    assert (row.assignee_id, row.status) == (technician.user.id, "open")
    reader = sign_in("tickets", "tickets.reply")
    assert reader.post(f"/tickets/{ticket.number}/take", data={}).status_code == 403


def test_two_do_not_take_the_same(sign_in: Any) -> None:
    ticket = factories.make_ticket()
    first, second = (
        sign_in("tickets", "tickets.assign", name=name) for name in ("Ana Ruiz", "Luis Ortega")
    )
    url = f"/tickets/{ticket.number}/take"
    assert first.post(url, data={"was": ""}, headers=HTMX).status_code == 204
    late = second.post(url, data={"was": ""}, headers=HTMX)
    assert late.status_code == 409
    assert b"Ana Ruiz took it meanwhile" in late.data
    assert reread(ticket).assignee_id == first.user.id
    # Who is told whose it is takes it over on purpose; who had it hears of that.
    asked = second.get(url, headers=HTMX).text
    assert "Ana Ruiz’s. Take it over?" in asked and f'value="{first.user.id}"' in asked  # noqa: RUF001
    assert second.post(url, data={"was": str(first.user.id)}, headers=HTMX).status_code == 204
    assert f"Luis Ortega took over #{ticket.number}" in first.get("/notifications").text


def test_handing_over_needs_a_note_which_stands_in_the_conversation(sign_in: Any) -> None:
    other = person()
    ticket = factories.make_ticket()
    browser = sign_in("tickets", *ALL)
    url = f"/tickets/{ticket.number}/hand-over"
    values = {"assignee_id": str(other.id), "team_id": "", "was": ":"}
    wrong = browser.post(url, data=values | {"note": " "}, headers=HTMX)
    assert wrong.status_code == 422
    assert f'value="{other.id}"'.encode() in wrong.data
    done = browser.post(url, data=values | {"note": "I tried tray **2**."}, headers=HTMX)
    assert done.status_code == 204
    with factories.work():
        note = db.session.query(Message).filter_by(ticket_id=ticket.id).one()
        assert (note.is_note, note.body) == (True, "I tried tray **2**.")
    assert reread(ticket).assignee_id == other.id


def test_the_dialog_tells_who_was_faster(sign_in: Any) -> None:
    other = person()
    ticket = factories.make_ticket()
    browser = sign_in("tickets", *ALL)
    url = f"/tickets/{ticket.number}/assign"
    assert browser.post(url, data={"assignee_id": str(other.id), "was": ":"}).status_code == 303
    late = browser.post(
        url,
        data={"assignee_id": str(browser.user.id), "was": ":", "note": "Mine"},
        headers=HTMX,
    )
    assert late.status_code == 409
    assert b"Mine" in late.data
    assert reread(ticket).assignee_id == other.id


def test_watchers(sign_in: Any) -> None:
    ticket = factories.make_ticket()
    url = f"/tickets/{ticket.number}/watch"
    reader, agent = sign_in("tickets"), sign_in("tickets", "tickets.edit")
    other, blind = person(), person(client_id=factories.make_client().id)

    def watching() -> set[int]:
        with factories.work():
            rows = db.session.query(Watcher).filter_by(ticket_id=ticket.id)
            return {row.user_id for row in rows}

    assert reader.get(url, headers=HTMX).status_code == 200
    assert reader.post(url, data={"on": "1"}, headers=HTMX).status_code == 204
    assert reader.post(url, data={"on": "1"}, headers=HTMX).status_code == 204
    assert watching() == {reader.user.id}
    assert reader.post(url, data={"on": "1", "user_id": str(other.id)}).status_code == 403
    assert agent.post(url, data={"on": "1", "user_id": str(other.id)}).status_code == 303
    assert agent.post(url, data={"on": "1", "user_id": str(blind.id)}).status_code == 422
    assert agent.post(url, data={"on": "1", "user_id": ""}).status_code == 422
    assert watching() == {reader.user.id, other.id}
    assert agent.post(url, data={"on": "0", "user_id": str(other.id)}).status_code == 303
    assert reader.post(url, data={"on": "0"}, headers=HTMX).status_code == 204
    assert watching() == set()


def test_the_side_takes_few_statements(sign_in: Any, statements: Any) -> None:
    client = factories.make_client()
    contact = factories.make_contact(client_id=client.id)
    asset = factories.make_asset(client_id=client.id)
    of_them = {
        "client_id": client.id,
        "asset_id": asset.id,
        "requester_contact_id": contact.id,
        "tags": ["printer"],
    }
    ticket = factories.make_ticket(**of_them)
    for _ in range(6):
        factories.make_ticket("An older fault", **of_them)
    browser = sign_in("*")
    with statements() as seen:
        shown = browser.get(f"/tickets/{ticket.number}/side", headers=HTMX)
    assert shown.status_code == 200
    assert shown.data.count(b"An older fault") == 8  # four of the asset, four of the contact
    assert len(seen) <= 7  # who, the ticket, what it names, and four of the side's own


def test_the_side_says_how_it_was_resolved(sign_in: Any) -> None:
    ticket = factories.make_ticket(status="resolved", resolution="Turned the <b>valve</b>.")
    browser = sign_in("tickets")
    page = browser.get(f"/tickets/{ticket.number}").get_data(as_text=True)
    assert "How it was resolved" in page and "Turned the &lt;b&gt;valve&lt;/b&gt;." in page
    other = factories.make_ticket(status="open", resolution="Turned the valve.")
    assert "How it was resolved" not in browser.get(f"/tickets/{other.number}").text


def test_search_boxes_stay_in_scope(sign_in: Any) -> None:
    here, far = factories.make_client("Here"), factories.make_client("Far")
    factories.make_contact(client_id=here.id, name="Contact here")
    factories.make_contact(client_id=far.id, name="Contact far")
    ticket = factories.make_ticket(client_id=far.id)
    browser = sign_in("tickets", "tickets.create", client_id=here.id)
    found = browser.get("/tickets/pickers/clients?may=create").json["options"]
    assert [one["label"] for one in found] == ["Here"]
    found = browser.get("/tickets/pickers/requesters").json["options"]
    assert [one["label"] for one in found if one["value"].startswith("contact:")] == [
        "Contact here"
    ]
    assert browser.get(f"/tickets/pickers/people?ticket={ticket.number}").status_code == 404
    assert browser.get(f"/tickets/pickers/people?client={here.id}").json["options"]
    stranger = factories.make_user(name="Stranger")
    factories.grant(stranger, factories.make_role("tickets"), client_id=far.id)
    offered = browser.get("/tickets/pickers/people").json["options"]
    assert str(browser.user.id) in [one["value"] for one in offered]
    assert "Stranger" not in [one["label"] for one in offered]
    for away in (far.id, 999999):
        assert browser.get(f"/tickets/pickers/people?client={away}").status_code == 404
    assert browser.get(f"/tickets/pickers/projects?client={far.id}").json["options"] == []
    for box in ("places", "assets", "teams", "people"):
        assert browser.get(f"/tickets/pickers/{box}?q=a").status_code == 200
    assert browser.get("/tickets/pickers/projects?client=x").status_code == 400
