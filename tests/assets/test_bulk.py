"""Changing many assets at once: the preview, the change, and its undoing."""

import re
from datetime import date

import psycopg

from tests import factories
from webapp.assets.models import Asset, Custody, Status
from webapp.assets.services import bulk as services
from webapp.audit import reasons
from webapp.core.db import db

EDITOR = ("assets", "assets.edit")


def now(asset):
    with factories.work():
        found = db.session.get_one(Asset, asset.id)
        db.session.expunge(found)
        return found


def seal_of(page):
    return re.search(r'name="seen" value="([0-9a-f]+)"', page.text)[1]


def change(client, **data):
    """Preview, then confirm what was seen."""
    preview = client.post("/assets/bulk", data=data)
    assert preview.status_code == 200, preview.text
    return preview, client.post("/assets/bulk/apply", data=data | {"seen": seal_of(preview)})


def token_of(client):
    return re.search(r'name="csrf-token" content="([^"]+)"', client.get("/assets").text)[1]


def undo_url(client):
    return re.search(r'href="(/assets/undo/[^"]+)"', client.get("/assets").text)[1]


def test_preview_change_and_undo(sign_in, audit_rows):
    home = factories.make_client().id
    first = factories.make_asset(tag="T-1", client_id=home, model="Old")
    second = factories.make_asset(tag="T-2", client_id=home, status=Status.PLANNED)
    held = factories.make_asset(tag="T-3", client_id=home, status=Status.IN_USE)
    with factories.work():
        user = factories.make_user()
        db.session.add(Custody(client_id=home, asset_id=held.id, holder_user_id=user.id))
    client = sign_in(*EDITOR)
    ids = [first.id, second.id, held.id]
    asked = {"ids": ids, "status": "in_repair", "model": "New", "reason": "Recall"}
    preview, answer = change(client, **asked)
    assert "1 asset changes" in preview.text and "2 assets stay as they are" in preview.text
    assert "cannot get that one" in preview.text and "Somebody has it" in preview.text
    assert answer.status_code == 303
    assert (now(first).status, now(first).model) == (Status.IN_REPAIR, "New")
    assert now(second).status == Status.PLANNED and now(held).model == ""
    rows = audit_rows("asset", first.id, action="asset.updated")
    assert rows[-1]["reason"] == "Recall" and rows[-1]["changes"]["model"] == ["Old", "New"]
    url = undo_url(client)
    assert "Old" in client.get(url).text
    assert client.post(url).status_code == 303
    assert (now(first).status, now(first).model) == (Status.IN_STOCK, "Old")
    undone = audit_rows("asset", first.id, action="asset.updated")[-1]
    assert undone["reason"] == "undoing an earlier change"
    assert client.post(url).status_code == 409  # once is enough


def test_all_that_match_and_the_same_request(sign_in, audit_rows):
    home = factories.make_client().id
    kind = factories.make_type().id
    made = [
        factories.make_asset(tag=f"M-{n}", client_id=home, type_id=kind, manufacturer="Acme")
        for n in range(30)
    ]
    factories.make_asset(tag="OTHER")
    client = sign_in(*EDITOR)
    asked = {"matching": f"?type={kind}", "warranty_until": "2030-01-31", "reason": "Contract"}
    assert client.get("/assets/bulk", query_string=asked).status_code == 200
    _preview, answer = change(client, **asked, clear="manufacturer")
    assert answer.status_code == 303
    assert {now(one).warranty_until for one in made} == {date(2030, 1, 31)}
    assert {now(one).manufacturer for one in made} == {""}
    rows = [audit_rows("asset", one.id, action="asset.updated")[-1] for one in made]
    assert len({row["request_id"] for row in rows}) == 1


