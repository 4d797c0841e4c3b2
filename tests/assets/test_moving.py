"""What moves takes along what is in it, with a line in the log for each, or nothing moves at all."""

import threading

import psycopg
import pytest
from sqlalchemy import text

from tests import factories
from webapp.assets.models import Asset
from webapp.assets.services import moving
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.errors import DomainError

RIGHTS = ("assets", "organisation", "dashboard", "assets.edit", "organisation.edit")
SHA = "0" * 64


@pytest.fixture
def world(app):
    """Alpha with the project Refit and in it a rack > shelf, each with a serial; Beta with nothing."""
    alpha = factories.make_client("Alpha", code="ALPHA")
    beta = factories.make_client("Beta", code="BETA")
    project = factories.make_project("Refit", client_id=alpha.id)
    kind = factories.make_type("Cabinet", {"key": "imei", "kind": "text", "unique": True})

    def make(tag, **values):
        return factories.make_asset(tag=tag, type_id=kind.id, **values)

    place = {"client_id": alpha.id, "project_id": project.id}
    rack = make("RACK-1", attributes={"imei": "111"}, **place)
    shelf = make("SHELF-1", parent_id=rack.id, attributes={"imei": "222"}, **place)
    loose = make("CHAIR-1", client_id=alpha.id)
    return {
        "alpha": alpha,
        "beta": beta,
        "project": project,
        "rack": rack,
        "shelf": shelf,
        "loose": loose,
        "kind": kind,
    }


def hang_on(row):
    """Give an asset a file and a holder."""
    from webapp.assets.models import Custody

    user = factories.make_user()
    with factories.work():
        db.session.add(Custody(client_id=row.client_id, asset_id=row.id, holder_user_id=user.id))
        db.session.add(
            Attachment(
                client_id=row.client_id,
                asset_id=row.id,
                name="a.pdf",
                sha256=SHA,
                size=1,
                media_type="application/pdf",
            )
        )


def whose(owner, table, row):
    column = "id" if table == "assets" else "asset_id"
    found = owner.execute(
        f"SELECT client_id FROM {table} WHERE {column} = %s",  # noqa: S608 - our names
        [row.id],
    )
    return {one["client_id"] for one in found}


def post(client, row, target, kind="asset", **more):
    data = {"target": target, "version": row.version} | more
    return client.post(f"/assets/tree/{kind}/{row.id}/move", data=data)


def test_an_asset_takes_along_what_is_in_it(world, sign_in, owner, audit_rows):
    client, beta = sign_in(*RIGHTS), world["beta"]
    hang_on(world["shelf"])
    page = client.get(f"/assets/tree/asset/{world['rack'].id}/move").text
    assert "1 asset moves with it" in page and "SHELF-1" in page
    reply = post(client, world["rack"], f"client:{beta.id}")
    assert reply.status_code == 303
    assert reply.location.endswith(f"/assets/tree?open=asset:{world['rack'].id}")
    for table in ("assets", "asset_unique_values", "asset_custody", "attachments"):
        assert whose(owner, table, world["shelf"]) == {beta.id}, table
    rows = [
        audit_rows("asset", world[one].id, action="asset.updated")[-1] for one in ("rack", "shelf")
    ]
    assert len({row["request_id"] for row in rows}) == 1 and all(row["request_id"] for row in rows)
    assert {row["client_id"] for row in rows} == {beta.id}
    assert "and 1 asset with it" in client.get("/assets/tree").text


def test_the_page_of_an_asset_moves_it_too(world, sign_in, owner):
    client, rack = sign_in(*RIGHTS), world["rack"]
    assert client.get("/assets/CHAIR-1/move").status_code == 200
    data = {"target": f"asset:{rack.id}", "version": 1}
    reply = client.post("/assets/CHAIR-1/move", data=data)
    assert reply.status_code == 303 and "/assets/CHAIR-1" in reply.location
    row = owner.execute("SELECT * FROM assets WHERE tag = 'CHAIR-1'").fetchone()
    assert (row["parent_id"], row["project_id"]) == (rack.id, world["project"].id)


def test_what_is_refused_is_told_and_moves_nothing(world, sign_in, owner):
    client = sign_in(*RIGHTS)
    rack, shelf, beta = world["rack"], world["shelf"], world["beta"]
    factories.make_asset(tag="shelf-1", client_id=beta.id, type_id=world["kind"].id)
    for row, target, words in (
        (rack, f"asset:{shelf.id}", "inside itself"),
        (rack, f"asset:{rack.id}", "inside itself"),
        (rack, f"project:{world['project'].id}", "lies there already"),
        (rack, f"client:{beta.id}", "an asset with this tag"),
        (rack, "client:99999999", "Choose one of the list"),
        (rack, "location:1", "Choose one of the list"),
        (rack, "top", "Choose one of the list"),
        (rack, "", "Fill this in"),
    ):
        reply = post(client, row, target)
        assert reply.status_code == 422 and words in reply.text, (target, reply.status_code)
    assert post(client, rack, f"client:{beta.id}", version=77).status_code == 409
    assert whose(owner, "assets", rack) == whose(owner, "assets", shelf) == {world["alpha"].id}


