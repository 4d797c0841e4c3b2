"""What Steward exports Steward takes back: nothing has changed, whatever the cells begin with."""

import io
from datetime import date, datetime
from typing import Any

import pytest
from flask import Flask
from openpyxl import load_workbook

from tests import factories
from tests.assets.importing import ALL, check, upload, verdicts
from webapp.assets.models import Asset
from webapp.assets.schemas import CheckOut
from webapp.assets.services import custody
from webapp.core import files, workbooks
from webapp.core.db import db
from webapp.users.models import User

ODD = [
    "=cmd|' /C calc'!A0",
    "'=x",
    "''-y",
    "+1",
    "-5",
    "'quoted'",
    "@home",
    "5'4",
    " =1",
    '"\t-x',
    "\n+x",
]


@pytest.mark.parametrize("text", ODD)
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert files.restored(files.neutralised(text)) == text
    assert files.restored(files.quoted_again(text)) == text


def test_a_number_is_no_formula() -> None:
    assert [files.neutralised(text) for text in ("-5", "-5,25", "-5+1", "=5", ' "=5')] == [
        "-5", "-5,25", "'-5+1", "'=5", "' \"=5"
    ]  # fmt: skip


def test_no_text_of_a_workbook_is_a_formula() -> None:
    with workbooks.write_xlsx(["Name"], [["=1+1"]]).file as file:
        cell = load_workbook(file).active["A2"]
    assert cell.value == "=1+1" and cell.data_type != "f"


def _shelf() -> Any:
    north, south = factories.make_location("North"), factories.make_location("South")
    # The same name and code in two locations, the same tag at two clients, and names that are codes.
    acme = factories.make_client("Acme", code="HQ", location_id=north.id)
    twin = factories.make_client("Acme", code="HQ", location_id=south.id)
    other = factories.make_client("HQ", code="ACME", location_id=south.id)
    project = factories.make_project("Move", client_id=acme.id)
    laptop = factories.make_type(
        "Laptop",
        {"key": "ram", "label": "Memory", "kind": "number", "unit": "GB"},
        {"key": "owned", "label": "Owner", "kind": "yesno"},
        {"key": "due", "label": "Due", "kind": "date"},
    )
    server = factories.make_type(
        "Server",
        {"key": "ram", "label": "Memory", "kind": "number", "unit": "TB"},
        {"key": "state", "label": "Status"},
    )
    values = {"ram": 0.5, "owned": True, "due": "2030-01-01"}
    on = {"client_id": acme.id, "project_id": project.id}
    rack = factories.make_asset(
        "Rack", tag="A-1", type_id=server.id, attributes={"ram": 2, "state": "=x"}, **on
    )
    held = factories.make_asset(
        "'=x", tag="A-2", type_id=laptop.id, parent_id=rack.id, attributes=values, cost="12.50", serial="-5",
        purchased_on=date(2024, 2, 1), warranty_until=date(2028, 2, 1), notes="+1\nsecond", model="00123", **on,
    )  # fmt: skip
    placed = factories.make_asset("Placed", tag="A-1", type_id=laptop.id, client_id=twin.id)
    factories.make_asset(
        "Plain", tag="B-1", type_id=laptop.id, client_id=other.id, status="retired"
    )
    factories.make_user(name="Same Name", email="first@example.com")
    rao = factories.make_user(name="Same Name", email="second@example.com")
    with factories.work():
        for asset, holder in ((held, f"user:{rao.id}"), (placed, f"location:{south.id}")):
            live = db.session.get_one(Asset, asset.id)
            custody.check_out(None, live, CheckOut(holder=holder))


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("locale", ["en", "es"])
def test_what_is_exported_comes_in_unchanged(
    app: Flask, sign_in: Any, owner: Any, ending: str, locale: str
) -> None:
    _shelf()
    person = sign_in(*ALL, "assets.export")
    with factories.work():
        db.session.get_one(User, person.user.id).locale = locale
    content = person.get(f"/assets/export.{ending}").get_data()
    run = upload(person, content, f"assets.{ending}")
    found = check(app, person, owner, run)
    assert found == {"same": 4}, [
        (r["problems"], r["changes"]) for r in verdicts(owner, run).values()
    ]
    row = owner.execute("SELECT settings FROM asset_imports").fetchone()["settings"]
    columns = set(row["options"]["columns"])
    assert {
        "client_code",
        "parent",
        "location",
        "holder",
        "attribute:ram",
        "attribute:owned",
    } <= columns


def test_an_export_says_where_and_when_and_has_the_attributes_that_occur(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    _shelf()
    owner.execute("SET session_replication_role = replica")
    owner.execute("UPDATE assets SET updated_at = '2026-01-01 12:30:59.123+00'")
    person = sign_in("assets", "assets.export")
    with factories.work():
        db.session.get_one(User, person.user.id).timezone = "America/Bogota"
    lines = person.get("/assets/export.csv").get_data().decode("utf-8-sig").splitlines()
    assert lines[0].endswith("Updated,Memory (GB),Owner,Due [due],Memory (TB),Status [state]")
    assert "North,Move,A-1,Same Name" in "\n".join(lines)
    assert "2026-01-01 07:30,0.5,yes,2030-01-01,," in "\n".join(lines)
    book = load_workbook(io.BytesIO(person.get("/assets/export.xlsx").get_data()))
    assert datetime(2026, 1, 1, 7, 30) in next(book.active.iter_rows(min_row=2, values_only=True))  # noqa: DTZ001


def test_too_many_attributes_stay_out_of_the_export(sign_in: Any) -> None:
    client = factories.make_client()
    for number in range(3):
        rules = [{"key": f"k{number}_{n}", "label": f"L {number} {n}"} for n in range(40)]
        kind = factories.make_type(f"Type {number}", *rules)
        factories.make_asset(f"A {number}", client_id=client.id, type_id=kind.id)
    person = sign_in("assets", "assets.export")
    head = person.get("/assets/export.csv").get_data().decode("utf-8-sig").splitlines()[0]
    assert head.endswith("Updated")
    narrowed = person.get(f"/assets/export.csv?type={kind.id}").get_data().decode("utf-8-sig")
    assert narrowed.splitlines()[0].endswith("L 2 39")
