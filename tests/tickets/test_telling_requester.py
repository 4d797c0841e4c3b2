"""Whoever asked hears of what the desk says: in the app or by mail, and what they say by phone is theirs."""

import email
import email.policy
import io
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select, text

from tests import factories
from tests.pages import CheckedClient
from tests.tickets.test_conversation import AGENT, messages, now, page_of, say, words
from tests.users.test_mail import Inbox, free_port, serving
from webapp.core.db import db
from webapp.notifications.models import Notification
from webapp.tickets import mailing


@pytest.fixture
def settings_are(app: Any) -> Iterator[Callable[..., None]]:
    """`settings_are(smtp_url=…)`: the app's settings for this test."""
    before = app.extensions["steward"]

    def use(**values: Any) -> None:
        app.extensions["steward"] = before.model_copy(update=values)

    yield use
    app.extensions["steward"] = before


@pytest.fixture
def inbox(settings_are: Any) -> Iterator[Inbox]:
    """A real mail server to which the app sends."""
    made = Inbox()
    with serving(made) as address:
        settings_are(
            smtp_url=f"smtp://{address}",
            mail_from="Desk <desk@example.com>",
            mail_reply_to="answers@example.com",
        )
        yield made


@pytest.fixture
def ticket(app: Any) -> Any:
    home = factories.make_client("Acme")
    asker = factories.make_contact(client_id=home.id, name="Rosa Blanco", email="rosa@acme.example")
    return factories.make_ticket(
        "The lift is stuck", client_id=home.id, requester_contact_id=asker.id, body="Help"
    )


@pytest.fixture
def agent(sign_in: Callable[..., CheckedClient], ticket: Any) -> CheckedClient:
    return sign_in(*AGENT, client_id=ticket.client_id, name="Ana Ruiz")


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def told(user: Any) -> list[tuple[str, str]]:
    with factories.work():
        found = select(Notification.kind, Notification.title).where(Notification.user_id == user.id)
        return [
            (row.kind, row.title) for row in db.session.execute(found.order_by(Notification.id))
        ]


def upload(client: CheckedClient, ticket: Any, name: str, content: bytes) -> int:
    reply = client.post(
        f"/tickets/{ticket.number}/files",
        data={"files": (io.BytesIO(content), name)},
        headers={"Accept": "application/json"},
    )
    return int(reply.json["data"]["files"][0]["id"])


