"""Nobody raises themselves, and somebody can always repair the roles."""

import threading
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.conftest import dsn
from tests.roles.test_roles import keys_of, sent
from webapp.access import services
from webapp.core import registry
from webapp.core.errors import Denied
from webapp.organisation.tree import Place

EDITOR = ("roles", "roles.edit", "roles.assign", "users")


def denied(audit_rows: Any, client: Any) -> list[dict[str, Any]]:
    return audit_rows(action="access.denied", outcome="denied", actor_id=client.user.id)  # type: ignore[no-any-return]


def test_nobody_puts_into_a_role_what_they_lack(sign_in: Any, owner: Any, audit_rows: Any) -> None:
    sign_in("*")
    role = factories.make_role("users")
    client = sign_in(*EDITOR)
    for step in ("preview", "apply"):
        answer = client.post(f"/roles/{role.id}/edit", data=sent(role, "users", "audit", step=step))
        assert answer.status_code == 403
    answer = client.post("/roles/new", data={"name": "Mighty", "keys": ["audit"]})
    assert answer.status_code == 403 and "Audit log" in answer.text
    assert keys_of(owner, role) == {"users"}
    assert owner.execute("SELECT FROM roles WHERE name = 'Mighty'").fetchall() == []
    assert len(denied(audit_rows, client)) == 3


def test_nobody_raises_their_own_role(sign_in: Any, owner: Any, audit_rows: Any) -> None:
    sign_in("*")
    mine = factories.make_role(*EDITOR)
    person = factories.make_user()
    factories.grant(person, mine)
    client = sign_in(user=person)
    answer = client.post(f"/roles/{mine.id}/edit", data=sent(mine, *EDITOR, "audit"))
    assert answer.status_code == 403
    assert keys_of(owner, mine) == set(EDITOR)
    assert denied(audit_rows, client)


def test_what_is_held_for_one_client_does_not_go_into_a_role(sign_in: Any, owner: Any) -> None:
    sign_in("*")
    role = factories.make_role("users")
    client = sign_in(*EDITOR)
    factories.grant(client.user, factories.make_role("audit"), client_id=factories.make_client().id)
    answer = client.post(f"/roles/{role.id}/edit", data=sent(role, "users", "audit"))
    assert answer.status_code == 403
    scoped = sign_in(*EDITOR, "audit", client_id=factories.make_client().id)
    assert scoped.post(f"/roles/{role.id}/edit", data=sent(role, "audit")).status_code == 403
    assert keys_of(owner, role) == {"users"}


@pytest.mark.parametrize("own", [True, False])
def test_the_service_refuses_grants_above_or_to_oneself(
    sign_in: Any, owner: Any, own: bool
) -> None:
    from webapp.access.models import Role
    from webapp.access.queries import grants_of
    from webapp.core.db import db

    actor_row = factories.make_user()
    factories.grant(actor_row, factories.make_role(*EDITOR))
    role = factories.make_role("users") if own else factories.make_role("users", "audit")
    target = actor_row if own else factories.make_user()
    with factories.work():
        actor = _Actor(actor_row.id, grants_of([actor_row.id])[actor_row.id])
        found = db.session.get_one(Role, role.id)
        with pytest.raises(Denied):
            services.assign_role(actor, user_id=target.id, user_name="X", role=found)  # type: ignore[arg-type]
    held = owner.execute("SELECT FROM user_roles WHERE role_id = %s", [role.id]).fetchall()
    assert held == []


def test_nobody_acts_on_an_account_above_their_own(app: Any) -> None:
    from webapp.access.queries import grants_of

    actor_row, above = factories.make_user(), factories.make_user()
    factories.grant(actor_row, factories.make_role(*EDITOR))
    factories.grant(above, factories.make_role("*"))
    with factories.work():
        actor = _Actor(actor_row.id, grants_of([actor_row.id])[actor_row.id])
        with pytest.raises(Denied):
            services.require_not_above(actor, target_id=above.id)  # type: ignore[arg-type]


