"""What support staff type is found as it is written, by its parts, and side by side where it was typed so."""

import re
from typing import Any

import pytest

from tests import factories
from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.tickets.models import Message

ROW = re.compile(r'<tr id="t-(\d+)"')
SUBJECT = "SV-1088 is down"
BODY = (
    "No answer from srv01.corp.example.com (10.20.30.40), says <john@acme.com>: see /var/log/app.log, "
    "ORA-12154 and snake_case_name, id 7e3f0a1b-55c2-4e01, caf\u00e9, Stra\u00dfe, cafe\u0301s."
)


@pytest.mark.parametrize(
    ("typed", "query"),
    [
        ("SV-1088", "'SV' <-> '1088':*"),
        ("sv 1088", "'sv':* & '1088':*"),
        ('"printer jam" now', "'printer' <-> 'jam' & 'now':*"),
        ('\u201cprinter jam\u201d "in pro', "'printer' <-> 'jam' & 'in' <-> 'pro':*"),
        ("O'Brien \\ a_b", "'O' <-> 'Brien':* & 'a' <-> 'b':*"),
        ("cafe\u0301", "'cafe\u0301':*"),
        ('--- "!" \u0301', None),
    ],
)
def test_what_was_typed_becomes_words_and_phrases(typed: str, query: str | None) -> None:
    assert prefix_query(typed) == query


def test_no_more_words_than_a_few_are_asked_for() -> None:
    assert (prefix_query("a " * 50) or "").count("'a'") == 8
    assert (prefix_query("a-" * 50) or "").count("'a'") == 16


@pytest.mark.parametrize("scope", [False, True])
def test_identifiers_are_found_as_written_and_by_their_parts(sign_in: Any, scope: bool) -> None:
    ticket = factories.make_ticket(SUBJECT, body=BODY, tags=["vpn-7"])
    with factories.work():  # later words are added to those that there are
        said = {"client_id": ticket.client_id, "ticket_id": ticket.id}
        db.session.add(Message(**said, body="Error 0x80070005 on FE-1076; is the paper jam gone?"))
    factories.make_ticket(
        "Serve 10 of 1088x", body="sv, ora, or 12154, down is", client_id=ticket.client_id
    )
    place = {"client_id": ticket.client_id} if scope else {}
    reader = sign_in("tickets", **place)

    def finds(typed: str) -> bool:
        page = reader.get("/tickets", query_string={"q": typed})
        return ROW.findall(page.text) == [str(ticket.id)]

    for typed in (
        *("SV-1088", "sv-10", "#SV-1088", '"is down"', '"sv 1088 is"', '"1088 is down'),
        *("srv01.corp.example.com", "srv01.corp", "corp.example", "corp", "example.com"),
        *("10.20.30.40", "20.30", "10.20.30", "john@acme.com", "acme", "john@", "@acme.com"),
        *("/var/log/app.log", "app.log", "log/app", "ORA-12154", "ORA-12154,", "snake_case"),
        *("7e3f0a1b-55c2-4e01", "7e3f0a1b", "7e3f", "55c2-4e", "caf\u00e9", "stra\u00dfe"),
        *("cafe\u0301s", "cafe\u0301", "FE-1076", "0x80070005", '"paper jam"', "vpn-7", "vpn"),
        str(ticket.number),
    ):
        assert finds(typed), typed
    for typed in (
        *("1088-sv", "sv-down", '"SV-108"', '"down is"', "10.30", "corp.com"),
        *("12154-ORA", '"paper gone"', "log.app.var", "cafe.stra", "---"),
    ):
        assert not finds(typed), typed
    assert reader.get("/tickets?q=sv+1088").text.count('<tr id="t-') == 2
    for tag, found in (("vpn-7", True), ("vpn", False)):
        rows = ROW.findall(reader.get(f"/tickets?tag={tag}").text)
        assert (str(ticket.id) in rows) is found, tag


def test_a_whole_number_wins_and_stands_first(sign_in: Any) -> None:
    closed = factories.make_ticket("Long gone", status="closed")
    client, number = closed.client_id, closed.number
    other = factories.make_ticket(f"As in {number}", client_id=client)
    factories.make_ticket(f"Closed, as {number}", client_id=client, status="closed")
    agent = sign_in("tickets", client_id=client)

    def found(query: str) -> list[str]:
        return ROW.findall(agent.get(f"/tickets?{query}").text)

    first, second = str(closed.id), str(other.id)
    for typed in (f"{number}", f"%23{number}", f"+{number}+"):
        assert found(f"q={typed}") == [first, second], typed
    for more in ("&sort=-number", "&sort=number", "&limit=1&sort=-updated"):
        assert found(f"q={number}{more}")[0] == first, more
    # Filters narrow the others, the number is meant.
    assert found(f"q={number}&view=mine") == found(f"q={number}&status=pending") == [first]
    assert found(f"q=%22{number}%22") == [second]
    elsewhere = sign_in("tickets", client_id=factories.make_client().id)
    assert not ROW.findall(elsewhere.get(f"/tickets?q={number}").text)


def test_assets_and_people_are_found_alike(sign_in: Any) -> None:
    kind = factories.make_type(None, {"key": "host", "kind": "text"})
    factories.make_asset(
        "Rack_4/left", tag="AP-1043", type_id=kind.id, attributes={"host": "db-02.corp.example.com"}
    )
    factories.make_asset("AP of 1043")
    factories.make_user(name="Anne-Marie O'Neil", email="a.oneil+it@acme-corp.example")
    reader = sign_in("*")
    for typed in ("AP-1043", "ap-10", "rack_4", "4/left", "db-02", "corp.example", "02.corp"):
        page = reader.get("/assets", query_string={"q": typed}).text
        assert "AP-1043" in page, typed
        assert "AP of 1043" not in page, typed
    for typed in (
        "O'Neil",
        "anne-marie",
        "acme-corp.example",
        "a.oneil+it@acme",
        "corp",
        "it@acme",
    ):
        assert "Anne-Marie" in reader.get("/users", query_string={"q": typed}).text, typed
