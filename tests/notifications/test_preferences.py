"""How people choose to be told."""

from typing import Any

from tests import factories
from webapp.notifications.announcing import announce

URL = "/account/notifications"


def test_what_is_chosen_holds_from_the_next_notice_on(
    sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    client = sign_in("tickets")
    page = client.get(URL).text
    assert "A ticket is given to you" in page and "Somebody asks for access" in page
    sent = {
        "in_app": ["ticket.mentioned"],
        "email": [],
        "quiet_from": "22:00",
        "quiet_until": "07:30",
        "mail_every": "60",
    }
    assert client.post(URL, data=sent).status_code == 303
    page = client.get(URL).text
    assert 'value="22:00"' in page and 'value="07:30"' in page
    assert page.count("checked>") == 1
    for kind in ("ticket.assigned", "ticket.mentioned"):
        with factories.work():
            announce([client.user.id], kind=kind, words=lambda k=kind: (k, ""))
    assert [row["kind"] for row in owner.execute("SELECT kind FROM notifications")] == [
        "ticket.mentioned"
    ]
    assert audit_rows("notification_settings", actor_id=client.user.id)
    # The usual again.
    assert client.post(URL, data=sent | {"in_app": ["ticket.assigned"]}).status_code == 303
    with factories.work():
        announce([client.user.id], kind="ticket.assigned", words=lambda: ("Again", ""))
    assert owner.execute("SELECT FROM notifications WHERE title = 'Again'").rowcount == 1


def test_what_cannot_be_is_refused_and_stays_typed(sign_in: Any, owner: Any) -> None:
    client = sign_in()
    assert "A ticket is given to you" not in client.get(URL).text
    good = {"mail_every": "10", "quiet_from": "", "quiet_until": ""}
    for wrong in (
        {"quiet_from": "22:00"},
        {"quiet_from": "25:00", "quiet_until": "07:00"},
        {"quiet_from": "07:00", "quiet_until": "07:00"},
        {"mail_every": "7"},
        {"email": ["no.such"]},
    ):
        reply = client.post(URL, data=good | wrong)
        assert reply.status_code == 422, wrong
    assert 'value="22:00"' in client.post(URL, data=good | {"quiet_from": "22:00"}).text
    assert owner.execute("SELECT FROM notification_settings").rowcount == 0


def test_the_list_is_filtered_and_keeps_its_filter(sign_in: Any) -> None:
    client = sign_in("tickets")
    for number in range(30):
        kind = "ticket.status" if number % 2 else "ticket.assigned"
        with factories.work():
            announce([client.user.id], kind=kind, words=lambda n=number: (f"Number {n}.", ""))
    shown = client.get("/notifications?kind=ticket.status&limit=10").text
    assert "Number 29." in shown and "Number 28." not in shown
    assert "kind=ticket.status" in shown and "Older" in shown
    assert client.get("/notifications?kind=zz").status_code == 400
