"""The workflow: what may follow what is set by who runs the desk, and holds for everybody at once."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import Transition, TransitionRole

URL = "/tickets/desk/workflow"


@pytest.fixture(autouse=True)
def _restored(owner: psycopg.Connection[dict[str, Any]]) -> Iterator[None]:
    """The table of transitions outlives a test; what one changes is set back."""
    before = owner.execute("SELECT id, is_allowed FROM ticket_transitions").fetchall()
    yield
    owner.execute("ALTER TABLE ticket_transitions DISABLE TRIGGER must_audit")
    for row in before:
        owner.execute(
            "UPDATE ticket_transitions SET is_allowed = %(is_allowed)s WHERE id = %(id)s", row
        )
    owner.execute("ALTER TABLE ticket_transitions ENABLE TRIGGER must_audit")


def pairs() -> dict[tuple[str, str], Any]:
    with factories.work():
        rows = db.session.query(Transition).order_by(Transition.id).all()
        return {(row.from_status.value, row.to_status.value): row.id for row in rows}


def stored() -> dict[str, Any]:
    with factories.work():
        allowed = [str(row.id) for row in db.session.query(Transition) if row.is_allowed]
        who = [f"{row.transition_id}:{row.role_id}" for row in db.session.query(TransitionRole)]
    return {"allowed": allowed, "who": who}


def seal_of(page: bytes) -> str:
    return page.decode().split('name="was"')[1].split('value="')[1].split('"')[0]


def test_who_runs_the_desk_changes_it(sign_in: Any, audit_rows: Any) -> None:
    known = pairs()
    browser = sign_in("tickets.desk", "tickets.configure")
    role = factories.make_role("tickets", "tickets.edit", name="Closers")
    agent = factories.make_user()
    factories.grant(agent, role)
    others = sign_in("tickets", "tickets.edit")
    named = sign_in(user=agent)
    sent = stored()
    sent["allowed"].append(str(known["open", "closed"]))
    sent["who"].append(f"{known['open', 'closed']}:{role.id}")
    sent["was"] = seal_of(browser.get(URL).data)
    assert browser.post(URL, data=sent).status_code == 303
    assert set(stored()["allowed"]) == set(sent["allowed"])
    assert stored()["who"] == sent["who"]
    row = audit_rows("ticket_transition", known["open", "closed"])[-1]
    assert row["changes"] == {"is_allowed": [False, True]}
    assert audit_rows(action="ticket_transition_role.created")[-1]["object_label"].endswith(
        "Closers"
    )
    ticket = factories.make_ticket(status="open")
    close = {"status": "closed", "resolution": "Done."}
    refused = others.post(f"/tickets/{ticket.number}/status", data=close)
    assert refused.status_code == 422
    assert b"None of your roles" in refused.data
    assert named.post(f"/tickets/{ticket.number}/status", data=close).status_code == 303
    # And taken back again.
    sent = stored() | {"who": []}
    sent["allowed"].remove(str(known["open", "closed"]))
    sent["was"] = seal_of(browser.get(URL).data)
    assert browser.post(URL, data=sent).status_code == 303
    assert stored()["who"] == []


def test_what_would_leave_tickets_stuck_is_refused(sign_in: Any) -> None:
    known = pairs()
    browser = sign_in("tickets.desk", "tickets.configure")
    was = seal_of(browser.get(URL).data)
    before = stored()
    stuck = [key for pair, key in known.items() if pair[0] == "pending"]
    no_end = [key for pair, key in known.items() if pair[1] == "resolved"]
    for out in (stuck, no_end):
        allowed = [one for one in before["allowed"] if int(one) not in out]
        refused = browser.post(URL, data={"allowed": allowed, "was": was})
        assert refused.status_code == 422
        assert f'value="{allowed[0]}" checked'.encode() in refused.data
    assert stored() == before


def test_two_at_once(sign_in: Any) -> None:
    browser = sign_in("tickets.desk", "tickets.configure")
    late = browser.post(URL, data=stored() | {"was": "of another time"})
    assert late.status_code == 409
    assert b"meanwhile" in late.data


def test_bad_input(sign_in: Any) -> None:
    browser = sign_in("tickets.desk", "tickets.configure")
    was = seal_of(browser.get(URL).data)
    for wrong in ({"allowed": ["x"]}, {"who": ["1:2:3"]}, {"who": ["a:1"]}):
        assert browser.post(URL, data=stored() | wrong | {"was": was}).status_code == 422
    unknown = stored() | {"who": [f"{next(iter(pairs().values()))}:999999999"], "was": was}
    assert browser.post(URL, data=unknown).status_code == 303
    assert stored()["who"] == []


def test_who_only_reads_sees_it_and_changes_nothing(sign_in: Any) -> None:
    reader = sign_in("tickets.desk")
    shown = reader.get(URL)
    assert shown.status_code == 200
    assert b"disabled" in shown.data
    assert b">Save<" not in shown.data
    assert reader.post(URL, data=stored()).status_code == 403
    assert sign_in("tickets").get(URL).status_code == 403
    # Running the desk of one client is not running the desk.
    client = factories.make_client()
    some = sign_in("tickets.desk", "tickets.configure", client_id=client.id)
    assert some.post(URL, data=stored()).status_code == 403