def test_what_changed_since_the_preview_is_not_changed_blindly(sign_in):
    asset = factories.make_asset(model="Old")
    client = sign_in(*EDITOR)
    asked = {"ids": [asset.id], "model": "New", "reason": "Because"}
    seen = seal_of(client.post("/assets/bulk", data=asked))
    with factories.work():
        db.session.get_one(Asset, asset.id).model = "Theirs"
    answer = client.post("/assets/bulk/apply", data=asked | {"seen": seen})
    assert answer.status_code == 409 and "Theirs" in answer.text
    assert now(asset).model == "Theirs"


def test_undo_leaves_what_changed_since(sign_in):
    one, two = factories.make_asset(tag="U-1"), factories.make_asset(tag="U-2")
    client = sign_in(*EDITOR)
    _preview, answer = change(client, ids=[one.id, two.id], model="New", reason="Because")
    assert answer.status_code == 303
    with factories.work():
        db.session.get_one(Asset, two.id).model = "Later"
    url = undo_url(client)
    page = client.get(url).text
    assert "It changed since then: Model." in page
    assert sign_in(*EDITOR).get(url).status_code == 404  # of others' requests nothing is told
    assert client.post(url).status_code == 303
    assert now(one).model == "" and now(two).model == "Later"


def test_moving_takes_along_what_lies_inside_and_tells_what_cannot_go(sign_in):
    here, there = factories.make_client("Here"), factories.make_client("There")
    project = factories.make_project("Depot", client_id=there.id)
    rack = factories.make_asset(tag="RACK", client_id=here.id)
    inside = factories.make_asset(tag="IN-1", client_id=here.id, parent_id=rack.id)
    loose = factories.make_asset(tag="DOUBLE", client_id=here.id)
    factories.make_asset(tag="double", client_id=there.id)
    client = sign_in(*EDITOR)
    ids = [rack.id, inside.id, loose.id]
    asked = {"ids": ids, "place": f"project:{project.id}", "reason": "New depot"}
    preview, answer = change(client, **asked)
    assert "There" in preview.text and "has an asset with this tag" in preview.text
    assert now(loose).client_id == here.id
    assert answer.status_code == 303
    for one in (rack, inside):
        assert (now(one).client_id, now(one).project_id) == (there.id, project.id)
    assert now(inside).parent_id == rack.id
    assert client.post(undo_url(client)).status_code == 303
    assert {now(one).client_id for one in (rack, inside, loose)} == {here.id}
    assert now(inside).parent_id == rack.id


def test_permission_and_scope_hold(sign_in):
    mine, theirs = factories.make_client(), factories.make_client()
    own, other = (factories.make_asset(client_id=one.id) for one in (mine, theirs))
    assert sign_in("assets").get(f"/assets/bulk?ids={own.id}").status_code == 403
    client = sign_in("assets")  # sees all, changes only theirs
    factories.grant(client.user, factories.make_role("assets.edit"), client_id=mine.id)
    preview, answer = change(client, ids=[own.id, other.id], model="New", reason="Because")
    assert "does not reach this asset" in preview.text and answer.status_code == 303
    assert (now(own).model, now(other).model) == ("New", "")
    asked = {"ids": [own.id], "place": f"client:{theirs.id}", "reason": "Because"}
    refused = client.post("/assets/bulk", data=asked)
    assert refused.status_code == 422 and "does not reach this place" in refused.text
    scoped = sign_in(*EDITOR, client_id=mine.id)
    asked = {"ids": [other.id], "model": "Stolen", "reason": "Because"}
    assert "Nothing changes" in scoped.post("/assets/bulk", data=asked).text


def test_hostile_forms_are_refused(sign_in):
    asset = factories.make_asset()
    client = sign_in(*EDITOR)
    good = {"ids": [asset.id], "model": "New", "reason": "Because"}
    for bad in (
        {"reason": ""},
        {"model": ""},
        {"status": "gone"},
        {"place": "location:1"},
        {"place": "client:99999999999999999"},
        {"warranty_until": "31.1.2030"},
        {"clear": "notes"},
        {"ids": [0]},
        {"ids": list(range(1, 102))},
    ):
        assert client.post("/assets/bulk", data=good | bad).status_code == 422, bad
    assert client.post("/assets/bulk", data=good | {"tag": "X"}).status_code == 400
    asked = good | {"ids": [], "matching": "?status=gone"}
    assert client.post("/assets/bulk", data=asked).status_code == 400
    assert client.get("/assets/undo/%27;--").status_code == 404
    assert client.get("/assets/undo/0123456789abcdef").status_code == 404


