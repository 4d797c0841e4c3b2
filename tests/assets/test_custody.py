"""Who has what: one holder at a time, whoever asks at once; told, overdue, and seen by those in scope only."""

import threading
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import psycopg
import pytest

from tests import factories
from tests.conftest import dsn
from webapp.assets.models import Asset, Custody
from webapp.assets.queries import custody as queries
from webapp.assets.schemas import CheckIn, CheckOut
from webapp.assets.services import custody as services
from webapp.audit.sentences import predicate
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.organisation.tree import Reach

KEYS = ("assets", "assets.custody")
DAY = timedelta(days=1)


def today() -> date:
    return datetime.now(UTC).date()


@pytest.fixture
def laptop(app):
    return factories.make_asset("Laptop", tag="A-12")


@pytest.fixture
def luis(app):
    return factories.make_user(name="Luis Prado")


@pytest.fixture
def boss(sign_in):
    return sign_in("*", name="Ana Ruiz")


def hand_out(asset, holder, *, due=None, days_ago=0):
    """Hand out as the system, perhaps in the past."""
    kind = "location" if hasattr(holder, "address") else "user"
    with factories.work():
        row = Custody(
            client_id=asset.client_id,
            asset_id=asset.id,
            taken_at=datetime.now(UTC) - days_ago * DAY,
            due_on=due,
            **{f"holder_{kind}_id": holder.id},
        )
        db.session.get_one(Asset, asset.id).status = "in_use"
        db.session.add(row)
        db.session.flush()
        return row.id


def held(owner, asset):
    return owner.execute(
        "SELECT * FROM asset_custody WHERE asset_id = %s ORDER BY taken_at, id", [asset.id]
    ).fetchall()


def status(owner, asset):
    return owner.execute("SELECT status FROM assets WHERE id = %s", [asset.id]).fetchone()["status"]


def test_the_life_of_a_custody(boss, owner, laptop, luis, audit_rows):
    store = factories.make_location("Store room")
    until = (today() + 10 * DAY).isoformat()
    assert "Luis" not in boss.get("/assets/A-12/check-out").text
    data = {"holder": f"user:{luis.id}", "due_on": until, "note": "New colleague"}
    reply = boss.post("/assets/a-12/check-out", data=data)
    assert reply.status_code == 303 and reply.location.endswith("/assets/A-12")
    assert status(owner, laptop) == "in_use"

    page = boss.get("/assets/A-12/extend").text
    assert "Luis Prado" in page and until in page
    later = (today() + 20 * DAY).isoformat()
    assert boss.post("/assets/A-12/extend", data={"due_on": later}).status_code == 303
    data = {"holder": f"location:{store.id}", "due_on": "", "note": ""}
    assert boss.post("/assets/A-12/transfer", data=data).status_code == 303
    first, second = held(owner, laptop)
    assert first["due_on"].isoformat() == later
    assert first["returned_at"] == second["taken_at"] and first["condition"] is None
    assert (second["holder_location_id"], second["due_on"]) == (store.id, None)

    data = {"condition": "damaged", "status": "in_repair", "note": "Display flickers"}
    assert boss.post("/assets/A-12/check-in", data=data).status_code == 303
    assert status(owner, laptop) == "in_repair"
    assert held(owner, laptop)[1]["return_note"] == "Display flickers"
    with factories.work():
        story = [predicate(SimpleNamespace(**row)) for row in audit_rows("asset", laptop.id)]
    for said in (
        "handed A-12 Laptop to Luis Prado until ",
        "let Luis Prado keep A-12 Laptop until ",
        "passed A-12 Laptop on from Luis Prado to Store room",
        "took A-12 Laptop back from Store room, damaged",
    ):
        assert any(one.startswith(said) for one in story), story
    (row,) = audit_rows("asset", laptop.id, action="asset.checked_out")
    assert row["client_id"] == laptop.client_id and row["changes"]["holder"] == [None, "Luis Prado"]
    record = boss.get("/assets/A-12?tab=custody").text
    assert "Passed on" in record and "Display flickers" in record
    history = boss.get("/assets/A-12/history").text
    assert "passed A-12" in history and "of the custody" not in history


