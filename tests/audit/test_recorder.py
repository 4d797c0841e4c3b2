"""What the recorder collects, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from tests import factories
from webapp.access import services
from webapp.audit.recorder import PENDING, UnauditedChange
from webapp.core import trail
from webapp.core.db import db
from webapp.organisation.models import Location
from webapp.users.models import User

Rows = Callable[..., list[dict[str, Any]]]
Work = Callable[..., Any]


def test_a_rolled_back_savepoint_takes_only_its_own_rows(work: Work, audit_rows: Rows) -> None:
    before = len(audit_rows("location"))
    with work():
        db.session.add(Location(name="kept"))
        db.session.flush()
        savepoint = db.session.begin_nested()
        db.session.add(Location(name="undone"))
        db.session.flush()
        savepoint.rollback()
        with db.session.begin_nested():
            db.session.add(Location(name="kept too"))
    rows = audit_rows("location")[before:]
    assert [row["object_label"] for row in rows] == ["kept", "kept too"]


def test_rows_can_be_written_before_the_commit(work: Work, audit_rows: Rows) -> None:
    """A savepoint that is undone takes what was written out in it, and nothing older."""
    before = len(audit_rows("location"))
    with work():
        db.session.add(Location(name="first"))
        db.session.flush()
        savepoint = db.session.begin_nested()
        db.session.add(Location(name="undone"))
        trail.write_out()
        savepoint.rollback()
        db.session.add(Location(name="second"))
        trail.write_out()
        assert not db.session.info[PENDING]
        db.session.add(Location(name="third"))
        assert len(audit_rows("location")) == before
    rows = audit_rows("location")[before:]
    assert [row["object_label"] for row in rows] == ["first", "second", "third"]


def test_old_and_new_values_are_kept_and_secrets_are_not(work: Work, audit_rows: Rows) -> None:
    person = factories.make_user(name="Old Name")
    with work():
        user = db.session.get_one(User, person.id)
        user.name, user.password_hash = "New Name", "a secret hash"
    row = audit_rows("user", person.id, action="user.updated")[-1]
    assert row["changes"]["name"] == ["Old Name", "New Name"]
    assert row["changes"]["password_hash"] == ["•••", "•••"]
    assert "a secret hash" not in str(row)


@pytest.mark.parametrize("statement", [update(User).values(name="x"), delete(User)])
def test_bulk_changes_of_audited_models_are_refused(work: Work, statement: Any) -> None:
    with work(), pytest.raises(UnauditedChange):
        db.session.execute(statement)


def test_a_grant_is_one_row_told_as_people_say_it(work: Work, audit_rows: Rows) -> None:
    person, role = factories.make_user(name="Luis Ortega"), factories.make_role("dashboard")
    before = len(audit_rows())
    with work():
        grant = services.assign_role(None, user_id=person.id, user_name=person.name, role=role)
        services.revoke_role(None, grant=grant, user_name=person.name, role=role)
    given, taken = audit_rows()[before:]
    assert [given["action"], taken["action"]] == ["role.assigned", "role.revoked"]
    assert (given["object_type"], given["object_id"]) == ("user", person.id)
    assert given["changes"]["role"] == [None, role.name]
    assert given["changes"]["role_id"] == [None, role.id]
    assert taken["changes"]["role_id"] == [role.id, None]
