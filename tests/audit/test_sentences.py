"""Sentences of the log."""

from types import SimpleNamespace
from typing import Any

import pytest

from webapp.audit.sentences import ACTIONS, sentence


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
        (event("strange.thing", actor_name="system:seed"), "Steward (seed) did thing: strange"),
    ],
)
def test_reads_like_a_sentence(row: Any, says: str) -> None:
    assert sentence(row) == says


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_has_one_even_with_nothing_known(action: str) -> None:
    assert sentence(event(action)).startswith("Ana ")
