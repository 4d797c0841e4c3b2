"""What a search of the log may tell, and what it does with what makes no sense."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests import factories
from webapp.core import trail
from webapp.core.db import db
from webapp.oversight import masking
from webapp.oversight.undoing.effects import effect_of


def _rows(reader: Any, query: str) -> str:
    page: str = reader.get(f"/audit?{query}").text
    return page.partition("<tbody")[2].partition("</tbody>")[0]


def _marks(page: str) -> str:
    return page.partition('class="chip-links"')[2].partition("</ul>")[0]


def test_a_covered_text_is_not_found_by_its_label(sign_in: Any) -> None:
    with factories.work():
        trail.note("ticket.replied", object_type="ticket_message", object_label="Hello Priya")
        trail.note("ticket.tried", object_type="ticket", object_label="Hello Priya ticket")
    blind, seeing = sign_in("audit"), sign_in("audit", "tickets")
    for layout in ("", "&group=1"):
        assert "data-event=" not in _rows(
            blind, f"object_type=ticket_message&record=Hello Priya{layout}"
        )
        assert "data-event=" in _rows(
            seeing, f"object_type=ticket_message&record=Hello Priya{layout}"
        )
    assert _rows(blind, "record=Hello Priya").count("data-event=") == 1
    assert {"ticket_message"} == masking.SAYS_IT_ALL


def test_who_is_out_of_sight_is_a_number(sign_in: Any) -> None:
    client = factories.make_client("Here Ltd")
    near, far = factories.make_user(name="Nelly Near"), factories.make_user(name="Frank Far")
    with factories.work():
        trail.note("client.seen", actor_id=near.id, actor_name="Nelly Near", client_id=client.id)
    reader = sign_in("audit", "audit.export", client_id=client.id)
    assert "Nelly Near" in _marks(reader.get(f"/audit?actor={near.id}").text)
    for query in (f"actor={far.id}", f"object_type=user&object_id={far.id}"):
        for page in (
            reader.get(f"/audit?{query}").text,
            reader.get("/audit/exports", query_string={"query": query}).text,
        ):
            assert f"#{far.id}" in page
            assert "Frank Far" not in page
    assert "Frank Far" in _marks(sign_in("audit").get(f"/audit?actor={far.id}").text)


def test_how_much_there_is_is_told_to_nobody_unrecorded(sign_in: Any, audit_rows: Any) -> None:
    reader = sign_in("audit", "audit.export")
    page = reader.get("/audit/exports", query_string={"query": "q=zebra"}).text
    assert "Entries" in page
    assert audit_rows(actor_id=reader.user.id, action="audit.read")[-1]["changes"] == {"q": "zebra"}
    refused = reader.post("/audit/exports", data={"query": "q=zebra", "format": "nonsense"})
    assert refused.status_code == 422
    assert "<dt>Entries</dt>" not in refused.text


@pytest.mark.parametrize(
    "query",
    [
        "period=bogus",
        "ip=fe80::1%25eth0",
        f"object_type=ticket&object_id={'9' * 400}",
        f"client={'9' * 100}",
        "since=2026-05-02T00:00&until=2026-05-01T00:00",
        "field=%27&was=x",
    ],
)
def test_what_makes_no_sense_is_refused(sign_in: Any, query: str) -> None:
    reply = sign_in("audit").get(f"/audit?{query}")
    assert reply.status_code == 422
    assert "These filters do not work." in reply.text


def test_signs_are_no_words(sign_in: Any) -> None:
    reader = sign_in("audit", "audit.export")
    for query in ("q=%27;--", "record=%27;--", "q=%27;--&field=status", "group=1&q=--"):
        assert "data-event=" not in _rows(reader, query), query
    exports = reader.get("/audit/exports", query_string={"query": "q=%27;--"}).text
    assert "<dd>0</dd>" in "".join(exports.split())


def test_values_and_names_are_found_by_how_they_begin(sign_in: Any) -> None:
    new = factories.make_location("Model Street")
    client = factories.make_client("Movers Ltd")
    with factories.work():
        found = db.session.get_one(type(client), client.id)
        found.location_id, found.notes = new.id, "Modelled on others"
    reader = sign_in("*")
    for query in ("field=location_id&became=model", "field=notes&became=model*"):
        assert "Movers Ltd" in _rows(reader, f"object_type=client&{query}"), query
    assert "Movers Ltd" not in _rows(reader, "field=notes&became=model")


@pytest.mark.parametrize("bad", ["abc", {"a": 1}, [1], True, 2**70])
def test_what_no_key_can_be_is_not_undone(bad: Any) -> None:
    row = SimpleNamespace(action="role.assigned", outcome="ok", category="access", object_id=1)
    row.object_type, row.changes = "user", {"user_id": [None, 1], "role_id": [None, bad]}
    assert effect_of(row) is None
    row.action, row.object_type = "team.on_duty", "team"
    row.changes = {"user_id": [None, 1], "starts_at": [None, bad]}
    assert effect_of(row) is None
