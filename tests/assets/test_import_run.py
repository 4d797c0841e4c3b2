"""An import from its upload to the register: what is found, what is applied, and only once."""

from typing import Any

from flask import Flask

from tests import factories
from tests.assets.importing import ALL, apply, check, upload

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
