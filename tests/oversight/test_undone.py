"""What the pages of the log say about undoing: what is there now, what was undone before, and what never can be."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests import factories
from tests.oversight.undoing import marks, row_of, sent, undo_request, undo_row, words
from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.errors import Denied
from webapp.oversight.undoing.kinds import KINDS

SignIn = Callable[..., Any]


def changed(boss: Any, thing: Any, model: str) -> None:
    asked = {"ids": [thing.id], "model": model, "reason": "Test"}
    seen = re.search(r'name="seen" value="(\w+)"', boss.post("/assets/bulk", data=asked).text)
    assert seen
    sent(boss, "/assets/bulk/apply", **asked, seen=seen[1])


def entry(client: Any, row: dict[str, Any]) -> str:
    at = row["recorded_at"].isoformat().replace("+", "%2B")
    page: str = client.get(f"/audit/{row['id']}?at={at}").text
    return page


def test_what_is_there_now_and_what_was_undone_and_taken_back(
    boss: Any, last: Any, statements: Any
) -> None:
    thing = factories.make_asset(tag="N-1", name="Pump", model="Old")
    changed(boss, thing, "X")
    first = last("asset", thing.id, action="asset.updated")
    assert "undone" not in entry(boss, first)
    assert undo_row(boss, first).status_code == 303
    done = last(action="audit.undone")
    with statements() as seen:
        page = entry(boss, first)
    assert len(seen) <= 8
    assert "This was undone." in page and f"/audit/{done['id']}?at=" in page
    assert undo_request(boss, done).status_code == 303
    assert row_of(Asset, thing.id).model == "X"
    again = last(action="audit.undone")
    page = entry(boss, first)
    assert "This was undone, and that was taken back." in page
    assert f"/audit/{again['id']}?at=" in page
    assert "The request of this was undone, in part or whole." in entry(boss, done)
    assert undo_request(boss, again).status_code == 303
    assert "taken back" not in entry(boss, first)  # but undone once more
    # What it is now is no longer what the row says.
    changed(boss, thing, "Y")
    shown = boss.get(f"/audit/{first['id']}/undo")
    assert "<del>Y</del>" in shown.text and "<ins>Old</ins>" in shown.text
    assert "<del>X</del>" not in shown.text
    assert re.search(
        r"Ana Ruiz changed model of the asset N-1 \S* ?from “Old” to “Y”", words(shown)
    )


def test_nothing_is_offered_that_never_can_be(boss: Any, last: Any, audit_rows: Any) -> None:
    ticket = factories.make_ticket(body="Broken")
    sent(boss, f"/tickets/{ticket.number}/messages", body="On my way")
    person = factories.make_user()
    sent(boss, f"/users/{person.id}/deactivate", reason="Left")
    boss.get("/audit")
    with factories.work("system:import"):
        db.session.info["trail_context"]["category"] = "import"
        db.session.get_one(Asset, factories.make_asset().id).model = "B"
    for action in ("session.opened", "audit.read", "ticket.replied", "ticket.created"):
        row = last(action=action)
        assert f"/audit/{row['id']}/undo" not in entry(boss, row), action
    assert "/undo" not in entry(boss, last(action="asset.updated", category="import"))
    # What only tells of others leads to all of the request.
    told = last("user", person.id, action="user.deactivated")
    assert f"/audit/request/{told['request_id']}/undo" in entry(boss, told)


def test_a_permission_that_is_missing_is_noted(
    boss: Any, sign_in: SignIn, last: Any, audit_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    thing = factories.make_asset(model="Old")
    changed(boss, thing, "X")
    row = last("asset", thing.id, action="asset.updated")

    def refusals(who: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = audit_rows(action="access.denied", actor_id=who.user.id)
        return found

    # Known before it is tried.
    reader = sign_in("audit", "audit.undo", "assets")
    path = f"/audit/{row['id']}/undo"
    seen = marks(boss.get(path).text)
    page = reader.get(path)
    assert "does not reach it" in page.text and not refusals(reader)
    sealed = re.search(r"seen", page.text)
    assert sealed is None  # nothing to confirm
    assert reader.post(path, data={"seen": seen["seen"], "reason": "x"}).status_code == 409

    # Found by the service.
    def refuse(*_: Any) -> None:
        raise Denied("Not for you.", key="assets.edit")

    monkeypatch.setattr(KINDS["asset"], "apply", refuse)
    refused = undo_row(boss, row)
    assert refused.status_code == 409 and "Not for you." in refused.text
    (noted,) = refusals(boss)
    assert (noted["changes"], noted["outcome"]) == ({"missing": "assets.edit"}, "denied")
    assert (noted["object_type"], noted["object_id"]) == ("asset", thing.id)
    assert row_of(Asset, thing.id).model == "X"


def test_the_refusal_of_a_job_stays_though_its_work_is_undone(
    boss: Any, last: Any, run_jobs: Any, audit_rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.oversight.undoing.jobs.AT_ONCE", 0)
    thing = factories.make_asset(model="Old")
    changed(boss, thing, "X")
    row = last("asset", thing.id, action="asset.updated")
    job = undo_request(boss, row).headers["Location"]

    def refuse(*_: Any) -> None:
        raise Denied("Not for you.", key="assets.edit")

    monkeypatch.setattr(KINDS["asset"], "apply", refuse)
    run_jobs()
    (noted,) = audit_rows("asset", thing.id, action="access.denied")
    assert (noted["outcome"], noted["actor_id"], noted["changes"]) == (
        "denied", boss.user.id, {"missing": "assets.edit"},
    )  # fmt: skip
    assert noted["request_id"] == f"job-{job.rpartition('/')[2]}"
    assert row_of(Asset, thing.id).model == "X" and "Not for you." in boss.get(job).text
    assert not audit_rows(action="audit.undone", actor_id=boss.user.id)

    # Refused before anything was tried.
    undo_request(boss, row)

    def deny(*_: Any, **__: Any) -> None:
        raise Denied("Not any more.", key="audit.undo")

    monkeypatch.setattr("webapp.oversight.undoing.jobs.planning.plan_request", deny)
    run_jobs()
    first, second = audit_rows(action="access.denied", actor_id=boss.user.id)
    assert first == noted and second["reason"] == "Not any more."
    assert second["changes"] == {"missing": "audit.undo"}
