"""The life of a ticket: which status follows which, for whom, and what a resolution needs."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests import factories
from webapp.access.identity import act_as_person
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.organisation import tree
from webapp.tickets.bulk_schemas import BulkChange
from webapp.tickets.models import Status, Ticket, Transition, TransitionRole
from webapp.tickets.queries import workflow
from webapp.tickets.services import bulk, status

pytestmark = pytest.mark.usefixtures("app")
ALLOWED = {
    "new": {"open", "pending", "on_hold", "resolved"},
    "open": {"pending", "on_hold", "resolved"},
    "pending": {"open", "on_hold", "resolved"},
    "on_hold": {"open", "pending", "resolved"},
    "resolved": {"open", "closed"},
    "closed": {"open"},
}
PAIRS = [(a.value, b.value) for a in Status for b in Status if a != b]
DONE = ("resolved", "closed")


@pytest.fixture
def agent(app: Any) -> Callable[..., Any]:
    """`agent("tickets.edit", client_id=1)`: a person who opens tickets and holds that there."""

    def make(*keys: str, **place: int) -> Any:
        user = factories.make_user()
        role = factories.make_role("tickets", *keys)
        factories.grant(user, role, **place)
        user.role = role
        return user

    return make


def change(user: Any, ticket: Ticket, to: str, **more: Any) -> Ticket:
    """Have a person change the status; return the ticket as it is then."""
    with factories.work():
        actor = act_as_person(user.id, page="tickets") if user else None
        row = db.session.get(Ticket, ticket.id)
        assert row is not None
        status.change(actor, row, Status(to), **more)
        db.session.flush()
        db.session.refresh(row)
        db.session.expunge(row)
    return row


def test_the_database_keeps_every_pair(owner: psycopg.Connection[dict[str, Any]]) -> None:
    client = factories.make_client()
    tickets = {one: factories.make_ticket(client_id=client.id, status=one) for one in ALLOWED}
    for before, after in PAIRS:
        done = after in DONE
        values = "resolution = 'Done.', resolved_at = now()" if done else "resolved_at = NULL"
        closed = "now()" if after == "closed" else "NULL"
        change_it = f"UPDATE tickets SET status = %s, {values}, closed_at = {closed} WHERE id = %s"  # noqa: S608
        refused: set[str | None] = set()
        try:
            with owner.transaction(force_rollback=True):
                owner.execute(change_it, [after, tickets[before].id])  # type: ignore[arg-type]
        except psycopg.errors.IntegrityError as error:
            refused = {error.diag.constraint_name}
        assert refused == (set() if after in ALLOWED[before] else {"ticket_transition"})


def test_the_service_says_what_the_database_refuses(agent: Any) -> None:
    client = factories.make_client()
    user = agent("tickets.edit")
    for before, after in PAIRS:
        ticket = factories.make_ticket(client_id=client.id, status=before)
        if after in ALLOWED[before]:
            row = change(user, ticket, after, resolution="Changed the cable.")
            assert row.status == after
            assert (row.resolved_at is not None) == (after in DONE)
            assert (row.closed_at is not None) == (after == "closed")
            assert row.reopened == (1 if before in DONE and after not in DONE else 0)
        else:
            with pytest.raises(DomainError, match="cannot get that one") as refused:
                change(user, ticket, after, resolution="Changed the cable.")
            assert refused.value.field == "status"


def test_what_may_follow_is_what_is_offered(agent: Any) -> None:
    user = agent("tickets.edit")
    client = factories.make_client()
    for before, after in ALLOWED.items():
        ticket = factories.make_ticket(client_id=client.id, status=before)
        with factories.work():
            assert {
                one.value for one in workflow.next_statuses(ticket, frozenset({user.role.id}))
            } == after


def test_resolving_needs_words_and_reopening_asks_for_new_ones(agent: Any, audit_rows: Any) -> None:
    user = agent("tickets.edit")
    ticket = factories.make_ticket(status="open")
    for blank in (None, "", "  \n"):
        with pytest.raises(DomainError) as refused:
            change(user, ticket, "resolved", resolution=blank)
        assert refused.value.field == "resolution"
    row = change(user, ticket, "resolved", resolution=" New cable. ")
    assert row.resolution == "New cable."
    resolved_at = row.resolved_at
    row = change(user, ticket, "closed")
    assert (row.resolution, row.resolved_at) == ("New cable.", resolved_at)
    row = change(user, ticket, "open", reason="It broke again")
    assert (row.resolution, row.resolved_at, row.closed_at, row.reopened) == ("", None, None, 1)
    with pytest.raises(DomainError):
        change(user, ticket, "resolved")
    actions = [row["action"] for row in audit_rows("ticket", ticket.id)][1:]
    assert actions == ["ticket.resolved", "ticket.closed", "ticket.reopened"]
    assert audit_rows("ticket", ticket.id)[-1]["reason"] == "It broke again"


def test_roles_may_be_named_for_a_change(agent: Any) -> None:
    lead, other = agent("tickets.edit"), agent("tickets.edit")
    ticket = factories.make_ticket(status="resolved")
    with factories.work():
        pair = (
            db.session.query(Transition).filter_by(from_status="resolved", to_status="closed").one()
        )
        db.session.add(TransitionRole(transition_id=pair.id, role_id=lead.role.id))
    with pytest.raises(DomainError, match="None of your roles"):
        change(other, ticket, "closed")
    with factories.work():
        assert Status.CLOSED not in workflow.next_statuses(ticket, frozenset({other.role.id}))
        assert Status.CLOSED in workflow.next_statuses(ticket, frozenset({lead.role.id}))
        assert Status.CLOSED in workflow.next_statuses(ticket, None)
    assert change(lead, ticket, "closed").status == "closed"
    again = factories.make_ticket(status="resolved")
    assert change(None, again, "closed").status == "closed"  # the system closes what was resolved


def test_a_role_counts_where_it_is_held(agent: Any) -> None:
    here, there = factories.make_client(), factories.make_client()
    user, lead = agent("tickets.edit", client_id=here.id), agent("tickets.edit")
    factories.grant(user, lead.role, client_id=there.id)
    pair = {"from_status": "open", "to_status": "resolved"}
    with factories.work():
        row = db.session.query(Transition).filter_by(**pair).one()
        db.session.add(TransitionRole(transition_id=row.id, role_id=lead.role.id))
    mine, theirs = (factories.make_ticket(client_id=c.id, status="open") for c in (here, there))
    with pytest.raises(DomainError, match="None of your roles"):
        change(user, mine, "resolved", resolution="Done.")
    for ticket, offered in ((mine, False), (theirs, True)):
        command = BulkChange(ids=[ticket.id], status=Status.RESOLVED, resolution="Done.")
        with factories.work():
            actor = act_as_person(user.id, page="tickets")
            roles = workflow.roles_at(actor, tree.place_of(ticket.client_id, None))
            assert (Status.RESOLVED in workflow.next_statuses(ticket, roles)) == offered
            assert bool(bulk.preview(actor, command).changed) == offered
    assert change(user, theirs, "resolved", resolution="Done.").status == "resolved"


def test_a_permission_reaches_its_place_alone(agent: Any) -> None:
    here, there = factories.make_client(), factories.make_client()
    user = agent("tickets.edit", client_id=here.id)
    factories.grant(user, factories.make_role("tickets"), client_id=there.id)  # sees it
    assert change(user, factories.make_ticket(client_id=here.id), "open").status == "open"
    with pytest.raises(Denied):
        change(user, factories.make_ticket(client_id=there.id), "open")


def test_a_merged_ticket_stays(agent: Any) -> None:
    client = factories.make_client()
    into = factories.make_ticket(client_id=client.id)
    ticket = factories.make_ticket(client_id=client.id, status="closed", merged_into_id=into.id)
    with pytest.raises(DomainError, match="merged"):
        change(agent("tickets.edit"), ticket, "open")


# --- in place ---------------------------------------------------------------------


HTMX = {"HX-Request": "true"}


def test_the_dialog_of_the_status(sign_in: Any) -> None:
    ticket = factories.make_ticket(status="open")
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}/status"
    shown = browser.get(url, headers=HTMX)
    assert shown.status_code == 200
    assert b"<html" not in shown.data
    assert b'value="pending"' in shown.data
    assert b'value="closed"' not in shown.data
    assert b"<html" in browser.get(url).data  # a page without htmx
    wrong = browser.post(url, data={"status": "resolved", "was": "open"}, headers=HTMX)
    assert wrong.status_code == 422
    assert b"Say how it was resolved" in wrong.data
    done = browser.post(url, data={"status": "pending", "was": "open"}, headers=HTMX)
    assert done.status_code == 204
    assert "ticketchanged" in done.headers["HX-Trigger"]
    plain = browser.post(url, data={"status": "on_hold", "was": "pending"})
    assert plain.status_code == 303


def test_somebody_else_was_faster(sign_in: Any) -> None:
    ticket = factories.make_ticket(status="open")
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}"
    browser.post(f"{url}/status", data={"status": "on_hold", "was": "open"})
    late = browser.post(
        f"{url}/status",
        data={"status": "pending", "was": "open", "reason": "Waiting"},
        headers=HTMX,
    )
    assert late.status_code == 409
    assert b"meanwhile" in late.data
    assert b'value="Waiting"' in late.data
    assert b'name="was" type="hidden" value="on_hold"' in late.data
    again = browser.post(
        f"{url}/status", data={"status": "pending", "was": "on_hold"}, headers=HTMX
    )
    assert again.status_code == 204


def test_resolve_and_reopen_in_place(sign_in: Any) -> None:
    ticket = factories.make_ticket(status="open")
    browser = sign_in("tickets", "tickets.edit")
    url = f"/tickets/{ticket.number}"
    assert browser.get(f"{url}/resolve", headers=HTMX).status_code == 200
    assert browser.post(f"{url}/resolve", data={"resolution": " "}, headers=HTMX).status_code == 422
    done = browser.post(f"{url}/resolve", data={"resolution": "Fixed."}, headers=HTMX)
    assert done.status_code == 204
    assert browser.post(f"{url}/reopen", data={"reason": "No"}, headers=HTMX).status_code == 204
    assert browser.post(f"{url}/reopen", data={}, headers=HTMX).status_code == 422


def test_a_closed_ticket_is_read_only_until_it_is_reopened(sign_in: Any) -> None:
    ticket = factories.make_ticket(status="closed")
    browser = sign_in("*")
    url = f"/tickets/{ticket.number}"
    for action, data in (
        ("tags", {"tags": "printer"}),
        ("priority", {"impact": "high", "urgency": "high"}),
        ("assign", {"assignee_id": str(browser.user.id)}),
        ("take", {}),
    ):
        refused = browser.post(f"{url}/{action}", data=data)
        assert refused.status_code in (409, 422), action
        assert b"closed" in refused.data
    assert b"closed" in browser.get(f"{url}/edit").data
    assert browser.post(f"{url}/reopen", data={}).status_code == 303
    assert browser.post(f"{url}/tags", data={"tags": "printer"}).status_code == 303