def test_many_move_with_few_statements_and_those_that_cannot_stay(sign_in, statements):
    """The number of statements, but for one UPDATE a row, does not grow with the number of assets."""
    here, there = factories.make_client("Here"), factories.make_client("There")
    kind = factories.make_type("Phone", {"key": "imei", "kind": "text", "unique": True})
    made = {"client_id": here.id, "type_id": kind.id}
    racks = [factories.make_asset(tag=f"RACK-{n}", **made) for n in range(4)]
    chosen = [factories.make_asset(parent_id=racks[n % 4].id, **made) for n in range(30)]
    along = factories.make_asset(parent_id=chosen[0].id, **made)
    ids = [one.id for one in (*racks, *chosen)]
    client = sign_in(*EDITOR)
    asked = {"ids": ids, "place": f"client:{there.id}", "reason": "New depot"}
    with statements() as seen:
        preview = client.post("/assets/bulk", data=asked)
    assert "34 assets change" in preview.text
    assert len([one for one in seen if not one.startswith("UPDATE assets")]) < 30
    with statements() as seen:
        done = client.post("/assets/bulk/apply", data=asked | {"seen": seal_of(preview)})
    assert done.status_code == 303
    assert len([one for one in seen if not one.startswith("UPDATE assets")]) < 30
    assert {now(one).client_id for one in (*racks, *chosen, along)} == {there.id}
    assert now(chosen[0]).parent_id == racks[0].id and now(along).parent_id == chosen[0].id
    assert client.post(undo_url(client)).status_code == 303
    assert {now(one).client_id for one in (*racks, *chosen, along)} == {here.id}
    assert now(chosen[0]).parent_id == racks[0].id and now(along).parent_id == chosen[0].id


def test_one_that_cannot_move_holds_back_no_other(sign_in):
    here, there = factories.make_client("Here"), factories.make_client("There")
    kind = factories.make_type("Phone", {"key": "imei", "kind": "text", "unique": True})
    made = [
        factories.make_asset(client_id=here.id, type_id=kind.id, attributes={"imei": f"N{n}"})
        for n in range(12)
    ]
    inside = factories.make_asset(client_id=here.id, type_id=kind.id, parent_id=made[7].id)
    factories.make_asset(client_id=there.id, type_id=kind.id, attributes={"imei": "n7"})
    client = sign_in(*EDITOR)
    ids = [one.id for one in (*made, inside)]
    preview, answer = change(client, ids=ids, place=f"client:{there.id}", reason="Moved")
    assert "11 assets change" in preview.text and "2 assets stay as they are" in preview.text
    assert "must be unique" in preview.text and answer.status_code == 303
    stayed = {one.id for one in made if now(one).client_id == here.id}
    assert stayed == {made[7].id} and now(inside).client_id == here.id


