"""Things can be at a place that not everybody who sees the thing sees; its name stays there."""

import pytest

from tests import factories
from webapp.assets.models import Asset
from webapp.assets.schemas import CheckIn, CheckOut
from webapp.assets.services import custody
from webapp.core.db import db

HIDDEN = "Vault of Lisbon"
WORDS = "a place that you cannot see"
RIGHTS = ("assets", "assets.edit", "assets.custody", "assets.export", "organisation")
PAGES = (
    "/assets/AWAY",
    "/assets/AWAY?tab=custody",
    "/assets/AWAY/history",
    "/assets/AWAY/files",
    "/assets/AWAY/check-out",
    "/assets/AWAY/check-in",
    "/assets/AWAY/transfer",
    "/assets/AWAY/extend",
    "/assets/overdue?show=soon",
    "/assets",
    "/assets/export.csv",
)


@pytest.fixture
def away(app):
    """Assets of a client; two were handed to a place elsewhere, of which one came back."""
    madrid, lisbon = factories.make_location("Madrid"), factories.make_location(HIDDEN)
    room = factories.make_location("Room 5", parent_id=madrid.id)
    acme = factories.make_client("Acme", location_id=room.id)
    away = factories.make_asset("Away", tag="AWAY", client_id=acme.id)
    back = factories.make_asset("Back", tag="BACK", client_id=acme.id, type_id=away.type_id)
    near = factories.make_asset("Near", tag="NEAR", client_id=acme.id, type_id=away.type_id)
    due = custody.queries.today_of(None)
    with factories.work():
        rows = [db.session.get_one(Asset, one.id) for one in (away, back, near)]
        for row, place in zip(rows, (lisbon, lisbon, room), strict=True):
            custody.check_out(None, row, CheckOut(holder=f"location:{place.id}", due_on=due))
        custody.check_in(None, rows[1], CheckIn(status="in_stock", condition="good"))
    return acme


def test_who_does_not_see_the_place_is_not_told_its_name(away, sign_in):
    mine = sign_in(*RIGHTS, client_id=away.id)
    for url in PAGES:
        reply = mine.get(url)
        assert reply.status_code == 200 and HIDDEN not in reply.text, url
        assert WORDS in reply.text or "/files" in url, url
    for url in ("/assets/BACK?tab=custody", "/assets/BACK/history"):
        reply = mine.get(url)
        assert HIDDEN not in reply.text and WORDS in reply.text, url
    assert "Room 5" in mine.get("/assets/NEAR").text
    assert "Room 5" in mine.get("/assets/NEAR/history").text


def test_nor_by_refusals_and_scans(away, sign_in, audit_rows):
    mine = sign_in(*RIGHTS, client_id=away.id)
    holder = f"user:{mine.user.id}"
    refused = mine.post("/assets/AWAY/check-out", data={"holder": holder})
    assert refused.status_code == 422 and HIDDEN not in refused.text and WORDS in refused.text
    for way in ("in", "out"):
        looked = mine.post(f"/assets/scan/rows?way={way}", data={"scanned": "AWAY"})
        assert HIDDEN not in looked.text and WORDS in looked.text
    done = mine.post("/assets/AWAY/transfer", data={"holder": holder})
    assert done.status_code == 303
    assert HIDDEN not in mine.get("/assets/AWAY/history").text
    told = audit_rows(action="asset.transferred")[-1]
    assert told["changes"]["holder"] == [HIDDEN, mine.user.name]  # the log itself keeps it


def test_who_sees_everything_reads_the_name(away, sign_in, statements):
    boss = sign_in("*")
    for url in PAGES:
        with statements() as seen:
            text = boss.get(url).text
        assert WORDS not in text and len(seen) <= 10, url
    assert HIDDEN in boss.get("/assets/AWAY").text
    assert HIDDEN in boss.get("/assets/BACK/history").text
