"""Searching the log: each way in finds what it names, and nothing else."""

import re
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests import factories
from webapp.audit.queries import search_words
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.organisation.models import Client, Location
from webapp.oversight import asking, tailing

SignIn = Callable[..., Any]
NOW = tailing.datetime.now(tailing.UTC)


def _noted(reader: Any, query: str) -> str:
    """The rows of a search, as text."""
    page: str = reader.get(f"/audit?{query}").text
    return page.partition("<tbody")[2].partition("</tbody>")[0]


def _count(rows: str) -> int:
    return rows.count("data-event=")


def test_who_and_from_where(sign_in: SignIn, audit_rows: Any) -> None:
    ana, bea = sign_in("*", name="Ana Anders"), sign_in("*", name="Bea Berg")
    for one, address in ((ana, "198.51.100.7"), (bea, "203.0.113.9")):
        one.get("/audit?q=somewhere", environ_base={"REMOTE_ADDR": address})
    reader = sign_in("audit")
    with factories.work("system:sweeper"):
        trail.note("system.purged", category="system")
    both = _noted(reader, f"actor={ana.user.id}&actor={bea.user.id}&action=audit.read")
    assert "Ana Anders" in both
    assert "Bea Berg" in both
    assert "Ana Anders" not in _noted(reader, "actor=bea")
    mixed = _noted(reader, f"actor=system:sweeper&actor={ana.user.id}")
    assert "sweeper" in mixed
    assert "Ana Anders" in mixed
    assert "sweeper" in _noted(reader, "actor=system:")
    assert _count(_noted(reader, "actor=nobody.of.this.name")) == 0
    assert "Ana Anders" in _noted(reader, "ip=198.51.100.7")
    network = _noted(reader, "ip=198.51.100.0/24&category=read")
    assert "Ana Anders" in network
    assert "Bea Berg" not in network
    assert reader.get("/audit?ip=nowhere").status_code == 422
    (row,) = audit_rows(actor_id=ana.user.id, action="audit.read")
    assert "Ana Anders" in _noted(reader, f"via={row['via']}")
    assert "Ana Anders" in _noted(reader, f"request={row['request_id']}")
    assert "Bea Berg" not in _noted(reader, f"actor={row['via']}")


def test_words_are_found_however_they_are_written(sign_in: SignIn) -> None:
    for name in (
        *("Tag PH-0042", "mail ana.ruiz@example.net", "Ünïcode Straße", "O'Brien \\ Sons"),
        *("Room SER-NEW-1", "Serial of a newer 10th", "New Sera 1", "Room SER-NEW-12"),
    ):
        factories.make_location(name)
    reader = sign_in("*")
    for typed, name in (
        ("PH-0042", "PH-0042"),
        ("ph-00", "PH-0042"),
        ("ana.ruiz", "ana.ruiz"),
        ("ana.ruiz@example.net", "ana.ruiz"),
        ("straße", "Straße"),
        ("O'Brien \\", "Brien"),
        ("0042", "PH-0042"),
        ("SER-NEW-12", "SER-NEW-12"),
        ('"SER-NEW-1"', "SER-NEW-1"),
        ('"room ser-new-1"', "SER-NEW-1"),
        ('"sera 1', "Sera 1"),
    ):
        rows = _noted(reader, f"action=location.created&q={typed}")
        assert name in rows, typed
        assert _count(rows) == 1, typed
    assert _count(_noted(reader, "action=location.created&q=ser-new-1")) == 2
    assert _count(_noted(reader, 'action=location.created&q="1 room"')) == 0
    assert _count(_noted(reader, "action=location.created&q=zzz")) == 0
    assert search_words.words_query("--- !") is None


def test_a_change_is_found_by_field_and_values(sign_in: SignIn, app: Any) -> None:
    old, new = factories.make_location("Old Hall"), factories.make_location("New Hall")
    client = factories.make_client("Movers Ltd", location_id=old.id)
    with factories.work():
        db.session.get_one(Client, client.id).location_id = new.id
    with factories.work():
        db.session.get_one(Location, new.id).name = "Newer Hall"
    reader = sign_in("*")
    for query in ("was=old hall", "became=Newer Hall", "was=Old Hall&became=newer hall", ""):
        found = _noted(
            reader, f"object_type=client&action=client.updated&field=location_id&{query}"
        )
        assert "Movers Ltd" in found, query
    assert _count(_noted(reader, "field=location_id&became=nowhere at all")) == 0
    assert "Newer Hall" in _noted(reader, "field=name&was=new*&became=newer hall")
    assert reader.get("/audit?was=open").status_code == 422
    with app.test_request_context(), pytest.raises(DomainError):
        asking.filter_of("period=never", timezone="UTC", now=NOW)


def test_a_record_is_found_by_number_and_by_name(sign_in: SignIn) -> None:
    ticket = factories.make_ticket(subject="Printer on fire")
    asset = factories.make_asset(tag="FIRE-1")
    reader = sign_in("*")
    assert "Printer on fire" in _noted(reader, f"record=%23{ticket.number}")
    assert "FIRE-1" in _noted(reader, "object_type=asset&record=fire-1")
    assert "FIRE-1" in _noted(reader, f"object_type=asset&record={asset.id}")
    assert "Printer" not in _noted(reader, "object_type=asset&record=fire")
    assert _count(_noted(reader, "record=%23999999")) == 0
    mine = _noted(reader, f"client={ticket.client_id}&object_type=ticket")
    assert "Printer on fire" in mine
    assert "FIRE-1" not in mine


