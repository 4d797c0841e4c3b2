"""Sentences of the log."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests import factories
from tests.audit.written import written
from webapp.audit.difference import compared, differences_of
from webapp.audit.sentences import ACTIONS, NOTHING, sentence
from webapp.audit.timeline import Telling, sentences_of, timeline_of
from webapp.audit.wording import COVER, Named
from webapp.core import trail
from webapp.core.db import db
from webapp.tickets.models import Level, Priority, Ticket


def event(action: str, **values: Any) -> Any:
    plain = dict.fromkeys(("object_type", "object_id", "object_label", "path", "actor_id"))
    return SimpleNamespace(
        **(plain | {"actor_name": "Ana", "outcome": "ok", "changes": {}, "action": action} | values)
    )


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            event("role.assigned", object_label="Luis", changes={"role": [None, "Auditor"]}),
            "Ana gave Luis the role Auditor",
        ),
        (
            event("role.revoked", object_label="Luis", changes={"role": ["Auditor", None]}),
            "Ana took the role Auditor from Luis",
        ),
        (event("session.opened", object_type="user", object_id=1, actor_id=1), "Ana signed in"),
        (
            event("session.revoked", object_label="Luis", changes={"sessions": [2, 0]}),
            "Ana ended 2 sessions of Luis",
        ),
        (event("access.denied", changes={"missing": "users"}), "Ana was refused: People"),
        (
            event("client.updated", object_type="client", changes={"name": ["A", "B"]}),
            "Ana renamed the client A to B",
        ),
        (
            event("user.created", object_type="user", object_label="Luis", actor_name=None),
            "Somebody created the person Luis",
        ),
        (
            event(
                "ticket.updated",
                object_type="ticket",
                object_label="#7 No light",
                changes={"status": ["open", "on_hold"]},
            ),
            "Ana changed the ticket #7 No light from “open” to “on hold”",
        ),
        (
            event(
                "ticket.assigned", object_label="#7", actor_id=3, changes={"assignee_id": [None, 3]}
            ),
            "Ana took #7",
        ),
        (
            event("ticket.assigned", object_label="#7", changes={"assignee": [None, "Luis"]}),
            "Ana assigned #7",
        ),
        (
            event("ticket.assigned", object_label="#7", changes={"team_id": [1, 2]}),
            "Ana gave #7 to another team",
        ),
        (
            event("ticket.merged", object_label="#7 No light", changes={"into": "#9"}),
            "Ana merged #7 No light into #9",
        ),
        (
            event("ticket.linked", object_label="#7", changes={"link": "related", "other": "#9"}),
            "Ana linked #7 with #9",
        ),
        (event("ticket.replied", object_label="Good morning"), "Ana answered: “Good morning”"),
        (
            event(
                "ticket.sla_breached",
                object_label="#7",
                actor_name="system:sla",
                changes={"response_breached_at": [None, "2026-01-01T09:00:00+00:00"]},
            ),
            "Steward (sla) noted that the first answer to #7 is late",
        ),
        (
            event("time.added", object_label="#7", changes={"minutes": [None, 90]}),
            "Ana wrote down 1 h 30 min for #7",
        ),
        (
            event("time.removed", object_label="#7", changes={"minutes": [45, None]}),
            "Ana took 45 min for #7 away",
        ),
        (
            event("team.joined", object_label="Network", changes={"member": [None, "Luis"]}),
            "Ana took Luis into the team Network",
        ),
        (
            event("team.off_duty", object_label="Network", changes={"member": ["Luis", None]}),
            "Ana took Luis off the rota of Network",
        ),
        (
            event(
                "ticket_transition.updated",
                object_label="on_hold → closed",
                changes={"is_allowed": [False, True]},
            ),
            "Ana allowed the change of status on hold → closed",
        ),
        (
            event("tickets.imported", object_label="log.csv", changes={"new": 1200}),
            "Ana imported 1,200 tickets of the log log.csv",
        ),
        (event("strange.thing", actor_name="system:seed"), "Steward (seed) did thing: strange"),
    ],
)
def test_reads_like_a_sentence(row: Any, says: str) -> None:
    assert sentence(row) == says


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_one_even_with_nothing_known(action: str) -> None:
    assert sentence(event(action)).startswith("Ana ")


def test_names_stand_for_numbers_and_words_for_codes_in_a_ticket_s_story(
    app: Any, sign_in: Any
) -> None:
    ana, team = factories.make_user(name="Ana Ruiz"), factories.make_team(name="Network")
    ticket = factories.make_ticket()
    with factories.work():
        row = db.session.get_one(Ticket, ticket.id)
        trail.tell(row, "ticket.assigned")
        row.assignee_id, row.team_id = ana.id, team.id
        db.session.flush()
        row.impact, row.priority = Level.HIGH, Priority.HIGH
        row.resolution_due_at = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    with app.test_request_context(), factories.work():
        lines = timeline_of("ticket", ticket.id, telling=Telling(unseen="?"))
    told = {(one.title, one.old, one.new) for line in lines for one in line.changed}
    assert told >= {
        ("assignee", NOTHING, "Ana Ruiz"),
        ("team", NOTHING, "Network"),
        ("impact", "medium", "high"),
        ("priority", "normal", "high"),
        ("solution due at", NOTHING, "1 Jul 2026 12:00"),
    }


NAMES = {
    ("user", 1): "Luis",
    ("user", 2): "Eva",
    ("team", 1): "Network",
    ("client", 1): "Acme",
    ("client", 2): "Globex",
    ("project", 3): "Move",
    ("role", 4): "Auditor",
    ("permission", 5): "audit.export",
    ("ticket", 7): "#7 No light",
}


def ticket(**changes: Any) -> Any:
    about = {"object_type": "ticket", "object_label": "#7 No light", "object_id": 7}
    return event("ticket.updated", changes=changes, **about)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            ticket(priority=["normal", "high"]),
            "raised the priority of the ticket #7 No light from normal to high",
        ),
        (
            ticket(priority=["urgent", "low"], urgency=["high", "low"]),
            "lowered the priority of the ticket #7 No light from urgent to low, with urgency from high to low",
        ),
        (ticket(assignee_id=[None, 2]), "assigned the ticket #7 No light to Eva"),
        (ticket(assignee_id=[1, 2]), "passed the ticket #7 No light on from Luis to Eva"),
        (ticket(assignee_id=[1, 9]), "passed the ticket #7 No light on from Luis to person 9"),
        (
            ticket(client_id=[1, 2], project_id=[3, None]),
            "moved the ticket #7 No light from Acme, Move to Globex",
        ),
        (
            ticket(tags=[["a", "b"], ["b", "c"]]),
            "added c to tags of the ticket #7 No light and removed a",
        ),
        (
            ticket(subject=["Old", "New"]),
            "changed subject of the ticket #7 No light from “Old” to “New”",
        ),
        (
            ticket(resolution=[None, "x" * 99]),
            "changed the text “resolution” of the ticket #7 No light",
        ),
        (
            event(
                "role.assigned",
                object_type="user",
                object_label="Luis",
                changes={"role": [None, "Auditor"], "client_id": [None, 1], "location_id": None},
            ),
            "gave Luis the role Auditor in Acme",
        ),
        (
            event(
                "role_permission.created",
                changes={"role_id": [None, 4], "permission_id": [None, 5]},
            ),
            "put the permission “Export the log” into the role Auditor",
        ),
        (
            event("ticket.assigned", object_label="#7", changes={"assignee_id": [None, 1]}),
            "assigned #7 to Luis",
        ),
        (
            event("ticket.replied", object_label="Hello", changes={"ticket_id": [None, 7]}),
            "answered on #7 No light: “Hello”",
        ),
        (
            event(
                "role.permissions_changed",
                object_label="Desk",
                changes={"permissions": [["audit.undo"], ["audit.export"]]},
            ),
            "changed what the role Desk gives: Export the log added, Undo changes taken out",
        ),
    ],
)
def test_with_names_a_sentence_tells_the_values(row: Any, says: str) -> None:
    assert sentence(Named(row, NAMES)) == f"Ana {says}"


def test_what_the_code_writes_is_told_in_words(app: Any) -> None:
    found = written(app)
    assert {"ticket.opened", "asset.labelled", "audit.undone", "role.revoked"} <= found
    told = {name: sentence(event(name, object_label="It")) for name in found}
    assert {name for name, said in told.items() if " did " in said} == set()


def test_a_covered_row_claims_nothing() -> None:
    covered = ticket(priority=[COVER, COVER], deleted_at=[COVER, COVER])
    covered.covered = True
    said = sentence(Named(covered, NAMES))
    assert said == "Ana changed priority, deleted of the ticket #7 No light"


def test_a_text_is_laid_out_line_by_line() -> None:
    rows = compared("one\nthe old word\nthree", "one\nthe new word\nthree\nfour")
    assert [row.old == row.new for row in rows] == [True, False, True, False]
    (old, new) = (rows[1].old or (), rows[1].new or ())
    assert [piece.text for piece in old if piece.changed] == ["old"]
    assert "".join(piece.text for piece in new) == "the new word"
    assert rows[3].old is None


def test_the_difference_has_names_and_leaves_out_what_says_the_same() -> None:
    row = event(
        "ticket.assigned",
        object_type="ticket",
        changes={"assignee_id": [None, 1], "assignee": [None, "Luis"], "tags": [["a"], ["a", "b"]]},
    )
    who, tags = differences_of(Named(row, NAMES), link=lambda kind, number: f"/{kind}/{number}")
    assert (who.title, who.old.text, who.new.text) == ("assignee", NOTHING, "Luis")
    assert (who.new.url, who.new.number) == ("/user/1", 1)
    assert (tags.came, tags.went) == (("b",), ())


def test_a_whole_page_of_rows_asks_for_names_once(
    app: Any, statements: Any, audit_rows: Any
) -> None:
    ana, client = factories.make_user(name="Ana Ruiz"), factories.make_client("Acme")
    ticket_ = factories.make_ticket(client_id=client.id)
    with factories.work():
        db.session.get_one(Ticket, ticket_.id).assignee_id = ana.id
    rows = [SimpleNamespace(**row) for row in audit_rows("ticket", ticket_.id)]
    with app.test_request_context(), factories.work(), statements() as seen:
        lines = sentences_of(rows * 20)
    assert len([one for one in seen if "UNION" in one or "users" in one]) == 1
    assert any("to Ana Ruiz" in line.sentence for line in lines)


def test_readings_are_told_by_titles_words_and_names() -> None:
    names = {("user", 2): "Luis Ortega", ("client", 6): "Acme"}
    told = {
        "read the audit log": {},
        "read the audit log (who: Luis Ortega, since 1 Jan 2026 00:00)": {
            "actor": "2",
            "period": "exact",
            "since": "2026-01-01 00:00:00",
        },
        "read the audit log (when: last 7 days, category: change, access)": {
            "period": "7",
            "category": "change, access",
        },
        "read the history of the client Acme (as of 1 May 2026 08:00)": {
            "at": "2026-05-01T08:00:00+00:00",
            "object_id": 6,
            "object_type": "client",
        },
        "followed the audit log as it grew (outcome: refused)": {"outcome": "denied", "live": True},
    }
    for said, changes in told.items():
        assert sentence(Named(event("audit.read", changes=changes), names)) == f"Ana {said}"


def test_what_a_merge_moves_is_told_without_ids() -> None:
    merge = event(
        "ticket_merge.created", changes={"source_id": [None, 4950], "target_id": [None, 4912]}
    )
    names = {("ticket", 4950): "#5950 No light", ("ticket", 4912): "#5912 Lamp"}
    assert sentence(merge) == "Ana merged a ticket into another one"
    assert sentence(Named(merge, names)) == "Ana merged #5950 No light into #5912 Lamp"
    watcher = event(
        "ticket_watcher.moved", object_type="ticket_watcher", changes={"ticket_id": [4950, 4912]}
    )
    assert "follow #5912 Lamp instead" in sentence(Named(watcher, names))
    message = event(
        "ticket_message.updated",
        object_type="ticket_message",
        object_label="It blinks",
        changes={"origin_id": [None, 4950]},
    )
    assert (
        sentence(Named(message, names))
        == "Ana noted that “It blinks” was written on #5950 No light"
    )
