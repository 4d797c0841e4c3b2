"""Changing many tickets at once: the preview, the change, and its undoing."""

import re
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from sqlalchemy import select

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import CannedReply, Message, Priority, Status, Ticket, Watcher
from webapp.tickets.services import status as statuses

AGENT = ("tickets", "tickets.edit", "tickets.assign", "tickets.reply")


def now(ticket):
    with factories.work():
        found = db.session.get_one(Ticket, ticket.id)
        db.session.expunge(found)
        return found


def seal_of(page):
    return re.search(r'name="seen" value="([0-9a-f]+)"', page.text)[1]


def change(client, **data):
    """Preview, then confirm what was seen."""
    preview = client.post("/tickets/bulk", data=data)
    assert preview.status_code == 200, preview.text
    return preview, client.post("/tickets/bulk/apply", data=data | {"seen": seal_of(preview)})


def undo_url(client):
    return re.search(r'href="(/tickets/undo/[^"]+)"', client.get("/tickets/undo").text)[1]


def test_preview_change_and_undo(sign_in, audit_rows):
    home = factories.make_client().id
    team = factories.make_team()
    client = sign_in(*AGENT)
    first = factories.make_ticket(client_id=home, tags=["old"], status=Status.OPEN)
    closed = factories.make_ticket(client_id=home, status="closed")
    merged = factories.make_ticket(client_id=home)
    with factories.work():
        gone = db.session.get_one(Ticket, merged.id)
        gone.merged_into_id, gone.status = first.id, Status.CLOSED
        gone.resolved_at = gone.closed_at = gone.opened_at
    asked = {
        "ids": [first.id, closed.id, merged.id],
        "status": "resolved",
        "resolution": "Replaced",
        "priority": "urgent",
        "priority_reason": "Board",
        "assignee": client.user.id,
        "team": team.id,
        "add_tags": "new, vip",
        "remove_tags": "old",
        "reason": "Recall",
    }
    assert client.get("/tickets/bulk", query_string={"ids": asked["ids"]}).status_code == 200
    preview, answer = change(client, **asked)
    assert "1 ticket changes" in preview.text and "2 tickets stay as they are" in preview.text
    assert "cannot get that one" in preview.text and "merged into another one" in preview.text
    assert team.name in preview.text and client.user.name in preview.text
    assert answer.status_code == 303
    ticket = now(first)
    assert (ticket.status, ticket.resolution) == (Status.RESOLVED, "Replaced")
    assert ticket.resolved_at is not None
    assert (ticket.priority, ticket.priority_reason) == (Priority.URGENT, "Board")
    assert (ticket.assignee_id, ticket.team_id) == (client.user.id, team.id)
    assert ticket.tags == ["new", "vip"]
    row = audit_rows("ticket", first.id)[-1]
    assert row["reason"] == "Recall" and row["changes"]["status"] == ["open", "resolved"]
    url = undo_url(client)
    assert "1 ticket is set back" in client.get(url).text
    assert client.post(url).status_code == 303
    ticket = now(first)
    assert (ticket.status, ticket.resolution, ticket.resolved_at) == (Status.OPEN, "", None)
    assert (ticket.priority, ticket.priority_reason) == (Priority.NORMAL, "")
    assert (ticket.assignee_id, ticket.team_id, ticket.tags) == (None, None, ["old"])
    assert client.post(url).status_code == 409  # once is enough


def test_a_status_goes_back_where_no_rule_leads_back_and_forth_again(sign_in):
    ticket = factories.make_ticket(status=Status.NEW)
    client = sign_in(*AGENT)
    change(client, ids=[ticket.id], status="open")
    client.post(undo_url(client))
    assert now(ticket).status == Status.NEW  # no rule leads from open to new
    client.post(undo_url(client))
    assert now(ticket).status == Status.OPEN


def test_undo_leaves_what_changed_since_and_is_ones_own(sign_in):
    one, two = (factories.make_ticket(status=Status.OPEN) for _ in range(2))
    client = sign_in(*AGENT)
    change(client, ids=[one.id, two.id], status="pending", add_tags="x")
    with factories.work():
        db.session.get_one(Ticket, two.id).tags = ["theirs"]
    url = undo_url(client)
    assert "It changed since then: Tags." in client.get(url).text
    assert sign_in(*AGENT).get(url).status_code == 404
    assert client.post(url).status_code == 303
    assert (now(one).status, now(two).status) == (Status.OPEN, Status.PENDING)
    assert "Partly undone" in client.get("/tickets/undo").text


