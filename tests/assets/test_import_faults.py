"""What the dry run says of each row: all its faults, all that would be stored, and whose a tag or a code is."""

from typing import Any

from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, upload, verdicts
from tests.assets.test_import_reader import book


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