def test_one_click_undoes_once_and_only_ones_own(sign_in, with_csrf):
    asset, other = factories.make_asset(tag="ONE-1"), factories.make_asset(tag="ONE-2")
    client = sign_in(*EDITOR)
    token = token_of(client)
    asked = {"ids": [asset.id], "model": "New", "reason": "Because", "csrf_token": token}
    _preview, answer = change(client, **asked)
    assert answer.status_code == 303
    toast = client.get("/assets").text
    form = re.search(
        r'<form action="(/assets/undo/[^"]+)"\s+method="post".*?</form>', toast, re.DOTALL
    )
    fields = dict(re.findall(r'name="(csrf_token|_key)" value="([^"]+)"', form[0]))
    assert set(fields) == {"csrf_token", "_key"}
    url = form[1]
    assert client.post(url).status_code == 400 and now(asset).model == "New"  # without the token
    stranger = sign_in(*EDITOR)
    refused = stranger.post(url, data={"csrf_token": token_of(stranger)})
    assert refused.status_code == 404 and "nothing that you may see" in refused.text
    assert now(asset).model == "New"
    done = client.post(url, data=fields)
    assert done.status_code == 303 and now(asset).model == ""
    again = client.post(url, data={"csrf_token": token})
    assert again.status_code == 409 and "Nothing to undo" in again.text
    json = client.post(url, data={"csrf_token": token}, headers={"Accept": "application/json"})
    assert json.status_code == 409 and "changed since" in json.json["error"]["message"]
    assert now(other).model == ""


def test_undo_after_another_change_is_refused_with_words(sign_in):
    asset = factories.make_asset(tag="LATER-1")
    client = sign_in(*EDITOR)
    change(client, ids=[asset.id], model="New", reason="Because")
    url = undo_url(client)
    with factories.work():
        db.session.get_one(Asset, asset.id).model = "Later"
    refused = client.post(url)
    assert refused.status_code == 409 and "It changed since then: Model." in refused.text
    assert now(asset).model == "Later"


def test_a_status_goes_back_by_undo_where_no_rule_leads_back(sign_in):
    """Retired does not become in use, but for undoing exactly that change."""
    one = factories.make_asset(tag="BACK-1", status=Status.IN_USE)
    two = factories.make_asset(tag="BACK-2", status=Status.IN_USE)
    client = sign_in(*EDITOR)
    change(client, ids=[one.id, two.id], status="retired", reason="Too old")
    url = undo_url(client)
    direct = client.post("/assets/BACK-1/status", data={"status": "in_use"})
    assert direct.status_code == 409 and now(one).status == Status.RETIRED
    for state in (Status.IN_STOCK, Status.RETIRED):  # it came back to it by another change
        with factories.work():
            db.session.get_one(Asset, two.id).status = state
    assert "It changed since then: Status." in client.get(url).text
    assert client.post(url).status_code == 303
    assert (now(one).status, now(two).status) == (Status.IN_USE, Status.RETIRED)


def test_the_database_lets_a_status_back_only_for_who_changed_it(sign_in, owner, audit_rows):
    asset = factories.make_asset(status=Status.IN_USE)
    client = sign_in(*EDITOR)
    change(client, ids=[asset.id], status="retired", reason="Too old")
    request_id = undo_url(client).rpartition("/")[2]

    def refused(status, undoes, user_id):
        with owner.transaction(force_rollback=True):
            owner.execute("SELECT set_config('app.undoes', %s, true)", [undoes])
            owner.execute("SELECT set_config('app.user_id', %s, true)", [str(user_id)])
            try:
                with owner.transaction():
                    owner.execute("UPDATE assets SET status = %s WHERE id = %s", [status, asset.id])
            except psycopg.errors.IntegrityError as error:
                return error.diag.constraint_name == "status_transition"
        return False

    mine = client.user.id
    assert not refused("in_use", request_id, mine)
    assert refused("in_use", "another-request", mine)
    assert refused("in_use", "", mine)
    assert refused("in_use", request_id, mine + 1)
    assert refused("lost", request_id, mine)


def test_what_was_changed_can_be_undone_later_too(sign_in):
    asset = factories.make_asset(tag="LATE-1")
    client = sign_in(*EDITOR)
    assert "Nothing to undo" in client.get("/assets/undo").text
    change(client, ids=[asset.id], model="New", reason="Because")
    page = client.get("/assets/undo").text
    assert "Changed 1 asset at once" in page and "Because" in page
    url = re.search(r'href="(/assets/undo/[^"]+)"', page)[1]
    assert "Undo a change" in client.get(url).text
    assert client.post(url).status_code == 303 and now(asset).model == ""
    page = client.get("/assets/undo").text
    assert "Undone" in page and "Undid a change of 1 asset" in page
    assert "Nothing to undo" in sign_in(*EDITOR).get("/assets/undo").text