class _Actor:
    """As much of a signed-in person as the services look at."""

    def __init__(self, key: int, grants: Any) -> None:
        self.id, self.grants = key, tuple(grants)

    def can(self, permission: str, on: Place | None = None) -> bool:
        return any(permission in one.permissions and one.covers(on) for one in self.grants)


def test_the_last_who_edits_roles_keeps_that(sign_in: Any, owner: Any) -> None:
    role = factories.make_role(*EDITOR)
    person = factories.make_user()
    factories.grant(person, role)
    client = sign_in(user=person)
    answer = client.post(f"/roles/{role.id}/edit", data=sent(role, "roles", step="preview"))
    assert answer.status_code == 422 and "nobody could edit roles any more" in answer.text
    assert "roles.edit" in keys_of(owner, role)


def test_two_who_go_at_once_leave_one_behind(app: Any, settings: Any, owner: Any) -> None:
    role = factories.make_role("roles", "roles.edit")
    grants = [factories.grant(factories.make_user(), role) for _ in range(2)]
    both = threading.Barrier(2)
    refused: list[str] = []

    def take(grant: Any) -> None:
        with psycopg.connect(dsn(settings.owner_url())) as connection:
            connection.execute(
                "INSERT INTO audit_event (action, category) VALUES ('test', 'system')"
            )
            connection.execute("DELETE FROM user_roles WHERE id = %s", [grant.id])
            both.wait()
            try:
                connection.commit()
            except psycopg.errors.IntegrityConstraintViolation as error:
                refused.append(error.diag.constraint_name or "")

    threads = [threading.Thread(target=take, args=(grant,)) for grant in grants]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["last_administrator"]
    assert len(owner.execute("SELECT FROM user_roles").fetchall()) == 1


def test_nobody_takes_out_of_a_role_what_they_lack(sign_in: Any, owner: Any) -> None:
    sign_in("*")
    role = factories.make_role("users", "audit")
    client = sign_in(*EDITOR)
    assert client.post(f"/roles/{role.id}/edit", data=sent(role, "users")).status_code == 403
    assert keys_of(owner, role) == {"users", "audit"}


@pytest.mark.parametrize("key", ["roles", "audit", "users.export"])
def test_nothing_is_lost_for_good(sign_in: Any, owner: Any, key: str) -> None:
    everything = {*registry.PAGE_BY_KEY, *registry.PERMISSION_BY_KEY}
    role = factories.make_role("*")
    person = factories.make_user()
    factories.grant(person, role)
    sign_in(*EDITOR)  # may edit roles, but that does not bring the key back
    client = sign_in(user=person)
    for step in ("preview", "apply"):
        answer = client.post(
            f"/roles/{role.id}/edit", data=sent(role, *(everything - {key}), step=step)
        )
        assert answer.status_code == 422 and "nobody would hold what is taken out" in answer.text
    assert keys_of(owner, role) == everything


def test_who_never_signed_in_does_not_count(sign_in: Any, owner: Any) -> None:
    everything = factories.make_role("*")
    factories.grant(factories.make_user(password=None), everything)
    person = factories.make_user()
    factories.grant(person, everything)
    sign_in(*EDITOR)

    def shut_out() -> None:
        with owner.transaction():
            owner.execute("INSERT INTO audit_event (action, category) VALUES ('test', 'system')")
            owner.execute("UPDATE users SET is_active = false WHERE id = %s", [person.id])

    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="last administrator"):
        shut_out()


def test_somebody_lesser_changes_nothing_of_somebody_above(sign_in: Any, owner: Any) -> None:
    above = factories.make_user(name="Ana Above")
    factories.grant(above, factories.make_role("*"))
    factories.open_session(above)
    client = sign_in("users", "users.edit", "users.end_sessions")
    edit = {"name": "Pwned", "email": above.email, "locale": "es", "timezone": "UTC", "version": 1}
    assert client.post(f"/users/{above.id}/edit", data=edit).status_code == 403
    assert client.post(f"/users/{above.id}/sessions/end").status_code == 403
    left = owner.execute(
        "SELECT FROM user_sessions WHERE user_id = %s AND revoked_at IS NULL", [above.id]
    )
    assert left.rowcount == 1
