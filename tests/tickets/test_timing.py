"""Time spent on tickets."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests import factories
from webapp.tickets import durations

TODAY = datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("90", 90),
        ("45 min", 45),
        ("1h 30m", 90),
        ("1h30", 90),
        ("2 hours", 120),
        ("1:05", 65),
        ("1.5h", 90),
        ("0,25 h", 15),
        ("1h 30 seconds", None),
        ("-5", None),
        ("", None),
        ("a while", None),
    ],
)
def test_people_type_times_as_they_say_them(typed: str, minutes: int | None) -> None:
    assert durations.minutes_in(typed) == minutes


def test_what_is_shown_can_be_typed_again() -> None:
    assert all(durations.minutes_in(durations.typed(n)) == n for n in range(1, 1441))


def test_time_is_written_down_summed_corrected_and_taken_away(
    sign_in: Callable[..., Any], audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    ticket = factories.make_ticket()
    browser = sign_in("tickets", "tickets.edit")
    here = f"/tickets/{ticket.number}/time"
    htmx = {"HX-Request": "true"}
    for typed, note in (("1h 30m", "On site"), ("45", "")):
        sent = {"minutes": typed, "note": note, "spent_on": TODAY}
        page = browser.post(here, data=sent, headers=htmx)
        assert page.status_code == 200
    assert "2 h 15 min" in page.text
    assert "On site" in page.text
    told = audit_rows("ticket", ticket.id, action="time.added")
    assert [row["changes"]["minutes"] for row in told] == [[None, 90], [None, 45]]
    assert told[0]["client_id"] == ticket.client_id
    entry_id = browser.get(here).text.rpartition("?edit=")[2].partition('"')[0]
    url = f"{here}/{entry_id}"
    assert 'value="1h 30m"' in browser.get(f"{here}?edit={entry_id}").text
    browser.post(url, data={"minutes": "2h", "note": "On site", "spent_on": TODAY})
    assert "2 h 45 min" in browser.get(here).text
    assert browser.post(f"{url}/delete").status_code == 303
    assert "2 h" not in browser.get(here).text.replace("2 h 45", "")


def test_what_cannot_be_is_refused_in_the_form(sign_in: Callable[..., Any]) -> None:
    ticket = factories.make_ticket()
    browser = sign_in("tickets", "tickets.edit")
    here = f"/tickets/{ticket.number}/time"
    for typed, day, says in (
        ("soon", TODAY, "such as 45, 1h 30m"),
        ("0", TODAY, "at least a minute"),
        ("25h", TODAY, "at most a day"),
        ("5", "2999-01-01", "has not come yet"),
        ("5", "yesterday", "year-month-day"),
    ):
        page = browser.post(here, data={"minutes": typed, "note": "Kept", "spent_on": day})
        assert page.status_code == 422
        assert says in page.text
        assert 'value="Kept"' in page.text


def test_only_one_s_own_time_within_reach(sign_in: Callable[..., Any]) -> None:
    ticket, other = factories.make_ticket(), factories.make_ticket()
    sent = {"minutes": "5", "note": "", "spent_on": TODAY}
    mine = sign_in("tickets", "tickets.edit")
    here = f"/tickets/{ticket.number}/time"
    mine.post(here, data=sent)
    entry_id = int(mine.get(f"{here}").text.partition("?edit=")[2].partition('"')[0])
    theirs = sign_in("tickets", "tickets.edit")
    assert theirs.post(f"{here}/{entry_id}", data=sent).status_code == 403
    assert theirs.post(f"{here}/{entry_id}/delete").status_code == 403
    assert "?edit=" not in theirs.get(here).text
    reader = sign_in("tickets", client_id=ticket.client_id)
    factories.grant(reader.user, factories.make_role("tickets.edit"), client_id=other.client_id)
    assert reader.get(here).status_code == 200
    assert reader.post(here, data=sent).status_code == 403
    assert reader.get(f"/tickets/{other.number}/time").status_code == 404


def test_nothing_is_added_to_a_merged_ticket(sign_in: Callable[..., Any]) -> None:
    home = factories.make_client().id
    gone, into = (factories.make_ticket(client_id=home) for _ in range(2))
    browser = sign_in("tickets", "tickets.edit", "tickets.merge")
    here, says = f"/tickets/{gone.number}", "was merged into another one. Do it there."
    assert browser.post(f"{here}/watch", data={"on": "1"}).status_code == 303
    assert browser.post(f"{here}/merge", data={"into": into.number}).status_code == 303
    browser.post(f"{here}/watch", data={"on": "0"})
    for part, sent in (
        ("time", {"minutes": "5", "note": "", "spent_on": TODAY}),
        ("links", {"tie": "related", "other": into.number}),
        ("watch", {"on": "1"}),
    ):
        page = browser.post(f"{here}/{part}", data=sent)
        assert page.status_code == 422, part
        assert says in page.text, part
