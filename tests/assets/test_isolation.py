"""Nobody sees, counts, changes, links to or infers rows of a client that they do not work for.

First as the database's own role with raw SQL, then over HTTP.
"""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.assets.isolation import (
    KINDS,
    MISSING,
    OF_CLIENT,
    OF_PERSON,
    RIGHTS,
    SHA,
    Scoped,
    make_world,
    own_assets,
    scope_of,
)
from webapp.assets.services import moving
from webapp.core.db import db
from webapp.organisation.models import Project

# Each needs client_id, asset_id, project_id, type_id, tag, imei, user_id.
INSERTS = {
    "assets": (
        "INSERT INTO assets (tag, name, type_id, client_id, project_id, attributes) VALUES"
        " (%(tag)s, 'x', %(type)s, %(client)s, %(project)s, jsonb_build_object('imei', %(imei)s::text))"
    ),
    "asset_unique_values": (
        "INSERT INTO asset_unique_values (client_id, type_id, key, value, asset_id)"
        " VALUES (%(client)s, %(type)s, 'imei', %(imei)s, %(asset)s)"
    ),
    "asset_custody": (
        "INSERT INTO asset_custody (client_id, asset_id, holder_user_id, taken_at)"
        " VALUES (%(client)s, %(asset)s, %(user)s, '2026-02-01')"
    ),
    "attachments": (
        "INSERT INTO attachments (client_id, asset_id, name, sha256, size, media_type)"
        " VALUES (%(client)s, %(asset)s, 'x', repeat('a', 64), 1, 'text/plain')"
    ),
}


@pytest.fixture
def world(app: Flask) -> Any:
    return make_world()


@pytest.fixture
def person(world: Any, app_role: Any) -> Callable[[str], Scoped]:
    """Somebody with all rights in one client, place or project, at the database."""

    def make(kind: str) -> Scoped:
        user = factories.make_user()
        factories.grant(user, factories.make_role(*RIGHTS), **scope_of(world, kind))
        return Scoped(app_role, user)

    return make


def values(world: Any, **changed: Any) -> dict[str, Any]:
    """What the statements insert unless told otherwise: a row of the person's own."""
    own = {"tag": "NEW-1", "imei": "newimei", "type": world.type.id, "user": world.holder.id}
    own |= {"client": world.mine.id, "project": world.project.id, "asset": world.asset.id}
    return own | changed


