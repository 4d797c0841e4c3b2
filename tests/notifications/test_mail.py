"""Mails: one for what gathered, not at night, not for what was read or is out of sight, and easily stopped."""

import email
import email.policy
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select

from tests import factories
from tests.users.test_mail import Inbox, free_port, serving
from webapp.core.db import db
from webapp.notifications.announcing import announce
from webapp.notifications.models import NotificationSettings
from webapp.notifications.quiet import end_of_quiet


@pytest.fixture
def mailing(app: Any) -> Iterator[Callable[[str], None]]:
    """`mailing(url)`: have the app hand its mail to that server."""
    before = app.extensions["steward"]

    def use(url: str) -> None:
        app.extensions["steward"] = before.model_copy(update={"smtp_url": url})

    yield use
    app.extensions["steward"] = before


@pytest.fixture
def inbox(mailing: Any) -> Iterator[Inbox]:
    """A real mail server to which the app sends."""
    made = Inbox()
    with serving(made) as address:
        mailing(f"smtp://{address}")
        yield made


def make_person(every: int = 0, **values: Any) -> Any:
    user = factories.make_user(**values)
    with factories.work():
        db.session.add(NotificationSettings(user_id=user.id, mail_every=every))
    return user


def say(
    user: Any, title: str, body: str = "Please look", kind: str = "ticket.assigned", **values: Any
) -> None:
    with factories.work():
        announce([user.id], kind=kind, words=lambda: (title, body), url="/tickets/7", **values)


def due_now(owner: Any) -> None:
    owner.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def text_of(message: EmailMessage, kind: str = "plain") -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_what_gathers_goes_out_as_one_mail(inbox: Inbox, run_jobs: Any, owner: Any) -> None:
    user = make_person(10, name="Zoë Ruiz", email="zoe@example.org", locale="es")
    say(user, "Ana gave you #7 <b>Printer</b>", "First & foremost")
    say(user, "Bo replied to #7", kind="ticket.replied", group="t:7")
    say(user, "Bo replied to #7 again", kind="ticket.replied", group="t:7")
    run_jobs()
    assert inbox.mails == []  # it is not time yet
    due_now(owner)
    run_jobs()
    message = parsed(inbox.mails[0])
    assert len(inbox.mails) == 1
    assert message["To"] == "Zoë Ruiz <zoe@example.org>" and "2" in message["Subject"]
    plain, html = text_of(message), text_of(message, "html")
    assert "Ana gave you #7 <b>Printer</b>" in plain and "Bo replied to #7 again (2)" in plain
    assert "http://127.0.0.1:8000/tickets/7" in plain and "First & foremost" in plain
    assert "&lt;b&gt;Printer" in html and "<b>Printer" not in html
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    due_now(owner)
    run_jobs()
    assert len(inbox.mails) == 1


def test_what_is_read_meanwhile_is_not_mailed(
    inbox: Inbox, run_jobs: Any, owner: Any, sign_in: Any
) -> None:
    user = make_person()
    say(user, "Seen in time")
    sign_in(user=user).post("/notifications/read")
    due_now(owner)
    run_jobs()
    assert inbox.mails == []
    say(user, "Only this")
    due_now(owner)
    run_jobs()
    assert parsed(inbox.mails[0])["Subject"] == "Only this"


def test_a_rolled_back_change_mails_nobody(inbox: Inbox, run_jobs: Any, owner: Any) -> None:
    user = make_person()
    with factories.work():
        announce([user.id], kind="ticket.assigned", words=lambda: ("Undone", ""))
        db.session.rollback()
    due_now(owner)
    run_jobs()
    assert inbox.mails == []


def test_whoever_lost_access_gets_no_text(inbox: Inbox, run_jobs: Any, owner: Any) -> None:
    here = factories.make_client()
    user, other = make_person(), make_person()
    role = factories.make_role("tickets")
    for one in (user, other):
        factories.grant(one, role, client_id=here.id)
    ticket = factories.make_ticket("Secret", client_id=here.id)
    for one in (user, other):
        say(one, "Secret", about=("ticket", ticket.id))
    with factories.work():
        row = db.session.scalars(select(factories.UserRole).filter_by(user_id=user.id)).one()
        row.client_id = factories.make_client().id
    due_now(owner)
    run_jobs()
    (raw,) = inbox.mails
    assert parsed(raw)["To"].addresses[0].addr_spec == other.email


def test_a_server_that_is_away_is_asked_again(
    inbox: Inbox, mailing: Any, run_jobs: Any, owner: Any, app: Any
) -> None:
    user, url = make_person(), app.extensions["steward"].smtp_url
    mailing(f"smtp://127.0.0.1:{free_port()}")
    say(user, "Late but there")
    due_now(owner)
    run_jobs()
    row = owner.execute(
        "SELECT status, scheduled_at > now() AS later FROM procrastinate_jobs ORDER BY id DESC LIMIT 1"
    ).fetchone()
    assert row == {"status": "todo", "later": True}
    mailing(url)
    due_now(owner)
    run_jobs()
    assert parsed(inbox.mails[0])["Subject"] == "Late but there"


