"""One entry of the log: what it says, where it leads, what proves it, and who is told that it was read."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC
from html import unescape
from typing import Any

import psycopg
import pytest

from tests import factories
from webapp.audit import canonical
from webapp.core import trail
from webapp.core.db import db
from webapp.organisation.models import Client, Project
from webapp.tickets.models import Ticket

SignIn = Callable[..., Any]
Rows = Callable[..., list[dict[str, Any]]]
Owner = psycopg.Connection[dict[str, Any]]


def changed_ticket(**place: Any) -> Any:
    """A ticket that got an assignee, tags and a text, in one request with a reason."""
    ticket, ana = factories.make_ticket(**place), factories.make_user(name="Ana Ruiz")
    with factories.work():
        row = db.session.get_one(Ticket, ticket.id)
        row.assignee_id, row.tags = ana.id, ["lift"]
        row.resolution = "Line one\nline <two>"
        trail.because("said so on the telephone")
    return ticket


def last(rows: Rows, *about: Any) -> dict[str, Any]:
    return rows(*about)[-1]


def address(row: dict[str, Any], tail: str = "") -> str:
    return f"/audit/{row['id']}{tail}?at={row['recorded_at'].isoformat().replace('+', '%2B')}"


def test_an_entry_tells_all_of_it_in_few_statements(
    sign_in: SignIn, audit_rows: Rows, statements: Any
) -> None:
    ticket = changed_ticket()
    reader = sign_in("*")
    row = last(audit_rows, "ticket", ticket.id)
    with statements() as seen:
        page = unescape(reader.get(address(row)).text)
    assert len(seen) <= 8
    for words in ("Ana Ruiz", "lift", "line <two>", "said so on the telephone", "Not sealed yet"):
        assert words in page
    for path in (f"/tickets/by-id/{ticket.id}", f"/audit/{row['id']}/undo", "/audit/record/ticket"):
        assert path in page


def test_the_rest_of_the_request_stands_below_it(sign_in: SignIn, audit_rows: Rows) -> None:
    client = factories.make_client("Acme Ltd")
    project = factories.make_project("Moving", client_id=client.id)
    with factories.work():
        db.session.get_one(Client, client.id).name = "Acme Group"
        db.session.get_one(Project, project.id).name = "Moving house"
    reader = sign_in("audit", "organisation")
    page = reader.get(address(last(audit_rows, "client", client.id))).text
    assert (
        "renamed the project Moving to Moving house"
        in page.partition("Everything else from the same")[2]
    )


def test_the_json_is_what_was_sealed_byte_for_byte(sign_in: SignIn, audit_rows: Rows) -> None:
    ticket = changed_ticket()
    reader = sign_in("*")
    row = last(audit_rows, "ticket", ticket.id)
    reply = reader.get(address(row, "/json"))
    assert reply.mimetype == "application/json"
    assert canonical.leaf(reply.data).hex() in reader.get(address(row)).text
    assert json.loads(reply.data)["changes"]["tags"] == [[], ["lift"]]
    (read,) = audit_rows("audit_event", row["id"], actor_id=reader.user.id)[:1]
    assert (read["action"], read["changes"]) == ("audit.read", {"format": "json"})
    assert f"read entry {row['id']}" in reader.get("/audit?action=audit.read").text


@pytest.fixture
def sealed(owner: Owner) -> Iterator[Callable[[dict[str, Any]], int]]:
    """Put a row below a seal, and take the seal away afterwards."""
    ids: list[int] = []

    def seal(row: dict[str, Any]) -> int:
        made = owner.execute(
            "INSERT INTO audit_seal SELECT 1 + coalesce(max(id), 0), 'rows', %(epoch)s, %(month)s, %(xid)s::xid8,"
            " (%(xid)s::text::bigint + 1)::text::xid8, 1, NULL, NULL, 1, %(h)s, %(h)s, %(h)s, %(s)s, %(h)s, now()"
            " FROM audit_seal RETURNING id",
            {
                "epoch": row["epoch"],
                "month": f"{row['recorded_at'].astimezone(UTC):%Y-%m}",
                "xid": str(row["xid"]),
                "h": b"h" * 32,
                "s": b"s" * 64,
            },
        ).fetchone()
        assert made is not None
        ids.append(int(made["id"]))
        return ids[-1]

    yield seal
    owner.execute("ALTER TABLE audit_seal DISABLE TRIGGER USER")
    owner.execute("DELETE FROM audit_seal WHERE id = ANY (%s)", [ids])
    owner.execute("ALTER TABLE audit_seal ENABLE TRIGGER USER")
    owner.execute("ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER no_change")
    owner.execute("ALTER TABLE audit_seal ENABLE ALWAYS TRIGGER no_truncate")


def test_the_seal_that_covers_it_is_named(
    sign_in: SignIn, audit_rows: Rows, sealed: Callable[[dict[str, Any]], int]
) -> None:
    first, second = (factories.make_client(name) for name in ("First Ltd", "Second Ltd"))
    reader = sign_in("audit", "organisation")
    row = last(audit_rows, "client", first.id)
    number = sealed(row)
    assert f"by seal {number}" in reader.get(address(row)).text
    assert "Not sealed yet" in reader.get(address(last(audit_rows, "client", second.id))).text


def test_values_that_are_not_for_the_reader_are_covered_everywhere(
    sign_in: SignIn, audit_rows: Rows
) -> None:
    ticket = changed_ticket(subject="Kept subject")
    reader = sign_in("audit")
    row = last(audit_rows, "ticket", ticket.id)
    page = reader.get(address(row)).text
    assert "Kept subject" in page  # that it happened, and to what, stays
    assert "none of your roles opens" in page
    data = reader.get(address(row, "/json")).text
    for text in (page, data):
        assert "lift" not in text
        assert "line" not in text.partition("What changed")[2].partition("Who, when")[0]
        assert "Ana Ruiz" not in text
        assert "•••" in text
    assert f"/tickets/by-id/{ticket.id}" not in page
    assert "/undo" not in page
    assert "SHA-256" not in page  # all that a short value can be is soon tried


def test_secrets_were_never_recorded(sign_in: SignIn, audit_rows: Rows) -> None:
    person = factories.make_user(name="Luis")
    reader = sign_in("*")
    row = audit_rows("user", person.id, action="user.created")[0]
    page = reader.get(address(row)).text
    assert "•••" in page
    assert "argon2" not in page


def test_what_is_out_of_scope_or_missing_is_not_there(sign_in: SignIn, audit_rows: Rows) -> None:
    mine, other = factories.make_client(), factories.make_client()
    reader = sign_in("audit", client_id=mine.id)
    for tail in ("", "/json"):
        assert reader.get(address(last(audit_rows, "client", other.id), tail)).status_code == 404
        assert reader.get(f"/audit/9{tail}?at=nonsense").status_code == 404
        assert reader.get(f"/audit/999999999{tail}").status_code == 404
