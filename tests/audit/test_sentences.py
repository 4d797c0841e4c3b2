"""Sentences of the log."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from tests import factories
from webapp.audit.sentences import ACTIONS, NOTHING, sentence
from webapp.audit.timeline import Telling, timeline_of
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
