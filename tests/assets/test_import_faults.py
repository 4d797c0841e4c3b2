"""What the dry run says of each row: all its faults, all that would be stored, and whose a tag or a code is."""

import os
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, counts, upload, verdicts, work_off
from tests.assets.test_import_reader import book
from webapp.assets.models import Asset
from webapp.audit.sentences import predicate
from webapp.core.db import db


def _told(owner: Any, run: int) -> dict[int, dict[str, str]]:
    return {line: dict(row["problems"]) for line, row in verdicts(owner, run).items()}


def test_a_new_row_shows_all_that_will_be_stored(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_client("Acme", code="ACME")
    factories.make_type("Laptop", {"key": "ram", "label": "RAM", "kind": "number", "unit": "GB"})
    person = sign_in(*ALL)
    text = "Tag,Name,Client,Type,Cost,Purchase date,RAM (GB)\nA-1,First,ACME,laptop,$1e3,2024-02-01,16 GB\n"
    run = upload(person, text)
    assert check(app, person, owner, run) == {"new": 1}
    page = person.get(f"/assets/import/{run}").text
    for words in (
        "Cost:</span> 1000",
        "Purchased on:</span> 2024-02-01",
        "RAM:</span> 16",
        "Status:</span> In stock",
    ):
        assert words in page
    apply(app, person, owner, run)
    row = owner.execute("SELECT cost, attributes FROM assets").fetchone()
    assert (str(row["cost"]), row["attributes"]) == ("1000.00", {"ram": 16})


def test_a_row_lists_all_its_faults_and_quotes_them(app: Flask, sign_in: Any, owner: Any) -> None:
    person = sign_in(*ALL)
    text = "Tag,Name,Client,Type,Cost,Warranty until\nA 1,First,Nowhere,Spoon,2x4,31/31/2024\n"
    run = upload(person, text)
    assert check(app, person, owner, run) == {"wrong": 1}
    told = _told(owner, run)[2]
    assert told["client"] == "There is no client “Nowhere”, or none that you see."
    assert told["type"] == "There is no type “Spoon”."
    assert (
        "“2x4” is no number" in told["cost"] and "“31/31/2024” is no date" in told["warranty_until"]
    )
    assert told["tag"].startswith("“A 1”: Use letters")


def test_the_errors_of_a_spreadsheet_are_no_data(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_client("Acme", code="ACME")
    factories.make_type("Laptop")
    person = sign_in(*ALL)
    lines = [
        ["Tag", "Name", "Client", "Type"],
        ["A-1", "#REF!", "ACME", "Laptop"],
        ["A-2", "x", "#N/A", "Laptop"],
    ]
    content = book(("Assets", lines))
    run = upload(person, content, "a.xlsx")
    assert check(app, person, owner, run) == {"wrong": 2}
    told = _told(owner, run)
    assert told[2] == {"name": "“#REF!”: The spreadsheet shows an error here. Mend its formula."}
    assert list(told[3]) == ["client"]


def test_a_tag_that_another_client_has_too_can_be_updated_but_not_taken(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    kind = factories.make_type("Laptop")
    one, two, three = (
        factories.make_client(f"Client {code}", code=code) for code in ("AA", "BB", "CC")
    )
    for client in (one, two):
        factories.make_asset("Same", tag="DUP", client_id=client.id, type_id=kind.id)
    factories.make_asset("Own", tag="OWN", serial="S-1", client_id=three.id, type_id=kind.id)
    person = sign_in(*ALL)
    head = "Tag,Name,Client,Type,Serial\n"
    run = upload(person, f"{head}DUP,First,AA,,\nDUP,Second,BB,,\nDUP,Third,CC,Laptop,\nDUP,,,,\n")
    assert check(app, person, owner, run) == {"changed": 2, "wrong": 2}
    told = _told(owner, run)
    assert "There is an asset with this tag" in told[4]["tag"]
    assert "Several assets match" in told[5]["tag"]
    run = upload(person, f"{head}DUP,Own,CC,,S-1\n")
    assert check(app, person, owner, run, match="serial") == {"wrong": 1}


def test_a_code_that_two_clients_have_is_told_apart_by_name_or_location(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    north, south = factories.make_location("North"), factories.make_location("South")
    first = factories.make_client("First", code="HQ", location_id=north.id)
    second = factories.make_client("Second", code="HQ", location_id=south.id)
    factories.make_type("Laptop")
    person = sign_in(*ALL)
    run = upload(
        person,
        "Tag,Name,Type,Client,Client code,Location\nA-1,x,Laptop,,HQ,\nA-2,x,Laptop,HQ,,\n"
        "A-3,x,Laptop,First,hq,\nA-4,x,Laptop,,HQ,South\nA-5,x,Laptop,Second,XX,\n",
    )
    assert check(app, person, owner, run) == {"new": 2, "wrong": 3}
    told = _told(owner, run)
    assert (
        told[2]["client_code"]
        == "2 clients have the code “HQ”. Give the name, too, or the location."
    )
    assert "2 clients have the code “HQ”" in told[3]["client"]
    assert "no client “Second” with the code “XX”" in told[6]["client"]
    apply(app, person, owner, run)
    rows = owner.execute("SELECT client_id FROM assets ORDER BY tag").fetchall()
    assert [row["client_id"] for row in rows] == [first.id, second.id]


SNIPE = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.mark.skipif(
    not (SNIPE / "snipeit-assets.csv").exists(), reason="no sample export (SHARED_DATA)"
)
def test_a_snipe_it_export_needs_one_click(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_location("Only place")
    person = sign_in("*")
    run = upload(person, (SNIPE / "snipeit-assets.csv").read_bytes(), "snipeit.csv")
    assert set(check(app, person, owner, run)) == {"wrong"}
    page = person.get(f"/assets/import/{run}").text
    assert "Not known here yet" in page and "Abshire and Sons" in page and "Only place" in page
    chosen = re.findall(r'<option[^>]*value="(\d+)"[^>]*>Only place', page)
    reply = person.post(f"/assets/import/{run}/create", data={"location_id": chosen[0]})
    assert reply.status_code == 303
    work_off(app)
    found = counts(owner, run)
    assert found["new"] >= 20 and "wrong" not in found
    assert "Add them and check again" not in person.get(f"/assets/import/{run}").text
    assert apply(app, person, owner, run)["added"] == found["new"]


def test_what_is_missing_needs_a_location_and_the_permissions(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    factories.make_location("One")
    factories.make_location("Two")
    text = "Tag,Name,Client,Client code,Type\nA-1,x,New one,N1,Spoon\n"
    person = sign_in("*")
    run = upload(person, text)
    check(app, person, owner, run)
    reply = person.post(f"/assets/import/{run}/create", data={"location_id": ""})
    assert reply.status_code == 422 and "Say in which location new clients are." in reply.text
    back = person.get(f"/assets/import/{run}/create")
    assert (back.status_code, back.location) == (303, f"/assets/import/{run}")
    other = sign_in(*ALL)
    run = upload(other, text)
    check(app, other, owner, run)
    assert "Add them and check again" not in other.get(f"/assets/import/{run}").text


def test_a_client_that_is_made_gets_the_code_that_the_file_says(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    home = factories.make_location("Home")
    person = sign_in("*")
    run = upload(person, "Tag,Name,Client,Client code,Type\nA-1,x,New one,n1,Spoon\n")
    create = {"unknown_types": "create", "unknown_clients": "create", "location_id": home.id}
    check(app, person, owner, run, **create)
    apply(app, person, owner, run)
    assert owner.execute("SELECT name, code FROM clients").fetchall() == [
        {"name": "New one", "code": "N1"}
    ]
    again = upload(person, "Tag,Name,Client,Client code,Type\nA-1,x,New one,n1,Spoon\n")
    assert check(app, person, owner, again, **create) == {"same": 1}


def test_what_happens_to_an_import_is_in_the_log(
    app: Flask, sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    factories.make_client("Acme", code="ACME")
    factories.make_type("Laptop")
    person = sign_in(*ALL)
    text = "Tag,Name,Client,Type\nA-1,x,Acme,Laptop\nA-2,x,Nobody,Laptop\n"
    run = upload(person, text, "../../../etc/passwd.csv")
    assert ">passwd.csv<" in person.get("/assets/import").text
    check(app, person, owner, run)
    person.get(f"/assets/import/{run}/wrong.csv")
    apply(app, person, owner, run)
    person.post(f"/assets/import/{run}/remove")
    rows = {row["action"]: row for row in audit_rows("asset_import", run)}
    assert {action: row["category"] for action, row in rows.items()} == {
        "import.uploaded": "change", "import.checked": "change", "import.rows_exported": "export",
        "import.applied": "change", "import.removed": "change",
    }  # fmt: skip
    assert {row["actor_id"] for row in rows.values()} == {person.user.id}
    assert {row["object_label"] for row in rows.values()} == {"passwd.csv"}
    assert predicate(SimpleNamespace(**rows["import.applied"])) == (
        "applied the import passwd.csv: 1 added, 0 changed"
    )


def test_refused_rows_can_be_checked_again_and_rows_lead_to_their_assets(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    client, kind = factories.make_client("Acme", code="ACME"), factories.make_type("Laptop")
    asset = factories.make_asset("Before", tag="A-1", client_id=client.id, type_id=kind.id)
    person = sign_in(*ALL)
    run = upload(person, "Tag,Name,Client,Type\nA-1,After,Acme,\nA-2,Second,Acme,Laptop\n")
    check(app, person, owner, run)
    with factories.work():
        db.session.get_one(Asset, asset.id).name = "Meanwhile"
    assert apply(app, person, owner, run) == {"new": 1, "wrong": 1, "added": 1, "refused": 1}
    page = person.get(f"/assets/import/{run}").text
    made = owner.execute("SELECT id FROM assets WHERE tag = 'A-2'").fetchone()["id"]
    assert f"/assets/{asset.id}" in page or f'/{asset.id}"' in page
    assert re.search(rf'href="[^"]*\b{made}\b[^"]*">A-2 Second', page)
    assert "A-1,After,Acme" in person.get(f"/assets/import/{run}/wrong.csv").text
    assert "Check again" in page
    assert person.post(f"/assets/import/{run}/retry").status_code == 303
    work_off(app)
    assert counts(owner, run) == {"same": 1, "changed": 1}
    assert apply(app, person, owner, run) == {"same": 1, "changed": 1, "updated": 1}
