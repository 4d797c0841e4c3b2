"""An import from its upload to the register: what is found, what is applied, and only once."""

import io
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, options, upload, work_off
from tests.assets.test_import_reader import book
from webapp.assets.importing import runs
from webapp.assets.models import Asset
from webapp.assets.schemas import AssetDraft
from webapp.assets.services import records
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.jobs import purge
from webapp.users.models import User

FILE = (
    "Asset Tag,Name,Category,Company,Serial\nA-1,First,Laptop,Acme,S1\nA-2,Second,Laptop,Acme,S2\n"
)


def _place(*attributes: dict[str, Any]) -> tuple[Any, Any]:
    return factories.make_client("Acme", code="ACME"), factories.make_type("Laptop", *attributes)


def test_a_file_is_checked_applied_and_then_the_same(
    app: Flask, sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    client, kind = _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    assert person.get(f"/assets/import/{run}").status_code == 200
    assert check(app, person, owner, run) == {"new": 2}
    page = person.get(f"/assets/import/{run}")
    assert page.status_code == 200 and "Apply 2 rows" in page.text
    assert apply(app, person, owner, run) == {"new": 2, "added": 2}
    rows = owner.execute("SELECT * FROM assets ORDER BY tag").fetchall()
    assert [(r["tag"], r["name"], r["serial"], r["client_id"], r["type_id"]) for r in rows] == [
        ("A-1", "First", "S1", client.id, kind.id),
        ("A-2", "Second", "S2", client.id, kind.id),
    ]
    (told,) = audit_rows("asset", rows[0]["id"])
    assert told["category"] == "change" and told["actor_id"] == person.user.id
    assert told["reason"] == f"import assets.csv #{run}"
    assert person.get(f"/assets/import/{run}").status_code == 200
    again = upload(person, FILE)
    assert check(app, person, owner, again) == {"same": 2}
    assert "nothing to apply" in person.get(f"/assets/import/{again}").text.lower()


def test_the_log_tells_of_an_imported_asset_as_of_any_other(
    app: Flask, sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    client, kind = _place({"key": "memory", "label": "Memory", "kind": "number"})
    draft = AssetDraft(
        name="First", tag="B-1", client_id=client.id, type_id=kind.id, serial="S1", cost="12.5",
        purchased_on="2024-02-01", attributes={"memory": 8},
    )  # fmt: skip
    with factories.work():
        one = records.create(None, draft).id
    person = sign_in(*ALL)
    long = "x" * 4500
    run = upload(
        person,
        "Asset Tag,Name,Category,Company,Serial,Memory,Purchase Cost,Purchase Date,Notes\n"
        f"A-1,First,Laptop,Acme,S1,8,12.5,2024-02-01,{long}\n,Second,Laptop,Acme,S2,,,,\n",
    )
    check(app, person, owner, run)
    assert apply(app, person, owner, run) == {"new": 2, "added": 2}
    made = owner.execute(
        "SELECT id, tag FROM assets WHERE id <> %s ORDER BY serial", [one]
    ).fetchall()
    (alone,), (imported,) = audit_rows("asset", one), audit_rows("asset", made[0]["id"])
    assert [alone[n] for n in ("action", "category")] == [
        imported[n] for n in ("action", "category")
    ]
    assert imported["object_label"] == "A-1 First" and imported["client_id"] == client.id
    changes = imported["changes"]
    assert changes.pop("notes")[1] == long
    assert changes | {"tag": 0, "notes": 0} == alone["changes"] | {"tag": 0, "notes": 0}
    assert made[1]["tag"].startswith("A-0")


def test_a_second_click_applies_nothing_twice(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    check(app, person, owner, run)
    first, second = (person.post(f"/assets/import/{run}/apply") for _ in range(2))
    assert first.status_code == second.status_code == 303
    jobs = "SELECT count(*) AS n FROM procrastinate_jobs WHERE task_name = 'assets.apply_import'"
    assert owner.execute(jobs).fetchone()["n"] == 1
    assert work_off(app) == 1
    assert owner.execute("SELECT count(*) AS n FROM assets").fetchone()["n"] == 2
    assert person.post(f"/assets/import/{run}/apply").status_code == 303
    assert work_off(app) == 0


def test_a_job_that_dies_leaves_nothing_and_can_be_tried_again(
    app: Flask, sign_in: Any, owner: Any, monkeypatch: Any
) -> None:
    _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    check(app, person, owner, run)
    finish = runs.finish

    def die(*_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(runs, "finish", die)
    person.post(f"/assets/import/{run}/apply")
    with pytest.raises(RuntimeError):
        work_off(app)
    assert owner.execute("SELECT count(*) AS n FROM assets").fetchone()["n"] == 0
    page = person.get(f"/assets/import/{run}").text
    assert "Nothing was changed" in page and "Check again" in page
    assert "Failed" in person.get("/assets/import").text
    monkeypatch.setattr(runs, "finish", finish)
    assert person.post(f"/assets/import/{run}/retry").status_code == 303
    work_off(app)
    assert apply(app, person, owner, run) == {"new": 2, "added": 2}


def test_what_changed_since_the_check_is_refused_alone(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    client, kind = _place()
    common = {"client_id": client.id, "type_id": kind.id}
    factories.make_asset("Before", tag="A-1", serial="S1", **common)
    person = sign_in(*ALL)
    run = upload(person, FILE + "A-3,Third,Laptop,Acme,S3\n")
    assert check(app, person, owner, run) == {"new": 2, "changed": 1}
    with factories.work():
        asset = db.session.query(Asset).one()
        asset.name = "Meanwhile"
    factories.make_asset("Came first", tag="A-3", serial="S3", **common)
    assert apply(app, person, owner, run) == {"new": 1, "wrong": 2, "added": 1, "refused": 2}
    names = {row["tag"]: row["name"] for row in owner.execute("SELECT * FROM assets").fetchall()}
    assert names == {"A-1": "Meanwhile", "A-2": "Second", "A-3": "Came first"}
    assert "refused" in person.get(f"/assets/import/{run}").text


def test_the_bar_is_polled_and_leads_to_the_result(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    person.post(f"/assets/import/{run}/check", data=options(owner, run))
    assert "import-progress" in person.get(f"/assets/import/{run}").text
    asked = {"HX-Request": "true", "HX-Request-Type": "partial"}
    bar = person.get(f"/assets/import/{run}?watching=1", headers=asked)
    assert bar.status_code == 200 and "<html" not in bar.text
    assert person.post(f"/assets/import/{run}/remove").status_code == 303
    work_off(app)
    done = person.get(f"/assets/import/{run}?watching=1", headers=asked)
    assert done.headers["HX-Redirect"] == f"/assets/import/{run}"


def test_only_the_owner_sees_an_import_and_only_who_may_applies(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    _place()
    person, other = sign_in("assets.import", "assets", "assets.edit"), sign_in("*")
    run = upload(person, FILE)
    assert check(app, person, owner, run) == {"new": 2}
    assert "Apply 2 rows" not in person.get(f"/assets/import/{run}").text
    assert person.post(f"/assets/import/{run}/apply").status_code == 403
    for path in ("", "/wrong.csv"):
        assert other.get(f"/assets/import/{run}{path}").status_code == 404
    for step in ("apply", "check", "remove", "retry"):
        assert other.post(f"/assets/import/{run}/{step}").status_code == 404
    assert sign_in("assets").get("/assets/import").status_code == 403


def test_a_right_lost_meanwhile_stops_the_job(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    check(app, person, owner, run)
    person.post(f"/assets/import/{run}/apply")
    with factories.work():
        db.session.get_one(User, person.user.id).is_active = False
    with pytest.raises(DomainError):
        work_off(app)
    assert owner.execute("SELECT count(*) AS n FROM assets").fetchone()["n"] == 0


def test_a_wrong_mapping_is_told_with_the_form(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    run = upload(person, FILE)
    for columns, words in (
        (["tag", "tag", "", "", ""], "Two columns go to the same field"),
        (["", "", "type", "", ""], "Say which column holds the tag"),
        (["tag", "strange", "", "", ""], "Choose one of the list"),
    ):
        sent = options(owner, run, columns=columns)
        reply = person.post(f"/assets/import/{run}/check", data=sent)
        assert reply.status_code == 422 and words in reply.text
    reply = person.post(f"/assets/import/{run}/check", data=options(owner, run, columns=["tag"]))
    assert reply.status_code == 409 and "do not fit this file" in reply.text


def test_uploads_that_cannot_be_read_are_told_at_the_file(sign_in: Any, app: Flask) -> None:
    person = sign_in(*ALL)
    assert "No imports yet" in person.get("/assets/import").text
    for content, words in ((b"", "The file is empty."), (b"Tag,Name\n", "no row below")):
        reply = person.post("/assets/import", data={"file": (io.BytesIO(content), "x.csv")})
        assert reply.status_code == 422 and words in reply.text
    assert person.post("/assets/import", data={}).status_code == 422
    kept = app.extensions["steward"].data_dir / "imports" / str(person.user.id)
    assert not [path for path in kept.rglob("*") if path.is_file()]


def test_a_removed_import_takes_its_file_along(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    run, twin = upload(person, FILE), upload(person, FILE)
    kept = app.extensions["steward"].data_dir / "imports" / str(person.user.id)
    assert person.post(f"/assets/import/{run}/remove").status_code == 303
    assert len(list(kept.glob("[0-9a-f][0-9a-f]/*"))) == 1
    assert person.post(f"/assets/import/{twin}/remove").status_code == 303
    assert not list(kept.glob("[0-9a-f][0-9a-f]/*"))
    assert person.get(f"/assets/import/{twin}").status_code == 404


def test_old_imports_go_by_themselves_and_what_they_brought_in_stays(
    app: Flask, sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    _place()
    person, other = sign_in(*ALL), sign_in(*ALL)
    old = upload(person, FILE)
    check(app, person, owner, old)
    apply(app, person, owner, old)
    abandoned, fresh = upload(person, "Tag,Name\nX-1,x\n"), upload(person, FILE)
    theirs = upload(other, FILE)
    aged = (
        "UPDATE asset_imports SET updated_at = now() - make_interval(days => %s) WHERE id = ANY(%s)"
    )
    owner.execute(aged, [91, [old, abandoned, theirs]])
    owner.execute(aged, [89, [fresh]])
    with factories.work():
        assert purge.remove()["imports"] == 3
    left = owner.execute("SELECT id FROM asset_imports").fetchall()
    assert [row["id"] for row in left] == [fresh]
    assert owner.execute("SELECT count(*) AS n FROM asset_import_rows").fetchone()["n"] == 0
    assert owner.execute("SELECT count(*) AS n FROM assets").fetchone()["n"] == 2
    kept = app.extensions["steward"].data_dir / "imports"
    assert len(list((kept / str(person.user.id)).glob("[0-9a-f][0-9a-f]/*"))) == 1
    assert not list((kept / str(other.user.id)).glob("[0-9a-f][0-9a-f]/*"))
    assert audit_rows(action="system.purged")[-1]["changes"]["imports"] == 3
    assert check(app, person, owner, fresh) == {"same": 2}


def test_a_sheet_of_a_workbook_is_chosen(app: Flask, sign_in: Any, owner: Any) -> None:
    _place()
    person = sign_in(*ALL)
    lines = [line.split(",") for line in FILE.splitlines()]
    run = upload(
        person, book(("Cover", [["About", "us"], ["x", "y"]]), ("Assets", lines)), "a.xlsx"
    )
    assert "The workbook has several sheets" in person.get(f"/assets/import/{run}").text
    assert person.post(f"/assets/import/{run}/sheet", data={"sheet": "None"}).status_code == 303
    assert person.post(f"/assets/import/{run}/sheet", data={"sheet": "Assets"}).status_code == 303
    assert check(app, person, owner, run) == {"new": 2}


def test_too_large_a_file_is_told_its_limit_on_the_page(sign_in: Any, app: Flask) -> None:
    person = sign_in(*ALL)
    large = b"Tag,Name\n" + b"x" * (27 * 1024 * 1024)
    reply = person.post("/assets/import", data={"file": (io.BytesIO(large), "x.csv")})
    assert (reply.status_code, reply.location) == (303, "/assets/import")
    assert "larger than 25 MB" in person.get("/assets/import").text
    asked = {"Accept": "application/json"}
    reply = person.post(
        "/assets/import", data={"file": (io.BytesIO(large), "x.csv")}, headers=asked
    )
    assert reply.status_code == 413
