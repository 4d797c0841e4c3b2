"""Merging tickets, and taking that back exactly."""

import random
import threading
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.dialects.postgresql import Range

from tests import factories
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.tickets.models import (
    BusinessHours,
    Link,
    LinkKind,
    Merge,
    Message,
    Priority,
    SlaPolicy,
    SlaTarget,
    Status,
    Ticket,
    TimeEntry,
    Watcher,
)
from webapp.tickets.services import merging, sla, unmerging

AGENT = ("tickets", "tickets.merge", "tickets.edit", "tickets.reply")
TABLES = ("tickets", "ticket_messages", "ticket_watchers", "ticket_links", "time_entries")
LOOSE = {"version", "updated_at"}
ALL = sql.SQL("SELECT * FROM {} ORDER BY id")
OF = sql.SQL("SELECT * FROM {} WHERE ticket_id = %s")


def dump(owner):
    """Everything that is known of tickets, but for versions and when rows were touched."""
    rows = {}
    for table in (*TABLES, "attachments"):
        found = owner.execute(ALL.format(sql.Identifier(table))).fetchall()
        rows[table] = [{k: v for k, v in row.items() if k not in LOOSE} for row in found]
    return rows


def furnish(ticket, *, users=(), replies=2, others=()):
    """Hang on a ticket what a merge moves."""
    with factories.work():
        for n in range(replies):
            message = Message(
                client_id=ticket.client_id,
                ticket_id=ticket.id,
                is_note=n % 2 == 1,
                body=f"Word{ticket.number}x{n} of #{ticket.number}",
                sent_at=datetime(2026, 1, 1, n, tzinfo=UTC) + timedelta(minutes=ticket.number % 60),
            )
            db.session.add(message)
            db.session.flush()
            db.session.add(
                Attachment(
                    client_id=ticket.client_id,
                    ticket_id=ticket.id,
                    message_id=message.id,
                    name=f"{ticket.number}-{n}.txt",
                    sha256=f"{ticket.number:032x}{n:032x}",
                    size=1,
                    media_type="text/plain",
                )
            )
        for user in users:
            db.session.add(
                Watcher(client_id=ticket.client_id, ticket_id=ticket.id, user_id=user.id)
            )
        if users:
            db.session.add(
                TimeEntry(
                    client_id=ticket.client_id,
                    ticket_id=ticket.id,
                    user_id=users[0].id,
                    minutes=15,
                    note="Looked",
                    spent_on=date(2026, 1, 2),
                )
            )
        for kind, other in others:
            db.session.add(
                Link(
                    client_id=ticket.client_id,
                    ticket_id=ticket.id,
                    other_client_id=other.client_id,
                    other_id=other.id,
                    kind=kind,
                )
            )


def get(ticket):
    return db.session.get_one(Ticket, ticket.id)


def merge(source, target):
    with factories.work():
        merging.merge(None, get(source), get(target))


def undo(source):
    with factories.work():
        unmerging.undo(None, get(source))


def pair(**values):
    home = factories.make_client().id
    return [factories.make_ticket(name, client_id=home, **values) for name in ("Source", "Target")]


def rows(owner, table, ticket):
    return owner.execute(OF.format(sql.Identifier(table)), [ticket.id]).fetchall()


