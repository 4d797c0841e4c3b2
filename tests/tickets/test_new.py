"""Opening tickets and changing what they say: priority, requester, a new contact, bad input, two at once."""

from typing import Any

import pytest

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import Contact, Message, Ticket, Watcher

pytestmark = pytest.mark.usefixtures("app")
MATRIX = {
    ("high", "high"): "urgent",
    ("high", "medium"): "high",
    ("high", "low"): "normal",
    ("medium", "high"): "high",
    ("medium", "medium"): "normal",
    ("medium", "low"): "low",
    ("low", "high"): "normal",
    ("low", "medium"): "low",
    ("low", "low"): "low",
}


def filled(client: Any, **values: Any) -> dict[str, Any]:
    return {
        "subject": "Printer jams",
        "body": "It **jams** each morning.",
        "client_id": str(client.id),
        "kind": "incident",
        "impact": "medium",
        "urgency": "medium",
        **values,
    }


def newest() -> Ticket:
    with factories.work():
        row = db.session.query(Ticket).order_by(Ticket.id.desc()).first()
        assert row is not None
        db.session.expunge(row)
    return row


def count() -> int:
    with factories.work():
        return db.session.query(Ticket).count()


def test_a_ticket_with_everything(sign_in: Any, audit_rows: Any) -> None:
    client = factories.make_client()
    project = factories.make_project(client_id=client.id)
    asset = factories.make_asset(client_id=client.id, project_id=project.id)
    contact, team = factories.make_contact(client_id=client.id), factories.make_team()
    browser = sign_in("*")
    sent = filled(
        client,
        project_id=str(project.id),
        asset_id=str(asset.id),
        requester=f"contact:{contact.id}",
        tags="Printer, floor-2 printer",
        team_id=str(team.id),
        assignee_id=str(browser.user.id),
    )
    reply = browser.post("/tickets/new", data=sent)
    assert reply.status_code == 303
    row = newest()
    assert reply.location.endswith(f"/tickets/{row.number}")
    assert (row.status, row.priority, row.tags) == ("new", "normal", ["floor-2", "printer"])
    assert (row.project_id, row.asset_id, row.team_id) == (project.id, asset.id, team.id)
    with factories.work():
        message = db.session.query(Message).filter_by(ticket_id=row.id).one()
        assert (message.contact_id, message.author_id) == (contact.id, None)
        assert message.body == "It **jams** each morning."
        assert db.session.query(Watcher).filter_by(ticket_id=row.id).count() == 1
    assert audit_rows("ticket", row.id)[0]["action"] == "ticket.opened"
    assert browser.get(reply.location).status_code == 200


def test_a_description_mentions_who_can_see_it_by_name(sign_in: Any, owner: Any) -> None:
    client, role = factories.make_client(), factories.make_role("tickets")
    luis, far = factories.make_user(name="Luis Vega"), factories.make_user(name="Luisa Far")
    factories.grant(luis, role, client_id=client.id)
    factories.grant(far, role, client_id=factories.make_client().id)
    browser = sign_in("*")
    body = f"[@The Boss](user:{luis.id}), [@Luisa](user:{far.id}), [@Nobody](user:999999)"
    assert browser.post("/tickets/new", data=filled(client, body=body)).status_code == 303
    with factories.work():
        said = db.session.query(Message).filter_by(ticket_id=newest().id).one().body
    assert said == f"[@Luis Vega](user:{luis.id}), @Luisa, @Nobody"
    rows = owner.execute("SELECT user_id, kind FROM notifications").fetchall()
    assert [(row["user_id"], row["kind"]) for row in rows] == [(luis.id, "ticket.mentioned")]


def test_numbers_rise_and_are_not_used_twice(sign_in: Any) -> None:
    client = factories.make_client()
    browser = sign_in("*")
    browser.post("/tickets/new", data=filled(client))
    first = newest().number
    assert browser.post("/tickets/new", data=filled(client, priority="urgent")).status_code == 422
    browser.post("/tickets/new", data=filled(client))
    assert newest().number > first


def test_the_priority_follows_from_impact_and_urgency(sign_in: Any) -> None:
    client = factories.make_client()
    browser = sign_in("*")
    for (impact, urgency), priority in MATRIX.items():
        chosen = {"impact": impact, "urgency": urgency}
        shown = browser.get("/tickets/new/priority", query_string=chosen)
        assert f">{priority.title()}</span>".encode() in shown.data
        assert browser.post("/tickets/new", data=filled(client, **chosen)).status_code == 303
        assert newest().priority == priority


