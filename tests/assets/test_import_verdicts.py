"""What the dry run says of rows: new, changed, same, wrong and why; by what the person sees and may."""

import os
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, upload, verdicts

SMALL = Path(__file__).parent / "data" / "register-export.csv"
SHARED = Path(os.environ.get("SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))


def problems(owner: Any, run: int) -> dict[int, list[list[str]]]:
    return {line: row["problems"] for line, row in verdicts(owner, run).items() if row["problems"]}


def test_each_row_is_judged_on_its_own(app: Flask, sign_in: Any, owner: Any) -> None:
    client = factories.make_client("Acme", code="ACME")
    kind = factories.make_type(
        "Laptop", {"key": "ram", "kind": "number"}, {"key": "licence", "unique": True}
    )
    factories.make_project("Fleet", client_id=client.id)
    common = {"client_id": client.id, "type_id": kind.id}
    factories.make_asset("Old", tag="A-1", **common, serial="S1", status="retired")
    factories.make_asset("Kept", tag="A-2", **common, attributes={"licence": "L-1"})
    person = sign_in(*ALL)
    run = upload(
        person,
        "Tag,Name,Client,Project,Type,Status,Cost,Purchase date,Ram,Licence\n"
        "a-1,New name,Acme,,,,,,,\n"
        "A-2,Kept,acme,,laptop,,,,,l-1\n"
        "A-3,Third,ACME,Fleet,Laptop,in use,12.5,2024-02-03,16,L-2\n"
        "A-3,Twice,ACME,,Laptop,,,,,\n"
        "A-4,Fourth,ACME,Elsewhere,Laptop,,,,,\n"
        "A-5,Fifth,Nobody,,Laptop,,,,,\n"
        "A-6,Sixth,ACME,,Spoon,,,,,\n"
        "A 7,Seventh,ACME,,Laptop,,x,2024-13-01,much,\n"
        "A-8,Eighth,ACME,,Laptop,,,,,L-2\n"
        "A-9,Ninth,ACME,,Laptop,,,,,L-1\n"
        "A-1x,,ACME,,Laptop,sleeping,,,,\n"
        "A-10,,ACME,,Laptop,,,,,,too,many\n",
    )
    assert check(app, person, owner, run) == {"new": 1, "changed": 2, "wrong": 9}
    found = verdicts(owner, run)
    assert found[2]["changes"] == {"tag": ["A-1", "a-1"], "name": ["Old", "New name"]}
    assert found[3]["changes"] == {"attribute:licence": ["L-1", "l-1"]}
    told = {line: {field for field, _ in said} for line, said in problems(owner, run).items()}
    assert told == {
        5: {"tag"}, 6: {"project"}, 7: {"client"}, 8: {"type"},
        9: {"tag", "cost", "purchased_on", "attribute:ram"},
        10: {"attribute:licence"}, 11: {"attribute:licence"}, 12: {"status"}, 13: {""},
    }  # fmt: skip
    page = person.get(f"/assets/import/{run}?verdict=wrong").text
    assert (
        "Row 4 has the same tag." in page
        and "There is no client “Nobody”, or none that you see." in page
    )


def test_the_small_export_is_taken_as_it_is(app: Flask, sign_in: Any, owner: Any) -> None:
    home = factories.make_location("Harbour")
    rao = factories.make_user(name="Gita Rao", email="gita@example.com")
    person = sign_in("*")
    run = upload(person, SMALL.read_bytes(), "export.csv")
    page = person.get(f"/assets/import/{run}").text
    assert "Kiosk 15&#34;" in page
    create = {"unknown_types": "create", "unknown_clients": "create", "location_id": home.id}
    assert check(app, person, owner, run, **create) == {"new": 4}
    assert "Northwind Rail" in person.get(f"/assets/import/{run}").text
    assert apply(app, person, owner, run) == {"new": 4, "added": 4}
    rows = {row["tag"]: row for row in owner.execute("SELECT * FROM assets").fetchall()}
    first, second = rows["NWR-0001"], rows["NWR-0002"]
    assert (first["model"], str(first["purchased_on"]), str(first["cost"])) == (
        'Kiosk 15" KX-15', "2023-01-23", "2266.13"
    )  # fmt: skip
    assert (second["status"], str(second["cost"])) == ("in_use", "1292.94")
    held = {row["asset_id"]: row for row in owner.execute("SELECT * FROM asset_custody").fetchall()}
    assert held[second["id"]]["holder_user_id"] == rao.id
    assert held[rows["BFC-100"]["id"]]["holder_location_id"] == home.id
    assert rows["BFC-100"]["notes"] == "Two\nlines"
    again = upload(person, SMALL.read_bytes(), "export.csv")
    assert "as you had them the last time" in person.get(f"/assets/import/{again}").text
    assert check(app, person, owner, again) == {"same": 4}


@pytest.mark.skipif(
    not (SHARED / "snipeit-assets.csv").exists(),
    reason="no ../shared/data (or SHARED_DATA) with the sample export",
)
def test_a_snipe_it_export_is_taken_as_it_is(app: Flask, sign_in: Any, owner: Any) -> None:
    home = factories.make_location()
    person = sign_in("*")
    content = (SHARED / "snipeit-assets.csv").read_bytes()
    run = upload(person, content, "snipeit.csv")
    options = {"unknown_types": "create", "unknown_clients": "create", "location_id": home.id}
    found = check(app, person, owner, run, **options)
    rows = content.decode("utf-8-sig").count("\n")
    assert found["new"] >= 20 and "wrong" not in found, problems(owner, run)
    assert found["new"] <= rows
    assert apply(app, person, owner, run)["added"] == found["new"]
    again = upload(person, content, "snipeit.csv")
    assert check(app, person, owner, again)["same"] == found["new"]


def test_clients_out_of_scope_are_unknown(app: Flask, sign_in: Any, owner: Any) -> None:
    mine = factories.make_client("Mine", code="MINE")
    factories.make_client("Foreign", code="FOREIGN")
    kind = factories.make_type("Laptop")
    other = factories.make_asset(tag="A-1", type_id=kind.id)
    person = sign_in(*ALL, client_id=mine.id)
    text = "Tag,Name,Type,Client\nA-1,Taken elsewhere,Laptop,Mine\nA-2,x,Laptop,Foreign\nA-3,x,Laptop,Nowhere\n"
    run = upload(person, text)
    assert check(app, person, owner, run) == {"new": 1, "wrong": 2}
    told = problems(owner, run)
    assert str(told[3]).replace("Foreign", "Nowhere") == str(told[4])
    assert apply(app, person, owner, run) == {"new": 1, "wrong": 2, "added": 1}
    assert (
        owner.execute("SELECT name FROM assets WHERE id = %s", [other.id]).fetchone()["name"]
        == other.name
    )


def test_a_place_that_is_seen_but_not_edited_is_refused(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    mine, seen = factories.make_client("Mine"), factories.make_client("Seen")
    factories.make_type("Laptop")
    person = sign_in(*ALL, client_id=mine.id)
    factories.grant(person.user, factories.make_role("assets.import"), client_id=seen.id)
    run = upload(person, "Tag,Name,Type,Client\nA-1,x,Laptop,Mine\nA-2,x,Laptop,Seen\n")
    assert check(app, person, owner, run) == {"new": 1, "wrong": 1}
    assert "does not reach this place" in str(problems(owner, run)[3])


def test_matching_by_serial_number_and_empty_cells(app: Flask, sign_in: Any, owner: Any) -> None:
    asset = factories.make_asset("Name", tag="A-1", serial="S-1", notes="Note")
    person = sign_in(*ALL)
    run = upload(person, "Serial,Name,Notes\nS-1,Better,\n")
    assert check(app, person, owner, run, match="serial") == {"changed": 1}
    assert set(verdicts(owner, run)[2]["changes"]) == {"name"}
    assert check(app, person, owner, run, match="serial", clear_blank="1") == {"changed": 1}
    assert verdicts(owner, run)[2]["changes"]["notes"] == ["Note", ""]
    apply(app, person, owner, run)
    row = owner.execute("SELECT name, notes, tag FROM assets WHERE id = %s", [asset.id]).fetchone()
    assert row == {"name": "Better", "notes": "", "tag": "A-1"}


def test_the_wrong_rows_come_back_harmless(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_type("Laptop")
    person = sign_in(*ALL)
    run = upload(person, "Tag,Name,Client,Type\n=cmd|' /C calc'!A0,+1,Nobody,Laptop\n")
    check(app, person, owner, run)
    reply = person.get(f"/assets/import/{run}/wrong.csv")
    lines = reply.data.decode("utf-8-sig").splitlines()
    assert lines[0] == "Tag,Name,Client,Type,Problem"
    assert lines[1].startswith(
        "'=cmd|' /C calc'!A0,'+1,Nobody,Laptop,\"Client: There is no client “Nobody”"
    )
    assert "attachment" in reply.headers["Content-Disposition"]


def test_who_holds_something_keeps_it(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_user(email="one@example.com")
    factories.make_user(email="two@example.com")
    asset = factories.make_asset(tag="A-1")
    person = sign_in(*ALL)
    head = "Tag,Name,Assigned to\n"
    run = upload(person, f"{head}A-1,{asset.name},one@example.com\n")
    assert check(app, person, owner, run) == {"changed": 1}
    apply(app, person, owner, run)
    run = upload(person, f"{head}A-1,{asset.name},two@example.com\n")
    assert check(app, person, owner, run) == {"same": 1, "warned": 1}
    assert "Somebody has it already" in str(problems(owner, run))
    run = upload(person, f"{head}A-1,{asset.name},nobody@example.com\n")
    assert check(app, person, owner, run) == {"same": 1, "warned": 1}
