"""The list of people, changing them, and shutting them out."""

import pytest
from pydantic import ValidationError

from tests import factories
from webapp.users import queries, schemas

EDITOR = (
    "users",
    "users.edit",
    "users.deactivate",
    "users.reset_password",
    "users.invite",
    "users.export",
)


def _edit(person, version=1, **changes):
    fields = {"name": person.name, "email": person.email, "locale": "en", "timezone": "UTC"}
    return fields | {"version": version} | changes


def test_a_search_finds_the_beginning_of_a_name_and_counts(sign_in):
    factories.make_user(name="Nadia Neumann")
    client = sign_in(*EDITOR)
    assert "Nadia Neumann" in client.get("/users?q=neum").text
    assert "Nadia Neumann" not in client.get("/users?q=zzz").text
    for sort in ("name", "-email", "seen", "-created"):
        first = client.get(f"/users?sort={sort}&limit=1")
        assert first.status_code == 200
        assert '<p class="muted">2 people</p>' in first.text


@pytest.mark.parametrize("email", ["ZOE@example.com", "\uff5aoe@example.com", " zoe@EXAMPLE.com "])
def test_one_address_is_one_person(sign_in, email):
    factories.make_user(email="zoe@example.com")
    answer = sign_in(*EDITOR).post("/users/new", data={"name": "Zoe Two", "email": email})
    assert answer.status_code == 422
    assert "has an account already" in answer.text


def test_a_stale_edit_shows_both_versions(sign_in):
    client, person = sign_in(*EDITOR), factories.make_user(name="First Name")
    assert (
        client.post(f"/users/{person.id}/edit", data=_edit(person, name="Theirs")).status_code
        == 303
    )
    answer = client.post(f"/users/{person.id}/edit", data=_edit(person, name="Mine"))
    assert answer.status_code == 409
    assert "Theirs" in answer.text
    assert 'value="Mine"' in answer.text
    assert (
        client.post(f"/users/{person.id}/edit", data=_edit(person, 2, name="Mine")).status_code
        == 303
    )


def test_deactivating_ends_the_session_at_once(sign_in, audit_rows):
    person = factories.make_user()
    theirs = sign_in(user=person)
    assert theirs.get("/account").status_code == 200
    client = sign_in(*EDITOR)
    assert client.post(f"/users/{person.id}/deactivate", data={"reason": ""}).status_code == 422
    assert client.post(f"/users/{person.id}/deactivate", data={"reason": "left"}).status_code == 303
    assert theirs.get("/account").status_code == 303
    assert audit_rows("user", person.id, action="user.deactivated")[0]["reason"] == "left"
    refused = client.post(f"/users/{person.id}/restore", data={"reason": " "})
    assert refused.status_code == 422 and 'id="restore-reason-error"' in refused.text
    assert client.post(f"/users/{person.id}/restore", data={"reason": "back"}).status_code == 303
    assert theirs.get("/account").status_code == 303


def test_bulk_deactivation_leaves_oneself_and_those_above(sign_in, work):
    client = sign_in(*EDITOR)
    below, above = factories.make_user(name="Below"), factories.make_user(name="Above")
    factories.grant(above, factories.make_role("*"))
    ids = [below.id, above.id, client.user.id]
    preview = client.get("/users/deactivate", query_string={"ids": ids}).text
    assert "gives more than you hold" in preview
    assert "Nobody deactivates themselves" in preview
    done = client.post("/users/deactivate", data={"ids": ids, "reason": "closing"})
    assert done.status_code == 303
    with work():
        assert [queries.get_user(x).is_active for x in ids] == [False, True, True]


def test_nobody_reaches_above_by_reset_address_or_deactivation(sign_in):
    above = factories.make_user()
    factories.grant(above, factories.make_role("*"))
    client = sign_in(*EDITOR)
    moved = _edit(above, email="mine@example.com")
    assert client.post(f"/users/{above.id}/link").status_code == 403
    assert client.post(f"/users/{above.id}/edit", data=moved).status_code == 403
    assert client.post(f"/users/{above.id}/deactivate", data={"reason": "x"}).status_code == 403