def test_another_priority_needs_a_reason(sign_in: Any) -> None:
    client = factories.make_client()
    browser = sign_in("*")
    shown = browser.get("/tickets/new/priority?impact=low&urgency=low&priority=urgent")
    assert b'type="text"' in shown.data
    wrong = browser.post("/tickets/new", data=filled(client, priority="urgent"))
    assert wrong.status_code == 422
    assert b"Say why" in wrong.data
    assert b"It **jams** each morning." in wrong.data
    sent = filled(client, priority="urgent", priority_reason="The director asks")
    assert browser.post("/tickets/new", data=sent).status_code == 303
    row = newest()
    assert (row.priority, row.priority_reason) == ("urgent", "The director asks")
    # A reason for what follows anyway is not kept.
    same = filled(client, priority="normal", priority_reason="No need")
    assert browser.post("/tickets/new", data=same).status_code == 303
    assert newest().priority_reason == ""


def test_priority_in_place(sign_in: Any) -> None:
    ticket = factories.make_ticket()
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}/priority"
    htmx = {"HX-Request": "true"}
    assert browser.get(url, headers=htmx).status_code == 200
    change = {"impact": "high", "urgency": "high", "was": "medium:medium:normal"}
    assert browser.post(url, data=change, headers=htmx).status_code == 204
    assert newest().priority == "urgent"
    assert browser.post(url, data=change, headers=htmx).status_code == 409
    change = {"impact": "high", "urgency": "high", "priority": "low", "priority_reason": ""}
    assert browser.post(url, data=change, headers=htmx).status_code == 422
    assert newest().priority == "urgent"


BAD = [
    ("subject", "", "subject"),
    ("subject", "x" * 301, "subject"),
    ("subject", "a\u202eb", "subject"),
    ("body", "  \n ", "body"),
    ("body", "x" * 50_001, "body"),
    ("client_id", "", "client_id"),
    ("client_id", "999999999", "client_id"),
    ("client_id", "abc", "client_id"),
    ("client_id", str(2**63), "client_id"),
    ("project_id", "other", "project_id"),
    ("asset_id", "other", "asset_id"),
    ("requester", "other", "requester"),
    ("requester", "user:999999999", "requester"),
    ("requester", "somebody", "requester"),
    ("kind", "wish", "kind"),
    ("impact", "", "impact"),
    ("urgency", "now", "urgency"),
    ("priority", "asap", "priority"),
    ("tags", "a/b", "tags"),
    ("tags", " ".join(f"t{i}" for i in range(31)), "tags"),
    ("team_id", "999999999", "team_id"),
    ("assignee_id", "999999999", "assignee_id"),
    ("contact_email", "no address", "contact_email"),
    ("contact_email", "ana@example.com", "contact_name"),
    ("contact_name", "Ana", "contact_email"),
]


def test_bad_input_stands_beside_its_field(sign_in: Any) -> None:
    client, other = factories.make_client(), factories.make_client()
    of_other = {
        "project_id": str(factories.make_project(client_id=other.id).id),
        "asset_id": str(factories.make_asset(client_id=other.id).id),
        "requester": f"contact:{factories.make_contact(client_id=other.id).id}",
    }
    browser = sign_in("*")
    for field, typed, where in BAD:
        value = of_other[field] if typed == "other" else typed
        reply = browser.post("/tickets/new", data=filled(client) | {field: value})
        assert reply.status_code == 422, (field, typed)
        assert f'id="{where}-error"'.encode() in reply.data, (field, typed)
        if field not in ("subject", "body"):
            assert b"Printer jams" in reply.data
            assert b"It **jams** each morning." in reply.data
    assert count() == 0


def test_a_new_contact_is_made_with_the_ticket_or_not_at_all(sign_in: Any) -> None:
    client = factories.make_client()
    browser = sign_in("*")
    contact = {"contact_name": "Ana Ruiz", "contact_email": "Ana@Example.com"}
    wrong = browser.post("/tickets/new", data=filled(client, priority="low", **contact))
    assert wrong.status_code == 422
    with factories.work():
        assert db.session.query(Contact).count() == 0
    assert browser.post("/tickets/new", data=filled(client, **contact)).status_code == 303
    with factories.work():
        made = db.session.query(Contact).one()
        assert (made.name, made.email, made.client_id) == ("Ana Ruiz", "Ana@Example.com", client.id)
        made_id = made.id
    assert newest().requester_contact_id == made_id
    # The same address is the same contact.
    again = contact | {"contact_email": "ana@example.com"}
    assert browser.post("/tickets/new", data=filled(client, **again)).status_code == 303
    assert newest().requester_contact_id == made_id
    both = filled(client, requester=f"user:{browser.user.id}", **contact)
    refused = browser.post("/tickets/new", data=both)
    assert refused.status_code == 422
    assert b'id="requester-error"' in refused.data


