"""The log of one client is not read by whoever works for another, whatever asks for it."""

from typing import Any

import psycopg
import pytest

from tests import factories

ADD = "INSERT INTO audit_event (action, category, client_id) VALUES ('test.scoped', 'system', %s)"
READ = "SELECT client_id FROM audit_event WHERE action = 'test.scoped' AND id > %s"


@pytest.mark.parametrize("kind", ["client", "location", "project"])
def test_own_rows_and_those_of_no_client_are_read(
    owner: psycopg.Connection[Any], app_role: psycopg.Connection[Any], kind: str
) -> None:
    mine, theirs = factories.make_client(), factories.make_client()
    project = factories.make_project(client_id=mine.id)
    place = {"client": mine.id, "location": mine.location_id, "project": project.id}
    person = factories.make_user()
    factories.grant(person, factories.make_role("assets"), **{f"{kind}_id": place[kind]})
    newest = owner.execute("SELECT max(id) AS id FROM audit_event").fetchone()
    for client_id in (mine.id, theirs.id, None):
        owner.execute(ADD, [client_id])
    app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(person.id)])
    seen = {row["client_id"] for row in app_role.execute(READ, [newest["id"]]).fetchall()}
    assert seen == {mine.id, None}


def test_what_happens_to_rows_out_of_sight_is_written_all_the_same(
    app_role: psycopg.Connection[Any], audit_rows: Any
) -> None:
    theirs = factories.make_client()
    app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(factories.make_user().id)])
    app_role.execute(ADD, [theirs.id])
    app_role.commit()
    assert len(audit_rows(action="test.scoped", client_id=theirs.id)) == 1