def test_very_many_are_changed_and_undone_by_a_job(sign_in, run_jobs, monkeypatch, audit_rows):
    monkeypatch.setattr("webapp.assets.services.bulk.AT_ONCE", 5)
    monkeypatch.setattr("webapp.assets.services.bulk.LOT", 3)
    kind, home = factories.make_type().id, factories.make_client().id
    made = [
        factories.make_asset(type_id=kind, client_id=home, status=Status.IN_USE) for _ in range(8)
    ]
    client = sign_in(*EDITOR)
    asked = {"matching": f"?type={kind}", "status": "retired", "reason": "Too old"}
    preview, answer = change(client, **asked)
    assert "8 assets change" in preview.text and "a job changes them" in preview.text
    assert answer.status_code == 303 and answer.location.startswith("/jobs/")
    assert {now(one).status for one in made} == {Status.IN_USE}
    run_jobs()
    assert "Done" in client.get(answer.location).text
    assert {now(one).status for one in made} == {Status.RETIRED}
    rows = [audit_rows("asset", one.id, action="asset.updated")[-1] for one in made]
    assert {(row["request_id"], row["actor_id"], row["reason"]) for row in rows} == {
        (f"job-{answer.location.rpartition('/')[2]}", client.user.id, "Too old")
    }
    url = re.search(r'href="(/assets/undo/job-[^"]+)"', client.get("/assets/undo").text)[1]
    assert "8 assets are set back" in client.get(url).text
    assert client.post(url).location.startswith("/jobs/")
    run_jobs()
    assert {now(one).status for one in made} == {Status.IN_USE}


def test_a_job_changes_nothing_that_changed_since_the_preview(sign_in, run_jobs, monkeypatch):
    monkeypatch.setattr("webapp.assets.services.bulk.AT_ONCE", 2)
    kind = factories.make_type().id
    made = [factories.make_asset(type_id=kind) for _ in range(3)]
    client = sign_in(*EDITOR)
    asked = {"matching": f"?type={kind}", "model": "New", "reason": "Because"}
    _preview, answer = change(client, **asked)
    with factories.work():
        db.session.get_one(Asset, made[0].id).name = "Theirs"
    run_jobs()
    assert "Some of these changed" in client.get(answer.location).text
    assert {now(one).model for one in made} == {""}
    asked["seen"] = "0" * 32
    assert client.post("/assets/bulk/apply", data=asked).status_code == 409


def test_the_filter_of_the_list_is_not_lost(sign_in):
    asset = factories.make_asset()
    client = sign_in(*EDITOR)
    came = {"Referer": f"http://localhost/assets?type={asset.type_id}&after=x&status=in_stock"}
    page = client.get(f"/assets/bulk?ids={asset.id}", headers=came).text
    back = f"/assets?type={asset.type_id}&status=in_stock"
    assert f'name="back" value="{back.replace("&", "&amp;")}"' in page
    asked = {"ids": [asset.id], "model": "New", "reason": "Because"}
    _preview, answer = change(client, **asked, back=back)
    assert answer.location == back
    for evil in ("https://evil.example/assets?q=1", "//evil.example/assets", "/login", "http://[/"):
        asked["model"] += "x"
        assert change(client, **asked, back=evil)[1].location == "/assets", evil


def toast_of(client):
    """What the list says was done: the words, the button, and where it leads."""
    page = client.get("/assets").text
    words = re.search(r"<p>(\d+ assets? [^<]+)</p>", page)[1]
    button = re.search(r'action="(/assets/undo/[^"]+)".*?<span>(\w+)</span>', page, re.DOTALL)
    return words, button[2], button[1]


