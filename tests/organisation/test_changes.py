"""The tree stays sound, nothing is overwritten unseen, and bad input changes nothing."""

import psycopg
import pytest

from tests import factories


@pytest.fixture
def boss(sign_in):
    return sign_in("*")


def test_a_location_cannot_lie_inside_itself(boss, owner):
    top = factories.make_location("Top")
    inner = factories.make_location("Inner", parent_id=top.id)
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute("UPDATE locations SET parent_id = %s WHERE id = %s", [inner.id, top.id])
    data = {"name": "Top", "parent_id": inner.id, "version": top.version}
    reply = boss.post(f"/organisation/locations/{top.id}/edit", data=data)
    assert reply.status_code == 422 and "inside itself" in reply.text


def test_what_is_occupied_stays_until_it_is_empty(boss):
    project = factories.make_project()
    client = f"/organisation/clients/{project.client_id}"
    reply = boss.post(f"{client}/delete", data={"version": 1})
    assert reply.status_code == 409 and "still belongs to it" in reply.text
    there = f"/organisation/projects/{project.id}"
    assert boss.post(f"{there}/delete", data={"version": 1}).status_code == 303
    assert boss.post(f"{client}/delete", data={"version": 1}).status_code == 303
    assert project.name not in boss.get("/organisation/projects").text
    assert project.name in boss.get("/organisation/projects?deleted=1").text
    reply = boss.post(f"{there}/restore")
    assert reply.status_code == 409 and "Restore that first" in reply.text
    assert boss.post(f"{client}/restore").status_code == 303
    assert boss.post(f"{there}/restore").status_code == 303
    assert project.name in boss.get("/organisation/projects").text


def test_a_stale_save_shows_both_versions_and_loses_nothing(boss, owner):
    client = factories.make_client("Before")
    url = f"/organisation/clients/{client.id}/edit"
    data = {"code": client.code, "location_id": client.location_id, "version": client.version}
    assert boss.post(url, data=data | {"name": "Theirs"}).status_code == 303
    reply = boss.post(url, data=data | {"name": "Mine", "notes": "typed for long"})
    assert reply.status_code == 409
    assert "Theirs" in reply.text and 'value="Mine"' in reply.text
    assert "typed for long" in reply.text
    row = owner.execute("SELECT name, version FROM clients WHERE id = %s", [client.id]).fetchone()
    assert row["name"] == "Theirs"
    again = data | {"name": "Mine", "version": row["version"]}
    assert f'name="version" value="{row["version"]}"' in reply.text
    assert boss.post(url, data=again).status_code == 303
    without = {name: value for name, value in again.items() if name != "version"}
    assert boss.post(url, data=without).status_code == 409


BAD = [
    ("name", ""),
    ("name", "   "),
    ("name", "x" * 201),
    ("name", "bell\x07"),
    ("name", "two\nlines"),
    ("code", "a"),
    ("code", "has space"),
    ("code", "X" * 17),
    ("code", "ÄÖ"),
    ("location_id", ""),
    ("location_id", "999999"),
    ("location_id", "abc"),
    ("location_id", "-1"),
    ("location_id", str(2**70)),
    ("contact_email", "nobody"),
    ("notes", "x" * 5001),
]


@pytest.mark.parametrize(("field", "value"), BAD)
def test_bad_input_changes_nothing(boss, owner, field, value):
    home = factories.make_location()
    data = {"name": "Fine 🏭", "code": "FINE", "location_id": home.id} | {field: value}
    reply = boss.post("/organisation/clients/new", data=data)
    assert reply.status_code == 422
    assert 'aria-invalid="true"' in reply.text
    assert not owner.execute("SELECT FROM clients").fetchall()


def test_other_bad_input(boss):
    client = factories.make_client(code="TAKEN")
    data = {"name": "P", "client_id": client.id, "starts_on": "2026-02-02", "ends_on": "2026-02-01"}
    assert boss.post("/organisation/projects/new", data=data).status_code == 422
    data |= {"ends_on": "soon"}
    assert boss.post("/organisation/projects/new", data=data).status_code == 422
    twin = {"name": "Twin", "code": "taken", "location_id": client.location_id}
    reply = boss.post("/organisation/clients/new", data=twin)
    assert reply.status_code == 422 and "This code is taken" in reply.text
    strange = twin | {"deleted_at": "now"}
    assert boss.post("/organisation/clients/new", data=strange).status_code == 400
    for url in ("clients/0", "clients/-1", f"clients/{2**70}", "clients/x", "locations/999999"):
        assert boss.get(f"/organisation/{url}").status_code == 404
    for query in ("sort=-nope", "limit=x", "after=!!", "deleted=2", "location=x"):
        assert boss.get(f"/organisation/clients?{query}").status_code == 400
    assert boss.get("/organisation/clients?q=%25_%27").status_code == 200


def test_pages_need_few_statements(boss, statements):
    home = factories.make_location()
    for _ in range(30):
        factories.make_project(client_id=factories.make_client(location_id=home.id).id)
    first = boss.get("/organisation/clients").text
    assert 'data-label="Code"' in first and first.count('data-label="Code"') == 25
    for url in (
        "/",
        "/organisation",
        "/organisation/clients?limit=30",
        "/organisation/projects?limit=30",
        f"/organisation/locations/{home.id}",
        "/search?q=client",
    ):
        with statements() as seen:
            assert boss.get(url).status_code == 200
        assert len(seen) <= 8, (url, seen)