def test_the_client_narrows_what_is_offered(sign_in: Any) -> None:
    client, other = factories.make_client(), factories.make_client()
    asset = factories.make_asset("Laser printer", client_id=client.id)
    contact = factories.make_contact(client_id=client.id, name="Ana of one")
    browser = sign_in("*")
    chosen = {"asset_id": asset.id, "requester": f"contact:{contact.id}"}
    kept = browser.get("/tickets/new/client", query_string=chosen | {"client_id": client.id})
    assert b"Laser printer" in kept.data
    assert b"Ana of one" in kept.data
    assert f"/tickets/pickers/assets?client={client.id}".encode() in kept.data
    dropped = browser.get("/tickets/new/client", query_string=chosen | {"client_id": other.id})
    assert b"Laser printer" not in dropped.data
    assert b"Ana of one" not in dropped.data


def test_the_address_fills_in_client_and_asset(sign_in: Any) -> None:
    client = factories.make_client("Acme", code="ACME")
    factories.make_asset("Laser printer", client_id=client.id, tag="LP-1")
    browser = sign_in("*")
    for query in ("asset=LP-1&client=ACME", "asset=lp-1", f"asset=LP-1&client={client.id}"):
        shown = browser.get(f"/tickets/new?{query}")
        assert b"LP-1 Laser printer" in shown.data, query
        assert b"Acme (ACME)" in shown.data, query
    assert b"Acme (ACME)" in browser.get(f"/tickets/new?client={client.id}").data
    assert b"Acme (ACME)" not in browser.get("/tickets/new?client=NONE&asset=NONE").data
    # Only the asset was chosen: the client is its client.
    asset = factories.make_asset(client_id=client.id)
    sent = filled(client) | {"client_id": "", "asset_id": str(asset.id)}
    assert browser.post("/tickets/new", data=sent).status_code == 303
    assert newest().client_id == client.id
    contact = factories.make_contact()
    sent = filled(client) | {"client_id": "", "requester": f"contact:{contact.id}"}
    assert browser.post("/tickets/new", data=sent).status_code == 303
    assert newest().client_id == contact.client_id


def test_the_description_can_be_previewed(sign_in: Any) -> None:
    shown = sign_in("*").post(
        "/tickets/new/preview",
        data={"body": "It **jams**<script>x()</script>"},
        headers={"HX-Request": "true"},
    )
    assert b"<strong>jams</strong>" in shown.data
    assert b"<script" not in shown.data


def test_who_may_open_tickets_where(sign_in: Any) -> None:
    here, seen, far = (factories.make_client() for _ in range(3))
    browser = sign_in("tickets", "tickets.create", client_id=here.id)
    factories.grant(browser.user, factories.make_role("tickets"), client_id=seen.id)
    assert browser.post("/tickets/new", data=filled(here)).status_code == 303
    assert browser.post("/tickets/new", data=filled(seen)).status_code == 403
    refused = browser.post("/tickets/new", data=filled(far))
    assert refused.status_code == 422
    assert b'id="client_id-error"' in refused.data
    # Whoever may not assign opens it for nobody.
    mine = browser.post("/tickets/new", data=filled(here, assignee_id=str(browser.user.id)))
    assert mine.status_code == 422
    assert sign_in("tickets").get("/tickets/new").status_code == 403
    assert count() == 1


def test_whoever_works_in_a_project_chooses_it(sign_in: Any) -> None:
    project = factories.make_project()
    client = type("Client", (), {"id": project.client_id})
    browser = sign_in("tickets", "tickets.create", "tickets.edit", project_id=project.id)
    found = browser.get("/tickets/pickers/clients?may=create").json["options"]
    assert [one["value"] for one in found] == [str(project.client_id)]
    refused = browser.post("/tickets/new", data=filled(client))
    assert refused.status_code == 422
    assert b'id="project_id-error"' in refused.data
    contact = {"contact_name": "Ana Ruiz", "contact_email": "ana@example.com"}
    sent = filled(client, project_id=str(project.id), **contact)
    reply = browser.post("/tickets/new", data=sent)
    assert reply.status_code == 303
    assert browser.get(reply.location).status_code == 200
    assert browser.get(f"{reply.location}/side").status_code == 200
    assert browser.get(f"{reply.location}/edit").status_code == 200
    assert browser.post(f"{reply.location}/take").status_code == 303


