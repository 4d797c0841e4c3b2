"""Two clients' assets with one tag: an address that does not say whose is meant asks, and changes nothing."""

import io
import re

import pytest

from tests import factories
from tests.attachments import samples
from webapp.assets.queries.record import BY_ID

HREFS = re.compile(r'(?:href|action|src|hx-get|hx-post)="(/assets/DUP[^"]*)"')
DAY = "2030-01-01"


@pytest.fixture
def boss(sign_in):
    return sign_in("*", name="Boss")


@pytest.fixture
def twins():
    """Two assets with the tag DUP, of the clients AA and BB."""
    kind = factories.make_type("Laptop")
    aa, bb = (factories.make_client(f"Client {code}", code=code) for code in ("AA", "BB"))
    one = factories.make_asset("First", tag="DUP", client_id=aa.id, type_id=kind.id)
    two = factories.make_asset("Second", tag="DUP", client_id=bb.id, type_id=kind.id)
    return one, two


@pytest.fixture
def rows(owner):
    """All that a change could have changed."""

    def read():
        tables = ("assets", "asset_custody", "attachments")
        return [owner.execute(f"SELECT * FROM {table} ORDER BY id").fetchall() for table in tables]  # noqa: S608

    return read


def addresses(app, method):
    """Every address below a tag."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/assets/<tag>") and method in rule.methods:
            yield rule.rule.replace("<tag>", "DUP").replace("<id:attachment_id>", "1")


def test_each_page_of_the_tag_asks_which_and_leads_to_its_like(app, boss, twins):
    for address in addresses(app, "GET"):
        reply = boss.get(f"{address}?tab=custody")
        assert reply.status_code == 300, address
        assert "Which DUP do you mean?" in reply.text
        for code in ("AA", "BB"):
            assert f'href="{address}?tab=custody&amp;client={code}"' in reply.text, address


def test_each_change_of_the_tag_is_refused(app, boss, twins, rows):
    before = rows()
    for address in addresses(app, "POST"):
        reply = boss.post(address, data={"status": "retired", "name": "x", "target": "client:1"})
        assert reply.status_code == 409, address
        assert "nothing was changed" in reply.text, address
    assert rows() == before


def test_who_reads_json_gets_the_candidates(boss, twins):
    json = {"Accept": "application/json"}
    asked = boss.get("/assets/dup", headers=json)
    assert asked.status_code == 300 and asked.json["error"]["code"] == "ambiguous"
    assert [one["url"] for one in asked.json["candidates"]] == [
        "/assets/dup?client=AA",
        "/assets/dup?client=BB",
    ]
    refused = boss.post("/assets/DUP/archive", headers=json)
    assert refused.status_code == 409 and refused.json["error"]["code"] == "ambiguous"
    part = boss.get("/assets/DUP/files", headers={"HX-Request": "true"})
    assert part.status_code == 204 and part.headers["HX-Redirect"] == "/assets/DUP/files"


@pytest.mark.parametrize(
    "path", ["", "/edit", "/files", "/history", "/inside", "/move", "/check-out", "?tab=custody"]
)
def test_the_pages_of_one_go_on_to_mean_it(boss, twins, path, statements):
    url = f"/assets/DUP{path}{'&' if '?' in path else '?'}client=BB"
    two = twins[1]
    factories.make_asset("Inner", client_id=two.client_id, type_id=two.type_id, parent_id=two.id)
    boss.post("/assets/DUP/files?client=BB", data={"files": (io.BytesIO(samples.image()), "a.jpg")})
    with statements() as seen:
        reply = boss.get(url)
    assert reply.status_code == 200 and "Second" in reply.text and "First" not in reply.text
    assert len(seen) <= 10
    links = HREFS.findall(reply.text)
    assert links and all("client=BB" in link for link in links), links


def test_the_whole_job_is_done_to_the_one_that_was_chosen(boss, twins, owner, rows):
    holder = factories.make_user(name="Rosa")
    first = rows()[0][0]
    steps = [
        ("check-out", {"holder": f"user:{holder.id}", "due_on": DAY}),
        ("extend", {"due_on": "2030-02-01"}),
        ("check-in", {"status": "in_stock", "condition": "good"}),
        ("status", {"status": "retired"}),
    ]
    for path, data in [*steps, ("archive", {}), ("restore", {})]:
        reply = boss.post(f"/assets/DUP/{path}?client=bb", data=data)
        assert reply.status_code == 303, (path, reply.text)
        assert "client=bb" in reply.location and "Second" in boss.get(reply.location).text
    assert rows()[0][0] == first
    log = owner.execute(
        "SELECT action FROM audit_event WHERE object_id = %s AND object_type = 'asset'",
        [twins[1].id],
    )
    assert {row["action"] for row in log.fetchall()} >= {"asset.checked_out", "asset.updated"}


def test_after_a_move_the_address_names_the_new_client(boss, twins):
    home = factories.make_client("Client CC", code="CC")
    reply = boss.post(
        "/assets/DUP/move?client=BB", data={"target": f"client:{home.id}", "version": 1}
    )
    assert reply.status_code == 303 and reply.location == "/assets/DUP?client=CC"
    assert "Second" in boss.get(reply.location).text


def test_clients_of_one_code_are_told_apart_by_number(boss, twins):
    other = factories.make_client("Client BB too", code="BB")
    factories.make_asset("Third", tag="DUP", client_id=other.id, type_id=twins[1].type_id)
    asked = boss.get("/assets/DUP?client=BB")
    assert asked.status_code == 300 and "First" not in asked.text
    address = f"/assets/DUP?client={BY_ID}{other.id}"
    assert address in asked.text
    page = boss.get(address).text
    assert "Third" in page and all(BY_ID in link for link in HREFS.findall(page))
    for wrong in ("~", "~x", "~99999999999999999999", "~0"):
        assert boss.get(f"/assets/DUP?client={wrong}").status_code == 404


def test_who_sees_one_client_is_not_asked(sign_in, twins):
    mine = sign_in("assets", client_id=twins[1].client_id)
    page = mine.get("/assets/DUP")
    assert page.status_code == 200 and "Second" in page.text and "First" not in page.text


def test_a_scanned_tag_of_two_is_refused_unless_it_says_whose(boss, twins, rows):
    holder = factories.make_user(name="Rosa")
    before = rows()
    data = {"tags": ["DUP"], "holder": f"user:{holder.id}"}
    assert boss.post("/assets/scan", data=data).status_code == 422
    assert rows() == before
    data["tags"] = ["DUP?client=BB"]
    assert boss.post("/assets/scan", data=data).status_code == 303
    assert [row["asset_id"] for row in rows()[1]] == [twins[1].id]
