"""Views of a list that are kept under a name."""

import re

from tests import factories
from webapp.core.db import db
from webapp.saved_views.models import SavedView


def view_named(name):
    with factories.work():
        found = db.session.query(SavedView).filter_by(name=name).one_or_none()
        return found and (found.id, found.query, found.is_shared)


def save(client, name, query="?q=x", **more):
    data = {"page": "assets", "name": name, "query": query, **more}
    return client.post("/views", data=data)


def test_a_view_keeps_filter_sort_and_columns(sign_in, audit_rows):
    client = sign_in("assets")
    query = "?status=lost&status=in_use&sort=-name&cols=tag%2Cserial&after=abc&limit=5&q="
    answer = save(client, "Lost & used", query)
    kept = "?status=lost&status=in_use&sort=-name&cols=tag%2Cserial"
    assert answer.status_code == 303 and answer.headers["Location"] == f"/assets{kept}"
    page = client.get(answer.headers["Location"]).text
    assert re.search(r"<summary[^>]*aria-label=\"Saved views\".*?Lost &amp; used", page, re.DOTALL)
    assert (
        audit_rows("saved_view", view_named("Lost & used")[0])[0]["action"] == "saved_view.created"
    )


def test_own_views_are_private_until_shared(sign_in):
    owner, other = sign_in("assets", "views.share"), sign_in("assets")
    save(owner, "Private one")
    save(owner, "For all", shared="y")
    page = other.get("/assets").text
    assert "For all" in page and "Private one" not in page
    assert save(other, "Mine", shared="y").status_code == 403
    private, shared = view_named("Private one")[0], view_named("For all")[0]
    assert other.post(f"/views/{private}/delete").status_code == 404
    assert other.post(f"/views/{shared}/delete").status_code == 403
    assert other.post(f"/views/{shared}", data={"name": "Hijacked"}).status_code == 403
    assert sign_in("assets", "views.share").post(f"/views/{shared}/delete").status_code == 303
    assert view_named("For all") is None


def test_rename_share_and_delete(sign_in):
    client = sign_in("assets", "views.share")
    save(client, "First")
    save(client, "Second")
    number = view_named("First")[0]
    assert "First" in client.get("/views?page=assets").text
    refused = client.post(f"/views/{number}", data={"name": "second"})
    assert refused.status_code == 422 and "You have a view of this name." in refused.text
    assert client.post(f"/views/{number}", data={"name": "Third", "shared": "y"}).status_code == 303
    assert view_named("Third") == (number, "?q=x", True)
    assert client.post(f"/views/{number}/delete").status_code == 303
    assert view_named("Third") is None


def test_what_cannot_be_saved(sign_in):
    client = sign_in("assets")
    assert save(client, " ").status_code == 422
    assert save(client, "x" * 81).status_code == 422
    assert save(client, "Long", "?q=" + "x" * 2000).status_code == 422
    assert save(client, "Once").status_code == 303
    again = save(client, "ONCE")
    assert again.status_code == 422 and 'value="ONCE"' in again.text
    foreign = client.post("/views", data={"page": "users", "name": "N", "query": ""})
    assert foreign.status_code == 403
    assert client.get("/views?page=users").status_code == 404
    hostile = save(client, "Elsewhere", "//evil.example/?a=b")
    assert hostile.headers["Location"].startswith("/assets")