def test_both_ends_need_the_permission(world, sign_in, owner):
    rack, beta, alpha = world["rack"], world["beta"], world["alpha"]
    reader = sign_in("assets", "dashboard")
    factories.grant(
        reader.user,
        factories.make_role("assets", "assets.edit", "organisation.edit"),
        client_id=alpha.id,
    )
    assert post(reader, rack, f"client:{alpha.id}").status_code == 303  # out of its project
    assert post(reader, world["loose"], f"client:{beta.id}").status_code == 403
    assert post(reader, world["project"], f"client:{beta.id}", kind="project").status_code == 403
    assert reader.get(f"/assets/tree/client/{beta.id}/move").status_code == 403
    elsewhere = sign_in("assets", "assets.edit", client_id=beta.id)
    assert post(elsewhere, world["loose"], f"client:{beta.id}").status_code == 404
    inside = sign_in(*RIGHTS, project_id=world["project"].id)
    assert post(inside, world["project"], f"client:{beta.id}", kind="project").status_code != 303
    assert whose(owner, "assets", world["loose"]) == {alpha.id}


@pytest.mark.parametrize("way", ["tree", "form"])
def test_a_project_takes_its_assets_to_another_client(world, sign_in, owner, audit_rows, way):
    client, project, beta = sign_in(*RIGHTS), world["project"], world["beta"]
    hang_on(world["shelf"])
    if way == "tree":
        page = client.get(f"/assets/tree/project/{project.id}/move").text
        assert "2 assets move with it" in page
        reply = post(client, project, f"client:{beta.id}", kind="project")
    else:
        data = {"name": project.name, "client_id": beta.id, "version": project.version}
        reply = client.post(f"/organisation/projects/{project.id}/edit", data=data)
    assert reply.status_code == 303, reply.text
    for table in ("assets", "asset_unique_values", "asset_custody", "attachments"):
        assert whose(owner, table, world["shelf"]) == {beta.id}, table
    last = audit_rows("project", project.id)[-1]
    for one in ("rack", "shelf"):
        (row,) = audit_rows("asset", world[one].id, request_id=last["request_id"])
        assert row["action"] == "asset.updated"
    assert whose(owner, "assets", world["loose"]) == {world["alpha"].id}


@pytest.mark.parametrize("clash", ["tag", "value"])
def test_a_project_stays_where_the_new_client_has_the_same(world, sign_in, owner, clash):
    client, project, beta = sign_in(*RIGHTS), world["project"], world["beta"]
    same = {"tag": "RACK-1"} if clash == "tag" else {"attributes": {"imei": "111"}}
    factories.make_asset(client_id=beta.id, type_id=world["kind"].id, **same)
    words = "same tags" if clash == "tag" else "must be unique"
    data = {"name": project.name, "client_id": beta.id, "version": project.version}
    reply = client.post(f"/organisation/projects/{project.id}/edit", data=data)
    assert reply.status_code == 422 and words in reply.text
    reply = post(client, project, f"client:{beta.id}", kind="project")
    assert reply.status_code == 422 and words in reply.text
    assert whose(owner, "assets", world["rack"]) == {world["alpha"].id}


def test_clients_and_locations_move_with_all_that_lies_in_them(world, sign_in, audit_rows):
    client, alpha = sign_in(*RIGHTS), world["alpha"]
    town = factories.make_location("Town")
    assert post(client, alpha, f"location:{town.id}", kind="client").status_code == 303
    shown = client.get(f"/assets/tree?open=asset:{world['shelf'].id}").text
    assert "Town" in shown
    inner = factories.make_location("Inner", parent_id=town.id)
    reply = post(client, town, f"location:{inner.id}", kind="location")
    assert reply.status_code == 422 and "inside itself" in reply.text
    assert post(client, inner, "top", kind="location").status_code == 303
    assert audit_rows("location", inner.id)[-1]["changes"]


def test_what_holds_live_assets_is_not_deleted(world, sign_in):
    client = sign_in(*RIGHTS, "organisation.delete")
    for path in (f"projects/{world['project'].id}", f"clients/{world['alpha'].id}"):
        reply = client.post(f"/organisation/{path}/delete", data={"version": 1})
        assert reply.status_code == 409 and "still belongs to it" in reply.text


def test_targets_are_offered_where_they_may_be_used(world, sign_in):
    client = sign_in(*RIGHTS, client_id=world["alpha"].id)
    url = f"/assets/pickers/targets?node=asset:{world['rack'].id}"
    values = {one["value"] for one in client.get(url).get_json()["options"]}
    assert values == {
        f"client:{world['alpha'].id}",
        f"project:{world['project'].id}",
        f"asset:{world['shelf'].id}",
        f"asset:{world['loose'].id}",
    }
    url = f"/assets/pickers/targets?node=project:{world['project'].id}"
    values = {one["value"] for one in client.get(url).get_json()["options"]}
    assert values == {f"client:{world['alpha'].id}"}


@pytest.mark.parametrize("apart", [False, True])
def test_two_moves_together_close_no_circle(world, app, owner, apart):
    """Each puts one asset into the other; whichever comes second is refused, also across clients."""
    one = world["loose"]
    home = world["beta"] if apart else world["alpha"]
    other = factories.make_asset(tag="DESK-1", client_id=home.id, type_id=world["kind"].id)
    ready, outcomes = threading.Barrier(2), []

    def put(what, into):
        try:
            with factories.work():
                mine = db.session.get_one(Asset, what.id)
                ready.wait(5)
                moving.move(None, mine, client_id=into.client_id, parent_id=into.id)
                db.session.execute(text("SELECT pg_sleep(0.2)"))
            outcomes.append("moved")
        except DomainError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=put, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(outcomes) == 2 and outcomes.count("moved") == 1, outcomes
    held = owner.execute(
        "SELECT count(*) AS n FROM assets WHERE parent_id = ANY (%s)", [[one.id, other.id]]
    )
    assert held.fetchone()["n"] == 1


def test_the_database_refuses_a_circle(world, owner):
    with pytest.raises(psycopg.errors.IntegrityError):
        owner.execute(
            "UPDATE assets SET parent_id = %s WHERE id = %s", [world["shelf"].id, world["rack"].id]
        )
