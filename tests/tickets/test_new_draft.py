"""A ticket that is being written: kept as one types, with files that wait for it, until it is opened or thrown away."""

import io
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.attachments import samples
from tests.pages import CheckedClient
from webapp.core.db import db
from webapp.tickets.models import Draft
from webapp.tickets.services import drafts

KEYS = ("tickets", "tickets.create", "tickets.reply")
KEY = "0123456789abcdef" * 2


@pytest.fixture
def home(app: Flask) -> Any:
    return factories.make_client("Acme")


@pytest.fixture
def agent(sign_in: Callable[..., CheckedClient], home: Any) -> CheckedClient:
    return sign_in(*KEYS, client_id=home.id)


def keep(client: CheckedClient, key: str = KEY, **values: Any) -> Any:
    return client.post("/tickets/new/draft", data={"draft": key, **values})


def attach(client: CheckedClient, *files: tuple[str, bytes], key: str = KEY) -> list[int]:
    data = {"draft": key, "files": [(io.BytesIO(content), name) for name, content in files]}
    reply = client.post("/tickets/new/files", data=data, headers={"Accept": "application/json"})
    assert reply.status_code == 201
    return [row["id"] for row in reply.json["data"]["files"]]


def page(client: CheckedClient, path: str = "") -> str:
    return client.get(f"/tickets/new{path}").get_data(as_text=True)


def test_what_was_typed_comes_back_to_whom_typed_it(
    agent: CheckedClient, sign_in: Callable[..., CheckedClient], home: Any
) -> None:
    typed = {"subject": "Printer", "client_id": str(home.id), "kind": "request", "tags": "x, y"}
    assert keep(agent, body="It *jams*\r\n", **typed).json["data"]["kept"] is True
    html = page(agent)
    assert "as you left it" in html and "It *jams*\n</textarea>" in html
    assert 'value="Printer"' in html and "Acme" in html and KEY in html
    assert '<option selected value="request">' in html
    other = sign_in(*KEYS, client_id=home.id)
    assert "Printer" not in page(other) and "Printer" not in page(other, f"?draft={KEY}")
    fresh = page(agent, f"?client={home.id}")
    assert "as you left it" not in fresh and f"?draft={KEY}" in fresh and KEY + '"' in fresh
    assert keep(agent, subject=" ").json["data"]["kept"] is False
    assert "Printer" not in page(agent)
    assert keep(agent, key="../x", subject="A").status_code == 422
    assert keep(agent, subject="A", body="x" * 50_001).status_code == 422
    assert keep(sign_in("tickets", client_id=home.id), subject="A").status_code == 403


def test_files_stay_through_bad_input_and_go_with_the_ticket(
    agent: CheckedClient,
    home: Any,
    sign_in: Callable[..., CheckedClient],
    owner: Any,
    audit_rows: Callable[..., Any],
) -> None:
    picture, text = attach(agent, ("jam.jpg", samples.image()), ("log.txt", b"jam"))
    other = sign_in(*KEYS, client_id=home.id)
    for size in ("preview", "thumb"):
        assert agent.get(f"/tickets/new/files/{picture}/{size}").mimetype == "image/webp"
        assert other.get(f"/tickets/new/files/{picture}/{size}").status_code == 404
    assert other.post(f"/tickets/new/files/{text}/remove").status_code == 404
    sent = {"draft": KEY, "client_id": home.id, "subject": "", "files": [picture, text]}
    body = f"See ![it](attachment:{picture})"
    again = agent.post("/tickets/new", data={**sent, "body": body})
    html = again.get_data(as_text=True)
    assert again.status_code == 422 and body in html
    assert "jam.jpg" in html and f'name="files" value="{text}" form="new-ticket"' in html
    shown = agent.post(
        f"/tickets/new/preview?draft={KEY}", data={"body": body}, headers={"HX-Request": "true"}
    )
    assert f'src="/tickets/new/files/{picture}/preview"' in shown.get_data(as_text=True)
    sent |= {"subject": "Printer", "body": body}
    assert other.post("/tickets/new", data=sent).status_code == 422  # they are not theirs
    assert agent.post(f"/tickets/new/files/{text}/remove").status_code == 200
    assert agent.post("/tickets/new", data=sent).status_code == 422
    reply = agent.post("/tickets/new", data=sent | {"files": [picture]})
    assert reply.status_code == 303
    ticket = other.get(reply.location).get_data(as_text=True)
    assert f'{reply.location}/files/{picture}/preview" alt="it"' in ticket
    assert "jam.jpg</span>" in ticket and "log.txt" not in ticket
    assert owner.execute("SELECT count(*) AS n FROM ticket_drafts").fetchone()["n"] == 0
    rows = audit_rows("attachment", picture)
    assert [row["action"] for row in rows] == ["attachment.created", "attachment.sent"]
    # Until it has a client the log says its name to nobody who may not see it.
    assert [row["object_label"] for row in rows] == ["(not sent)", "jam.jpg"]
    assert [row["client_id"] for row in rows] == [None, home.id]


