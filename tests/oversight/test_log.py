"""Reading the log."""

from collections.abc import Callable
from typing import Any

from tests import factories
from webapp.core import trail
from webapp.core.db import db
from webapp.organisation.models import Client

SignIn = Callable[..., Any]


def test_filters_find_what_they_name(sign_in: SignIn, app: Any) -> None:
    there = factories.make_location("Filter Street")
    reader = sign_in("audit", name="Rita Reader")
    with factories.work("system:other"):
        trail.note("access.denied", category="access", outcome="denied", reason="no key")
    about = f"object_type=location&object_id={there.id}"

    def rows(query: str) -> str:
        page: str = reader.get(f"/audit?{query}").text
        return page.partition("<tbody")[2].partition("</tbody>")[0]

    assert "Filter Street" in rows(about)
    assert "Filter Street" in rows(f"{about}&period=today&category=change")
    assert "Filter Street" not in rows(f"{about}&category=read")
    assert "Filter Street" not in rows(f"{about}&until=2001-01-01T00:00")
    assert "no key" in rows("outcome=not-ok")
    assert "no key" in rows("action=access.denied&actor=system:other")
    assert "Filter Street" not in rows("outcome=denied")
    assert "read the audit log" in rows("actor=rita")
    assert reader.get("/audit?object_id=abc").status_code == 422


def test_pages_lead_there_and_back(sign_in: SignIn) -> None:
    for number in range(5):
        factories.make_location(f"Page {number}")
    reader = sign_in("audit")
    base = "/audit?action=location.created&limit=2"
    first = reader.get(base).text
    assert "Page 4" in first
    assert "Page 3" in first
    older = _link(first, "after")
    second = reader.get("/audit" + older).text
    assert "Page 2" in second
    assert "Page 4" not in second
    assert "Page 4" in reader.get("/audit" + _link(second, "before")).text


def test_an_entry_shows_the_difference_and_is_recorded(
    sign_in: SignIn, audit_rows: Any, statements: Any
) -> None:
    client = factories.make_client("Before Ltd")
    with factories.work():
        db.session.get_one(Client, client.id).name = "After Ltd"
    (row,) = audit_rows("client", client.id, action="client.updated")
    reader = sign_in("audit", "organisation")
    with statements() as seen:
        page = reader.get(f"/audit/{row['id']}").text
    assert len(seen) <= 8
    assert "<del" in page
    assert "Before Ltd" in page
    assert "After Ltd" in page
    assert audit_rows("audit_event", row["id"], action="audit.read", actor_id=reader.user.id)
    with statements() as seen:
        reader.get("/audit?actor=person")
    assert len(seen) <= 8


def test_a_scope_bounds_what_is_seen(sign_in: SignIn, audit_rows: Any) -> None:
    mine, other = factories.make_client("Mine Ltd"), factories.make_client("Other Ltd")
    reader = sign_in("audit", client_id=mine.id)
    page = reader.get("/audit?action=client.created").text
    assert "Mine Ltd" in page
    assert "Other Ltd" not in page
    (row,) = audit_rows("client", other.id, action="client.created")
    assert reader.get(f"/audit/{row['id']}").status_code == 404


def _link(page: str, cursor: str) -> str:
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    return next(link for link in links if f"{cursor}=" in link).replace("&amp;", "&")


def test_days_that_were_typed_say_more_than_a_preset(sign_in: SignIn) -> None:
    page = (
        sign_in("*").get("/audit?period=today&since=2020-01-01T00:00&until=2020-01-02T00:00").text
    )
    assert '<option selected value="exact">' in page
    assert "No entry fits these filters" in page
