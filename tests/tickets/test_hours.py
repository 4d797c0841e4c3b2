"""Business hours on their pages: a week as people write it, holidays one by one and pasted."""

from datetime import date
from typing import Any

import psycopg
import pytest

from tests import factories
from tests.tickets.levels import make_clocked, make_hours, make_policy
from webapp.tickets.sla_schemas import read_lines, read_spans, typed_spans

Owner = psycopg.Connection[dict[str, Any]]
URL = "/tickets/desk/hours"


@pytest.fixture
def boss(sign_in: Any) -> Any:
    return sign_in("*")


@pytest.mark.parametrize(
    ("typed", "spans"),
    [
        ("09:00-13:00, 14:00-18:00", ((540, 780), (840, 1080))),
        ("14:00-18:00; 9-13", ((540, 780), (840, 1080))),
        ("9 \N{EN DASH} 17:30", ((540, 1050),)),
        ("20-24", ((1200, 1440),)),
        ("00:00-24:00", ((0, 1440),)),
        ("8.30 to 12", ((510, 720),)),
        ("9-13 y 14-18", ((540, 780), (840, 1080))),
        ("9-12,12-13", ((540, 720), (720, 780))),
        ("closed", ()),
        ("", ()),
    ],
)
def test_a_day_is_read_as_people_write_it(typed: str, spans: Any) -> None:
    assert read_spans(typed) == spans
    assert read_spans(typed_spans(spans)) == spans


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("9-5", "What closes after midnight"),
        ("22-6", "What closes after midnight"),
        ("20-0", "Write 24:00"),
        ("9-25", "ends at 24:00"),
        ("9:75-10", "ends at 24:00"),
        ("9-12, 11-14", "overlap"),
        ("nine to five", "Write times of the day"),
        ("9", "Write times of the day"),
    ],
)
def test_what_is_no_day_is_said(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_spans(typed)


def test_pasted_holidays() -> None:
    pasted = "2026-12-25 Christmas\n\n 2027-1-6, Three Kings \r\n2026-12-25 Christmas Day"
    assert read_lines(pasted) == {
        date(2026, 12, 25): "Christmas Day",
        date(2027, 1, 6): "Three Kings",
    }
    for wrong, said in (("Christmas", "Line 1"), ("2026-01-01 A\n2026-02-30 B", "Line 2")):
        with pytest.raises(ValueError, match=said):
            read_lines(wrong)


def test_hours_are_added_changed_and_deleted(boss: Any, owner: Owner, audit_rows: Any) -> None:
    assert "No business hours yet" in boss.get(URL).text
    assert 'value="09:00-17:00"' in boss.get(f"{URL}/new").text
    data = {
        "name": "Madrid",
        "timezone": "Europe/Madrid",
        "monday": "9-14, 16-19",
        "friday": "9-15",
    }
    reply = boss.post(f"{URL}/new", data=data)
    assert reply.status_code == 303
    row = owner.execute("SELECT * FROM business_hours").fetchone() or {}
    page = boss.get(reply.location).text
    times = "09:00-14:00, 16:00-19:00".replace("-", "\N{EN DASH}")
    for said in (times, "Europe/Madrid", "None counts by these hours"):
        assert said in page, said
    assert f"Monday {times}" in boss.get(URL).text
    (made,) = audit_rows("business_hours", row["id"])
    assert made["changes"]["monday"] == ["", "09:00-14:00, 16:00-19:00"]
    # The week alone is a change, too: it counts as a version, and the log tells the day.
    changed = data | {"version": str(row["version"]), "friday": "9-14"}
    assert boss.post(f"{URL}/{row['id']}/edit", data=changed).status_code == 303
    told = audit_rows("business_hours", row["id"], action="business_hours.updated")
    assert [one["changes"] for one in told] == [{"friday": ["09:00-15:00", "09:00-14:00"]}]
    stale = boss.post(f"{URL}/{row['id']}/edit", data=changed | {"friday": "9-13"})
    assert stale.status_code == 409 and 'value="9-13"' in stale.text and "09:00-14:00" in stale.text
    again = boss.post(f"{URL}/{row['id']}/edit", data=changed | {"monday": "9-9", "version": "2"})
    assert again.status_code == 422 and 'value="9-9"' in again.text
    twin = boss.post(f"{URL}/new", data=data | {"name": "madrid"})
    assert twin.status_code == 422 and "of this name" in twin.text
    version = owner.execute("SELECT version FROM business_hours").fetchone() or {}
    assert boss.post(f"{URL}/{row['id']}/delete", data=dict(version)).status_code == 303
    assert not owner.execute("SELECT FROM business_spans").fetchall()


def test_hours_that_are_in_use_stay(boss: Any, owner: Owner) -> None:
    hours = make_hours((0, 540, 1020))
    make_policy({"normal": (60, 60)}, hours_id=hours, name="Gold")
    page = boss.get(f"{URL}/{hours}").text
    assert "Gold" in page and f"{URL}/{hours}/delete" not in page
    reply = boss.post(f"{URL}/{hours}/delete", data={"version": 1})
    assert reply.status_code == 409 and "Service levels count by these hours" in reply.text
    assert boss.get(f"{URL}/{hours}").status_code == 200


def test_holidays_come_and_go(boss: Any, owner: Owner, run_jobs: Any, audit_rows: Any) -> None:
    hours = make_hours(*((day, 0, 1440) for day in range(7)))
    make_policy({"normal": (None, 600)}, hours_id=hours)
    ticket = make_clocked()
    day = ticket.opened_at.date().isoformat()
    url = f"{URL}/{hours}/holidays"
    assert boss.post(url, data={"day": day, "name": "Today", "lines": ""}).status_code == 303
    run_jobs()
    row = owner.execute("SELECT * FROM tickets WHERE id = %s", [ticket.id]).fetchone() or {}
    assert row["due_at"] > ticket.due_at  # nothing runs before tomorrow
    many = "2030-12-25 Christmas\n2031-01-01 New Year\n" + f"{day} This day"
    assert boss.post(url, data={"day": "", "name": "", "lines": many}).status_code == 303
    assert "2 holidays were added. 1 holiday was renamed." in boss.get(f"{URL}/{hours}").text
    names = {row["name"] for row in owner.execute("SELECT name FROM holidays")}
    assert names == {"Christmas", "New Year", "This day"}
    wrong = boss.post(url, data={"day": "", "name": "", "lines": "2030-12-26 Boxing Day\nEaster"})
    assert wrong.status_code == 422 and "Line 2" in wrong.text and "Boxing Day" in wrong.text
    assert boss.post(url, data={"day": "", "name": "", "lines": ""}).status_code == 422
    (christmas,) = owner.execute("SELECT id FROM holidays WHERE name = 'Christmas'").fetchall()
    assert boss.post(f"{url}/{christmas['id']}/remove").status_code == 303
    assert boss.post(f"{url}/{christmas['id']}/remove").status_code == 404
    told = [row["changes"] for row in audit_rows("business_hours", hours)]
    assert {"holidays": [None, f"{day} Today"]} in told
    assert any(one.get("holidays") == ["2030-12-25 Christmas", None] for one in told)


def test_who_may_change_hours(sign_in: Any) -> None:
    hours = make_hours()
    reader = sign_in("tickets.desk")
    page = reader.get(f"{URL}/{hours}").text
    assert "It never closes" in page and "/edit" not in page and "Add holidays" not in page
    assert reader.post(f"{URL}/{hours}/holidays", data={}).status_code == 403
    client = factories.make_client()
    scoped = sign_in("tickets.desk", "tickets.configure", client_id=client.id)
    assert scoped.get(f"{URL}/{hours}/edit").status_code == 403
    assert sign_in("tickets").get(URL).status_code == 403