# --- at the database ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_only_own_rows_are_read_and_counted(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    seen = [row["tag"] for row in me.run("SELECT tag FROM assets ORDER BY tag")]
    assert seen == own_assets(world, kind)
    counted = {
        "assets": len(seen),
        "asset_unique_values": len(seen),
        "asset_custody": 1,
        "attachments": 1,
    }
    for table in OF_CLIENT:
        assert me.run(f"SELECT count(*) AS n FROM {table}")[0]["n"] == counted[table]  # noqa: S608
        theirs = f"SELECT FROM {table} WHERE client_id = %(theirs)s"
        assert me.touched(theirs, theirs=world.theirs.id) == 0
        assert me.touched(f"SELECT FROM {table} FOR UPDATE") == counted[table]
    for table in OF_PERSON:
        assert me.touched(f"SELECT FROM {table}") == 0


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_of_others_is_changed_or_deleted(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    changes = {
        "assets": "name = 'x'",
        "asset_unique_values": "value = 'x'",
        "asset_custody": "note = 'x'",
        "attachments": "name = 'x'",
        "asset_imports": "file_name = 'x'",
        "asset_import_rows": "label = 'x'",
        "asset_import_mappings": "settings = '{}'",
    }
    for table, change in changes.items():
        beyond = " WHERE client_id = %(theirs)s" if table in OF_CLIENT else ""
        for verb in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):  # noqa: S608
            for returning in ("", " RETURNING *"):
                assert me.touched(verb + beyond + returning, theirs=world.theirs.id) == 0, verb


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("table", OF_CLIENT)
def test_no_row_is_put_into_another_client(world: Any, person: Any, kind: str, table: str) -> None:
    me = person(kind)
    there = {"client": world.theirs.id, "project": world.other.id, "asset": world.secret.id}
    nowhere = {"client": MISSING, "project": MISSING, "asset": MISSING}
    for change in (there, there | {"project": None}, there | {"asset": world.asset.id}):
        absent = {key: value and nowhere[key] for key, value in change.items()}
        if change["asset"] == world.asset.id:
            absent["asset"] = world.asset.id
        told = me.told(INSERTS[table], **values(world, **change))
        assert told[0] != "done"
        assert told == me.told(INSERTS[table], **values(world, **absent)), change
    # The row names the person's own project and another client.
    mixed = values(world, client=world.theirs.id)
    told = me.told(INSERTS[table], **mixed)
    assert told[0] == "42501"
    assert told == me.told(INSERTS[table], **(mixed | {"client": MISSING}))
    moves = [f"UPDATE {table} SET client_id = %(to)s"]  # noqa: S608
    if table != "assets":
        moves.append(f"UPDATE {table} SET client_id = %(to)s, asset_id = %(asset)s")  # noqa: S608
    for move in moves:
        told = me.told(move, to=world.theirs.id, asset=world.secret.id)
        assert told[0] == "42501", move
        assert told == me.told(move, to=MISSING, asset=MISSING), move


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("deferred", [False, True])
def test_keys_do_not_tell_whether_a_row_of_others_exists(
    world: Any, person: Any, kind: str, deferred: bool
) -> None:
    me = person(kind)
    before = "SET CONSTRAINTS ALL DEFERRED" if deferred else ""
    probes = [
        (INSERTS["assets"], {"project": world.other.id}, {"project": MISSING}),
        ("UPDATE assets SET parent_id = %(asset)s", {"asset": world.secret.id}, {"asset": MISSING}),
        (
            "UPDATE assets SET project_id = %(project)s",
            {"project": world.other.id},
            {"project": MISSING},
        ),
        *(
            (INSERTS[table], {"asset": asset.id}, {"asset": MISSING})
            for table in OF_CLIENT[1:]
            for asset in (world.secret, world.free)  # one is handed out, one is not
        ),
        (
            "UPDATE asset_custody SET asset_id = %(asset)s",
            {"asset": world.secret.id},
            {"asset": MISSING},
        ),
        (
            "UPDATE attachments SET asset_id = %(asset)s",
            {"asset": world.secret.id},
            {"asset": MISSING},
        ),
        (
            (
                "INSERT INTO asset_custody (client_id, asset_id, holder_user_id, taken_at, returned_at)"
                " VALUES (%(client)s, %(asset)s, %(user)s, '2026-02-01', '2026-03-01')"
            ),
            {"asset": world.secret.id},
            {"asset": MISSING},
        ),
        (
            "INSERT INTO projects (name, client_id) VALUES ('x', %(client)s)",
            {"client": world.theirs.id},
            {"client": MISSING},
        ),
        (
            "UPDATE projects SET client_id = %(client)s, name = 'Alpha Secretive'",
            {"client": world.theirs.id},
            {"client": MISSING},
        ),
    ]
    for statement, foreign, missing in probes:
        told = me.told(statement, before=before, **values(world, **foreign))
        assert told[0] != "done", statement
        assert told == me.told(statement, before=before, **values(world, **missing)), statement