# --- changing ---------------------------------------------------------------------


def as_sent(ticket: Ticket, **values: Any) -> dict[str, Any]:
    return {
        "subject": ticket.subject,
        "kind": ticket.kind.value,
        "client_id": str(ticket.client_id),
        "impact": ticket.impact.value,
        "urgency": ticket.urgency.value,
        "version": str(ticket.version),
        **values,
    }


def test_changing_a_ticket(sign_in: Any, audit_rows: Any) -> None:
    ticket = factories.make_ticket()
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}/edit"
    assert browser.get(url).status_code == 200
    sent = as_sent(
        ticket, subject="Printer burns", impact="high", urgency="high", external_ref=" INC1 "
    )
    assert browser.post(url, data=sent).status_code == 303
    row = newest()
    assert (row.subject, row.priority, row.external_ref) == ("Printer burns", "urgent", "INC1")
    changes = audit_rows("ticket", ticket.id)[-1]["changes"]
    assert changes["subject"] == [ticket.subject, "Printer burns"]
    assert changes["priority"] == ["normal", "urgent"]
    twin = factories.make_ticket(client_id=ticket.client_id)
    refused = browser.post(f"/tickets/{twin.number}/edit", data=as_sent(twin, external_ref="INC1"))
    assert refused.status_code == 422
    assert b'id="external_ref-error"' in refused.data


def test_two_change_it_at_once(sign_in: Any) -> None:
    ticket = factories.make_ticket("As it was")
    first, second = sign_in("tickets", "tickets.edit", name="Ana Ruiz"), sign_in("*")
    url = f"/tickets/{ticket.number}/edit"
    shown = second.get(url).data.decode()
    seal = shown.split('name="was"')[1].split('value="')[1].split('"')[0]
    # A new status changes nothing that the form holds.
    first.post(f"/tickets/{ticket.number}/status", data={"status": "open"})
    mine = as_sent(ticket, subject="Second", was=seal)
    assert second.post(url, data=mine).status_code == 303
    # But a subject does.
    late = first.post(url, data=as_sent(ticket, subject="First", was=seal))
    assert late.status_code == 409
    assert b'value="First"' in late.data
    assert b"Second" in late.data
    assert newest().subject == "Second"
    again = late.data.decode()
    version = again.split('name="version" value="')[1].split('"')[0]
    seal = again.split('name="was"')[1].split('value="')[1].split('"')[0]
    sent = as_sent(ticket, subject="First", was=seal, version=version)
    assert first.post(url, data=sent).status_code == 303
    assert newest().subject == "First"


def test_moving_it_to_another_client(sign_in: Any) -> None:
    here, there = factories.make_client(), factories.make_client()
    asset = factories.make_asset(client_id=here.id)
    contact = factories.make_contact(client_id=here.id)
    agent = factories.make_user()
    factories.grant(agent, factories.make_role("tickets"), client_id=here.id)
    ticket = factories.make_ticket(
        client_id=here.id,
        asset_id=asset.id,
        requester_contact_id=contact.id,
        assignee_id=agent.id,
        body="Hello",
    )
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}/edit"
    moved = {"client_id": str(there.id)}
    for more, field in (
        ({"asset_id": str(asset.id)}, "asset_id"),
        ({"requester": f"contact:{contact.id}"}, "requester"),
        ({}, "client_id"),  # whoever has it would not see it there
    ):
        refused = browser.post(url, data=as_sent(ticket, **moved, **more))
        assert refused.status_code == 422, field
        assert f'id="{field}-error"'.encode() in refused.data
    factories.grant(agent, factories.make_role("tickets"), client_id=there.id)
    assert browser.post(url, data=as_sent(ticket, **moved)).status_code == 303
    row = newest()
    assert (row.client_id, row.asset_id, row.requester_contact_id) == (there.id, None, None)
    with factories.work():
        assert db.session.query(Message).filter_by(ticket_id=row.id).one().client_id == there.id
    scoped = sign_in("tickets", "tickets.edit", client_id=there.id)
    assert scoped.post(url, data=as_sent(row, client_id=str(here.id))).status_code == 422
    factories.grant(scoped.user, factories.make_role("tickets"), client_id=here.id)
    assert scoped.post(url, data=as_sent(row, client_id=str(here.id))).status_code == 403