def test_a_mail_waits_for_the_end_of_the_night(inbox: Inbox, run_jobs: Any, owner: Any) -> None:
    user = make_person(timezone="Asia/Kolkata")
    local = datetime.now(UTC) + timedelta(hours=5, minutes=30)
    with factories.work():
        found = select(NotificationSettings).filter_by(user_id=user.id)
        row = db.session.scalars(found).one()
        row.quiet_from = (local - timedelta(hours=1)).time().replace(second=0, microsecond=0)
        row.quiet_until = (local + timedelta(hours=2)).time().replace(second=0, microsecond=0)
    say(user, "In the morning")
    job = owner.execute("SELECT scheduled_at FROM procrastinate_jobs ORDER BY id DESC").fetchone()
    assert 1.9 < (job["scheduled_at"] - datetime.now(UTC)).total_seconds() / 3600 <= 2
    due_now(owner)  # even if the job comes early
    run_jobs()
    assert inbox.mails == []
    waiting = owner.execute("SELECT FROM procrastinate_jobs WHERE status = 'todo'").rowcount
    assert waiting == 1


NIGHT = (time(22), time(7))


@pytest.mark.parametrize(
    ("moment", "hours", "zone", "end"),
    [
        ("2026-06-10 20:30", NIGHT, "Europe/Madrid", "2026-06-11 05:00"),  # 22:30 there
        ("2026-06-10 19:59", NIGHT, "Europe/Madrid", None),
        ("2026-06-11 04:59", NIGHT, "Europe/Madrid", "2026-06-11 05:00"),
        ("2026-06-11 05:00", NIGHT, "Europe/Madrid", None),
        ("2026-06-10 12:30", (time(13), time(15)), "Europe/Madrid", "2026-06-10 13:00"),
        ("2026-03-28 22:00", NIGHT, "Europe/Madrid", "2026-03-29 05:00"),  # an hour is skipped
        ("2026-10-24 21:00", NIGHT, "Europe/Madrid", "2026-10-25 06:00"),  # an hour comes twice
        ("2026-03-29 00:30", (time(1), time(2, 30)), "Europe/Madrid", "2026-03-29 01:30"),
        ("2026-06-10 17:00", NIGHT, "Asia/Kolkata", "2026-06-11 01:30"),
        ("2026-06-10 17:00", NIGHT, "Nowhere/Else", None),  # read as UTC
        ("2026-06-10 17:00", (None, None), "UTC", None),
    ],
)
def test_quiet_hours(moment: str, hours: Any, zone: str, end: str | None) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = end_of_quiet(at, quiet_from=hours[0], quiet_until=hours[1], zone=zone)
    assert found == (datetime.fromisoformat(end).replace(tzinfo=UTC) if end else None)


def unsubscribe_path(message: EmailMessage) -> str:
    found = re.fullmatch(r"<http://127\.0\.0\.1:8000(/[^>]+)>", message["List-Unsubscribe"])
    assert found
    return found[1]


def test_one_click_ends_the_mails_of_a_kind(
    inbox: Inbox, run_jobs: Any, owner: Any, csrf_client: Any, audit_rows: Any
) -> None:
    user = make_person()
    say(user, "First")
    due_now(owner)
    run_jobs()
    path = unsubscribe_path(parsed(inbox.mails[0]))
    assert "Stop these e-mails?" in csrf_client.get(path).text
    say(user, "Looking changed nothing")
    due_now(owner)
    run_jobs()
    assert len(inbox.mails) == 2
    # As RFC 8058 has it: no cookie, no token, nobody signed in.
    reply = csrf_client.post(path, data={"List-Unsubscribe": "One-Click"})
    assert reply.status_code == 200 and "A ticket is given to you" in reply.text
    assert csrf_client.post(path, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    (row,) = audit_rows("notification_preference", actor_id=user.id)
    assert row["changes"]["email"] == [None, False] and row["reason"]
    say(user, "Not by mail")
    say(user, "By mail", kind="ticket.mentioned")
    due_now(owner)
    run_jobs()
    assert [parsed(raw)["Subject"] for raw in inbox.mails[2:]] == ["By mail"]
    assert owner.execute("SELECT FROM notifications WHERE title = 'Not by mail'").rowcount == 1


def test_a_forged_link_ends_nothing(csrf_client: Any, app: Any) -> None:
    user = factories.make_user()
    for token in ("abc", f"[{user.id}, '*']", "WzEsIioiXQ.forged"):
        for method in ("GET", "POST"):
            assert (
                csrf_client.open(f"/notifications/unsubscribe/{token}", method=method).status_code
                == 400
            )
