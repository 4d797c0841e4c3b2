"""What is typed is kept as one types: of each person and kind one draft, until it is sent."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.pages import CheckedClient

AGENT = ("tickets", "tickets.reply", "tickets.edit")


@pytest.fixture
def ticket(app: Flask) -> Any:
    return factories.make_ticket(body="Help")


@pytest.fixture
def agent(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id)


def keep(client: CheckedClient, ticket: Any, body: str, mode: str = "reply", **more: Any) -> Any:
    return client.post(f"/tickets/{ticket.number}/draft", data={"mode": mode, "body": body}, **more)


def page(client: CheckedClient, ticket: Any) -> str:
    return client.get(f"/tickets/{ticket.number}").get_data(as_text=True)


def drafts(owner: Any) -> list[Any]:
    return owner.execute("SELECT * FROM ticket_drafts ORDER BY is_note").fetchall()  # type: ignore[no-any-return]


def test_both_drafts_survive_signing_out(
    agent: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    assert keep(agent, ticket, "Half a re").status_code == 200
    assert keep(agent, ticket, "Half a reply \n").json["success"] is True
    url = f"/tickets/{ticket.number}/draft"
    assert agent.put(url, data={"mode": "note", "body": "Half a note"}).status_code == 200
    agent.post("/logout")
    again = sign_in(user=agent.user)
    html = page(again, ticket)
    assert "\nHalf a reply \n</textarea>" in html and "\nHalf a note</textarea>" in html
    other = sign_in(*AGENT, client_id=ticket.client_id)
    assert "Half a" not in page(other, ticket)


def test_sending_forgets_that_draft_and_keeps_the_other(
    agent: CheckedClient, ticket: Any, owner: Any
) -> None:
    keep(agent, ticket, "A reply")
    keep(agent, ticket, "A note", mode="note")
    url = f"/tickets/{ticket.number}/messages"
    sent = agent.post(url, data={"mode": "reply", "body": "A reply", "note": "A note, longer"})
    assert sent.status_code == 303
    assert [(row["is_note"], row["body"]) for row in drafts(owner)] == [(True, "A note, longer")]
    agent.post(url, data={"mode": "reply", "body": "Another window knows of no note"})
    assert [(row["is_note"], row["body"]) for row in drafts(owner)] == [(True, "A note, longer")]
    assert 'id="mode-note" value="note" checked' in page(agent, ticket)


def test_what_is_refused_keeps_its_draft(agent: CheckedClient, ticket: Any, owner: Any) -> None:
    keep(agent, ticket, "Bye")
    url = f"/tickets/{ticket.number}/messages"
    assert agent.post(url, data={"body": "Bye", "status": "closed"}).status_code == 422
    assert [row["body"] for row in drafts(owner)] == ["Bye"]


def test_an_emptied_draft_is_forgotten(agent: CheckedClient, ticket: Any, owner: Any) -> None:
    keep(agent, ticket, "x")
    keep(agent, ticket, " \n ")
    assert drafts(owner) == []


def test_what_cannot_be_a_draft_is_refused(
    agent: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient], owner: Any
) -> None:
    assert keep(agent, ticket, "x" * 50_001).status_code == 422
    assert keep(agent, ticket, "x", mode="shout").status_code == 422
    assert keep(sign_in("tickets", client_id=ticket.client_id), ticket, "x").status_code == 403
    stranger = sign_in(*AGENT, client_id=factories.make_client().id)
    assert keep(stranger, ticket, "x").status_code == 404
    assert drafts(owner) == []


def test_a_draft_leaves_no_trace_in_the_log(agent: CheckedClient, ticket: Any, owner: Any) -> None:
    last = owner.execute("SELECT coalesce(max(id), 0) AS id FROM audit_event").fetchone()["id"]
    keep(agent, ticket, "thinking")
    found = owner.execute("SELECT count(*) AS n FROM audit_event WHERE id > %s", [last])
    assert found.fetchone()["n"] == 0
