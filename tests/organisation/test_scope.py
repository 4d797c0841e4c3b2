"""Whoever works for one client, one place or one project sees exactly that, whichever way they ask."""

import psycopg
import pytest

from tests import factories

RIGHTS = ("organisation", "dashboard", "organisation.edit", "organisation.delete")


@pytest.fixture
def world(app):
    top = factories.make_location("Madrid")
    floor = factories.make_location("Third floor", parent_id=top.id)
    far = factories.make_location("Lisbon")
    mine = factories.make_client("Alpha works", location_id=floor.id, code="ALPHA")
    theirs = factories.make_client("Alpha rivals", location_id=far.id, code="RIVAL")
    return {
        "top": top,
        "floor": floor,
        "far": far,
        "mine": mine,
        "theirs": theirs,
        "project": factories.make_project("Alpha one", client_id=mine.id),
        "second": factories.make_project("Alpha two", client_id=mine.id),
        "other": factories.make_project("Alpha secretive", client_id=theirs.id),
    }


def scope(world, kind):
    return {
        "client": {"client_id": world["mine"].id},
        "location": {"location_id": world["top"].id},
        "project": {"project_id": world["project"].id},
    }[kind]


@pytest.mark.parametrize("kind", ["client", "location", "project"])
def test_lists_and_search_show_only_what_is_theirs(world, sign_in, kind):
    client = sign_in(*RIGHTS, **scope(world, kind))
    for url in (
        "/organisation",
        "/organisation/clients?q=alpha",
        "/organisation/projects?q=alpha",
        "/search?q=alpha",
        "/",
        f"/organisation/locations/{world['floor'].id}",
    ):
        text = client.get(url).get_data(as_text=True)
        for secret in ("rivals", "RIVAL", "secretive", "Lisbon"):
            assert secret not in text, (url, secret)
    found = client.get("/search?q=alpha").get_data(as_text=True)
    assert "Alpha works" in found and "Alpha one" in found
    assert ("Alpha two" in found) is (kind != "project")


@pytest.mark.parametrize("kind", ["client", "location", "project"])
def test_what_belongs_to_others_is_like_missing(world, sign_in, kind):
    client = sign_in(*RIGHTS, **scope(world, kind))
    hidden = {
        "clients": world["theirs"].id,
        "projects": world["other"].id,
        "locations": world["far"].id,
    }
    for folder, number in hidden.items():
        for end in ("", "/edit"):
            there = client.get(f"/organisation/{folder}/{number}{end}")
            missing = client.get(f"/organisation/{folder}/999999{end}")
            assert there.status_code == missing.status_code == 404
        for end in ("edit", "delete", "restore"):
            assert client.post(f"/organisation/{folder}/{number}/{end}").status_code == 404
    assert client.get(f"/organisation/projects/{world['project'].id}").status_code == 200


def test_a_page_without_scope_does_not_widen_another(world, sign_in):
    user = factories.make_user()
    factories.grant(user, factories.make_role("dashboard"))
    client = sign_in("organisation", user=user, client_id=world["mine"].id)
    for url in ("/search?q=alpha", "/organisation/clients"):
        text = client.get(url).get_data(as_text=True)
        assert "Alpha works" in text and "rivals" not in text


@pytest.mark.parametrize("kind", ["client", "project"])
def test_nothing_is_made_or_moved_beyond_the_scope(world, sign_in, owner, kind):
    client = sign_in(*RIGHTS, **scope(world, kind))
    mine, project = world["mine"], world["project"]
    made = {"name": "New", "code": "NEW-1", "location_id": world["floor"].id}
    tries = [
        ("locations/new", {"name": "New"}),
        ("locations/new", {"name": "New", "parent_id": world["floor"].id}),
        ("clients/new", made),
        ("clients/new", made | {"location_id": world["far"].id}),
        ("projects/new", {"name": "New", "client_id": world["theirs"].id}),
        ("projects/new", {"name": "New", "client_id": 999_999}),
        (f"clients/{mine.id}/edit", made | {"location_id": world["far"].id, "version": 1}),
        (
            f"projects/{project.id}/edit",
            {"name": "New", "client_id": world["theirs"].id, "version": 1},
        ),
        (f"locations/{world['floor'].id}/edit", {"name": "New", "version": 1}),
        (f"locations/{world['floor'].id}/delete", {"version": 1}),
    ]
    for path, data in tries:
        assert client.post(f"/organisation/{path}", data=data).status_code == 403, path
    for table in ("locations", "clients", "projects"):
        assert not owner.execute(f"SELECT FROM {table} WHERE name = 'New'").fetchall()


def test_a_manager_of_a_place_works_inside_it(world, sign_in, audit_rows):
    client = sign_in(*RIGHTS, location_id=world["top"].id)
    data = {"name": "Beta", "code": "beta", "location_id": world["floor"].id}
    reply = client.post("/organisation/clients/new", data=data)
    assert reply.status_code == 303
    number = int(reply.headers["Location"].rsplit("/", 1)[1])
    assert audit_rows("client", number)[0]["action"] == "client.created"
    assert client.post("/organisation/locations/new", data={"name": "Roof"}).status_code == 403
    inside = {"name": "Roof", "parent_id": world["top"].id}
    assert client.post("/organisation/locations/new", data=inside).status_code == 303


def test_the_database_itself_keeps_them_apart(world, app_role):
    user = factories.make_user()
    factories.grant(user, factories.make_role("organisation"), client_id=world["mine"].id)

    def enter():
        app_role.rollback()
        app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(user.id)])

    enter()
    assert [r["id"] for r in app_role.execute("SELECT id FROM clients")] == [world["mine"].id]
    assert app_role.execute("SELECT id FROM projects").rowcount == 2
    for table, number in (("clients", world["theirs"].id), ("projects", world["other"].id)):
        for verb in (f"UPDATE {table} SET name = 'x'", f"DELETE FROM {table}"):  # noqa: S608 - our names
            assert app_role.execute(verb + " WHERE id = %s", [number]).rowcount == 0
    for statement in (
        "INSERT INTO clients (name, code, location_id) VALUES ('x', 'XX', %(far)s)",
        "INSERT INTO projects (name, client_id) VALUES ('x', %(theirs)s)",
        "UPDATE projects SET client_id = %(theirs)s WHERE id = %(project)s",
    ):
        enter()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(statement, {name: row.id for name, row in world.items()})
    app_role.rollback()
    assert app_role.execute("SELECT FROM clients").rowcount == 0  # nobody signed in: nothing