def test_a_reply_with_variables_is_said_on_each_and_stays(sign_in):
    contact = factories.make_contact(name="Ada Byron")
    home = contact.client_id
    one = factories.make_ticket("Mail", client_id=home, requester_contact_id=contact.id)
    other = factories.make_contact(name="Bea Cole", client_id=home)
    two = factories.make_ticket(
        "Print", client_id=home, status=Status.PENDING, requester_contact_id=other.id
    )
    client = sign_in(*AGENT)
    with factories.work():
        reply = CannedReply(
            shortcut="up", title="Up", body="Hi {{requester.name}}, {{ticket.number}}"
        )
        db.session.add(reply)
        db.session.flush()
        reply_id = reply.id
    assert "::up" in client.get("/tickets/bulk/replies?q=up").text
    preview = client.post("/tickets/bulk", data={"ids": [one.id, two.id], "canned": reply_id})
    assert f"Hi Ada Byron, #{one.number}" in preview.text
    sent = {"ids": [one.id, two.id], "body": "Hi {{requester.name}}, {{ticket.number}}"}
    assert 'name="body" value="Hi {{requester.name}}' in preview.text
    answer = client.post("/tickets/bulk/apply", data=sent | {"seen": seal_of(preview)})
    assert answer.status_code == 303
    with factories.work():
        bodies = {m.ticket_id: m for m in db.session.scalars(select(Message))}
        assert bodies[one.id].body == f"Hi Ada Byron, #{one.number}"
        assert bodies[two.id].body == f"Hi Bea Cole, #{two.number}"
        assert not bodies[one.id].is_note and bodies[one.id].author_id == client.user.id
        followed = set(db.session.scalars(select(Watcher.ticket_id)))
    assert followed == {one.id, two.id}
    assert (now(one).status, now(two).status) == (Status.OPEN, Status.PENDING)
    assert now(one).responded_at is not None and now(one).last_message_at is not None
    change(client, ids=[two.id], body="Only us", said_as="note", add_tags="seen")
    client.post(undo_url(client))
    with factories.work():
        assert db.session.scalar(select(Message).where(Message.body == "Only us")).is_note
    assert now(two).tags == []


def test_mentions_on_many_tickets_are_of_who_sees_each(sign_in, owner):
    mine, theirs = factories.make_client(), factories.make_client()
    luis, boss = factories.make_user(name="Luis Vega"), factories.make_user(name="The Boss")
    factories.grant(luis, factories.make_role("tickets"), client_id=mine.id)
    factories.grant(boss, factories.make_role("tickets"))
    one = factories.make_ticket(f"[@Forged](user:{boss.id})", client_id=mine.id)
    two = factories.make_ticket("Print", client_id=theirs.id)
    body = f"[@The CEO](user:{luis.id}) {{{{ticket.subject}}}}"
    change(sign_in(*AGENT), ids=[one.id, two.id], body=body)
    with factories.work():
        bodies = {m.ticket_id: m.body for m in db.session.scalars(select(Message))}
    assert bodies[one.id] == f"[@Luis Vega](user:{luis.id}) @Forged"
    assert bodies[two.id] == "@The CEO Print"
    rows = owner.execute("SELECT user_id, kind FROM notifications").fetchall()
    assert [(row["user_id"], row["kind"]) for row in rows] == [(luis.id, "ticket.mentioned")]


def test_each_ticket_is_judged_by_itself(sign_in):
    mine, theirs = factories.make_client(), factories.make_client()
    own, other = (factories.make_ticket(client_id=c.id) for c in (mine, theirs))
    assert sign_in("tickets").get(f"/tickets/bulk?ids={own.id}").status_code == 403
    client = sign_in("tickets", "tickets.reply")  # sees all, edits only one client's
    factories.grant(client.user, factories.make_role("tickets.edit"), client_id=mine.id)
    preview, _answer = change(client, ids=[own.id, other.id], add_tags="x")
    assert "does not reach this ticket" in preview.text
    assert (now(own).tags, now(other).tags) == (["x"], [])
    scoped = sign_in(*AGENT, client_id=mine.id)
    asked = {"ids": [other.id], "add_tags": "stolen"}
    assert "Nothing changes" in scoped.post("/tickets/bulk", data=asked).text
    blind = factories.make_user()
    seen = scoped.post("/tickets/bulk", data={"ids": [own.id], "assignee": blind.id})
    assert "This person cannot see the ticket." in seen.text
    wrong = scoped.post("/tickets/bulk", data={"ids": [own.id], "priority": "urgent"})
    assert "Say why." in wrong.text
    unsaid = scoped.post("/tickets/bulk", data={"ids": [own.id], "status": "resolved"})
    assert "Say how it was resolved." in unsaid.text


def test_what_changed_since_the_preview_is_not_changed_blindly(sign_in):
    ticket = factories.make_ticket()
    client = sign_in(*AGENT)
    asked = {"ids": [ticket.id], "add_tags": "x"}
    seen = seal_of(client.post("/tickets/bulk", data=asked))
    with factories.work():
        db.session.get_one(Ticket, ticket.id).subject = "Theirs"
    answer = client.post("/tickets/bulk/apply", data=asked | {"seen": seen})
    assert answer.status_code == 409 and "Theirs" in answer.text
    assert now(ticket).tags == []


def test_what_one_changed_oneself_is_no_news_in_the_list(sign_in):
    ticket = factories.make_ticket(status=Status.OPEN)
    before = quote((datetime.now(UTC) - timedelta(seconds=2)).isoformat())
    other, client = sign_in(*AGENT), sign_in(*AGENT)
    _, done = change(client, ids=[ticket.id], add_tags="mine")
    assert done.status_code == 303
    asked = f"/tickets/news?tag=mine&since={before}&seen="
    assert "show" not in client.get(asked).text
    assert "1 new or changed: show" in other.get(asked).text