def test_what_is_refused_says_why_and_keeps_what_was_typed(boss, owner, laptop, luis):
    gone = factories.make_user(name="Gone", is_active=False)
    closed = factories.make_location("Closed", deleted_at=datetime.now(UTC))
    fine = {"holder": f"user:{luis.id}", "due_on": "", "note": "Keep me"}
    for change, said in (
        ({"holder": f"user:{gone.id}"}, "active person"),
        ({"holder": f"location:{closed.id}"}, "active person"),
        ({"holder": "user:999999999"}, "active person"),
        ({"holder": "client:1"}, "Choose one of the list"),
        ({"holder": ""}, "Fill this in"),
        ({"due_on": (today() - 2 * DAY).isoformat()}, "This day is over"),
        ({"due_on": "soon"}, "year-month-day"),
    ):
        reply = boss.post("/assets/A-12/check-out", data=fine | change)
        assert reply.status_code == 422 and said in reply.text and "Keep me" in reply.text, change
    assert boss.post("/assets/A-12/check-in", data={"condition": "good"}).status_code == 422
    assert "Nobody has this asset" in boss.get("/assets/A-12/check-in").text
    assert boss.post("/assets/A-12/transfer", data=fine).status_code == 422
    assert held(owner, laptop) == []

    assert boss.post("/assets/A-12/check-out", data=fine).status_code == 303
    again = boss.post("/assets/A-12/check-out", data=fine)
    assert again.status_code == 422 and "Luis Prado has it" in again.text
    same = boss.post("/assets/A-12/transfer", data=fine)
    assert same.status_code == 422 and "has it already" in same.text
    assert len(held(owner, laptop)) == 1


@pytest.mark.parametrize("standing", ["planned", "in_repair", "retired", "lost"])
def test_only_what_is_there_is_handed_out(boss, owner, luis, standing):
    asset = factories.make_asset(tag="B-1", status=standing)
    assert "Only what is in stock" in boss.get("/assets/B-1/check-out").text
    reply = boss.post("/assets/B-1/check-out", data={"holder": f"user:{luis.id}"})
    assert reply.status_code == 422 and "Only what is in stock" in reply.text
    assert held(owner, asset) == [] and status(owner, asset) == standing