def test_a_merge_moves_all_that_hangs_on_it_and_undo_gives_it_back_exactly(app, owner):
    one, two = factories.make_user(), factories.make_user()
    contact = factories.make_contact(name="Carla")
    home = contact.client_id
    paused = [Range(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))]
    source = factories.make_ticket(
        "Printer jams",
        client_id=home,
        status=Status.PENDING,
        requester_contact_id=contact.id,
        assignee_id=one.id,
        tags=["printer"],
        response_due_at=datetime(2026, 1, 3, tzinfo=UTC),
        pauses=paused,
    )
    target, third = (factories.make_ticket(name, client_id=home) for name in ("Paper", "Third"))
    furnish(
        source,
        users=(one, two),
        others=((LinkKind.DUPLICATE, target), (LinkKind.BLOCKS, third), (LinkKind.RELATED, third)),
    )
    furnish(target, users=(one,), replies=1, others=((LinkKind.RELATED, third),))
    before = dump(owner)
    merge(source, target)
    assert [len(rows(owner, table, source)) for table in TABLES[1:]] == [0, 0, 0, 0]
    messages = rows(owner, "ticket_messages", target)
    assert len(messages) == 4  # its own, two that came, and the note
    assert sum(row["origin_id"] == source.id for row in messages) == 2
    note = next(row for row in messages if row["via"] == "system")
    assert note["is_note"] and f"#{source.number}" in note["body"] and "Carla" in note["body"]
    assert {row["user_id"] for row in rows(owner, "ticket_watchers", target)} == {one.id, two.id}
    assert {row["kind"] for row in rows(owner, "ticket_links", target)} == {"related", "blocks"}
    assert len(rows(owner, "attachments", target)) == 3
    assert len(rows(owner, "time_entries", target)) == 2
    closed = owner.execute("SELECT * FROM tickets WHERE id = %s", [source.id]).fetchone()
    assert closed["merged_into_id"] == target.id and closed["status"] == "closed"
    found = "SELECT number FROM tickets WHERE search @@ to_tsquery('simple', %s)"
    word = f"word{source.number}x0"
    assert owner.execute(found, [word]).fetchone()["number"] == target.number
    undo(source)
    assert dump(owner) == before


def test_the_clocks_go_back_exactly_too(app, owner):
    with factories.work():
        hours = BusinessHours(name="Office", timezone="Europe/Madrid")
        db.session.add(hours)
        db.session.flush()
        policy = SlaPolicy(name="All", hours_id=hours.id)
        db.session.add(policy)
        db.session.flush()
        db.session.add(
            SlaTarget(policy_id=policy.id, priority=Priority.NORMAL, response=60, resolution=600)
        )
    source, target = pair(status=Status.OPEN)
    with factories.work():
        for ticket in (get(source), get(target)):
            sla.refresh(ticket)
        late = get(source)
        late.opened_at = late.opened_at - timedelta(hours=5)
        sla.refresh(late)
    before = dump(owner)
    assert before["tickets"][0]["response_due_at"] is not None
    merge(source, target)
    closed = dump(owner)["tickets"][0]
    assert closed["response_breached_at"] is not None and closed["pauses"]
    undo(source)
    assert dump(owner) == before


def test_what_came_to_the_target_since_stays_there(app, owner):
    user, late = factories.make_user(), factories.make_user()
    source, target = pair()
    furnish(source, users=(user,))
    merge(source, target)
    furnish(target, users=(late,), replies=1)
    with factories.work():
        get(target).subject = "Renamed"
        kept = db.session.query(Watcher).filter_by(ticket_id=target.id, user_id=user.id).one()
        db.session.delete(kept)  # does not follow it any more: nor does it the source
    undo(source)
    assert len(rows(owner, "ticket_messages", source)) == 2
    assert len(rows(owner, "ticket_messages", target)) == 1
    assert rows(owner, "ticket_watchers", source) == []
    assert [row["user_id"] for row in rows(owner, "ticket_watchers", target)] == [late.id]
    assert len(rows(owner, "time_entries", target)) == 1
    words = "SELECT subject FROM tickets WHERE id = %s"
    assert owner.execute(words, [target.id]).fetchone()["subject"] == "Renamed"


def test_a_chain_is_undone_from_its_end(app, owner):
    home = factories.make_client().id
    user = factories.make_user()
    a, b, c = (factories.make_ticket(client_id=home) for _ in range(3))
    furnish(a, users=(user,), others=((LinkKind.RELATED, c),))
    furnish(b, users=(user,))
    before = dump(owner)
    merge(a, b)
    merge(b, c)
    origins = {row["origin_id"] for row in rows(owner, "ticket_messages", c)}
    assert origins == {a.id, b.id, None}
    with pytest.raises(DomainError, match="itself merged into another ticket"):
        undo(a)
    undo(b)
    undo(a)
    assert dump(owner) == before


