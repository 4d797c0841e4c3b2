"""Files of a ticket over HTTP: they wait for who uploaded them, and go out with a message."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.attachments import samples
from tests.pages import CheckedClient

AGENT = ("tickets", "tickets.reply", "tickets.edit")


@pytest.fixture
def ticket(app: Flask) -> Any:
    return factories.make_ticket(body="Help")


@pytest.fixture
def agent(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id)


def send(client: CheckedClient, ticket: Any, *files: tuple[str, bytes]) -> Any:
    data = {"files": [(io.BytesIO(content), name) for name, content in files]}
    url = f"/tickets/{ticket.number}/files"
    return client.post(url, data=data, headers={"Accept": "application/json"})


def say(client: CheckedClient, ticket: Any, *ids: int, **values: Any) -> Any:
    data = {"body": "See the picture.", "files": list(ids)} | values
    return client.post(f"/tickets/{ticket.number}/messages", data=data)


def page(client: CheckedClient, ticket: Any, path: str = "") -> str:
    return client.get(f"/tickets/{ticket.number}{path}").get_data(as_text=True)


def test_a_file_waits_for_its_owner_and_goes_out_with_the_message(
    agent: CheckedClient,
    ticket: Any,
    sign_in: Callable[..., CheckedClient],
    audit_rows: Callable[..., Any],
) -> None:
    other = sign_in(*AGENT, client_id=ticket.client_id)
    content = samples.image()
    reply = send(agent, ticket, ("Front view.jpg", content))
    assert reply.status_code == 201
    told = reply.json["data"]["files"][0]
    assert (told["name"], told["is_image"]) == ("Front view.jpg", True)
    url = f"/tickets/{ticket.number}/files/{told['id']}"
    assert f'name="files" value="{told["id"]}" form="say"' in page(agent, ticket)
    assert "Front view.jpg" in page(agent, ticket, "/files/waiting")
    assert "Front view.jpg" not in page(other, ticket)
    for path in ("", "/preview", "/thumb"):
        assert agent.get(url + path).status_code == 200
        assert other.get(url + path).status_code == 404
    assert other.post(f"{url}/remove").status_code == 404
    assert say(other, ticket, told["id"]).status_code == 422
    body = f"Look: ![here](attachment:{told['id']})"
    assert say(agent, ticket, told["id"], body=body).status_code == 303
    shown = page(other, ticket)
    assert f'<img class="shot" src="{url}/preview" alt="here" loading="lazy">' in shown
    assert f'href="{url}" download' in shown and 'name="files"' not in page(agent, ticket)
    assert agent.post(f"{url}/remove").status_code == 404
    reply = other.get(url)
    assert reply.data == content
    assert reply.headers["Content-Disposition"] == 'attachment; filename="Front view.jpg"'
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert other.get(f"{url}/thumb").mimetype == "image/webp"
    actions = [row["action"].partition(".")[2] for row in audit_rows("attachment", told["id"])]
    assert actions == ["created", "downloaded", "sent", "downloaded"]


def test_a_file_can_be_taken_away_before_it_is_sent(agent: CheckedClient, ticket: Any) -> None:
    told = send(agent, ticket, ("note.txt", b"hello")).json["data"]["files"][0]
    url = f"/tickets/{ticket.number}/files/{told['id']}"
    reply = agent.post(f"{url}/remove", headers={"HX-Request": "true"})
    assert reply.status_code == 200 and "note.txt" not in reply.get_data(as_text=True)
    assert agent.get(url).status_code == 404
    reply = say(agent, ticket, told["id"])
    assert reply.status_code == 422
    assert "A file is not there any more" in reply.get_data(as_text=True)
    assert "See the picture.</textarea>" in reply.get_data(as_text=True)


def test_what_is_no_file_to_take_is_refused(
    agent: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    reply = send(agent, ticket, ("good.txt", b"fine"), ("evil.html", b"<script>alert(1)</script>"))
    assert reply.status_code == 422 and "evil.html" in reply.json["error"]["message"]
    assert "good.txt" not in page(agent, ticket, "/files/waiting")
    assert send(agent, ticket).status_code == 422
    reader = sign_in("tickets", client_id=ticket.client_id)
    assert send(reader, ticket, ("a.txt", b"x")).status_code == 403
    stranger = sign_in(*AGENT, client_id=factories.make_client().id)
    assert send(stranger, ticket, ("a.txt", b"x")).status_code == 404


def test_a_file_belongs_to_one_ticket_and_one_client(
    agent: CheckedClient, ticket: Any, sign_in: Callable[..., CheckedClient]
) -> None:
    told = send(agent, ticket, ("note.txt", b"hello")).json["data"]["files"][0]
    beside = factories.make_ticket(client_id=ticket.client_id, body="x")
    assert agent.get(f"/tickets/{beside.number}/files/{told['id']}").status_code == 404
    assert say(agent, beside, told["id"]).status_code == 422
    say(agent, ticket, told["id"])
    stranger = sign_in(*AGENT, client_id=factories.make_client().id)
    assert stranger.get(f"/tickets/{ticket.number}/files/{told['id']}").status_code == 404
    assert sign_in("assets").get(f"/tickets/{ticket.number}/files/{told['id']}").status_code == 403