def test_of_many_requests_at_once_exactly_one_gets_it(sign_in, owner, laptop):
    people = [factories.make_user() for _ in range(6)]
    clients = [sign_in(*KEYS) for _ in people]
    start, replies = threading.Barrier(len(people)), []

    def ask(client, user):
        start.wait()
        replies.append(client.post("/assets/A-12/check-out", data={"holder": f"user:{user.id}"}))

    threads = [
        threading.Thread(target=ask, args=pair) for pair in zip(clients, people, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(reply.status_code for reply in replies) == [303, 422, 422, 422, 422, 422]
    assert all("has it" in reply.text for reply in replies if reply.status_code == 422)
    assert len(held(owner, laptop)) == 1


def test_a_return_and_the_next_hand_out_do_not_overlap(sign_in, owner, laptop, luis):
    """Whoever waits for the lock began before the return, and still comes after it."""
    hand_out(laptop, luis)
    one, two = sign_in(*KEYS), sign_in(*KEYS)
    replies = {}

    def back():
        replies["back"] = one.post("/assets/A-12/check-in", data={"condition": "good"})

    def out():
        data = {"holder": f"user:{two.user.id}"}
        replies["out"] = two.post("/assets/A-12/check-out", data=data)

    with owner.transaction():
        owner.execute("SELECT FROM assets WHERE id = %s FOR UPDATE", [laptop.id])
        threads = [threading.Thread(target=work) for work in (out, back)]
        for thread in threads:
            thread.start()
            thread.join(0.3)
    for thread in threads:
        thread.join()
    assert replies["back"].status_code in (303, 422) and replies["out"].status_code in (303, 422)
    assert 303 in {reply.status_code for reply in replies.values()}
    assert sum(row["returned_at"] is None for row in held(owner, laptop)) <= 1


def test_the_database_itself_refuses_two_holders(owner, settings, laptop, luis):
    """Without any service: the second waits for the first, and is told that somebody has it."""
    insert = (
        "INSERT INTO asset_custody (client_id, asset_id, holder_user_id) VALUES (%s, %s, %s)",
        [laptop.client_id, laptop.id, luis.id],
    )
    refused = []

    def second():
        with psycopg.connect(dsn(settings.owner_url() or "")) as connection:
            try:
                connection.execute(*insert)
            except psycopg.errors.ExclusionViolation as error:
                refused.append(error.diag.constraint_name)
            connection.rollback()

    with psycopg.connect(dsn(settings.owner_url() or "")) as first:
        first.execute("SET session_replication_role = replica")  # the log is not what this is about
        first.execute(*insert)
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.3)
        assert thread.is_alive() and not refused
        first.commit()
        thread.join()
    assert refused == ["ex_asset_custody_one_at_a_time"]


def test_a_service_that_did_not_wait_is_refused_in_words(work, laptop, luis, monkeypatch):
    """What the lock prevents, the constraint refuses: both end in the same words."""
    hand_out(laptop, luis)
    monkeypatch.setattr(queries, "present", lambda _ids, **_: {})
    with work("test"):
        asset = db.session.get_one(Asset, laptop.id)
        with pytest.raises(DomainError, match="Somebody has this asset already"):
            services.check_out(None, asset, CheckOut(holder=f"user:{luis.id}"))


def test_who_works_for_one_client_touches_only_its_assets(sign_in, owner, laptop, luis):
    own = factories.make_asset("Own", tag="OWN-1")
    hand_out(laptop, luis, due=today() - DAY, days_ago=5)
    client = sign_in(*KEYS, "users", client_id=own.client_id)
    for way, data in (
        ("check-out", {"holder": f"user:{luis.id}"}),
        ("check-in", {"condition": "good"}),
        ("transfer", {"holder": f"user:{client.user.id}"}),
        ("extend", {"due_on": ""}),
    ):
        assert client.get(f"/assets/A-12/{way}").status_code == 404
        assert client.post(f"/assets/A-12/{way}", data=data).status_code == 404
    for url in ("/assets/overdue", f"/assets/held-by/{luis.id}"):
        page = client.get(url)
        assert page.status_code == 200 and "A-12" not in page.text and "Laptop" not in page.text
    there = client.post("/assets/scan/rows", data={"scanned": "A-12"})
    missing = client.post("/assets/scan/rows", data={"scanned": "A-99"})
    assert there.text.replace("A-12", "A-99").count("none that you see") == 1
    assert missing.text.count("none that you see") == 1 and "Luis" not in there.text
    data = {"tags": ["A-12"], "holder": f"user:{client.user.id}"}
    assert client.post("/assets/scan", data=data).status_code == 422
    assert (
        client.post("/assets/OWN-1/check-out", data={"holder": f"user:{luis.id}"}).status_code
        == 303
    )
    assert len(held(owner, laptop)) == 1 and held(owner, laptop)[0]["returned_at"] is None


def test_a_place_out_of_sight_is_like_none(sign_in, laptop):
    far = factories.make_location("Lisbon")
    client = sign_in(*KEYS, client_id=laptop.client_id)
    reply = client.post("/assets/A-12/check-out", data={"holder": f"location:{far.id}"})
    assert reply.status_code == 422 and "Lisbon" not in reply.text


def test_the_permission_counts_where_the_asset_lies(sign_in, laptop, luis):
    user = factories.make_user()
    factories.grant(user, factories.make_role("assets"))
    elsewhere = factories.make_asset(tag="E-1")
    client = sign_in(*KEYS, user=user, client_id=elsewhere.client_id)
    data = {"holder": f"user:{luis.id}"}
    assert client.get("/assets/A-12/check-out").status_code == 403
    assert client.post("/assets/A-12/check-out", data=data).status_code == 403
    rows = client.post("/assets/scan/rows", data={"scanned": "A-12 E-1"}).text
    assert "does not reach this asset" in rows and rows.count("Ready") == 1
    assert sign_in("assets").get("/assets/E-1/check-out").status_code == 403


def test_scanned_tags_become_rows_that_say_what_they_are(boss, laptop, luis):
    factories.make_asset("Drill", tag="D-1")
    factories.make_asset("Broken", tag="X-1", status="in_repair")
    hand_out(laptop, luis)
    typed = "d-1\nX-1; A-12, nothing\nhttps://steward.example/assets/D-1?x=1"
    headers = {"HX-Request": "true"}
    rows = boss.post("/assets/scan/rows", data={"scanned": typed}, headers=headers).text
    assert rows.lstrip().startswith("<tr") and rows.count("<tr") == 4
    assert rows.count("Ready") == 1 and "Luis Prado has it" in rows and "Only what is in" in rows
    back = boss.post("/assets/scan/rows?way=in", data={"scanned": typed}, headers=headers).text
    assert back.count("Ready") == 1 and "Nobody has this asset" in back
    many = "\n".join(f"T-{number}" for number in range(501))
    assert boss.post("/assets/scan/rows", data={"scanned": many}).status_code == 422


def test_what_is_refused_stays_behind_only_after_asking(boss, owner, laptop, luis, audit_rows):
    drill, saw = factories.make_asset(tag="D-1"), factories.make_asset(tag="S-1")
    hand_out(laptop, luis)
    data = {"tags": ["D-1", "S-1", "d-1", "A-12"], "holder": f"user:{luis.id}", "note": "Fair"}
    asked = boss.post("/assets/scan", data=data)
    assert asked.status_code == 409 and "1 of these cannot go" in asked.text
    assert "Luis Prado has it" in asked.text and "Fair" in asked.text
    assert held(owner, drill) == []
    told = boss.post("/assets/scan", data=data, headers={"Accept": "application/json"})
    assert "A-12: Luis Prado has it" in told.json["error"]["fields"]["tags"][0]
    agreed = asked.text.split('name="agreed" value="')[1].split('"')[0]
    # Somebody takes one of them meanwhile: what was agreed to is not what would happen.
    other = hand_out(saw, luis)
    assert boss.post("/assets/scan", data=data | {"agreed": agreed}).status_code == 409
    with factories.work():
        row = db.session.get_one(Custody, other)
        services.check_in(None, db.session.get_one(Asset, row.asset_id), CheckIn())
    done = boss.post("/assets/scan", data=data | {"agreed": agreed})
    assert done.status_code == 303, done.text
    assert len(held(owner, drill)) == 1 and status(owner, saw) == "in_use"
    rows = [audit_rows("asset", one.id, action="asset.checked_out")[-1] for one in (drill, saw)]
    assert len({row["request_id"] for row in rows}) == 1


def test_a_pile_goes_out_and_comes_back_in_one_go(boss, owner, statements, luis):
    kind, home = factories.make_type(), factories.make_client()
    tags = [f"P-{number}" for number in range(40)]
    assets = [factories.make_asset(tag=t, type_id=kind.id, client_id=home.id) for t in tags]
    with statements() as seen:
        data = {"tags": tags, "holder": f"user:{luis.id}", "due_on": today().isoformat()}
        assert boss.post("/assets/scan", data=data).status_code == 303
    reads = [one for one in seen if one.lstrip().startswith("SELECT")]
    assert len(reads) <= 12, reads
    data = {"tags": tags, "condition": "worn", "status": "in_stock"}
    assert boss.post("/assets/scan?way=in", data=data).status_code == 303
    found = [row for one in assets for row in held(owner, one)]
    assert len(found) == 40 and {row["condition"] for row in found} == {"worn"}
    assert boss.post("/assets/scan?way=in", data=data).status_code == 422
    assert boss.post("/assets/scan", data={"tags": [], "holder": "user:1"}).status_code == 422


def test_overdue_and_due_soon_page_by_page(boss, luis, statements):
    kind, home = factories.make_type(), factories.make_client("Acme works")
    for number in range(30):
        asset = factories.make_asset(tag=f"O-{number:02}", type_id=kind.id, client_id=home.id)
        hand_out(asset, luis, due=today() - (30 - number) * DAY, days_ago=60)
    soon = factories.make_asset(tag="SOON-1", type_id=kind.id, client_id=home.id)
    hand_out(soon, luis, due=today() + 7 * DAY)
    much_later = factories.make_asset(tag="LATER-1", type_id=kind.id, client_id=home.id)
    hand_out(much_later, luis, due=today() + 8 * DAY)
    with statements() as seen:
        page = boss.get("/assets/overdue").text
    assert len(seen) <= 8, seen
    assert "O-00" in page and "30 days over" in page and "O-25" not in page and "30 assets" in page
    older = page.split('href="?')[-1].split('"')[0].replace("&amp;", "&")
    rest = boss.get(f"/assets/overdue?{older}").text
    assert "O-25" in rest and "O-29" in rest and "O-24" not in rest and "1 day over" in rest
    coming = boss.get("/assets/overdue?show=soon").text
    assert "SOON-1" in coming and "LATER-1" not in coming and "O-29" not in coming
    part = boss.get("/assets/overdue", headers={"HX-Request": "true"}).text
    assert part.lstrip().startswith("<section")


def test_what_is_overdue_is_counted_within_reach(work, laptop, luis):
    other = factories.make_asset()
    for asset in (laptop, other):
        hand_out(asset, luis, due=today() - DAY, days_ago=9)
    with work("test"):
        mine = Reach(client_ids=frozenset([laptop.client_id]))
        assert queries.overdue_count(mine, today=today()) == 1
        assert queries.overdue_count(Reach(), today=today()) == 0
        assert queries.overdue_count(Reach(everywhere=True), today=today()) == 2


def test_a_person_shows_what_they_have(boss, sign_in, laptop, luis, statements):
    hand_out(laptop, luis, due=today() - DAY, days_ago=3)
    assert f"/assets/held-by/{luis.id}" in boss.get(f"/users/{luis.id}").text
    with statements() as seen:
        page = boss.get(f"/assets/held-by/{luis.id}").text
    assert "A-12" in page and "1 day over" in page
    assert len([one for one in seen if not one.startswith("INSERT")]) <= 8, seen
    assert any(one.startswith("INSERT INTO audit_event") for one in seen)
    only_people = sign_in("users")
    assert "/assets/held-by/" not in only_people.get(f"/users/{luis.id}").text
    assert only_people.get(f"/assets/held-by/{luis.id}").status_code == 403
    assert boss.get("/assets/held-by/999999999").status_code == 404


def test_who_leaves_is_asked_for_what_they_have(boss, sign_in, laptop, luis, statements):
    hand_out(laptop, luis)
    with statements() as seen:
        page = boss.get(f"/users/{luis.id}/deactivate").text
    assert "A-12 Laptop" in page and "Still in their hands" in page and len(seen) <= 8, seen
    other = factories.make_user()
    many = boss.get(f"/users/deactivate?ids={luis.id}&ids={other.id}").text
    assert "still has 1 asset" in many and many.count("still has") == 1
    # Whoever sees only another client's assets learns nothing of this one, whatever else they may.
    user = factories.make_user()
    factories.grant(user, factories.make_role("users", "users.deactivate"))
    narrow = sign_in("assets", user=user, client_id=factories.make_client().id)
    page = narrow.get(f"/users/{luis.id}/deactivate").text
    assert "A-12" not in page and "Still in their hands" not in page