def test_nobody_answers_twice(sign_in):
    ticket = factories.make_ticket(status=Status.OPEN)
    with factories.work():
        reply = CannedReply(title="Soon", shortcut="soon", body="We look into it")
        db.session.add(reply)
        db.session.flush()
        asked = {"ids": [ticket.id], "canned": reply.id}
    client, other = sign_in(*AGENT), sign_in(*AGENT)
    plain = {"ids": [ticket.id], "add_tags": "x"}
    sent = {"mode": "reply", "body": "First"}  # later ones change nothing about the ticket itself
    other.post(f"/tickets/{ticket.number}/messages", data=sent)
    seen, seen_plain = (seal_of(client.post("/tickets/bulk", data=d)) for d in (asked, plain))
    sent["body"] = "Mine was faster"
    assert other.post(f"/tickets/{ticket.number}/messages", data=sent).status_code == 303
    again = client.post("/tickets/bulk/apply", data=asked | {"seen": seen})
    assert again.status_code == 409 and "changed since you looked" in again.text
    # Who says nothing is not in the way of the answer.
    done = client.post("/tickets/bulk/apply", data=plain | {"seen": seen_plain})
    assert done.status_code == 303
    _preview, answer = change(client, **asked)
    assert answer.status_code == 303
    with factories.work():
        bodies = db.session.scalars(select(Message.body).where(Message.ticket_id == ticket.id))
        assert sorted(bodies) == ["First", "Mine was faster", "We look into it"]


def test_hostile_forms_are_refused(sign_in):
    ticket = factories.make_ticket()
    client = sign_in(*AGENT)
    good = {"ids": [ticket.id], "add_tags": "x"}
    for bad in (
        {"add_tags": ""},
        {"status": "gone"},
        {"assignee": "everybody"},
        {"team": "0"},
        {"ids": [0]},
        {"said_as": "shout"},
        {"ids": [], "add_tags": "y"},
    ):
        assert client.post("/tickets/bulk", data=good | bad).status_code == 422, bad
    assert client.post("/tickets/bulk", data=good | {"number": "1"}).status_code == 400
    for matching in ("None", "?&", "statu=new", "?status=gone", "?q=" + "x" * 2000):
        asked = {"matching": matching}
        assert client.get("/tickets/bulk", query_string=asked).status_code == 400, matching
    assert client.get("/tickets/undo/%27;--").status_code == 404
    assert client.get("/tickets/undo/0123456789abcdef").status_code == 404


def test_many_that_match_are_changed_and_undone_by_a_job(
    sign_in, run_jobs, monkeypatch, audit_rows
):
    monkeypatch.setattr("webapp.tickets.services.bulk.AT_ONCE", 5)
    monkeypatch.setattr("webapp.tickets.services.bulk.LOT", 3)
    home = factories.make_client().id
    made = [factories.make_ticket(client_id=home, tags=["bulk"]) for _ in range(8)]
    factories.make_ticket(client_id=home)
    client = sign_in(*AGENT)
    asked = {"matching": "?tag=bulk", "status": "open", "reason": "Storm"}
    page = client.get("/tickets/bulk", query_string={"matching": "?tag=bulk"}).text
    assert "8 tickets that match the filter are selected." in page
    preview, answer = change(client, **asked)
    assert "8 tickets change" in preview.text and "a job changes them" in preview.text
    assert answer.location.startswith("/jobs/")
    run_jobs()
    assert {now(one).status for one in made} == {Status.OPEN}
    rows = [audit_rows("ticket", one.id)[-1] for one in made]
    assert len({row["request_id"] for row in rows}) == 1
    url = undo_url(client)
    assert client.post(url).location.startswith("/jobs/")
    run_jobs()
    assert {now(one).status for one in made} == {Status.NEW}


def test_two_thousand_take_seconds(sign_in, run_jobs, statements):
    home = factories.make_client().id
    client = sign_in(*AGENT)
    with factories.work():
        db.session.add_all(
            Ticket(client_id=home, subject=f"Storm {n}", tags=["storm"]) for n in range(2000)
        )
    asked = {
        "matching": "?tag=storm",
        "status": "resolved",
        "resolution": "Over",
        "assignee": client.user.id,
        "add_tags": "done",
    }
    with statements() as seen:
        preview = client.post("/tickets/bulk", data=asked)
    assert "2,000 tickets change" in preview.text and len(seen) < 20
    client.post("/tickets/bulk/apply", data=asked | {"seen": seal_of(preview)})
    began = time.monotonic()
    run_jobs()
    took = timedelta(seconds=time.monotonic() - began)
    with factories.work():
        done = select(Ticket.id).where(Ticket.status.in_(statuses.DONE))
        assert len(db.session.scalars(done).all()) == 2000
    assert took < timedelta(seconds=20), took  # four of them alone on two cores