def test_an_export_holds_no_formula_and_is_recorded(sign_in, audit_rows):
    factories.make_user(name="=HYPERLINK(1)")
    client = sign_in(*EDITOR)
    answer = client.get("/users/export.csv?q=hyperlink")
    assert "'=HYPERLINK(1)" in answer.get_data(as_text=True)
    (row,) = audit_rows(action="user.exported", actor_id=client.user.id)
    assert row["changes"]["rows"] == 1


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 422),
        ("   ", 422),
        ("x" * 201, 422),
        ("two\nlines", 422),
        ("Zoë 🦊 李", 303),
        ("<script>alert(1)</script>", 303),
    ],
)
def test_what_may_be_a_name(sign_in, name, status):
    client = sign_in(*EDITOR)
    answer = client.post(
        "/users/new", data={"name": name, "email": "new@example.com"}, follow_redirects=False
    )
    assert answer.status_code == status
    if status == 303:
        shown = client.get(answer.location).text
        assert "<script>alert" not in shown
    else:
        assert 'value="new@example.com"' in answer.text


@pytest.mark.parametrize("name", ["a\x07b", "a\0b", "a\x9bb", "\ud800"])
def test_control_characters_are_no_part_of_a_name(name):
    with pytest.raises(ValidationError):
        schemas.Invite.model_validate({"name": name, "email": "new@example.com"})


def test_an_unknown_field_and_a_missing_token_are_refused(sign_in, with_csrf, app):
    client, data = sign_in(*EDITOR), {"name": "A", "email": "a@example.com"}
    assert client.post("/users/new", data=data).status_code == 400
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/users/new", data=data | {"is_active": "0"}).status_code == 400


def test_a_role_with_scope_is_given_and_taken(sign_in, audit_rows):
    client, person = sign_in("*"), factories.make_user()
    role = factories.make_role("dashboard", name="Helper")
    form = {"role_id": role.id, "scope": "everywhere", "reason": "helps"}
    assert client.post(f"/users/{person.id}/roles", data=form).status_code == 303
    assert client.post(f"/users/{person.id}/roles", data=form).status_code == 422
    assert client.post(f"/users/{client.user.id}/roles", data=form).status_code == 403
    (row,) = audit_rows("user", person.id, action="role.assigned")
    assert row["reason"] == "helps"
    for tab in ("", "/access", "/sessions", "/history"):
        assert client.get(f"/users/{person.id}{tab}").status_code == 200


def test_all_that_match_are_previewed_and_shut_out_as_they_were_seen(sign_in, work):
    client = sign_in(*EDITOR)
    crew = [factories.make_user(name=f"Crew {number}") for number in range(3)]
    other = factories.make_user(name="Somebody Else")
    query = {"matching": "?q=crew&state=active"}
    preview = client.get("/users/deactivate", query_string=query).text
    assert all(member.name in preview for member in crew)
    assert other.name not in preview
    assert 'name="ids"' not in preview
    seen = preview.split('name="seen" value="')[1].split('"')[0]
    late = factories.make_user(name="Crew Late")
    form = query | {"seen": seen, "reason": "the season is over"}
    changed = client.post("/users/deactivate", data=form)
    assert changed.status_code == 409
    assert late.name in changed.text
    seen = changed.text.split('name="seen" value="')[1].split('"')[0]
    assert client.post("/users/deactivate", data=form | {"seen": seen}).status_code == 303
    with work():
        active = [queries.get_user(one.id).is_active for one in [*crew, late, other]]
    assert active == [False, False, False, False, True]


def test_a_list_of_several_pages_offers_all_that_match(sign_in):
    client = sign_in(*EDITOR)
    factories.make_user(name="Nadia Neumann")
    assert "Select all 2 that match" in client.get("/users?limit=1").text
    assert "that match" not in client.get("/users").text
