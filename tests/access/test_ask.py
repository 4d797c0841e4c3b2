"""Asking for access, and the notifications of it."""

from typing import Any

import pytest

from tests import factories

ADMINISTRATOR = ("roles", "roles.assign", "audit")


def test_the_refusal_explains_itself_and_asking_tells_those_who_may_grant(
    sign_in: Any, audit_rows: Any
) -> None:
    boss = sign_in(*ADMINISTRATOR)
    without_audit = sign_in("roles.assign")
    client = sign_in("dashboard", name="Agnes Asks")
    page = client.get("/audit").get_data(as_text=True)
    assert "Audit log" in page and "Ask for access" in page and "Role " in page
    sent = {"key": "audit", "reason": "For the review", "path": "/audit"}
    assert client.post("/access/ask", data=sent).status_code == 303
    inbox = boss.get("/notifications").get_data(as_text=True)
    assert "Agnes Asks asks for “Audit log”" in inbox and "For the review" in inbox
    assert "Agnes" not in without_audit.get("/notifications").get_data(as_text=True)
    (row,) = audit_rows("user", client.user.id, action="access.asked")
    assert row["reason"] == "For the review"
    mine = client.get("/notifications").text
    assert "What you asked for" in mine and "For the review" in mine


def test_the_same_question_is_passed_on_once_a_day(sign_in: Any, owner: Any) -> None:
    sign_in(*ADMINISTRATOR)
    client = sign_in("dashboard")
    sent = {"key": "audit", "reason": "Please", "path": ""}
    for _ in "ab":
        assert client.post("/access/ask", data=sent).status_code == 303
    assert "You asked for this already, at " in client.get("/notifications").text
    assert owner.execute("SELECT FROM notifications").rowcount == 1


def test_nobody_reads_or_opens_the_notifications_of_others(sign_in: Any, owner: Any) -> None:
    boss = sign_in(*ADMINISTRATOR)
    client = sign_in("dashboard")
    client.post("/access/ask", data={"key": "audit", "reason": "Please", "path": ""})
    (row,) = owner.execute("SELECT id FROM notifications").fetchall()
    assert client.post(f"/notifications/{row['id']}/open").status_code == 404
    opened = boss.post(f"/notifications/{row['id']}/open")
    assert opened.location == f"/access/explain?person={client.user.id}&key=audit"
    assert owner.execute("SELECT FROM notifications WHERE read_at IS NULL").fetchall() == []


@pytest.mark.parametrize("sent", [{"key": "audit", "reason": " "}, {"key": "nope", "reason": "x"}])
def test_a_bad_question_tells_nobody(sign_in: Any, owner: Any, sent: dict[str, str]) -> None:
    sign_in(*ADMINISTRATOR)
    assert sign_in("dashboard").post("/access/ask", data=sent).status_code == 422
    assert owner.execute("SELECT FROM notifications").fetchall() == []


@pytest.mark.rate_limits
def test_five_questions_an_hour_are_enough(sign_in: Any) -> None:
    sign_in(*ADMINISTRATOR)
    client, other = sign_in("dashboard"), sign_in("dashboard")
    sent = {"key": "audit", "reason": "Please"}
    answers = [client.post("/access/ask", data=sent).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]
    assert other.post("/access/ask", data=sent).status_code == 303


def test_all_are_marked_as_read_at_once(sign_in: Any, owner: Any) -> None:
    client = sign_in("dashboard")
    with factories.work():
        from webapp.notifications import services

        for number in range(30):
            services.announce(
                [client.user.id], kind="test", words=lambda n=number: (f"Number {n}", "")
            )
    first = client.get("/notifications")
    assert "Older" in first.get_data(as_text=True) and "Number 29" in first.get_data(as_text=True)
    assert client.post("/notifications/read").status_code == 303
    assert "New</span>" not in client.get("/notifications").get_data(as_text=True)