def test_a_reply_is_mailed_to_the_contact_with_its_files_and_the_page_says_so(
    agent: CheckedClient,
    ticket: Any,
    inbox: Inbox,
    run_jobs: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "Public. Mailed to rosa@acme.example." in page_of(agent, ticket)
    say(agent, ticket, "The key is under the mat.", mode="note")
    small = upload(agent, ticket, "log.txt", b"all is well\n")
    large = upload(agent, ticket, "long.txt", b"very long\n" * 50)
    monkeypatch.setattr(mailing, "MOST_BYTES", 100)
    reply = say(agent, ticket, f"See ![log](attachment:{small}).", files=[small, large])
    assert reply.status_code == 303
    assert "On its way to rosa@acme.example" in page_of(agent, ticket)
    run_jobs()
    message = parsed(inbox.mails[0])
    assert len(inbox.mails) == 1
    row = messages(ticket)[-1]
    assert message["Subject"] == f"[#{ticket.number}] The lift is stuck"
    assert (message["To"], message["From"]) == ("rosa@acme.example", "Desk <desk@example.com>")
    assert message["Reply-To"] == "answers@example.com"
    assert message["Message-ID"] == f"<ticket.{ticket.number}.{row.id}@example.com>"
    assert message["References"] == f"<ticket.{ticket.number}@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    body = message.get_body(("plain",))
    assert body is not None
    said = body.get_content()
    assert said.startswith("See [log].") and "mat" not in said and "long.txt" in said
    assert [one.get_filename() for one in message.iter_attachments()] == ["log.txt"]
    assert "Mailed to rosa@acme.example" in page_of(agent, ticket)
    assert row.mail_state == "sent" and row.mailed_at is not None
    history = words(page_of(agent, ticket, "/history"))
    assert "mailed the reply to rosa@acme.example" in history
    run_jobs()
    assert len(inbox.mails) == 1


def test_a_reply_that_resolves_is_one_mail_and_a_resolution_alone_one_of_its_own(
    agent: CheckedClient, ticket: Any, inbox: Inbox, run_jobs: Any, audit_rows: Any
) -> None:
    say(agent, ticket, "Done now.", status="resolved", resolution="A new motor.")
    run_jobs()
    (first,) = (parsed(raw).get_content() for raw in inbox.mails)
    assert "Done now." in first and "A new motor." in first
    say(agent, ticket, "It is not.", mode="note", status="open")
    say(agent, ticket, "Nobody said so.", mode="note", status="resolved", resolution="Oiled it.")
    run_jobs()
    second = parsed(inbox.mails[1])
    assert len(inbox.mails) == 2 and "Oiled it." in second.get_content()
    assert "Nobody" not in second.get_content() and second["References"]
    assert "ticket.resolution_mailed" in [one["action"] for one in audit_rows("ticket", ticket.id)]


def test_a_mail_that_no_server_takes_is_told(
    agent: CheckedClient, ticket: Any, settings_are: Any, run_jobs: Any, owner: Any
) -> None:
    settings_are(smtp_url=None)
    assert "nobody is mailed: no mail server" in words(page_of(agent, ticket))
    say(agent, ticket, "Into the void.")
    assert messages(ticket)[-1].mail_state == "no_server"
    assert "Not mailed: no mail server is set up" in page_of(agent, ticket)
    settings_are(smtp_url=f"smtp://127.0.0.1:{free_port()}")
    say(agent, ticket, "Hello?")
    run_jobs()
    assert messages(ticket)[-1].mail_state == "waiting"
    owner.execute(
        "UPDATE procrastinate_jobs SET scheduled_at = now(), args = args || '{\"_failures\": 8}'"
        " WHERE status = 'todo' AND task_name = 'tickets.mail_reply'"
    )
    run_jobs()
    assert messages(ticket)[-1].mail_state == "failed"
    assert "Not mailed to rosa@acme.example" in page_of(agent, ticket)


def test_a_requester_with_an_account_is_told_once_and_never_of_notes(
    sign_in: Callable[..., CheckedClient], ticket: Any
) -> None:
    asker = sign_in(*AGENT, client_id=ticket.client_id, name="Rosa Blanco")
    agent = sign_in(*AGENT, client_id=ticket.client_id, name="Ana Ruiz")
    user = asker.user  # type: ignore[attr-defined]
    mine = factories.make_ticket("Slow", client_id=ticket.client_id, requester_user_id=user.id)
    assert "Public. Rosa Blanco is told." in page_of(agent, mine)
    say(agent, mine, "She is always like that.", mode="note")
    assert told(user) == []
    say(agent, mine, "Since when?", status="pending")
    assert told(user) == [
        ("ticket.answered", f"Ana Ruiz waits for your answer: #{mine.number} Slow")
    ]
    say(asker, mine, "Since Monday.")  # and follows it from now on
    say(agent, mine, "Mended.", status="resolved")
    say(agent, mine, "Still a note.", mode="note")
    assert [kind for kind, _title in told(user)] == ["ticket.answered"]
    assert told(user)[0][1].startswith("Ana Ruiz resolved #")
    assert "Whoever works on it is told" in page_of(asker, mine)


def test_who_cannot_see_the_ticket_is_not_promised_anything(
    sign_in: Callable[..., CheckedClient], agent: CheckedClient, ticket: Any
) -> None:
    asker = factories.make_user(name="Otto Fern")
    mine = factories.make_ticket(client_id=ticket.client_id, requester_user_id=asker.id)
    assert "Otto Fern is not told and cannot open it" in page_of(agent, mine)
    say(agent, mine, "Hello")
    assert told(asker) == []
    nobody = factories.make_ticket(client_id=ticket.client_id)
    page = page_of(agent, nobody)
    assert "the ticket has no requester" in page and "mode-asker" not in page


def test_what_the_requester_said_is_recorded_as_theirs(
    agent: CheckedClient, ticket: Any, inbox: Inbox, run_jobs: Any, audit_rows: Any
) -> None:
    say(agent, ticket, "Which floor?", status="pending")
    run_jobs()
    answered = now(ticket).responded_at
    reply = agent.post(
        f"/tickets/{ticket.number}/messages",
        data={"mode": "asker", "asked": "The third.", "heard": "phone", "note": "half a note"},
    )
    assert reply.status_code == 303
    row = messages(ticket)[-1]
    who = agent.user.id  # type: ignore[attr-defined]
    assert (row.contact_id, row.author_id) == (ticket.requester_contact_id, None)
    assert (row.recorded_by_id, row.via, row.mail_state) == (who, "phone", None)
    assert now(ticket).status == "open" and now(ticket).responded_at == answered
    page = words(page_of(agent, ticket))
    assert "is-asker" in page and "recorded by Ana Ruiz" in page and "By phone" in page
    assert "half a note</textarea>" in page
    assert [one["action"] for one in audit_rows("ticket_message", row.id)] == ["ticket.recorded"]
    run_jobs()
    assert len(inbox.mails) == 1
    reply = agent.post(f"/tickets/{ticket.number}/messages", data={"mode": "asker", "body": "x"})
    assert reply.status_code == 422


def test_a_first_answer_is_not_what_the_requester_said(agent: CheckedClient, ticket: Any) -> None:
    agent.post(f"/tickets/{ticket.number}/messages", data={"mode": "asker", "asked": "Well?"})
    assert now(ticket).responded_at is None and now(ticket).status == "new"


def test_the_database_keeps_records_true(agent: CheckedClient, ticket: Any, owner: Any) -> None:
    who, other = agent.user.id, factories.make_user().id  # type: ignore[attr-defined]
    begin = (
        "INSERT INTO ticket_messages (client_id, ticket_id, body, is_note, author_id, contact_id,"
    )
    begin += " recorded_by_id, via, mail_state, mailed_to) VALUES "
    head = f"({ticket.client_id}, {ticket.id}, 'x',"
    for values, wrong in (
        (f"false, NULL, NULL, {who}, 'phone', NULL, NULL)", "recorded_has_author"),
        (f"true, {other}, NULL, {who}, 'phone', NULL, NULL)", "recorded_has_author"),
        (f"false, {other}, NULL, {who}, 'phone', NULL, NULL)", "another requester"),
        (f"false, {who}, NULL, NULL, 'phone', NULL, NULL)", "spoken_is_recorded"),
        (f"true, {who}, NULL, NULL, 'web', 'waiting', 'a@b.c')", "mailed_is_public"),
        (f"false, {who}, NULL, NULL, 'web', 'waiting', NULL)", "mailed_to_somebody"),
    ):
        with pytest.raises(Exception, match=wrong):
            owner.execute(begin + head + values)


def test_a_canned_reply_with_a_hole_is_not_sent(agent: CheckedClient, ticket: Any) -> None:
    reply = say(agent, ticket, "Your asset {{asset.tag}} is here.")
    assert reply.status_code == 422 and "Fill in {{asset.tag}} before" in reply.text
    assert len(messages(ticket)) == 1
    assert say(agent, ticket, "{{asset.tag}} is missing", mode="note").status_code == 303


def test_a_change_of_many_leaves_alone_what_a_text_does_not_fit(
    agent: CheckedClient, ticket: Any, inbox: Inbox, run_jobs: Any
) -> None:
    asset = factories.make_asset(client_id=ticket.client_id, tag="LIFT-7")
    other = factories.make_ticket(
        "Noisy",
        client_id=ticket.client_id,
        asset_id=asset.id,
        requester_contact_id=ticket.requester_contact_id,
    )
    values = {"ids": [ticket.id, other.id], "body": "{{asset.tag}} is mended.", "back": "/tickets"}
    page = agent.post("/tickets/bulk", data=values)
    assert "On this ticket nothing stands for {{asset.tag}}." in page.text
    assert "contacts of clients get it by mail" in page.text
    seen = page.text.split('name="seen" value="')[1].split('"')[0]
    assert agent.post("/tickets/bulk/apply", data=values | {"seen": seen}).status_code == 303
    assert messages(other)[-1].body == "LIFT-7 is mended." and len(messages(ticket)) == 1
    run_jobs()
    assert [parsed(raw)["Subject"] for raw in inbox.mails] == [f"[#{other.number}] Noisy"]
    with factories.work():
        assert not db.session.scalar(
            text("SELECT count(*) FROM ticket_messages WHERE body LIKE '%{{%'")
        )