def test_undo_says_that_it_set_back_and_offers_to_redo(sign_in, audit_rows):
    made = [factories.make_asset(), factories.make_asset()]
    client = sign_in(*EDITOR)
    change(client, ids=[one.id for one in made], model="New", reason="Because")
    words, label, url = toast_of(client)
    assert (words, label) == ("2 assets were changed.", "Undo")
    client.post(url)
    words, label, url = toast_of(client)
    assert (words, label) == ("2 assets were set back.", "Redo")
    client.post(url)
    assert {now(one).model for one in made} == {"New"}
    words, label, url = toast_of(client)
    assert (words, label) == ("2 assets were changed.", "Undo")
    history = client.get(f"/assets/{made[0].tag}/history").text
    assert history.count("Undo…") == 1 and url in history
    client.post(url)
    assert toast_of(client)[:2] == ("2 assets were set back.", "Redo")
    reasons = [row["reason"] for row in audit_rows("asset", made[0].id, action="asset.updated")]
    back = "undoing an earlier change"
    assert reasons == ["Because", back, "repeating a change that was undone", back]


def test_only_what_the_list_sends_counts_as_its_filter(sign_in):
    kind = factories.make_type().id
    for _ in range(2):
        factories.make_asset(type_id=kind)
    client = sign_in(*EDITOR)
    for bad in (
        "None",
        "?&",
        "&",
        "typ=1",
        "?type=1&stat=lost",
        "?status=gone",
        "?q=" + "x" * 2000,
    ):
        answer = client.get("/assets/bulk", query_string={"matching": bad})
        assert answer.status_code == 400, bad
        asked = {"matching": bad, "model": "New", "reason": "Because"}
        assert client.post("/assets/bulk", data=asked).status_code in (400, 422), bad
    factories.make_asset()
    said = client.get("/assets/bulk", query_string={"matching": f"?type={kind}&sort=-name"}).text
    assert "2 assets that match the filter are selected." in said
    plain = client.get("/assets/bulk", query_string={"matching": "?"})
    assert "assets that match the filter are selected." in plain.text
    preview, answer = change(client, matching="?", model="New", reason="Because")
    assert "3 assets change" in preview.text and answer.status_code == 303


def test_what_was_left_by_an_undo_can_be_undone_later(sign_in, statements):
    one, two = factories.make_asset(), factories.make_asset()
    client = sign_in(*EDITOR)
    change(client, ids=[one.id, two.id], model="New", reason="Because")
    with factories.work():
        db.session.get_one(Asset, two.id).model = "Later"
    with statements() as before:
        page = client.get("/assets/undo").text
    url = re.search(r'href="(/assets/undo/[^"]+)"', page)[1]
    assert "artly undone" not in page
    client.post(url)
    with statements() as after:
        page = client.get("/assets/undo").text
    assert len(after) == len(before) <= 8
    assert "Partly undone" in page and f'href="{url}"' in page
    with factories.work():
        db.session.get_one(Asset, two.id).model = "New"
    assert client.post(url).status_code == 303
    assert (now(one).model, now(two).model) == ("", "")
    redo = toast_of(client)[2]
    page = client.get("/assets/undo").text
    assert "Partly undone" not in page and f'href="{url}"' not in page
    client.post(redo)  # of the second one only
    page = client.get("/assets/undo").text
    assert "Partly undone" in page and f'href="{url}"' in page


def test_what_is_out_of_reach_by_now_is_not_offered(sign_in):
    here, there = factories.make_client(), factories.make_client()
    asset = factories.make_asset(client_id=here.id)
    client = sign_in(*EDITOR, client_id=here.id)
    change(client, ids=[asset.id], model="New", reason="Because")
    url = undo_url(client)
    with factories.work():
        db.session.get_one(Asset, asset.id).client_id = there.id
    assert client.get(url).status_code == 404
    page = client.get("/assets/undo").text
    assert "None of these is in your reach any more." in page and url not in page


def test_the_reason_of_an_undo_is_said_in_the_language_of_the_reader():
    for reason in (services.UNDOING, services.REPEATING):
        assert reason in reasons.OURS