def test_filters_show_as_marks_that_can_be_taken_away(sign_in: SignIn) -> None:
    reader = sign_in("*", name="Rita Reader")
    page = reader.get(f"/audit?actor={reader.user.id}&actor=system:&field=status&was=open").text
    marks = page.partition('class="chip-links"')[2].partition("</ul>")[0]
    assert "Rita Reader" in marks
    assert "status: open →" in marks
    assert f'href="/audit?actor={reader.user.id}&amp;field=status&amp;was=open"' in marks
    assert f'href="/audit?actor={reader.user.id}&amp;actor=system:"' in marks


def test_one_line_for_each_request(sign_in: SignIn, statements: Any) -> None:
    with factories.work():
        for number in range(120):
            db.session.add(Location(name=f"Bulk {number}"))
    for number in range(3):
        factories.make_location(f"Alone {number}")
    reader = sign_in("*")
    base = "action=location.created&group=1&limit=2"
    with statements() as seen:
        page = reader.get(f"/audit?{base}").text
    assert len(seen) <= 8
    assert "Alone 2" in page
    assert "Alone 1" in page
    assert "Alone 0" not in page
    second = reader.get("/audit" + _link(page, "after")).text
    assert "Alone 0" in second
    assert "119 more entries" in second
    assert "Alone 1" in reader.get("/audit" + _link(second, "before")).text
    inside = re.search(r'data-group="([^"]+)"', second)
    assert inside
    rows = reader.get(inside[1].replace("&amp;", "&")).text
    assert _count(rows) == 100
    assert "Only the first 100" in rows
    words = _noted(reader, "q=bulk&group=1&action=location.created")
    assert _count(words) == 1
    assert "119 more entries" in words


def test_a_scope_of_several_clients(sign_in: SignIn) -> None:
    place = factories.make_location("Two of three")
    mine = [factories.make_client(f"Mine {n}", location_id=place.id) for n in range(2)]
    factories.make_client("Other Ltd")
    reader = sign_in("audit", "organisation", location_id=place.id)
    for layout in ("", "&group=1"):
        rows = _noted(reader, f"action=client.created{layout}")
        assert _count(rows) == 2
        assert "Other Ltd" not in rows
    first = reader.get("/audit?action=client.created&limit=1").text
    assert "Mine 1" in first
    assert "Mine 0" in reader.get("/audit" + _link(first, "after")).text
    assert _count(_noted(reader, f"client={mine[0].id}&q=mine")) == 1
    assert reader.get("/audit/pickers/actors?q=a").json["options"][0]["value"] == "a"


def test_values_that_are_covered_are_not_found_by(sign_in: SignIn) -> None:
    client = factories.make_client("Known Ltd")
    with factories.work():
        db.session.get_one(Client, client.id).code = "SECRETCODE"
    blind = sign_in("audit")
    assert _count(_noted(blind, "q=secretcode")) == 0
    assert _count(_noted(blind, "field=code&became=secretcode")) == 0
    assert _count(_noted(blind, "q=known+ltd")) == 2
    seeing = sign_in("audit", "organisation")
    assert _count(_noted(seeing, "q=secretcode&category=change")) == 1


def test_what_is_new_comes_whenever_it_was_begun(
    sign_in: SignIn, audit_rows: Any, owner: psycopg.Connection[Any], settings: Any
) -> None:
    factories.make_location("Before")
    reader = sign_in("audit")
    with psycopg.connect(owner.info.dsn, autocommit=False) as late:
        late.execute(
            "INSERT INTO audit_event (action, category, object_label) VALUES ('tail.late', 'system', 'Late one')"
        )
        page = reader.get("/audit").text
        tail = re.search(r'data-cursor="([^"]+)"', page)
        assert tail
        cursor = tail[1]
        factories.make_location("Meanwhile")
        news = reader.get(f"/audit/tail?cursor={cursor}")
        assert "Meanwhile" in news.text
        assert "Late one" not in news.text
        late.commit()
    news = reader.get(f"/audit/tail?cursor={news.headers['X-Tail-Cursor']}")
    assert "Late one" in news.text
    assert "Meanwhile" not in news.text
    cursor = news.headers["X-Tail-Cursor"]
    quiet = reader.get(f"/audit/tail?cursor={cursor}")
    assert (quiet.status_code, quiet.data) == (204, b"")
    assert reader.get(f"/audit/tail?q=other&cursor={cursor}").status_code == 400
    assert sign_in("audit").get(f"/audit/tail?cursor={cursor}").status_code == 400
    assert len(audit_rows(actor_id=reader.user.id, action="audit.read")) == 1


def test_a_long_look_is_recorded_again(
    sign_in: SignIn, audit_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = sign_in("audit")
    page = reader.get("/audit?group=1").text
    cursor = re.search(r'data-cursor="([^"]+)"', page)
    assert cursor
    factories.make_location("New here")
    monkeypatch.setattr(tailing, "TOLD_EACH", tailing.timedelta(0))
    news = reader.get(f"/audit/tail?group=1&cursor={cursor[1]}")
    assert "New here" in news.text
    told = audit_rows(actor_id=reader.user.id, action="audit.read")
    assert [row["changes"] for row in told] == [{}, {"live": True}]


def _link(page: str, cursor: str) -> str:
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    return next(link for link in links if f"{cursor}=" in link).replace("&amp;", "&")


def test_filters_in_words(app: Any) -> None:
    factories.make_user(name="Wanda Words")
    with app.test_request_context():
        words = asking.words_of(
            "?actor=wanda&action=ticket.updated&period=7&field=status&became=open"
        )
    assert words == [
        ("Who", "“wanda”"),
        ("Action", "Ticket: changed"),
        ("When", "Last 7 days"),
        ("Changed", "status: … → open"),
    ]