def test_what_cannot_be_merged_is_refused_by_words_and_by_the_database(app, owner):
    source, target = pair()
    closed = factories.make_ticket(client_id=source.client_id, status="closed")
    foreign = factories.make_ticket()
    for other, words in (
        (source, "into itself"),
        (closed, "is closed"),
        (foreign, "no such ticket of this client"),
    ):
        with pytest.raises(DomainError, match=words):
            merge(source, other)
    for other, rule in (
        (source, "ck_tickets_not_merged_into_itself"),
        (closed, "merged_into_closed"),
        (foreign, "fk_tickets_merged_into_id_tickets"),
    ):
        with (
            pytest.raises(psycopg.errors.IntegrityError) as refused,
            owner.transaction(force_rollback=True),
        ):
            owner.execute(
                "UPDATE tickets SET status = 'closed', resolved_at = now(), closed_at = now(),"
                " merged_into_id = %s WHERE id = %s",
                [other.id, source.id],
            )
        assert refused.value.diag.constraint_name == rule
    merge(source, target)
    with pytest.raises(DomainError, match="merged already"):
        merge(source, target)
    with pytest.raises(DomainError, match="merged into another one itself"):
        merge(factories.make_ticket(client_id=source.client_id), source)


def test_a_merge_is_undone_for_a_week_and_only_once(app, owner):
    source, target = pair()
    furnish(source)
    merge(source, target)
    late = "UPDATE ticket_merges SET merged_at = now() - interval '8 days' WHERE source_id = %s"
    with owner.transaction():
        owner.execute("ALTER TABLE ticket_merges DISABLE TRIGGER must_audit")
        owner.execute(late, [source.id])
        owner.execute("ALTER TABLE ticket_merges ENABLE TRIGGER must_audit")
    with pytest.raises(DomainError, match="more than 7 days ago"):
        undo(source)
    other, target = pair()
    merge(other, target)
    undo(other)
    with pytest.raises(DomainError, match="not merged"):
        undo(other)


def test_messages_that_went_on_keep_a_merge_from_being_undone(app):
    source, target = pair()
    third = factories.make_ticket(client_id=source.client_id)
    furnish(source)
    merge(source, target)
    with factories.work():
        message = db.session.query(Message).filter_by(origin_id=source.id).first()
        message.ticket_id = third.id
    with pytest.raises(DomainError, match=f"went on to another ticket: #{third.number}"):
        undo(source)


