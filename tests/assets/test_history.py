"""The story of an asset: old and new values, and what both clients of a move read."""

from tests import factories
from webapp.assets.models import Asset
from webapp.assets.services import moving
from webapp.core.db import db

EDITOR = ("assets", "assets.edit")
NONE = "\N{EN DASH}"


def edits(asset, **changes):
    return {
        "name": asset.name,
        "tag": asset.tag,
        "type_id": asset.type_id,
        "place": f"client:{asset.client_id}",
        "version": asset.version,
    } | changes


def words(page):
    return " ".join(page.text.split())


def test_old_and_new_values_are_told_with_names(sign_in, statements):
    old = factories.make_type("Tablet", {"key": "ram", "label": "Memory", "kind": "number"})
    new = factories.make_type("Laptop", {"key": "ram", "label": "Memory", "kind": "number"})
    home = factories.make_client("Acme")
    project = factories.make_project("Rollout", client_id=home.id)
    asset = factories.make_asset(client_id=home.id, type_id=old.id, attributes={"ram": 8})
    client = sign_in(*EDITOR)
    changed = edits(
        asset,
        type_id=new.id,
        place=f"project:{project.id}",
        manufacturer="Lenovo",
        warranty_until="2030-01-31",
        model="x" * 150,
    )
    url = f"/assets/{asset.tag}"
    changed |= {"attribute-ram": "16"}
    assert client.post(f"{url}/edit", data=changed).status_code == 303
    with statements() as seen:
        page = words(client.get(f"{url}/history"))
    assert len(seen) <= 8, seen
    arrow = '</del> <span class="muted" aria-hidden="true">→</span> <ins>'
    for before, after in (
        (NONE, "Lenovo"),
        ("Tablet", "Laptop"),
        (NONE, "Rollout"),
        ("8", "16"),
        (NONE, "31 Jan 2030"),
        (NONE, "x" * 59 + "…"),
    ):
        assert f"<del>{before}{arrow}{after}</ins>" in page, (before, after)
    assert "Memory:" in page and "x" * 60 not in page


def test_a_place_out_of_sight_has_no_name_and_the_old_client_is_told(
    sign_in, audit_rows, statements
):
    here, there = factories.make_client("Old Home"), factories.make_client("New Home")
    rack = factories.make_asset("Rack", tag="RACK-1", client_id=here.id)
    inner = factories.make_asset(tag="IN-1", client_id=here.id, parent_id=rack.id)
    before = sign_in(*EDITOR, client_id=here.id)
    after = sign_in(*EDITOR, client_id=there.id)
    boss = sign_in("*")
    changed = edits(rack, manufacturer="Secret maker")
    assert before.post("/assets/RACK-1/edit", data=changed).status_code == 303
    reply = boss.post("/assets/RACK-1/move", data={"target": f"client:{there.id}", "version": 2})
    assert reply.status_code == 303, reply.text
    with statements() as seen:
        page = words(after.get("/assets/RACK-1/history"))
    assert len(seen) <= 8, seen
    assert "Old Home" not in page and "Secret maker" not in page and "New Home" in page
    assert "a place that you cannot see" in page and "to another client" not in page
    assert "Old Home" in words(boss.get("/assets/RACK-1/history"))
    with statements() as seen:  # one that lies in another, told to somebody with a scope
        assert after.get("/assets/IN-1/history").status_code == 200
    assert len(seen) <= 8, seen
    left = audit_rows(action="asset.left", client_id=here.id)
    assert [(row["object_id"], row["changes"]["assets"]) for row in left] == [(rack.id, 2)]
    assert left[0]["request_id"] == audit_rows("asset", inner.id)[-1]["request_id"]
    auditor = sign_in("audit", client_id=here.id)
    log = words(auditor.get("/audit"))
    assert "moved RACK-1 Rack to another client, with 2 assets in all" in log


def test_many_that_leave_and_a_project_that_leaves_are_told_once_each(app, audit_rows):
    here, there = factories.make_client(), factories.make_client()
    project = factories.make_project("Depot", client_id=here.id)
    box = factories.make_asset(client_id=here.id)
    inner = factories.make_asset(client_id=here.id, parent_id=box.id)
    alone = factories.make_asset(client_id=here.id)
    factories.make_asset(client_id=here.id, project_id=project.id)
    with factories.work():
        rows = [db.session.get_one(Asset, one.id) for one in (box, alone)]
        moving.move_many(
            None,
            [
                moving.Going(asset=row, client_id=there.id, project_id=None, parent_id=None)
                for row in rows
            ],
        )
        found = db.session.get_one(type(project), project.id)
        moving.move_project(None, found, client_id=there.id)
    told = {
        (row["action"], row["object_id"]): row["changes"]["assets"]
        for row in audit_rows(client_id=here.id)
        if row["action"].endswith(".left")
    }
    assert told == {
        ("asset.left", box.id): 2,
        ("asset.left", alone.id): 1,
        ("project.left", project.id): 1,
    }
    assert audit_rows("asset", inner.id)[-1]["client_id"] == there.id


def test_a_change_of_many_is_undone_from_the_history_by_who_made_it(sign_in):
    asset = factories.make_asset()
    client = sign_in(*EDITOR)
    asked = {"ids": [asset.id], "model": "New", "reason": "Because"}
    seen = client.post("/assets/bulk", data=asked).text.split('name="seen" value="')[1][:32]
    assert client.post("/assets/bulk/apply", data=asked | {"seen": seen}).status_code == 303
    url = f"/assets/{asset.tag}/history"
    page = client.get(url).text
    assert "Undo…" in page and "/assets/undo/" in page
    assert "Undo…" not in sign_in(*EDITOR).get(url).text
    undo = page.split('href="/assets/undo/')[1].split('"')[0]
    assert client.post(f"/assets/undo/{undo}").status_code == 303
    page = client.get(url).text  # once undone, it is not offered again
    assert "Undo…" not in page and "undoing an earlier change" in page
