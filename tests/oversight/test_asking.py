"""What a search of the log may tell, and what it does with what makes no sense."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import factories
from webapp.core import trail
from webapp.core.db import Audited, Model, db
from webapp.core.object_types import TYPES
from webapp.oversight import masking
from webapp.oversight.forms import UNRECORDED
from webapp.oversight.undoing.effects import effect_of

SignIn = Callable[..., Any]


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
        "client_id=3",
        "actor=user:1",
        "request=nope",
        "zone=Mars/Olympus",
        "since=yesterday",
    ],
)
def test_what_makes_no_sense_is_refused(sign_in: Any, query: str) -> None:
    reply = sign_in("audit").get(f"/audit?{query}")
    assert reply.status_code == 422
    assert "These filters do not work." in reply.text


def test_what_is_no_filter_says_so_with_the_form(sign_in: SignIn) -> None:
    page = sign_in("audit").get("/audit?client_id=3&request=nope").text
    assert "There is no filter “client_id”. Is it “client”?" in page
    assert 'id="filter-request-error"' in page
    assert "data-event=" not in page
    assert "Nobody is called “zzz”." in sign_in("audit").get("/audit?actor=zzz").text


def test_the_clock_of_a_range_is_chosen_and_the_other_one_told(sign_in: SignIn) -> None:
    then = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)
    with factories.work():
        trail.note("test.clocks", category="import", occurred_at=then)
    reader = sign_in("audit")
    days = "action=test.clocks&since=2020-03-01T00:00&until=2020-03-05T00:00"
    page = reader.get(f"/audit?{days}").text
    assert "something that happened in it was brought in later" in page
    assert f"{days.partition('&')[0]}&amp;" in page and "clock=happened" in page
    for asked in ("clock=happened", "sort=-occurred_at", "sort=recorded_at&clock=happened"):
        assert "data-event=" in _rows(reader, f"{days}&{asked}"), asked
    for layout in ("", "&group=1"):
        assert "data-event=" not in _rows(
            reader, f"{days}&sort=-occurred_at&clock=recorded{layout}"
        )
    assert "was brought in later" not in reader.get("/audit?action=test.none&period=today").text


def test_a_range_keeps_its_zone(sign_in: SignIn) -> None:
    then = datetime(2020, 3, 4, 5, 6, 7, tzinfo=UTC)
    with factories.work():
        trail.note("test.zones", category="import", occurred_at=then)
    reader = sign_in("audit")

    def is_found(ends: str) -> bool:
        return "data-event=" in _rows(reader, f"action=test.zones&clock=happened&{ends}")

    assert is_found("since=2020-03-04T06:06:07%2B01:00&until=2020-03-04T06:06:08+01:00")
    assert not is_found("since=2020-03-04T06:06:08%2B01:00")
    assert is_found("since=2020-03-04T14:06:07&until=2020-03-04T14:06:08&zone=Asia/Tokyo")
    assert not is_found("since=2020-03-04T14:06:07&until=2020-03-04T14:06:08&zone=UTC")
    page = reader.get("/audit?since=2020-03-04T14:06:07&group=1").text
    assert "zone=UTC" in page.partition('id="events"')[2]
    assert "zone=" not in reader.get("/audit?period=today").text.partition('id="events"')[2]


def test_kinds_that_the_log_has_are_offered(sign_in: SignIn) -> None:
    """Each is the type of some table, or said by a note."""
    noted = {
        kind
        for path in Path("webapp").rglob("*.py")
        for kind in re.findall(r'object_type="(\w+)"', path.read_text())
    }
    models = {mapper.class_ for mapper in Model.registry.mappers}
    tables = {one.audit_type for one in models if issubclass(one, Audited)} - {"user_role"}
    assert set(TYPES) - UNRECORDED <= noted | tables
    assert not UNRECORDED & (noted | tables)
    page = sign_in("audit").get("/audit").text
    assert '<option value="user_role">' not in page and '<option value="role">' in page


def test_what_acts_alone_is_found_by_its_words(sign_in: SignIn) -> None:
    reader = sign_in("audit")
    for typed, name in (
        ("seal", "audit.seal"),
        ("command", "import-log"),
        ("worker", "jobs.purge"),
    ):
        found = reader.get(f"/audit/pickers/actors?q={typed}").json["options"]
        assert f"system:{name}" in [one["value"] for one in found], typed
    assert "Europe/Madrid" in str(reader.get("/audit/pickers/zones?q=madrid").json)


def test_a_session_says_whose_it_is_to_who_may_know(sign_in: SignIn, audit_rows: Any) -> None:
    ana, reader, blind = sign_in("*", name="Ana Anders"), sign_in("*"), sign_in("audit")
    ana.get("/audit?q=whose")
    row = audit_rows(actor_id=ana.user.id, action="audit.read")[-1]
    for page in (f"/audit?via={row['via']}", f"/audit/{row['id']}"):
        shown = reader.get(page).text
        assert "still works" in shown and f"/users/{ana.user.id}/sessions" in shown
        assert "still works" not in blind.get(page).text


def test_a_request_is_told_by_what_says_most(sign_in: SignIn) -> None:
    reader = sign_in("audit")
    with factories.work():
        trail.note("test.asked", category="system", object_label="Least")
        trail.note("ticket.updated", object_type="ticket", object_label="Middle")
        trail.note("role.copied", category="access", object_type="role", object_label="Most")
    rows = _rows(reader, "group=1&limit=1")
    assert "Most" in rows and "Ticket: changed, Test: asked" in rows
    inside = rows.partition('data-group="')[2].partition('"')[0].replace("&amp;", "&")
    shown = reader.get(inside).text
    assert "Least" in shown and "Middle" in shown and "Most" not in shown


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
