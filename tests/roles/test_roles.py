"""Roles: what a change means to whom, who may make it, and what never happens."""

import re
from typing import Any

from tests import factories
from webapp.core import registry

ALL = (*registry.PAGE_BY_KEY, *registry.PERMISSION_BY_KEY)


def sent(role: Any, *keys: str, step: str = "apply", **values: Any) -> dict[str, Any]:
    return {
        "name": role.name,
        "description": role.description,
        "keys": list(keys),
        "version": role.version,
        "step": step,
        "reason": "Because",
    } | values


def keys_of(owner: Any, role: Any) -> set[str]:
    rows = owner.execute(
        "SELECT p.key FROM page_roles x JOIN pages p ON p.id = x.page_id WHERE x.role_id = %(id)s"
        " UNION SELECT p.key FROM role_permissions x JOIN permissions p ON p.id = x.permission_id"
        " WHERE x.role_id = %(id)s",
        {"id": role.id},
    )
    return {row["key"] for row in rows}


def test_a_role_is_made_shown_and_deleted(sign_in: Any, owner: Any, audit_rows: Any) -> None:
    client = sign_in("*")
    made = client.post("/roles/new", data={"name": "Clerk", "keys": ["users", "users.edit"]})
    assert made.status_code == 303
    page = client.get(made.location).get_data(as_text=True)
    assert "Edit people" in page and "created the role" in page
    taken = client.post("/roles/new", data={"name": "CLERK"})
    assert taken.status_code == 422 and "Another role has this name" in taken.text
    role_id = int(made.location.rsplit("/", 1)[1])
    assert "Reason" in client.get(f"/roles/{role_id}/delete").text
    why = {"reason": "Nobody needs clerks"}
    assert client.post(f"/roles/{role_id}/delete", data={"reason": " "}).status_code == 422
    assert client.post(f"/roles/{role_id}/delete", data=why).status_code == 303
    assert client.get(made.location).status_code == 404
    actions = [row["action"] for row in audit_rows("role", role_id)]
    assert actions == ["role.created", "role.permissions_changed", "role.deleted"]
    assert audit_rows("role", role_id, action="role.deleted")[0]["reason"] == why["reason"]


def test_a_role_that_somebody_holds_is_not_deleted(sign_in: Any, owner: Any) -> None:
    role = factories.make_role("users")
    factories.grant(factories.make_user(is_active=False), role)
    client = sign_in("*")
    assert "1 person holds this role" in client.get(f"/roles/{role.id}/delete").text
    refused = client.post(f"/roles/{role.id}/delete", data={"reason": "Spare"})
    assert refused.status_code == 409 and "1 person holds this role" in refused.text
    assert f"/roles/{role.id}" in refused.text and "Error 409" not in refused.text
    assert keys_of(owner, role) == {"users"}


def test_the_preview_knows_what_people_hold_by_other_roles(sign_in: Any, owner: Any) -> None:
    role = factories.make_role("dashboard", "users")
    near = factories.make_client()
    alone, covered, narrow = (
        factories.make_user(name=n) for n in ("Al One", "Co Vered", "Na Rrow")
    )
    for person in (alone, covered, narrow):
        factories.grant(person, role)
    factories.grant(covered, factories.make_role("users", "audit"))
    factories.grant(narrow, factories.make_role("users", "audit"), client_id=near.id)
    client = sign_in("*")
    shown = client.post(
        f"/roles/{role.id}/edit", data=sent(role, "dashboard", "audit", step="preview")
    )
    assert shown.status_code == 200
    assert shown.text.count("Al One, Na Rrow") == 2  # gain the log, lose people
    assert "Co Vered" not in shown.text
    assert "2 people gain it" in shown.text and "2 people lose it" in shown.text
    assert keys_of(owner, role) == {"dashboard", "users"}


def test_a_change_asks_why_and_the_log_keeps_it(sign_in: Any, owner: Any, audit_rows: Any) -> None:
    role = factories.make_role("users")
    client = sign_in("*")
    url = f"/roles/{role.id}/edit"
    assert client.post(url, data=sent(role, "audit", reason=" ")).status_code == 422
    assert keys_of(owner, role) == {"users"}
    assert client.post(url, data=sent(role, "audit", reason="New duty")).status_code == 303
    assert keys_of(owner, role) == {"audit"}
    (row,) = audit_rows("role", role.id, action="role.permissions_changed")
    assert row["changes"] == {"pages": [["users"], ["audit"]]}
    assert {one["reason"] for one in audit_rows(request_id=row["request_id"])} == {"New duty"}


def test_saving_without_a_change_writes_nothing(sign_in: Any, owner: Any, audit_rows: Any) -> None:
    role = factories.make_role("users")
    assert sign_in("*").post(f"/roles/{role.id}/edit", data=sent(role, "users")).status_code == 303
    (row,) = owner.execute("SELECT version FROM roles WHERE id = %s", [role.id]).fetchall()
    assert row["version"] == role.version
    assert len(audit_rows("role", role.id)) == 1


def test_the_second_of_two_editors_sees_both_versions(sign_in: Any, owner: Any) -> None:
    role = factories.make_role("users")
    client = sign_in("*")
    url = f"/roles/{role.id}/edit"
    assert client.post(url, data=sent(role, "audit")).status_code == 303
    stale = client.post(url, data=sent(role, "roles"))
    assert stale.status_code == 409
    assert "Roles" in stale.text and "Audit log" in stale.text
    assert re.search(rf'name="version"[^>]* value="{role.version + 1}"', stale.text)
    assert keys_of(owner, role) == {"audit"}


def test_the_matrix_is_few_queries(sign_in: Any, statements: Any) -> None:
    client = sign_in("*")
    for _ in range(5):
        factories.make_role("users", "audit")
    with statements() as seen:
        assert client.get("/roles").status_code == 200
    assert len(seen) <= 8


def test_values_nobody_could_have_chosen(sign_in: Any, owner: Any) -> None:
    role = factories.make_role("users")
    client = sign_in("*")
    url = f"/roles/{role.id}/edit"
    for wrong in (
        {"name": ""},
        {"name": "x" * 201},
        {"keys": ["nope"]},
        {"version": "x"},
        {"step": "x"},
    ):
        assert client.post(url, data=sent(role, "audit") | wrong).status_code == 422, wrong
    assert client.post(url, data=sent(role, "audit", strange="1")).status_code == 400
    assert client.get("/roles/99999999999999999999/edit").status_code == 404
    assert keys_of(owner, role) == {"users"}
