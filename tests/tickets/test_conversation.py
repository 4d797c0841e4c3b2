"""What is said on a ticket: replies and notes apart, nothing sent blindly, nothing typed lost."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from tests import factories
from tests.pages import CheckedClient
from webapp.core.db import db
from webapp.tickets.models import Message, Ticket

AGENT = ("tickets", "tickets.reply", "tickets.edit")


@pytest.fixture
def ticket(app: Flask) -> Any:
    home = factories.make_client("Acme")
    asker = factories.make_contact(client_id=home.id, name="Rosa Blanco")
    return factories.make_ticket(
        "The lift is stuck",
        client_id=home.id,
        requester_contact_id=asker.id,
        body="It stopped **between** floors.",
    )


@pytest.fixture
def agent(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id, name="Ana Ruiz")


def say(client: CheckedClient, ticket: Any, said: str = "On our way.", **values: Any) -> Any:
    name = "note" if values.get("mode") == "note" else "body"
    return client.post(f"/tickets/{ticket.number}/messages", data={name: said} | values)


def now(ticket: Any) -> Any:
    with factories.work():
        row = db.session.get_one(Ticket, ticket.id)
        db.session.refresh(row)
        db.session.expunge(row)
        return row


def messages(ticket: Any) -> list[Any]:
    with factories.work():
        found = select(Message).where(Message.ticket_id == ticket.id).order_by(Message.id)
        rows = list(db.session.scalars(found))
        db.session.expunge_all()
        return rows


def page_of(client: CheckedClient, ticket: Any, path: str = "") -> str:
    reply = client.get(f"/tickets/{ticket.number}{path}")
    assert reply.status_code == 200
    return reply.get_data(as_text=True)


def words(html: str) -> str:
    return " ".join(html.split())


def test_a_reply_reaches_the_page_opens_the_ticket_and_is_followed(
    agent: CheckedClient, ticket: Any, audit_rows: Callable[..., Any]
) -> None:
    before = now(ticket)
    assert before.status == "new"
    reply = say(agent, ticket, "We come *at once*.\r\nSoon.")
    assert reply.status_code == 303 and "#message-" in reply.location
    after = now(ticket)
    row = messages(ticket)[-1]
    assert (row.body, row.is_note) == ("We come *at once*.\nSoon.", False)
    assert after.status == "open" and after.last_message_at == row.sent_at
    page = words(page_of(agent, ticket))
    assert "We come <em>at once</em>.<br> Soon." in page and "Public reply" in page
    assert "between</strong>" in page
    assert [one["action"] for one in audit_rows("ticket_message", row.id)] == ["ticket.replied"]
    with factories.work():
        watching = db.session.scalars(
            text("SELECT user_id FROM ticket_watchers WHERE ticket_id = :id").columns(),
            {"id": ticket.id},
        ).all()
    assert watching == [agent.user.id]  # type: ignore[attr-defined]


def test_a_note_stays_inside_and_opens_nothing(agent: CheckedClient, ticket: Any) -> None:
    assert say(agent, ticket, "The key is in the safe.", mode="note").status_code == 303
    page = words(page_of(agent, ticket))
    assert 'class="message is-note"' in page and "Internal note" in page
    assert now(ticket).status == "new" and now(ticket).responded_at is None


def test_a_message_makes_no_form_stale(agent: CheckedClient, ticket: Any) -> None:
    say(agent, ticket)
    version = now(ticket).version
    say(agent, ticket, "Again.")
    assert now(ticket).version == version


def test_what_arrived_is_shown_first_and_the_text_stays(
    agent: CheckedClient, sign_in: Callable[..., CheckedClient], ticket: Any
) -> None:
    other = sign_in(*AGENT, client_id=ticket.client_id, name="Luis Vega")
    seen = messages(ticket)[-1].id
    assert say(other, ticket, "I am there already.", seen=seen).status_code == 303
    for headers in ({}, {"HX-Request": "true"}):
        reply = agent.post(
            f"/tickets/{ticket.number}/messages",
            data={"body": "I shall go there.", "note": "half a note", "seen": seen},
            headers=headers,
        )
        page = words(reply.get_data(as_text=True))
        assert reply.status_code == 409
        assert "I shall go there.</textarea>" in page and "half a note</textarea>" in page
        assert "is-desk is-new" in page and page.index("I am there already") < page.index(
            "<textarea"
        )
        assert "Send anyway" in page and f'name="seen" value="{messages(ticket)[-1].id}"' in page
    assert len(messages(ticket)) == 2
    reply = say(agent, ticket, "I shall go there.", seen=seen, anyway="1")
    assert reply.status_code == 303 and len(messages(ticket)) == 3


def test_what_came_a_moment_ago_was_not_read_whatever_the_page_says(
    agent: CheckedClient,
    sign_in: Callable[..., CheckedClient],
    ticket: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = sign_in(*AGENT, client_id=ticket.client_id, name="Luis Vega")
    seen = messages(ticket)[-1].id
    say(other, ticket, "I am there already.", seen=seen)
    last = messages(ticket)[-1].id
    assert say(agent, ticket, "I shall go.", seen=seen, viewed=last).status_code == 409
    monkeypatch.setattr("webapp.tickets.queries.messages.READ_IN", timedelta(0))  # later
    assert say(agent, ticket, "I shall go.", seen=seen).status_code == 409
    assert say(agent, ticket, "I shall go.", seen=seen, viewed=last).status_code == 303


def test_json_is_told_that_something_arrived(agent: CheckedClient, ticket: Any) -> None:
    seen = messages(ticket)[-1].id
    say(agent, ticket, seen=seen)
    reply = agent.post(
        f"/tickets/{ticket.number}/messages",
        data={"body": "Again", "seen": seen},
        headers={"Accept": "application/json"},
    )
    assert reply.status_code == 409 and reply.json["error"]["code"] == "arrived"


def test_send_and_set_the_status(agent: CheckedClient, ticket: Any) -> None:
    assert say(agent, ticket, "Which floor?", status="pending").status_code == 303
    assert now(ticket).status == "pending"
    assert say(agent, ticket, "Oiled it.", status="resolved").status_code == 303
    assert (now(ticket).status, now(ticket).resolution) == ("resolved", "Oiled it.")
    say(agent, ticket, "No, it squeaks.", status="open")
    say(agent, ticket, "Replaced.", status="resolved", resolution="A new motor.")
    assert now(ticket).resolution == "A new motor."


def test_what_is_refused_leaves_nothing_and_keeps_the_text(
    agent: CheckedClient, ticket: Any
) -> None:
    reply = agent.post(
        f"/tickets/{ticket.number}/messages",
        data={"body": "Bye", "status": "closed"},
        headers={"HX-Request": "true"},
    )
    page = words(reply.get_data(as_text=True))
    assert reply.status_code == 422 and "Bye</textarea>" in page
    assert len(messages(ticket)) == 1 and page.count("data-message=") == 1
    reply = say(agent, ticket, "   ")
    assert reply.status_code == 422 and "Write something first." in reply.get_data(as_text=True)


def test_only_who_may_answer_answers(sign_in: Callable[..., CheckedClient], ticket: Any) -> None:
    reader = sign_in("tickets", client_id=ticket.client_id)
    assert "<textarea" not in page_of(reader, ticket)
    assert say(reader, ticket).status_code == 403
    stranger = sign_in(*AGENT, client_id=factories.make_client().id)
    assert say(stranger, ticket).status_code == 404
    elsewhere = sign_in("tickets", client_id=ticket.client_id)
    factories.grant(
        elsewhere.user,  # type: ignore[attr-defined]
        factories.make_role("tickets.reply"),
        client_id=factories.make_client().id,
    )
    assert say(elsewhere, ticket).status_code == 403
    assert len(messages(ticket)) == 1


def test_the_requester_opens_again_what_waited(
    app: Flask, sign_in: Callable[..., CheckedClient]
) -> None:
    asker = factories.make_user(name="Rosa Blanco")
    ticket = factories.make_ticket(requester_user_id=asker.id, status="pending", body="Help")
    client = sign_in("tickets", "tickets.reply", user=asker, client_id=ticket.client_id)
    assert say(client, ticket, "The third floor.").status_code == 303
    assert now(ticket).status == "open" and now(ticket).responded_at is None
    assert page_of(client, ticket).count("message is-asker") == 1


def test_mentions_name_only_who_can_see_it(
    agent: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    luis = factories.make_user(name="Luis [Vega]")
    factories.grant(luis, factories.make_role("tickets"), client_id=ticket.client_id)
    gone = factories.make_user(name="Luisa Gone", is_active=False)
    factories.grant(gone, factories.make_role("tickets"))
    far = factories.make_user(name="Luisa Far")
    factories.grant(far, factories.make_role("tickets"), client_id=factories.make_client().id)
    blind = factories.make_user(name="Luisa Blind")
    factories.grant(blind, factories.make_role("assets"))
    above = factories.make_user(name="Luisa Above")
    with factories.work():
        location = db.session.scalar(
            text("SELECT location_id FROM clients WHERE id = :id"), {"id": ticket.client_id}
        )
    factories.grant(above, factories.make_role("tickets"), location_id=location)
    offered = agent.get(f"/tickets/{ticket.number}/mentions?q=luis").json["options"]
    assert [one["label"] for one in offered] == ["Luis [Vega]", "Luisa Above"]
    assert offered[0]["text"] == f"[@Luis Vega](user:{luis.id})"
    typed = f"[@The Boss](user:{luis.id}) and [@Luisa Far](user:{far.id}) look"
    say(agent, ticket, typed, mode="note")
    assert messages(ticket)[-1].body == f"[@Luis Vega](user:{luis.id}) and @Luisa Far look"


def test_the_middle_of_a_long_conversation_comes_when_asked_for(
    agent: CheckedClient, ticket: Any, statements: Callable[[], Any]
) -> None:
    with factories.work():
        db.session.add_all(
            Message(client_id=ticket.client_id, ticket_id=ticket.id, body=f"number {n}.")
            for n in range(1, 100)
        )
    with statements() as seen:
        page = page_of(agent, ticket)
    assert len(seen) <= 14, seen
    assert page.count("data-message=") == 16 and "Show 84 more messages" in words(page)
    assert "number 99." in page and "number 50." not in page
    rows = messages(ticket)
    part = page_of(agent, ticket, f"/messages?before={rows[-15].id}")
    assert part.count("data-message=") == 50 and "Show 34 more messages" in words(part)
    part = page_of(agent, ticket, f"/messages?before={rows[-65].id}")
    assert part.count("data-message=") == 34 and "more messages" not in part
    assert "between" not in part
    part = page_of(agent, ticket, f"/messages?after={rows[-3].id}")
    assert part.count("data-message=") == 2 and 'data-total="100"' in part


def test_the_history_tells_what_happened(agent: CheckedClient, ticket: Any) -> None:
    say(agent, ticket, "Which floor?", status="pending")
    say(agent, ticket, "Oiled it.", status="resolved", resolution="Oil")
    agent.post(f"/tickets/{ticket.number}/watch", data={"on": "0"})
    page = words(page_of(agent, ticket, "/history"))
    for told in (
        "<strong>Ana Ruiz</strong> answered: “Which floor?”",
        "from “new” to “pending”",
        "<del>pending</del>",
        "<ins>resolved</ins>",
        "<ins>Oil</ins>",
        "</strong> follows the ticket </p>",
        "follows the ticket no more",
    ):
        assert told in page, told


def test_a_quote_of_a_message(agent: CheckedClient, ticket: Any) -> None:
    row = messages(ticket)[0]
    url = f"/tickets/{ticket.number}/messages/{row.id}/quote"
    assert agent.get(url).json == {"text": "> It stopped **between** floors.\n"}
    other = factories.make_ticket(client_id=ticket.client_id, body="x")
    assert agent.get(f"/tickets/{other.number}/messages/{row.id}/quote").status_code == 404
