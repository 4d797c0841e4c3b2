"""Searches of the log as files: made by a job, fetched by whoever asked, gone after some days; all of it recorded."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask

from tests import factories
from tests.oversight.own import _own_app, app, owner, settings  # noqa: F401
from webapp.audit.evidence import verify
from webapp.core import trail
from webapp.core.config import Settings
from webapp.jobs import worker
from webapp.oversight import exporting

Owner = psycopg.Connection[dict[str, Any]]
SignIn = Callable[..., Any]
KEYS = ("audit", "audit.export")


@pytest.fixture
def run_jobs(app: Flask, settings: Settings) -> Callable[[], None]:
    return lambda: worker.run_waiting(app, settings)


def write(action: str, **values: Any) -> None:
    """Have something happen that searches find by its action."""
    with factories.work("system:test"):
        trail.note(action, **values)


def ask(reader: Any, kind: str, query: str) -> Any:
    return reader.post("/audit/exports", data={"format": kind, "query": query})


def last(owner: Owner) -> dict[str, Any]:
    return owner.execute("SELECT * FROM audit_exports ORDER BY id DESC LIMIT 1").fetchone() or {}


def fetch(reader: Any, owner: Owner) -> bytes:
    reply = reader.get(f"/audit/exports/{last(owner)['id']}/file")
    assert reply.status_code == 200
    assert "attachment" in reply.headers["Content-Disposition"]
    data: bytes = reply.data
    return data


def test_a_search_becomes_a_file_and_the_log_says_so(
    sign_in: SignIn, owner: Owner, run_jobs: Any, audit_rows: Any, statements: Any
) -> None:
    write("test.taken", object_label="=cmd()", changes={"n": [1, 2]})
    write("test.left")
    reader = sign_in(*KEYS, name="Rita Reader")
    with statements() as seen:
        page = reader.get("/audit/exports?query=action%3Dtest.taken")
    assert len(seen) <= 8
    assert "test.taken" in page.text and page.status_code == 200
    assert ask(reader, "csv", "action=test.taken").status_code == 303
    assert "Waiting" in reader.get("/audit/exports").text
    assert reader.get(f"/audit/exports/{last(owner)['id']}/file").status_code == 404
    run_jobs()
    page = reader.get("/audit/exports")
    assert "Ready" in page.text and "Download" in page.text
    rows = list(csv.DictReader(io.StringIO(fetch(reader, owner).decode("utf-8-sig"))))
    (row,) = [row for row in rows if row["Recorded (UTC)"] != "#"]
    assert row["Action"] == "test.taken" and row["Record"] == "'=cmd()"
    assert json.loads(row["Changes"]) == {"n": [1, 2]}
    made = [row["action"] for row in audit_rows("audit_export", last(owner)["id"])]
    assert made == ["audit.exported", "audit.export_made", "audit.export_downloaded"]
    told = reader.get("/audit?object_type=audit_export").text
    assert "had the audit log made into a file" in told and "downloaded the export" in told


def test_a_bundle_leaves_out_what_its_taker_may_not_read(
    sign_in: SignIn, owner: Owner, run_jobs: Any, tmp_path: Path
) -> None:
    place = factories.make_location("Hidden Street")
    reader = sign_in(*KEYS)  # and not the page of the organisation
    write("test.seen", object_label="seen")
    query = "q=seen&action=test.seen"
    assert ask(reader, "bundle", f"object_type=location&object_id={place.id}").status_code == 303
    assert ask(reader, "jsonl", f"object_type=location&object_id={place.id}").status_code == 303
    run_jobs()
    lines = [json.loads(line) for line in fetch(reader, owner).splitlines()]
    assert lines[0]["object_label"] == "Hidden Street"
    assert lines[0]["changes"]["name"] == ["•••", "•••"]
    assert "seal" in lines[-1]["head"]
    first = owner.execute("SELECT min(id) AS id FROM audit_exports").fetchone() or {}
    packed = tmp_path / "bundle.zip"
    packed.write_bytes(reader.get(f"/audit/exports/{first['id']}/file").data)
    manifest = json.loads(zipfile.ZipFile(packed).read("manifest.json"))
    assert (manifest["rows"], manifest["withheld"]) == (0, 1)
    assert manifest["made_by"]["name"] == reader.user.name
    ask(reader, "bundle", query)
    run_jobs()
    packed.write_bytes(fetch(reader, owner))
    said: list[str] = []
    verify.Check(verify.Bundle(packed), keys=[], checkpoints={}, tell=said.append).run()
    with zipfile.ZipFile(packed) as files:
        rows = [json.loads(line) for line in files.read("rows.jsonl").splitlines()]
        manifest = json.loads(files.read("manifest.json"))
    assert [row["object_label"] for row in rows] == ["seen"]
    assert manifest["filter"]["query"] == query
    assert ["Words", "seen"] in manifest["filter"]["words"]


def test_only_where_one_may_and_only_ones_own(sign_in: SignIn, owner: Owner, run_jobs: Any) -> None:
    here, there = factories.make_client("Here"), factories.make_client("There")
    for client in (here, there):
        write("test.client", client_id=client.id, object_label=client.name)
    reader = sign_in("audit", client_id=there.id)
    assert ask(reader, "jsonl", "action=test.client").status_code == 403
    factories.grant(reader.user, factories.make_role(*KEYS), client_id=here.id)
    assert ask(reader, "jsonl", "action=test.client").status_code == 303
    run_jobs()
    lines = [json.loads(line) for line in fetch(reader, owner).splitlines()]
    assert [line["object_label"] for line in lines if "head" not in line] == ["Here"]
    other = sign_in(*KEYS)
    number = last(owner)["id"]
    assert other.get(f"/audit/exports/{number}/file").status_code == 404
    assert other.post(f"/audit/exports/{number}/delete").status_code == 404
    assert f'id="export-{number}"' in reader.get("/audit/exports").text
    assert "No exports yet" in other.get("/audit/exports").text


def test_who_may_take_out_everything_sees_what_others_took(
    sign_in: SignIn, owner: Owner, run_jobs: Any, audit_rows: Any
) -> None:
    maker, lead = sign_in(*KEYS, name="Mara Maker"), sign_in(*KEYS, name="Lea Lead")
    client = factories.make_client("Part")
    part = sign_in(*KEYS, client_id=client.id)
    ask(maker, "csv", "action=test.none")
    run_jobs()
    number = last(owner)["id"]
    page = lead.get("/audit/exports").text
    assert "Exports of others" in page and "Mara Maker" in page
    assert "Mara Maker" not in part.get("/audit/exports").text
    assert lead.get(f"/audit/exports/{number}/file").status_code == 404
    revoke = f"/audit/exports/{number}/revoke"
    assert part.post(revoke).status_code == 403
    assert lead.post(revoke).status_code == 303
    assert maker.get(f"/audit/exports/{number}/file").status_code == 404
    assert audit_rows("audit_export", number, actor_id=lead.user.id)[-1]["action"].endswith(
        "deleted"
    )


def test_whoever_lost_a_role_since_makes_it_again(
    sign_in: SignIn, owner: Owner, run_jobs: Any
) -> None:
    reader = sign_in(*KEYS)
    ask(reader, "csv", "action=test.none")
    run_jobs()
    fetch(reader, owner)
    write("role.revoked", object_type="user", object_id=reader.user.id)
    reply = reader.get(f"/audit/exports/{last(owner)['id']}/file")
    assert reply.status_code == 303
    assert "Your roles changed since" in reader.get("/audit/exports").text


def test_files_expire_and_can_be_deleted(
    sign_in: SignIn, owner: Owner, run_jobs: Any, app: Flask
) -> None:
    reader = sign_in(*KEYS)
    ask(reader, "csv", "action=test.none")
    assert reader.post(f"/audit/exports/{last(owner)['id']}/delete").status_code == 303
    run_jobs()  # has nothing to do
    assert last(owner) == {}
    ask(reader, "csv", "action=test.none")
    run_jobs()
    row = last(owner)
    with app.app_context():
        kept = exporting.storage()
        assert kept.exists(row["sha256"])
    owner.execute("ALTER TABLE audit_exports DISABLE TRIGGER USER")
    owner.execute("UPDATE audit_exports SET expires_at = now() - interval '1 minute'")
    owner.execute("ALTER TABLE audit_exports ENABLE TRIGGER USER")
    assert reader.get(f"/audit/exports/{row['id']}/file").status_code == 404
    with factories.work("system:jobs.purge"):
        assert exporting.forget_old() == 1
    assert last(owner) == {} and not kept.exists(row["sha256"])


def test_refusals_are_in_words(sign_in: SignIn, owner: Owner, settings: Settings) -> None:
    reader = sign_in(*KEYS)
    assert ask(reader, "exe", "").status_code == 422
    wrong = ask(reader, "csv", "category=nonsense")
    assert wrong.status_code == 422 and "Not a valid choice" in wrong.text
    for _ in range(exporting.MOST_OPEN):
        assert ask(reader, "csv", "").status_code == 303
    assert "are in the making" in ask(reader, "csv", "").text
    assert last(owner)["expires_at"] > datetime.now(UTC)


def test_the_command_writes_a_file_once(app: Flask, owner: Owner, tmp_path: Path) -> None:
    write("test.command", object_label="by command")
    run, out = app.test_cli_runner().invoke, tmp_path / "out.zip"
    done = run(args=["audit", "export", "--out", str(out), "action=test.command"])
    assert done.exit_code == 0 and "Wrote 1 rows" in done.output, done.output
    verify.Check(verify.Bundle(out), keys=[], checkpoints={}, tell=lambda _text: None).run()
    assert run(args=["audit", "export", "--out", str(out)]).exit_code == 1
    bad = run(args=["audit", "export", "--out", str(tmp_path / "x"), "category=nonsense"])
    assert bad.exit_code == 1 and not (tmp_path / "x").exists()
    count = "SELECT count(*) AS n FROM audit_event WHERE action = 'audit.evidence_written'"
    assert (owner.execute(count).fetchone() or {})["n"] == 1