def test_two_who_merge_at_once_do_not_lose_anything(app, owner):
    """Into each other, at the same time: one of both wins, and everything is where that says."""
    one, two = pair()
    furnish(one)
    furnish(two)
    ready, told = threading.Barrier(2), []

    def go(source, target):
        ready.wait()
        try:
            merge(source, target)
            told.append("done")
        except DomainError as error:
            told.append(str(error))

    both = [threading.Thread(target=go, args=ends) for ends in ((one, two), (two, one))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(30)
    assert max(told) == "done" and len(set(told)) == 2
    counts = [len(rows(owner, "ticket_messages", ticket)) for ticket in (one, two)]
    assert sorted(counts) == [0, 5]


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_merges_and_undos_leaves_what_the_standing_merges_make(app, owner, seed):
    """As if those undone had never been; and when all are undone, as at the beginning."""
    luck = random.Random(seed)  # noqa: S311 - no secret
    home = factories.make_client().id
    people = [factories.make_user() for _ in range(3)]
    tickets = [factories.make_ticket(client_id=home) for _ in range(5)]
    for ticket in tickets:
        others = luck.sample([one for one in tickets if one.id != ticket.id], 2)
        kinds = (LinkKind.BLOCKS, LinkKind.CAUSED_BY)
        taken = {
            frozenset((row["ticket_id"], row["other_id"]))
            for row in owner.execute("SELECT * FROM ticket_links").fetchall()
        }
        links = [
            (luck.choice(kinds), one)
            for one in others
            if frozenset((ticket.id, one.id)) not in taken
        ]
        furnish(ticket, users=luck.sample(people, 2), replies=2, others=links)
    start = dump(owner)
    standing = []
    for _ in range(14):
        if standing and luck.random() < 0.45:
            source, target = luck.choice(standing)
            try:
                undo(source)
            except DomainError:
                continue
            standing.remove((source, target))
        else:
            source, target = luck.sample(tickets, 2)
            try:
                merge(source, target)
            except DomainError:
                continue
            standing.append((source, target))
    mixed = ties(owner)
    replay = list(standing)
    while standing:
        undo(standing.pop()[0])
    assert dump(owner) == start
    for ends in replay:
        merge(*ends)
    assert ties(owner) == mixed


def ties(owner):
    """Who hangs where, without what differs by the clock."""
    found = dump(owner)
    return {
        "watchers": [(r["id"], r["ticket_id"], r["user_id"]) for r in found["ticket_watchers"]],
        "links": [
            (r["id"], r["ticket_id"], r["other_id"], r["kind"]) for r in found["ticket_links"]
        ],
        "messages": [
            (r["id"], r["ticket_id"], r["origin_id"])
            for r in found["ticket_messages"]
            if r["via"] != "system"
        ],
        "files": [(r["id"], r["ticket_id"]) for r in found["attachments"]],
        "time": [(r["id"], r["ticket_id"]) for r in found["time_entries"]],
        "merged": [(r["id"], r["merged_into_id"]) for r in found["tickets"]],
    }


def test_both_histories_tell_it(app, audit_rows):
    source, target = pair()
    furnish(source)
    merge(source, target)
    row = audit_rows("ticket", source.id, action="ticket.merged")[-1]
    assert row["changes"]["status"] == ["new", "closed"]
    assert row["changes"]["into"] == f"#{target.number}"
    told = audit_rows("ticket", target.id, action="ticket.merged_in")[-1]["changes"]
    assert told["from"] == f"#{source.number}" and told["messages"] == 2
    undo(source)
    assert audit_rows("ticket", source.id, action="ticket.merge_undone")
    assert audit_rows("ticket", target.id, action="ticket.merged_out")
    with factories.work():
        assert db.session.query(Merge).one().undone_at is not None


def test_the_page_shows_what_moves_and_what_differs_then_merges_and_undoes(sign_in):
    user = factories.make_user()
    source, target = pair()
    furnish(source, users=(user,), others=((LinkKind.DUPLICATE, target),))
    client = sign_in(*AGENT)
    choose = client.get(f"/tickets/{source.number}/merge").text
    assert "linked as a duplicate" in choose
    preview = client.get(f"/tickets/{source.number}/merge?into={target.number}").text
    assert f"Merge #{source.number} into #{target.number}" in preview
    assert "1 reply, 1 internal note" in preview and "15" in preview
    assert "Subject" in preview and "The other way round" in preview
    done = client.post(
        f"/tickets/{source.number}/merge", data={"into": target.number, "reason": "Same fault"}
    )
    assert done.location == f"/tickets/{target.number}"
    banner = client.get(f"/tickets/{source.number}/links").text
    assert f"This ticket was merged into #{target.number}" in banner
    assert "Merged into this one" in client.get(f"/tickets/{target.number}/links").text
    asked = client.get(f"/tickets/{source.number}/merge/undo").text
    assert "What goes back" in asked
    undone = client.post(f"/tickets/{source.number}/merge/undo")
    assert undone.location == f"/tickets/{source.number}"
    assert "merged into" not in client.get(f"/tickets/{source.number}/links").text
    assert client.get(f"/tickets/{source.number}/merge/undo").status_code == 404


def test_both_tickets_must_be_in_reach(sign_in):
    home = factories.make_client().id
    mine = factories.make_project(client_id=home)
    source = factories.make_ticket(client_id=home, project_id=mine.id)
    target = factories.make_ticket(client_id=home)
    url, asked = f"/tickets/{source.number}/merge", {"into": target.number}
    sees = sign_in("tickets")
    factories.grant(sees.user, factories.make_role("tickets.merge"), project_id=mine.id)
    assert sees.post(url, data=asked).status_code == 403
    assert sees.get(f"{url}?into={target.number}").status_code == 403
    scoped = sign_in(*AGENT, project_id=mine.id)
    hidden = scoped.post(url, data=asked)
    assert hidden.status_code == 422 and "no such ticket of this client" in hidden.text
    assert scoped.get(f"/tickets/{target.number}/merge").status_code == 404
    client = sign_in(*AGENT)
    assert client.post(url, data=asked).status_code == 303
    assert scoped.post(f"{url}/undo").status_code == 409  # it sees nothing of that merge
    assert scoped.get(f"{url}/undo").status_code == 404
    assert sees.post(f"{url}/undo").status_code == 403
    assert client.post(f"{url}/undo").status_code == 303
