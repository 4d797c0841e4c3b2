"""The register: what it finds, in which order, for whom, and what leaves it as a file."""

import io
import re
from datetime import date, datetime, timedelta

import pytest
from openpyxl import load_workbook

from tests import factories
from webapp.assets.models import Asset, Custody, Status
from webapp.core.db import db

TAG = re.compile(r'href="/assets/([^"/?]+)(?:\?[^"]*)?">\1</a>')


def tags(answer):
    assert answer.status_code == 200, answer.text
    return TAG.findall(answer.text)


def hand_out(asset, due_on=None, **holder):
    with factories.work():
        asset = db.session.get_one(Asset, asset.id)
        asset.status = Status.IN_USE
        db.session.add(
            Custody(client_id=asset.client_id, asset_id=asset.id, due_on=due_on, **holder)
        )


@pytest.fixture
def shelf():
    """A location with another inside, a client in each, a project, and four assets."""
    north = factories.make_location("North")
    harbour = factories.make_location("Harbour", parent_id=north.id)
    acme = factories.make_client("Acme", location_id=north.id)
    brink = factories.make_client("Brink", location_id=harbour.id)
    pier = factories.make_project("Pier", client_id=brink.id)
    laptop = factories.make_type("Laptop", {"key": "memory", "kind": "number", "unit": "GB"})
    made = {
        "A-1": {"name": "Zeta", "client_id": acme.id, "serial": "SN-9", "model": "ThinkPad T14"},
        "A-2": {"name": "Yard", "client_id": acme.id, "warranty_until": date(2027, 1, 1)},
        "B-1": {"name": "Xeno", "client_id": brink.id, "status": Status.LOST},
        "B-2": {"name": "Wave", "client_id": brink.id, "project_id": pier.id, "serial": "AA"},
    }
    for tag, values in made.items():
        made[tag] = factories.make_asset(tag=tag, type_id=laptop.id, **values)
    return {
        "north": north,
        "harbour": harbour,
        "acme": acme,
        "brink": brink,
        "pier": pier,
        "laptop": laptop,
        **made,
    }


def test_filters_narrow_the_list(sign_in, shelf):
    client = sign_in("assets")
    everything = ["A-1", "A-2", "B-1", "B-2"]
    person = factories.make_user(name="Hanna Holder")
    hand_out(shelf["A-1"], holder_user_id=person.id)
    hand_out(shelf["B-2"], holder_location_id=shelf["north"].id)
    with factories.work():
        late = db.session.query(Custody).filter_by(asset_id=shelf["A-1"].id).one()
        late.due_on = date.today() - timedelta(days=1)  # noqa: DTZ011 - the database is in UTC
    expected = {
        "": everything,
        "?q=think": ["A-1"],
        "?q=sn-9": ["A-1"],
        "?q=nothing-like-it": [],
        "?q=%27": [],
        f"?type={shelf['laptop'].id}": everything,
        "?status=lost": ["B-1"],
        "?status=lost&status=in_use": ["A-1", "B-1", "B-2"],
        f"?place=location:{shelf['north'].id}": everything,
        f"?place=location:{shelf['harbour'].id}": ["B-1", "B-2"],
        f"?place=client:{shelf['acme'].id}": ["A-1", "A-2"],
        f"?place=project:{shelf['pier'].id}": ["B-2"],
        f"?holder=user:{person.id}": ["A-1"],
        f"?holder=location:{shelf['north'].id}": ["B-2"],
        "?overdue=1": ["A-1"],
        "?warranty=2027-01-02": ["A-2"],
        "?warranty=2027-01-01": [],
        "?archived=1": [],
        f"?status=in_use&place=client:{shelf['acme'].id}&q=zeta": ["A-1"],
    }
    found = {query: tags(client.get(f"/assets{query}")) for query in expected}
    assert found == expected
    assert "Hanna Holder" in client.get("/assets").text


@pytest.mark.parametrize(
    "query",
    [
        *("type=x", "type=-1", "type=99999999999999999999", "status=gone", "place=planet:1"),
        *("place=client:", "place=client:0", "holder=project:1", "warranty=tomorrow"),
        *("warranty=2027-02-30", "overdue=yes", "archived=2", "cols=password", "sort=cost"),
        *("sort=--tag", "after=x", "limit=-1", "holder=user:1%00"),
    ],
)
def test_what_makes_no_sense_is_refused_not_ignored(sign_in, query):
    client = sign_in("*")
    assert client.get(f"/assets?{query}").status_code == 400
    if not query.startswith(("cols", "sort", "after", "limit")):
        assert client.get(f"/assets/export.csv?{query}").status_code == 400


@pytest.mark.parametrize(
    "sort", ["tag", "name", "serial", "model", "warranty", "purchased", "updated"]
)
def test_pages_lead_there_and_back(sign_in, shelf, sort):
    client = sign_in("assets")
    for way in ("", "-"):
        whole = tags(client.get(f"/assets?sort={way}{sort}"))
        walked, url, seen = [], f"/assets?sort={way}{sort}&limit=1", []
        while url:
            page = client.get(url)
            walked += tags(page)
            seen.append(url)
            found = re.search(r'href="(\?[^"]*after=[^"]*)"', page.text)
            url = "/assets" + found[1].replace("&amp;", "&") if found else None
        assert walked == whole and len(whole) == 4
        back = re.search(r'href="(\?[^"]*before=[^"]*)"', page.text)
        assert tags(client.get("/assets" + back[1].replace("&amp;", "&"))) == whole[2:3]