@pytest.mark.parametrize("kind", KINDS)
def test_unique_keys_do_not_tell_what_others_have(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    insert = INSERTS["assets"]
    for ending in ("", " RETURNING id", " ON CONFLICT DO NOTHING RETURNING id"):
        told = me.told(insert + ending, **values(world, tag="SECRET-1", imei="secretimei"))
        assert told == me.told(insert + ending, **values(world)) == ("done", 1)
    upsert = insert + " ON CONFLICT (client_id, tag_key) DO UPDATE SET name = 'x'"
    assert me.told(upsert, **values(world, tag="SECRET-1")) == ("done", 1)
    told = me.told(upsert, **values(world, tag="SECRET-1", client=world.theirs.id))
    assert told == me.told(upsert, **values(world, tag="NEW-9", client=world.theirs.id))
    renamed = "UPDATE assets SET tag = %(tag)s WHERE id = %(asset)s"
    assert me.told(renamed, tag="SECRET-1", asset=world.asset.id) == ("done", 1)
    unique = INSERTS["asset_unique_values"]
    for value in ("secretimei", "nobodysimei"):  # said of another client, and of one's own asset
        told = me.told(unique, **values(world, client=world.theirs.id, imei=value))
        assert told[0] == "42501"


@pytest.mark.parametrize("kind", KINDS)
def test_codes_of_clients_are_not_inferred(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    near = factories.make_client("Alpha neighbours", location_id=world.floor.id, code="NEAR")
    assert near.id
    rename = "UPDATE clients SET code = %(code)s WHERE id = %(client)s"
    for code in ("RIVAL", "NEAR") if kind != "location" else ("RIVAL",):
        told = me.told(rename, code=code, client=world.mine.id)
        assert told == me.told(rename, code="FREE", client=world.mine.id), code
    insert = "INSERT INTO clients (name, code, location_id) VALUES ('x', %(code)s, %(place)s)"
    told = me.told(insert, code="RIVAL", place=world.floor.id)
    assert told == me.told(insert, code="FREE", place=world.floor.id)


@pytest.mark.parametrize("kind", KINDS)
def test_functions_and_side_doors_are_shut(
    world: Any, person: Any, kind: str, app_role: Any
) -> None:
    me = person(kind)
    for function in ("steward_find_assets", "steward_match_assets"):
        find = f"SELECT unnest({function}(to_tsquery('simple', %(word)s), 9)) AS id"
        assert me.run(find, word="secretive:*") == me.run(find, word="secretimei") == []
    assert len(me.run(find, word="alpha:*")) == len(own_assets(world, kind))
    inside = me.run("SELECT steward_assets_in_scope() AS ids")[0]["ids"]
    assert inside == ([world.asset.id] if kind == "project" else [])
    # A condition with a side effect sees own rows only, however early the planner would like to run it.
    telling = (
        "SELECT FROM assets WHERE 1 / (CASE WHEN serial = 'SECRETSERIAL' THEN 0 ELSE 1 END) = 1"
    )
    assert me.touched(telling) == len(own_assets(world, kind))
    assert me.touched("SELECT FROM pg_stats WHERE tablename IN ('assets', 'asset_custody')") == 0
    copied = app_role.cursor().copy("COPY (SELECT tag FROM assets) TO STDOUT")
    with copied as lines:
        assert b"SECRET" not in b"".join(bytes(line) for line in lines)
    for statement in (
        "SELECT last_value FROM assets_id_seq",
        "SELECT setval('asset_tags', 1)",
        "TRUNCATE attachments",
        "ALTER TABLE assets DISABLE ROW LEVEL SECURITY",
        "DROP POLICY in_scope ON assets",
        "CREATE VIEW all_assets AS SELECT * FROM assets",
        "SELECT keep_custody()",
    ):
        assert me.told(statement)[0] in {"42501", "0A000"}, statement


def test_imports_belong_to_whoever_uploaded_them(world: Any, app_role: Any) -> None:
    everywhere = factories.make_user()
    factories.grant(everywhere, factories.make_role(*RIGHTS))
    me = Scoped(app_role, everywhere)
    row = (
        "INSERT INTO asset_import_rows (run_id, line, verdict, values, changes, problems)"
        " VALUES (%(run)s, %(line)s, 'new', '{}', '{}', '[]')"
    )
    mapping = (
        "INSERT INTO asset_import_mappings (user_id, header_hash, settings)"
        " VALUES (%(user)s, %(sha)s, '{}')"
    )
    run = (
        "INSERT INTO asset_imports (user_id, file_name, sha256, header, settings)"
        " VALUES (%(user)s, 'x', %(sha)s, '[]', '{}')"
    )
    for role in ("", "SET LOCAL ROLE steward_all"):  # also for who sees every client
        for line in (1, 2):
            told = me.told(row, before=role, run=world.run_id, line=line)
            assert told == me.told(row, before=role, run=MISSING, line=1)
            assert told[0] == "42501"
        for statement in (mapping, run):
            told = me.told(statement, before=role, user=world.holder.id, sha=SHA)
            assert told[0] == "42501"
            assert me.told(statement, before=role, user=everywhere.id, sha=SHA) == ("done", 1)


def test_a_moved_project_takes_its_rows_along(world: Any, person: Any, app_role: Any) -> None:
    before = person("client")
    theirs = factories.make_user()
    factories.grant(theirs, factories.make_role(*RIGHTS), client_id=world.theirs.id)
    after = Scoped(app_role, theirs)
    counts = {table: f"SELECT FROM {table} WHERE asset_id = %(id)s" for table in OF_CLIENT[1:]}
    counts["assets"] = "SELECT FROM assets WHERE id = %(id)s"
    for statement in counts.values():
        assert (
            before.touched(statement, id=world.asset.id),
            after.touched(statement, id=world.asset.id),
        ) == (1, 0)
    with factories.work():
        moving.move_project(
            None, db.session.get_one(Project, world.project.id), client_id=world.theirs.id
        )
    for statement in counts.values():
        assert (
            before.touched(statement, id=world.asset.id),
            after.touched(statement, id=world.asset.id),
        ) == (0, 1)
