"""Nobody sees, counts, changes, links to or infers tickets of a client that they do not work for: with raw SQL."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests import factories
from tests.tickets.isolation import (
    KINDS,
    MISSING,
    OF_CLIENT,
    OF_TICKET,
    RIGHTS,
    Scoped,
    make_world,
    own,
    scope_of,
)
from webapp.assets.services import moving
from webapp.core.db import db
from webapp.organisation.models import Project

# Each needs client, project, ticket, other_client, other, user, ref, email.
INSERTS = {
    "tickets": (
        "INSERT INTO tickets (subject, client_id, project_id, external_ref)"
        " VALUES ('x', %(client)s, %(project)s, %(ref)s)"
    ),
    "ticket_messages": (
        "INSERT INTO ticket_messages (client_id, ticket_id, body) VALUES (%(client)s, %(ticket)s, 'x')"
    ),
    "ticket_watchers": (
        "INSERT INTO ticket_watchers (client_id, ticket_id, user_id)"
        " VALUES (%(client)s, %(ticket)s, %(user)s)"
    ),
    "time_entries": (
        "INSERT INTO time_entries (client_id, ticket_id, user_id, minutes, spent_on)"
        " VALUES (%(client)s, %(ticket)s, %(user)s, 5, '2026-02-01')"
    ),
    "ticket_presence": (
        "INSERT INTO ticket_presence (client_id, ticket_id, user_id)"
        " VALUES (%(client)s, %(ticket)s, %(user)s)"
    ),
    "ticket_links": (
        "INSERT INTO ticket_links (client_id, ticket_id, other_client_id, other_id)"
        " VALUES (%(client)s, %(ticket)s, %(other_client)s, %(other)s)"
    ),
    "ticket_merges": (
        "INSERT INTO ticket_merges (client_id, source_id, target_id)"
        " VALUES (%(client)s, %(ticket)s, %(other)s)"
    ),
    "contacts": (
        "INSERT INTO contacts (client_id, name, email) VALUES (%(client)s, 'x', %(email)s)"
    ),
    "attachments": (
        "INSERT INTO attachments (client_id, ticket_id, name, sha256, size, media_type)"
        " VALUES (%(client)s, %(ticket)s, 'x', repeat('a', 64), 1, 'text/plain')"
    ),
}
BY_TICKET = [*OF_TICKET, "ticket_links", "ticket_merges", "attachments"]


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
    given = {"ref": "newref", "email": "new@example.net", "user": world.agent.id}
    given |= {"client": world.mine.id, "project": world.project.id, "ticket": world.ticket.id}
    return given | {"other_client": world.mine.id, "other": world.merged.id} | changed


@pytest.mark.parametrize("kind", KINDS)
def test_only_own_rows_are_read_and_counted(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    seen = {row["id"] for row in me.run("SELECT id FROM tickets")}
    assert seen == set(own(world, kind))
    counted = dict.fromkeys(OF_CLIENT, 1) | {"tickets": len(seen)}
    counted["ticket_links"] = 1 if kind == "project" else 2  # both ends have to be seen
    for table in OF_CLIENT:
        assert me.run(f"SELECT count(*) AS n FROM {table}")[0]["n"] == counted[table], table  # noqa: S608
        theirs = f"SELECT FROM {table} WHERE client_id = %(theirs)s"
        assert me.touched(theirs, theirs=world.theirs.id) == 0
        assert me.touched(f"SELECT FROM {table} FOR UPDATE") == counted[table]
    assert me.touched("SELECT FROM attachments WHERE ticket_id IS NOT NULL") == 1
    assert {row["name"] for row in me.run("SELECT name FROM sla_policies")} == {"General", "Mine"}
    assert me.touched("SELECT FROM ticket_drafts") == 0  # they are somebody else's


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_of_others_is_changed_or_deleted(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    changes = {
        "tickets": "subject = 'x'",
        "ticket_messages": "body = 'x'",
        "ticket_watchers": "user_id = user_id",
        "time_entries": "minutes = 1",
        "ticket_presence": "typing_at = now()",
        "ticket_links": "kind = 'blocks'",
        "ticket_merges": "undone_at = now()",
        "contacts": "name = 'x'",
    }
    for table, change in changes.items():
        beyond = " WHERE client_id = %(theirs)s"
        for verb in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):  # noqa: S608
            for returning in ("", " RETURNING *"):
                assert me.touched(verb + beyond + returning, theirs=world.theirs.id) == 0, verb
    cross = "DELETE FROM ticket_links WHERE ticket_id = %(mine)s AND other_id = %(theirs)s"
    assert me.touched(cross, mine=world.ticket.id, theirs=world.secret_ticket.id) == 0
    for verb in ("UPDATE ticket_drafts SET body = 'x'", "DELETE FROM ticket_drafts"):
        assert me.touched(verb) == 0
    policies = "UPDATE sla_policies SET name = 'x' WHERE client_id = %(theirs)s"
    assert me.touched(policies, theirs=world.theirs.id) == 0
    general = me.told("UPDATE sla_policies SET name = 'x' WHERE client_id IS NULL")
    assert general[0] == "42501"  # those of everybody are for who sees everybody


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_put_into_another_client(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    for table in INSERTS:
        _refuses_to_put(world, me, table)


def _refuses_to_put(world: Any, me: Scoped, table: str) -> None:
    there = {"client": world.theirs.id, "project": world.other.id, "ticket": world.secret_ticket.id}
    there |= {"other_client": world.theirs.id, "other": world.free_ticket.id}
    nowhere = dict.fromkeys(there, MISSING)
    for change in (there, there | {"project": None}, there | {"ticket": world.ticket.id}):
        absent = {key: value and nowhere[key] for key, value in change.items()}
        if change["ticket"] == world.ticket.id:
            absent["ticket"] = world.ticket.id
        told = me.told(INSERTS[table], **values(world, **change))
        assert told[0] == "42501", change
        assert told == me.told(INSERTS[table], **values(world, **absent)), change
    mixed = values(world, client=world.theirs.id)  # one's own ticket, said to be another client's
    told = me.told(INSERTS[table], **mixed)
    assert told[0] == "42501"
    assert told == me.told(INSERTS[table], **(mixed | {"client": MISSING}))
    move = f"UPDATE {table} SET client_id = %(to)s"  # noqa: S608
    told = me.told(move, to=world.theirs.id)
    assert told[0] == "42501", move
    assert told == me.told(move, to=MISSING), move


@pytest.mark.parametrize("kind", KINDS)
def test_keys_do_not_tell_whether_a_row_of_others_exists(
    world: Any, person: Any, kind: str
) -> None:
    me = person(kind)
    people = (world.holder.id, world.agent.id)  # one follows and is there, one does not
    theirs = (world.secret_ticket.id, world.free_ticket.id, world.secret_merged.id)
    update = "UPDATE tickets SET {} = %(it)s WHERE id = %(ticket)s".format
    said = "UPDATE ticket_messages SET {} = %(it)s WHERE ticket_id = %(ticket)s".format
    probes = [
        (INSERTS["tickets"], {"project": world.other.id}, {"project": MISSING}),
        (update("project_id"), {"it": world.other.id}, {"it": MISSING}),
        (update("asset_id"), {"it": world.secret.id}, {"it": MISSING}),
        (update("requester_contact_id"), {"it": world.rival.id}, {"it": MISSING}),
        (update("sla_policy_id"), {"it": world.policies["Secretive"]}, {"it": MISSING}),
        (said("contact_id"), {"it": world.rival.id}, {"it": MISSING}),
        (said("origin_id"), {"it": world.secret_ticket.id}, {"it": MISSING}),
        (said("ticket_id"), {"it": world.secret_ticket.id}, {"it": MISSING}),
        *(
            (INSERTS[table], {"ticket": ticket, "user": user}, {"ticket": MISSING, "user": user})
            for table in BY_TICKET
            for ticket in theirs
            for user in people
        ),
        *(
            (INSERTS[table], {"other": ticket} | more, {"other": MISSING} | more)
            for table in ("ticket_links", "ticket_merges")
            for ticket in theirs
            for more in ({}, {"other_client": world.theirs.id})
        ),
    ]
    wrong = []
    for statement, foreign, missing in probes:
        told = me.told(statement, **values(world, **foreign))
        nothing = me.told(statement, **values(world, **missing))
        if told != nothing or told[0] == "done":
            wrong.append((statement, foreign, told, nothing))
    assert not wrong
    insert = (
        "INSERT INTO ticket_drafts (ticket_id, user_id, is_note, body)"
        " VALUES (%(ticket)s, %(user)s, false, 'x')"
    )
    for user in (me.user.id, *people):
        told = me.told(insert, ticket=world.secret_ticket.id, user=user)
        assert told[0] == "42501"
        assert told == me.told(insert, ticket=MISSING, user=user)
    assert me.told(insert, ticket=world.ticket.id, user=me.user.id) == ("done", 1)
    assert me.told(insert, ticket=world.ticket.id, user=world.agent.id)[0] == "42501"


@pytest.mark.parametrize("kind", KINDS)
def test_unique_keys_do_not_tell_what_others_have(world: Any, person: Any, kind: str) -> None:
    me = person(kind)
    insert = INSERTS["tickets"]
    for ending in ("", " RETURNING id", " ON CONFLICT DO NOTHING RETURNING id"):
        told = me.told(insert + ending, **values(world, ref="secretref"))
        assert told == me.told(insert + ending, **values(world)) == ("done", 1)
    upsert = insert + " ON CONFLICT (client_id, external_ref) DO UPDATE SET subject = 'x'"
    told = me.told(upsert, **values(world, ref="secretref", client=world.theirs.id))
    assert told == me.told(upsert, **values(world, ref="newref", client=world.theirs.id))
    address = INSERTS["contacts"]
    told = me.told(address, **values(world, email="rival@example.net"))
    assert told == me.told(address, **values(world)) == ("done", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_functions_and_side_doors_are_shut(
    world: Any, person: Any, kind: str, app_role: Any
) -> None:
    me = person(kind)
    for function in ("steward_find_tickets", "steward_match_tickets"):
        find = f"SELECT unnest({function}(to_tsquery('simple', %(word)s), 99)) AS id"
        for word in ("secretive:*", "secretref", "secretword", "secretw:*"):
            assert me.run(find, word=word) == [], (function, word)
        assert {row["id"] for row in me.run(find, word="alpha:*")} == set(own(world, kind))
    inside = me.run("SELECT steward_tickets_in_scope() AS ids")[0]["ids"]
    assert set(inside) == (set(own(world, kind)) if kind == "project" else set())
    count = "SELECT * FROM steward_count_tickets(%(clients)s::bigint[])"
    assert me.run(count, clients=[world.theirs.id]) == []
    counted = me.run(count, clients=[world.mine.id, world.theirs.id])
    assert {row["client_id"] for row in counted} == {world.mine.id}
    assert sum(row["n"] for row in counted) == (1 if kind == "project" else 3)  # one is merged
    # A condition with a side effect sees own rows only, however early the planner would like to run it.
    telling = (
        "SELECT FROM tickets WHERE 1 / (CASE WHEN external_ref = 'secretref' THEN 0 ELSE 1 END) = 1"
    )
    assert me.touched(telling) == len(own(world, kind))
    assert me.touched("SELECT FROM pg_stats WHERE tablename IN ('tickets', 'contacts')") == 0
    copied = app_role.cursor().copy("COPY (SELECT subject FROM tickets) TO STDOUT")
    with copied as lines:
        assert b"Secret" not in b"".join(bytes(line) for line in lines)
    for statement in (
        f"SELECT steward_ticket_words({world.secret_ticket.id}, 'x')",
        "SELECT setval('ticket_numbers', 1)",
        "TRUNCATE ticket_messages",
        "ALTER TABLE tickets DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tickets DISABLE TRIGGER keep_ticket",
        "DROP POLICY in_scope ON tickets",
        "UPDATE ticket_priority_rules SET priority = 'low'",
        "SELECT keep_ticket()",
    ):
        assert me.told(statement)[0] in {"42501", "0A000"}, statement


def test_a_moved_project_takes_its_tickets_along(world: Any, person: Any, app_role: Any) -> None:
    before = person("client")
    theirs = factories.make_user()
    factories.grant(theirs, factories.make_role(*RIGHTS), client_id=world.theirs.id)
    after = Scoped(app_role, theirs)
    counts = {table: f"SELECT FROM {table} WHERE ticket_id = %(id)s" for table in OF_TICKET}
    counts["tickets"] = "SELECT FROM tickets WHERE id = %(id)s"
    counts["attachments"] = "SELECT FROM attachments WHERE ticket_id = %(id)s"
    counts["ticket_merges"] = "SELECT FROM ticket_merges WHERE target_id = %(id)s"

    def seen(who: Scoped) -> set[int]:
        return {who.touched(statement, id=world.ticket.id) for statement in counts.values()}

    assert (seen(before), seen(after)) == ({1}, {0})
    with factories.work():
        project = db.session.get_one(Project, world.project.id)
        moving.move_project(None, project, client_id=world.theirs.id)
    assert (seen(before), seen(after)) == ({0}, {1})