def test_as_many_statements_for_one_row_as_for_thirty(sign_in, statements):
    home = factories.make_client().id
    kind = factories.make_type().id
    client = sign_in("*")

    def count():
        with statements() as seen:
            assert client.get("/assets?sort=name").status_code == 200
        return len(seen)

    hand_out(factories.make_asset(client_id=home, type_id=kind), holder_user_id=client.user.id)
    one = count()
    for _ in range(29):
        factories.make_asset(client_id=home, type_id=kind)
    assert count() == one <= 10
    with statements() as seen:
        everything = (
            f"q=asset&type={kind}&status=in_use&place=location:1&holder=user:{client.user.id}"
        )
        assert client.get(f"/assets?{everything}&overdue=1&warranty=2030-01-01").status_code == 200
    assert len(seen) <= 10


def test_columns_are_chosen_in_the_address(sign_in, shelf):
    client = sign_in("assets")
    default = client.get("/assets").text
    assert "ThinkPad T14" in default and "SN-9" not in default
    for query in ("cols=tag,serial", "cols=serial", "cols=serial&cols=tag"):
        chosen = client.get(f"/assets?{query}").text
        assert "SN-9" in chosen and "ThinkPad T14" not in chosen
        assert "cols=tag%2Cserial" in chosen  # the sort headers keep them
    part = client.get("/assets?q=zeta", headers={"HX-Request": "true"}).text
    assert "<html" not in part and TAG.findall(part) == ["A-1"]


def test_a_scoped_person_sees_counts_and_exports_only_theirs(sign_in, shelf):
    client = sign_in("assets", "assets.export", client_id=shelf["acme"].id)
    page = client.get("/assets")
    assert tags(page) == ["A-1", "A-2"] and "2 assets" in page.text
    assert tags(client.get("/assets?q=wave")) == []
    assert tags(client.get(f"/assets?place=client:{shelf['brink'].id}")) == []
    out = client.get("/assets/export.csv").text
    assert "A-1" in out and "B-1" not in out
    assert "Brink" not in client.get("/assets/pickers/places").text
    assert "Xeno" not in client.get("/assets/pickers/assets?q=xeno").text
    assert "Zeta" in client.get("/assets/pickers/assets?q=zet").text


def test_an_export_takes_only_what_the_permission_reaches(sign_in, shelf):
    client = sign_in("assets")
    factories.grant(client.user, factories.make_role("assets.export"), client_id=shelf["acme"].id)
    assert len(tags(client.get("/assets"))) == 4
    out = client.get("/assets/export.csv").text
    assert "A-1" in out and "B-1" not in out
    assert sign_in("assets").get("/assets/export.csv").status_code == 403


def test_exports_hold_the_filter_with_attributes_and_leave_a_row_in_the_log(
    sign_in, shelf, audit_rows
):
    factories.make_asset(
        "=cmd|' /C calc'!A0",
        tag="A-9",
        client_id=shelf["acme"].id,
        type_id=shelf["laptop"].id,
        attributes={"memory": -16},
        cost="12.50",
        warranty_until=date(2028, 2, 1),
    )
    client = sign_in("*")
    query = f"type={shelf['laptop'].id}&place=client:{shelf['acme'].id}"
    answer = client.get(f"/assets/export.csv?{query}")
    lines = answer.get_data().decode("utf-8-sig").splitlines()
    assert "attachment" in answer.headers["Content-Disposition"]
    assert lines[0].endswith("Memory (GB)") and len(lines) == 4
    assert lines[3].startswith("A-9,'=cmd|") and lines[3].endswith(",-16")
    row = audit_rows(action="asset.exported", actor_id=client.user.id)[0]
    assert row["category"] == "export" and row["changes"]["rows"] == 3
    assert row["changes"]["filter"]["place"] == f"client:{shelf['acme'].id}"
    assert len(row["changes"]["sha256"]) == 64
    book = load_workbook(io.BytesIO(client.get(f"/assets/export.xlsx?{query}").get_data()))
    cells = [list(values) for values in book.active.iter_rows(values_only=True)]
    assert cells[3][1].startswith("=cmd") and cells[3][-1] == -16
    assert book.active["B4"].data_type != "f"
    assert 12.5 in cells[3] and datetime(2028, 2, 1) in cells[3] and len(cells) == 4  # noqa: DTZ001


def test_pickers_offer_types_and_holders(sign_in, shelf):
    client = sign_in("assets")
    gone = factories.make_user(name="Gone Person")
    hand_out(shelf["A-2"], holder_user_id=gone.id)
    with factories.work():
        db.session.get_one(type(gone), gone.id).is_active = False
    assert client.get("/assets/pickers/types?q=lap").json["options"][0]["label"] == "Laptop"
    offered = client.get("/assets/pickers/holders?q=gone").json["options"]
    assert offered == []
    offered = client.get("/assets/pickers/holders?q=gone&gone=1").json["options"]
    assert [one["value"] for one in offered] == [f"user:{gone.id}"]
    places = client.get("/assets/pickers/holders?q=harb").json["options"]
    assert [one["value"] for one in places] == [f"location:{shelf['harbour'].id}"]
