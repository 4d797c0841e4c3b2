"""Why somebody may or may not, as a table."""

from typing import Any

import pytest

from tests import factories
from webapp.access.explain import explain
from webapp.access.grants import Grant
from webapp.access.queries import RoleContents
from webapp.organisation.tree import Place

ROLES = [
    RoleContents(id=1, name="Big", pages=frozenset({"users", "audit"}), permissions=frozenset()),
    RoleContents(id=2, name="Small", pages=frozenset({"users"}), permissions=frozenset()),
    RoleContents(id=3, name="Other", pages=frozenset({"roles"}), permissions=frozenset()),
]


def grant(*keys: str, **place: Any) -> Grant:
    return Grant(id=1, role_id=9, role="R", pages=frozenset(keys), permissions=frozenset(), **place)


HERE = Place(location_id=3, client_id=5, project_id=7)


@pytest.mark.parametrize(
    ("grants", "place", "allowed"),
    [
        ([], None, False),
        ([grant("users")], None, True),
        ([grant("users")], HERE, True),
        ([grant("roles")], None, False),
        ([grant("users", location_id=1, location_ids=frozenset({1, 3}))], HERE, True),
        ([grant("users", location_id=2, location_ids=frozenset({2}))], HERE, False),
        ([grant("users", client_id=5)], HERE, True),
        ([grant("users", client_id=6)], HERE, False),
        ([grant("users", project_id=7)], HERE, True),
        ([grant("users", project_id=7)], Place(location_id=3, client_id=5), False),
        ([grant("users", client_id=6)], None, True),
    ],
)
def test_yes_and_no(grants: list[Grant], place: Place | None, allowed: bool) -> None:
    answer = explain(active=True, grants=grants, roles=ROLES, key="users", place=place)
    assert answer.allowed is allowed
    assert bool(answer.by) is allowed
    assert bool(answer.suggestions) is not allowed
    assert len(answer.by) + len(answer.elsewhere) == sum("users" in one.pages for one in grants)


def test_the_smallest_role_comes_first_and_what_is_held_counts_for_nothing() -> None:
    answer = explain(active=True, grants=[], roles=ROLES, key="users", place=None)
    assert [(one.role, one.extra) for one in answer.suggestions] == [
        ("Small", ()),
        ("Big", ("audit",)),
    ]
    answer = explain(active=True, grants=[grant("audit")], roles=ROLES, key="users", place=None)
    assert [one.extra for one in answer.suggestions] == [(), ()]


def test_somebody_inactive_may_nothing() -> None:
    answer = explain(active=False, grants=[grant("users")], roles=ROLES, key="users", place=None)
    assert not answer.allowed
    assert answer.by


def test_the_page_answers_for_a_place_below_the_scope(sign_in: Any) -> None:
    top = factories.make_location("Top")
    below = factories.make_location("Below", parent_id=top.id)
    project = factories.make_project(client_id=factories.make_client(location_id=below.id).id)
    elsewhere = factories.make_project()
    person = factories.make_user(name="Nora Near")
    factories.grant(
        person, factories.make_role("organisation", "organisation.edit"), location_id=top.id
    )
    client = sign_in("*")
    url = f"/access/explain?person={person.id}&key=organisation.edit&object=project:"
    yes = client.get(f"{url}{project.id}").get_data(as_text=True)
    assert "Nora Near has “Edit the organisation”" in yes and "in Top" in yes
    no = client.get(f"{url}{elsewhere.id}").get_data(as_text=True)
    assert "does not have “Edit the organisation”" in no and "Held, but not there" in no


@pytest.mark.parametrize(
    "query", ["person=x", "person=0", "key=nope", "object=client:", "object=x:1", "person=9" * 30]
)
def test_a_question_about_what_cannot_exist_is_404(sign_in: Any, query: str) -> None:
    assert sign_in("*").get(f"/access/explain?{query}").status_code == 404


def test_a_moment_that_is_none_is_said(sign_in: Any) -> None:
    asker = sign_in("*")
    page = f"/access/explain?person={asker.user.id}&key=users&at="
    for wrong, said in (("soon", "is no date and time"), ("2199-01-01T00:00", "has not come yet")):
        refused = asker.get(page + wrong)
        assert refused.status_code == 422 and said in refused.text
