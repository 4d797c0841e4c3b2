"""What columns mean: the own words of both languages, and attributes that types call differently."""

import re
from datetime import date
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, options, upload, verdicts, work_off
from webapp.assets.importing import mapping, values
from webapp.core.language import gettext, speaking

EXPORT = (*ALL, "assets.export")


def _shelf() -> None:
    client = factories.make_client("Acme", code="ACME")
    number = {"key": "capacity", "kind": "number"}
    cooler = factories.make_type("HVAC unit", number | {"label": "Cooling capacity", "unit": "kW"})
    lift = factories.make_type("Lift", number | {"label": "Capacity", "unit": "kg"})
    for kind, tag, value in ((cooler, "A-1", 12), (lift, "A-2", 400)):
        factories.make_asset(
            f"One {tag}", tag=tag, client_id=client.id, type_id=kind.id, attributes={"capacity": value}
        )  # fmt: skip


@pytest.mark.parametrize("locale", ["en", "es"])
def test_every_own_word_of_the_page_is_guessed(app: Flask, locale: str) -> None:
    with app.test_request_context(), speaking(locale):
        said = {field: gettext(label) for field, label in mapping.FIELDS.items()}
    assert said["purchased_on"] == {"en": "Purchased on", "es": "Comprado el"}[locale]
    assert {field: mapping.guess([label])[0] for field, label in said.items()} == {
        field: field for field in said
    }


def test_an_export_with_two_columns_of_one_attribute_comes_back(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    _shelf()
    person = sign_in(*EXPORT)
    out = person.get("/assets/export.csv").get_data().decode("utf-8-sig")
    assert out.splitlines()[0].endswith("Cooling capacity (kW),Capacity (kg)")
    assert check(app, person, owner, upload(person, out)) == {"same": 2}
    run = upload(person, re.sub(r"\b400\b", "450", re.sub(r",12,", ",13,", out)))
    assert check(app, person, owner, run) == {"changed": 2}
    told = [row["changes"]["attribute:capacity"] for row in verdicts(owner, run).values()]
    assert sorted(told) == [["12", "13"], ["400", "450"]]
    apply(app, person, owner, run)
    kept = owner.execute("SELECT attributes FROM assets ORDER BY tag").fetchall()
    assert [row["attributes"]["capacity"] for row in kept] == [13, 450]


def test_a_row_takes_the_column_of_its_type_and_no_contradiction(
    app: Flask, sign_in: Any, owner: Any
) -> None:
    _shelf()
    person = sign_in(*ALL)
    text = (
        "Tag,Name,Type,Client,Capacity (kg),Cooling capacity (kW)\n"
        "B-1,own,Lift,Acme,5,\nB-2,of both its own,Lift,Acme,5,6\n"
        "B-3,of another type,Lift,Acme,,6\nB-4,formula,Lift,Acme,#REF!,\n"
    )
    run = upload(person, text)
    assert check(app, person, owner, run) == {"new": 2, "wrong": 2}
    found = verdicts(owner, run)
    stored = [dict(found[line]["values"]["stored"])["attribute:capacity"] for line in (2, 3)]
    assert stored == ["5", "5"]
    assert "for this type it is “Capacity (kg)”" in str(found[4]["problems"])
    assert "Mend its formula" in str(found[5]["problems"])
    strange = text.replace("Capacity (kg),Cooling capacity (kW)", "First,Second")
    columns = ["tag", "name", "type", "client", *["attribute:capacity"] * 2]
    run = upload(person, strange)
    assert check(app, person, owner, run, columns=columns) == {"new": 2, "wrong": 2}
    found = verdicts(owner, run)
    assert "different things: “5”, “6”" in str(found[3]["problems"])
    assert dict(found[4]["values"]["stored"])["attribute:capacity"] == "6"


def test_an_applied_import_stays_applied(app: Flask, sign_in: Any, owner: Any) -> None:
    factories.make_client("Acme", code="ACME")
    home = factories.make_location("Home")
    person = sign_in("*")
    run = upload(person, "Tag,Name,Client,Type\nA-1,x,Acme,Spoon\n")
    check(app, person, owner, run)
    page = person.get(f"/assets/import/{run}").text
    assert page.index("Spoon") < page.index("Add them and check again")
    stale = {"location_id": home.id}
    assert person.post(f"/assets/import/{run}/create", data=stale).status_code == 303
    work_off(app)
    assert person.post(f"/assets/import/{run}/create", data=stale).status_code == 303
    assert work_off(app) == 0
    assert "Nothing is left to be added" in person.get(f"/assets/import/{run}").text
    apply(app, person, owner, run)
    assert person.post(f"/assets/import/{run}/check", data=options(owner, run)).status_code == 409
    for step in ("create", "retry"):
        assert person.post(f"/assets/import/{run}/{step}", data=stale).status_code == 303
        page = person.get(f"/assets/import/{run}").text
        assert "This import has been applied." in page and "1 added, 0 changed" in page
    assert work_off(app) == 0


def test_the_problem_column_says_which_cell_is_wrong(app: Flask, sign_in: Any, owner: Any) -> None:
    _shelf()
    person = sign_in(*ALL)
    text = "Tag;Name;Type;Client;Cost;Capacity (kg)\nB-1;x;Lift;Acme;1.234,56;1.234,56\n"
    run = upload(person, text)
    check(app, person, owner, run, decimal_comma=False)
    told = person.get(f"/assets/import/{run}/wrong.csv").text
    assert "Cost: “1.234,56” is no number" in told
    assert "Capacity / Cooling capacity: “1.234,56” is no number" in told


@pytest.mark.parametrize("order", values.ORDERS)
def test_a_day_that_does_not_exist_is_told_as_that(app: Flask, order: str) -> None:
    with app.test_request_context(), pytest.raises(ValueError, match="there is no such day"):
        values.day("2024-02-30", order)
    assert values.day("2024-02-29", order) == date(2024, 2, 29)
