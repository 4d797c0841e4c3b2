"""Undoing what the log shows, a row or a whole request: refusals with their reason, the undo of an undo."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests import factories
from tests.oversight.undoing import marks, row_of, sent, undo_request, undo_row, words
from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.organisation.models import Client

SignIn = Callable[..., Any]


def test_a_change_is_shown_made_told_and_undone_in_turn(
    boss: Any, last: Any, audit_rows: Any, statements: Any
) -> None:
    home = factories.make_client("Before Ltd")
    edited = {"code": home.code, "location_id": home.location_id, "version": home.version}
    sent(boss, f"/organisation/clients/{home.id}/edit", name="After Ltd", **edited)
    row = last("client", home.id, action="client.updated")
    path = f"/audit/{row['id']}/undo"
    at = row["recorded_at"].isoformat().replace("+", "%2B")
    boss.get(path)  # the first page of a process asks for what later ones remember
    with statements() as seen:
        page = boss.get(f"{path}?at={at}")
    assert len(seen) <= 8 and "After Ltd</del>" in page.text and "Before Ltd</ins>" in page.text
    assert audit_rows("audit_event", row["id"], action="audit.read", actor_id=boss.user.id)
    # A reason is required.
    bare = boss.post(path, data=marks(page.text))
    assert bare.status_code == 422 and row_of(Client, home.id).name == "After Ltd"
    assert undo_row(boss, row).status_code == 303
    assert row_of(Client, home.id).name == "Before Ltd"
    (done,) = (r for r in audit_rows(action="audit.undone") if r["actor_id"] == boss.user.id)
    assert done["changes"]["request"] == row["request_id"]
    back = last("client", home.id, action="client.updated")
    assert back["request_id"] == done["request_id"]
    assert back["reason"] == f"Undoing request {row['request_id']}: A slip"
    assert "undid a change of the client After Ltd" in words(boss.get("/audit"))
    # Of the first one it is said who undid it, and no more; the undoing itself can be undone.
    refused = boss.get(path)
    assert "Ana Ruiz undid this on" in words(refused) and 'name="reason"' not in refused.text
    assert "changed again" not in refused.text and "undone before" not in refused.text
    assert undo_request(boss, done).status_code == 303
    assert row_of(Client, home.id).name == "After Ltd"


def test_a_later_change_of_the_same_field_refuses_and_of_another_does_not(
    boss: Any, sign_in: SignIn, last: Any
) -> None:
    thing = factories.make_asset(name="Pump", model="A", serial="1")
    with factories.work():
        db.session.get_one(Asset, thing.id).model = "B"
    first = last("asset", thing.id, action="asset.updated")
    with factories.work("system:import"):
        db.session.get_one(Asset, thing.id).serial = "2"
    second = last("asset", thing.id, action="asset.updated")
    with factories.work("system:import"):
        db.session.get_one(Asset, thing.id).model = "C"
    third = last("asset", thing.id, action="asset.updated")
    page = boss.get(f"/audit/{first['id']}/undo")
    assert f"/audit/{third['id']}?at=" in page.text and "Steward (import)" in words(page)
    forced = boss.post(
        f"/audit/{first['id']}/undo", data=marks(page.text) | {"reason": "x", "seen": "0" * 32}
    )
    assert forced.status_code == 409 and row_of(Asset, thing.id).model == "C"
    assert undo_row(boss, second).status_code == 303
    assert (row_of(Asset, thing.id).serial, row_of(Asset, thing.id).model) == ("1", "C")


def test_what_changed_between_the_look_and_the_click_is_shown_again(boss: Any, last: Any) -> None:
    thing = factories.make_asset(name="Pump", model="A")
    with factories.work():
        db.session.get_one(Asset, thing.id).model = "B"
    path = f"/audit/{last('asset', thing.id, action='asset.updated')['id']}/undo"
    seen = marks(boss.get(path).text)
    with factories.work():
        db.session.get_one(Asset, thing.id).name = "Other pump"
    late = boss.post(path, data=seen | {"reason": "x"})
    assert late.status_code == 409 and "Something changed since you looked" in late.text
    assert row_of(Asset, thing.id).model == "B"
    assert boss.post(path, data=marks(late.text) | {"reason": "x"}).status_code == 303
    assert row_of(Asset, thing.id).model == "A"


def test_permissions_are_those_of_the_change_itself(sign_in: SignIn, last: Any) -> None:
    mine, other = factories.make_asset(model="A"), factories.make_asset(model="A")
    rows = []
    for thing in (mine, other):
        with factories.work():
            db.session.get_one(Asset, thing.id).model = "B"
        rows.append(last("asset", thing.id, action="asset.updated"))
    reader = sign_in("audit", "audit.undo", "assets")
    factories.grant(
        reader.user, factories.make_role("assets", "assets.edit"), client_id=mine.client_id
    )
    assert undo_row(reader, rows[0]).status_code == 303
    assert "does not reach it" in reader.get(f"/audit/{rows[1]['id']}/undo").text
    assert row_of(Asset, other.id).model == "B"
    # Without the page of assets their values are covered, and without the permission nothing is offered.
    blind = sign_in("audit", "audit.undo")
    page = blind.get(f"/audit/{rows[1]['id']}/undo")
    assert "not for you to see" in page.text and "B</del>" not in page.text
    assert sign_in("audit").get(f"/audit/{rows[1]['id']}/undo").status_code == 403
    scoped = sign_in("audit", "audit.undo", "assets", "assets.edit", client_id=mine.client_id)
    assert scoped.get(f"/audit/{rows[1]['id']}/undo").status_code == 404


def test_what_cannot_be_undone_says_why(boss: Any, audit_rows: Any, last: Any) -> None:
    ticket = factories.make_ticket(body="Broken")
    sent(boss, f"/tickets/{ticket.number}/messages", body="On my way")
    boss.get("/audit")
    for row, why in (
        (last(action="session.opened"), "Signing in or out changes nothing"),
        (last(action="audit.read"), "What was read cannot be unread"),
        (last(action="ticket.replied"), "What was said has been read"),
        (last("ticket", ticket.id, action="ticket.created"), "never deleted"),
    ):
        page = boss.get(f"/audit/{row['id']}/undo")
        assert page.status_code == 200 and why in words(page), (row["action"], words(page))
        assert 'name="reason"' not in page.text
        assert boss.post(f"/audit/{row['id']}/undo", data={"reason": "x"}).status_code == 409


# --- whole requests -----------------------------------------------------------------------


def test_a_request_is_undone_whole_or_the_part_that_was_agreed_to(
    boss: Any, last: Any, statements: Any
) -> None:
    home = factories.make_client()
    things = [factories.make_asset(tag=f"B-{n}", client_id=home.id, model="Old") for n in range(4)]
    ids = [thing.id for thing in things]
    asked = {"ids": ids, "model": "New", "reason": "Recall"}
    seen = re.search(r'name="seen" value="(\w+)"', boss.post("/assets/bulk", data=asked).text)
    assert seen
    sent(boss, "/assets/bulk/apply", **asked, seen=seen[1])
    row = last("asset", ids[0], action="asset.updated")
    with factories.work():
        db.session.get_one(Asset, ids[1]).model = "Mine"
    path = f"/audit/request/{row['request_id']}/undo"
    with statements() as seen_statements:
        page = boss.get(path)
    assert len(seen_statements) <= 8, seen_statements
    assert "3 things are set back" in words(page) and "1 cannot be" in words(page)
    assert "Undo it there" in words(page)  # one's own, within a day
    whole = boss.post(path, data=marks(page.text) | {"reason": "x"})
    assert whole.status_code == 409 and "nothing was" in words(whole)
    assert [row_of(Asset, key).model for key in ids] == ["New", "Mine", "New", "New"]
    # Agreeing to another set than what stays is no agreement.
    wrong = marks(page.text) | {"reason": "x", "part": "y", "agreed": "0" * 32}
    assert boss.post(path, data=wrong).status_code == 409
    part = boss.post(path, data=marks(whole.text) | {"reason": "x", "part": "y"})
    assert part.status_code == 303
    assert [row_of(Asset, key).model for key in ids] == ["Old", "Mine", "Old", "Old"]


def test_a_refusal_found_while_undoing_leaves_nothing_done(boss: Any, last: Any) -> None:
    home = factories.make_client()
    one, two = (factories.make_asset(tag=f"C-{n}", client_id=home.id) for n in range(2))
    with factories.work():
        for thing in (one, two):
            db.session.get_one(Asset, thing.id).tag = f"{thing.tag}-x"
    # As if in one request: rows of a job.
    row = last("asset", two.id, action="asset.updated")
    assert row["request_id"] is None
    factories.make_asset(tag="C-1", client_id=home.id)
    refused = undo_row(boss, row)
    assert refused.status_code == 409 and "There is an asset with this tag" in words(refused)
    assert row_of(Asset, two.id).tag == "C-1-x"


def test_what_moved_together_goes_back_together(boss: Any, last: Any) -> None:
    here, there = factories.make_client(), factories.make_client()
    rack = factories.make_asset(tag="R-1", client_id=here.id)
    shelf = factories.make_asset(tag="S-1", client_id=here.id, parent_id=rack.id)
    disk = factories.make_asset(tag="D-1", client_id=here.id, parent_id=shelf.id)
    moved = {"target": f"client:{there.id}", "version": rack.version}
    sent(boss, f"/assets/{rack.tag}/move", **moved)
    assert row_of(Asset, disk.id).client_id == there.id
    back = undo_request(boss, last("asset", disk.id))
    assert back.status_code == 303, words(back)
    for thing in (rack, shelf, disk):
        assert row_of(Asset, thing.id).client_id == here.id
    assert row_of(Asset, disk.id).parent_id == shelf.id


def test_many_are_undone_by_a_job(
    boss: Any, last: Any, run_jobs: Any, monkeypatch: pytest.MonkeyPatch, audit_rows: Any
) -> None:
    monkeypatch.setattr("webapp.oversight.undoing.jobs.AT_ONCE", 1)
    home = factories.make_client()
    ids = [factories.make_asset(tag=f"J-{n}", client_id=home.id, model="Old").id for n in range(3)]
    asked = {"ids": ids, "model": "New", "reason": "Recall"}
    seen = re.search(r'name="seen" value="(\w+)"', boss.post("/assets/bulk", data=asked).text)
    assert seen
    sent(boss, "/assets/bulk/apply", **asked, seen=seen[1])
    row = last("asset", ids[0], action="asset.updated")
    reply = undo_request(boss, row)
    assert reply.status_code == 303 and "/jobs/" in reply.headers["Location"]
    run_jobs()
    assert [row_of(Asset, key).model for key in ids] == ["Old"] * 3
    done = last(action="audit.undone")
    assert done["request_id"].startswith("job-") and done["changes"]["steps"] == 3
    assert boss.get(f"/audit/request/{done['request_id']}/undo").status_code == 200
