"""Who else is at a ticket: seen by those who see the ticket, told when it changes, forgotten soon."""

import json
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests import factories
from tests.conftest import dsn
from tests.pages import CheckedClient
from webapp.tickets.queries import presence

AGENT = ("tickets", "tickets.reply")


@pytest.fixture
def ticket(app: Flask) -> Any:
    return factories.make_ticket(body="Help")


@pytest.fixture
def ana(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id, name="Ana Ruiz")


@pytest.fixture
def luis(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id, name="Luis Vega")


def be(client: CheckedClient, ticket: Any, **values: Any) -> Any:
    return client.post(f"/tickets/{ticket.number}/presence", data=values)


def words(reply: Any) -> str:
    return " ".join(reply.get_data(as_text=True).split())


def test_each_sees_the_other_and_who_types(
    ana: CheckedClient, luis: CheckedClient, ticket: Any
) -> None:
    assert "Ana" not in words(be(ana, ticket))
    assert "Ana Ruiz is looking at this" in words(be(luis, ticket, typing="1"))
    assert "Luis Vega is typing an answer" in words(be(ana, ticket))
    assert "Luis Vega is typing an answer" in words(ana.get(f"/tickets/{ticket.number}"))
    be(luis, ticket, typing="0")
    assert "Luis Vega is looking at this" in words(ana.get(f"/tickets/{ticket.number}/presence"))
    assert be(luis, ticket, leaving="1").status_code == 204
    assert "Luis" not in words(ana.get(f"/tickets/{ticket.number}/presence"))


def test_who_does_not_come_back_is_forgotten(
    ana: CheckedClient, luis: CheckedClient, ticket: Any, owner: Any
) -> None:
    be(luis, ticket, typing="1")
    owner.execute("UPDATE ticket_presence SET typing_at = now() - interval '40 seconds'")
    assert "Luis Vega is looking" in words(be(ana, ticket))
    owner.execute("UPDATE ticket_presence SET seen_at = now() - interval '1 minute'")
    assert "Luis" not in words(ana.get(f"/tickets/{ticket.number}/presence"))
    owner.execute("UPDATE ticket_presence SET seen_at = now() - interval '1 hour'")
    be(ana, factories.make_ticket(client_id=ticket.client_id))
    assert owner.execute("SELECT count(*) AS n FROM ticket_presence").fetchone()["n"] == 1


def test_others_are_told_only_of_what_changed(
    ana: CheckedClient, ticket: Any, settings: Any
) -> None:
    with psycopg.connect(dsn(settings.owner_url() or ""), autocommit=True) as listener:
        listener.execute("LISTEN steward_live")
        be(ana, ticket)
        be(ana, ticket)
        be(ana, ticket, typing="1")
        be(ana, ticket, typing="1")
        be(ana, ticket, leaving="1")
        told = [json.loads(one.payload) for one in listener.notifies(timeout=0.5)]
    assert len(told) == 3
    assert told[0] == {
        "topic": "presence",
        "id": ticket.id,
        "number": ticket.number,
        "client": ticket.client_id,
        "project": None,
    }


def test_the_list_asks_for_many_at_once(
    ana: CheckedClient, luis: CheckedClient, ticket: Any
) -> None:
    be(ana, ticket)
    be(luis, ticket, typing="1")
    other = factories.make_ticket(client_id=ticket.client_id)
    with factories.work():
        found = presence.of_tickets([ticket.id, other.id])
        but = presence.of_tickets([ticket.id], but=luis.user.id)  # type: ignore[attr-defined]
    assert found == {ticket.id: [("Luis Vega", True), ("Ana Ruiz", False)]}
    assert but == {ticket.id: [("Ana Ruiz", False)]}


def test_out_of_sight_nobody_is_anywhere(
    ana: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient], owner: Any
) -> None:
    be(ana, ticket)
    stranger = sign_in(*AGENT, client_id=factories.make_client().id)
    assert be(stranger, ticket).status_code == 404
    assert stranger.get(f"/tickets/{ticket.number}/presence").status_code == 404
    assert owner.execute("SELECT count(*) AS n FROM ticket_presence").fetchone()["n"] == 1