def test_thrown_away_or_forgotten_it_leaves_no_file_behind(
    agent: CheckedClient, owner: Any
) -> None:
    old = "f" * 32
    attach(agent, ("a.txt", b"a"))
    attach(agent, ("b.txt", b"b"), key=old)
    assert agent.post("/tickets/new/discard", data={"draft": KEY}).status_code == 303
    assert "b.txt" in page(agent) and "a.txt" not in page(agent)
    with factories.work():
        draft = db.session.query(Draft).filter_by(key=old).one()
        draft.saved_at = datetime.now(UTC) - timedelta(days=drafts.KEEP_DAYS + 1)
    with factories.work():
        assert drafts.forget_old() == 1
    left = owner.execute("SELECT name FROM attachments WHERE deleted_at IS NULL").fetchall()
    assert left == [] and "b.txt" not in page(agent)


def test_without_scripts_files_come_along_with_the_form(agent: CheckedClient, home: Any) -> None:
    key = re.search(r'name="draft"[^>]*value="(\w+)"', page(agent))
    assert key
    typed = {"draft": key[1], "client_id": home.id, "body": "It jams"}
    refused = agent.post("/tickets/new", data=typed | {"upload": (io.BytesIO(b"x"), "a.txt")})
    assert refused.status_code == 303
    html = agent.get(refused.location).get_data(as_text=True)
    assert "a.txt" in html and 'id="subject-error"' in html and "It jams" in html
    added = agent.post("/tickets/new/files", data=typed | {"upload": (io.BytesIO(b"y"), "b.txt")})
    html = agent.get(added.location).get_data(as_text=True)
    assert "a.txt" in html and "b.txt" in html and 'id="subject-error"' not in html
    ids = re.findall(r'name="files" value="(\d+)"', html)
    sent = typed | {"subject": "Printer", "files": ids, "upload": (io.BytesIO(b"z"), "c.txt")}
    reply = agent.post("/tickets/new", data=sent)
    ticket = agent.get(reply.location).get_data(as_text=True)
    assert all(name in ticket for name in ("a.txt", "b.txt", "c.txt"))


def test_a_full_form_comes_back_in_eight_statements(
    sign_in: Callable[..., CheckedClient], home: Any, statements: Callable[..., Any]
) -> None:
    project = factories.make_project(client_id=home.id)
    contact = factories.make_contact(client_id=home.id, name="Rosa Blanco")
    agent = sign_in("*")
    keep(
        agent,
        subject="Printer",
        client_id=home.id,
        project_id=project.id,
        asset_id=factories.make_asset(client_id=home.id, project_id=project.id).id,
        requester=f"contact:{contact.id}",
        assignee_id=agent.user.id,
    )
    with statements() as seen:
        assert "Rosa Blanco" in page(agent)
    assert len(seen) <= 8


def test_no_more_drafts_than_somebody_can_have_in_mind(agent: CheckedClient, owner: Any) -> None:
    for number in range(drafts.MOST + 2):
        keep(agent, key=f"{number:032x}", subject=f"No. {number}")
    kept = owner.execute("SELECT fields->>'subject' AS s FROM ticket_drafts").fetchall()
    assert {row["s"] for row in kept} == {f"No. {n}" for n in range(2, drafts.MOST + 2)}
