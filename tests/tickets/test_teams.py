"""Teams: their members, their rota, and who is on duty."""

import itertools
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests import factories
from webapp.core.db import db
from webapp.tickets import rota
from webapp.tickets.models import Team, TeamShift

DESK = ("tickets.desk", "tickets", "tickets.configure")
TEAMS = "/tickets/desk/teams"


def url_of(response: Any) -> str:
    assert response.status_code == 303, response.text
    return str(response.location)


# --- weeks ------------------------------------------------------------------------


def test_a_week_of_the_rota_is_a_week_of_the_clock_on_the_wall() -> None:
    zone = ZoneInfo("Europe/Madrid")
    shifts = list(
        rota.weekly([7, 8], since=date(2026, 10, 14), weekday=0, at=time(9), zone=zone, weeks=3)
    )
    local = [shift.starts_at.astimezone(zone) for shift in shifts]
    assert [f"{when:%a %d %H:%M}" for when in local] == [
        "Mon 19 09:00",
        "Mon 26 09:00",
        "Mon 02 09:00",
    ]
    assert [shift.user_id for shift in shifts] == [7, 8, 7]
    # The clocks go back on the 25th: that week has an hour more.
    assert [shift.ends_at - shift.starts_at for shift in shifts] == [
        timedelta(days=7, hours=1),
        timedelta(days=7),
        timedelta(days=7),
    ]
    assert all(one.ends_at == two.starts_at for one, two in itertools.pairwise(shifts))


def test_an_hour_that_the_clocks_skip_still_begins_a_shift() -> None:
    zone = ZoneInfo("Europe/Madrid")
    one, two = rota.weekly(
        [1], since=date(2027, 3, 21), weekday=6, at=time(2, 30), zone=zone, weeks=2
    )
    assert two.starts_at == one.ends_at == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)


# --- teams ------------------------------------------------------------------------


def test_a_team_is_made_changed_hidden_and_brought_back(
    sign_in: Callable[..., Any], audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    browser = sign_in(*DESK)
    page = url_of(browser.post(f"{TEAMS}/new", data={"name": "Network", "description": "Wires"}))
    team_id = int(page.rpartition("/")[2])
    assert "Wires" in browser.get(page).text
    taken = browser.post(f"{TEAMS}/new", data={"name": "network", "description": ""})
    assert taken.status_code == 422
    assert "There is a team of this name." in taken.text
    edit = f"{TEAMS}/{team_id}/edit"
    browser.post(edit, data={"name": "Networks", "description": "", "version": "1"})
    stale = browser.post(edit, data={"name": "Mine", "description": "Typed", "version": "1"})
    assert stale.status_code == 409
    assert "saved this meanwhile" in stale.text
    assert "Typed" in stale.text
    browser.post(f"{TEAMS}/{team_id}/delete", data={"version": "2"})
    assert "Networks" not in browser.get(TEAMS).text
    assert "Networks" in browser.get(f"{TEAMS}?deleted=1").text
    browser.post(f"{TEAMS}/{team_id}/restore")
    assert "Networks" in browser.get(TEAMS).text
    assert [row["action"] for row in audit_rows("team", team_id)] == [
        "team.created",
        "team.updated",
        "team.updated",
        "team.updated",
    ]


def test_a_team_with_open_tickets_is_not_deleted(sign_in: Callable[..., Any]) -> None:
    browser = sign_in(*DESK)
    team = factories.make_team()
    factories.make_ticket(team_id=team.id)
    refused = browser.post(f"{TEAMS}/{team.id}/delete", data={"version": "1"})
    assert refused.status_code == 409
    assert "has open tickets" in refused.text


def test_members_come_lead_and_go(
    sign_in: Callable[..., Any], audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    browser = sign_in(*DESK)
    ana, team = factories.make_user(name="Ana Ruiz"), factories.make_team()
    here = f"{TEAMS}/{team.id}"
    picker = f"/tickets/desk/pickers/members?team={team.id}&q=ana"
    assert browser.get(picker).json["options"] == []  # may not open tickets yet
    factories.grant(ana, factories.make_role("tickets"))
    assert browser.get(picker).json["options"][0]["label"] == "Ana Ruiz"
    browser.post(f"{here}/members", data={"user_id": str(ana.id)})
    assert "Ana Ruiz" in browser.get(here).text
    again = browser.post(f"{here}/members", data={"user_id": str(ana.id), "is_lead": "y"})
    assert again.status_code == 422
    assert "in the team already" in again.text
    browser.post(f"{here}/members/{ana.id}/lead", data={"lead": "1"})
    assert "Lead" in browser.get(here).text
    _shift(team.id, ana.id, hours=-1, until=1)
    _shift(team.id, ana.id, hours=5, until=9)
    assert "On duty now" in browser.get(here).text
    browser.post(f"{here}/members/{ana.id}/remove")
    assert "No rota yet" in browser.get(here).text
    told = [row["action"] for row in audit_rows("team", team.id)][1:]
    assert told == [
        *("team.joined", "team.lead_made"),
        *("team.off_duty", "team.off_duty", "team.left"),
    ]


def _shift(team_id: int, user_id: int, *, hours: float, until: float) -> None:
    now = datetime.now(UTC)
    with factories.work():
        db.session.add(
            TeamShift(
                team_id=team_id,
                user_id=user_id,
                starts_at=now + timedelta(hours=hours),
                ends_at=now + timedelta(hours=until),
            )
        )


# --- the rota ---------------------------------------------------------------------


def test_members_follow_each_other_by_the_week(sign_in: Callable[..., Any]) -> None:
    browser = sign_in(*DESK)
    ana, ben = factories.make_user(name="Ana Ruiz"), factories.make_user(name="Ben Okafor")
    team = factories.make_team(ana, ben)
    here = f"{TEAMS}/{team.id}"
    form = browser.get(f"{here}/rotation").text
    assert "Ana Ruiz" in form
    assert "Ben Okafor" in form
    sent = {
        f"place-{ana.id}": "2",
        f"place-{ben.id}": "1",
        "since": "2999-01-01",
        "weekday": "0",
        "at": "08:30",
        "timezone": "Europe/Madrid",
        "weeks": "3",
    }
    twice = browser.post(f"{here}/rotation", data=sent | {f"place-{ana.id}": "1"})
    assert twice.status_code == 422
    assert "the same place" in twice.text
    many = browser.post(f"{here}/rotation", data=sent | {"weeks": "1000"})
    assert "from 1 to 104" in many.text
    browser.post(f"{here}/rotation", data=sent)
    with factories.work():
        shifts = db.session.query(TeamShift).order_by(TeamShift.starts_at).all()
        assert [shift.user_id for shift in shifts] == [ben.id, ana.id, ben.id]
        assert (
            f"{shifts[0].starts_at.astimezone(ZoneInfo('Europe/Madrid')):%a %H:%M}" == "Mon 08:30"
        )
    clash = browser.post(f"{here}/rotation", data=sent)
    assert clash.status_code == 422
    assert "Ben Okafor is on duty already" in clash.text


def test_a_shift_is_by_the_clock_of_who_adds_it(sign_in: Callable[..., Any]) -> None:
    ana = factories.make_user(name="Ana Ruiz")
    team = factories.make_team(ana)
    browser = sign_in(*DESK, user=factories.make_user(timezone="Asia/Tokyo"))
    here = f"{TEAMS}/{team.id}"
    sent = {"user_id": str(ana.id), "starts_at": "2999-01-01T09:00", "ends_at": "2999-01-01T17:00"}
    before = browser.post(f"{here}/shifts/new", data=sent | {"ends_at": "2999-01-01T08:00"})
    assert before.status_code == 422
    stranger = browser.post(f"{here}/shifts/new", data=sent | {"user_id": str(browser.user.id)})
    assert "Only members of the team" in stranger.text
    browser.post(f"{here}/shifts/new", data=sent)
    with factories.work():
        shift = db.session.query(TeamShift).one()
        assert shift.starts_at == datetime(2999, 1, 1, 0, 0, tzinfo=UTC)
        shift_id = shift.id
    assert browser.post(f"{here}/shifts/new", data=sent).status_code == 422
    browser.post(f"{here}/shifts/{shift_id}/delete")
    assert "No rota yet" in browser.get(here).text


# --- who may, and what it shows ---------------------------------------------------


def test_only_who_runs_the_desk_everywhere_changes_it(sign_in: Callable[..., Any]) -> None:
    member = factories.make_user()
    team, client = factories.make_team(member), factories.make_client()
    here = f"{TEAMS}/{team.id}"
    reader = sign_in("tickets.desk")
    narrow = sign_in(*DESK, client_id=client.id)
    for browser in (reader, narrow):
        assert browser.get(here).status_code == 200
        assert "Delete" not in browser.get(here).text
        for path in ("edit", "rotation", "shifts/new"):
            assert browser.get(f"{here}/{path}").status_code == 403
        for path in ("delete", "members", "rotation", f"members/{member.id}/remove"):
            assert browser.post(f"{here}/{path}", data={"version": "1"}).status_code == 403
    with factories.work():
        assert db.session.get_one(Team, team.id).deleted_at is None


def test_the_overview_counts_what_the_person_sees_in_few_statements(
    sign_in: Callable[..., Any], statements: Callable[[], Any]
) -> None:
    ana = factories.make_user(name="Ana Ruiz")
    team = factories.make_team(ana, name="Network")
    mine, other = factories.make_client(), factories.make_client()
    for _ in range(3):
        factories.make_ticket(client_id=mine.id, team_id=team.id)
    factories.make_ticket(client_id=mine.id, team_id=team.id, assignee_id=ana.id)
    factories.make_ticket(client_id=other.id, team_id=team.id)
    _shift(team.id, ana.id, hours=-1, until=1)
    # Sees the desk everywhere, tickets of one client.
    browser = sign_in("tickets.desk")
    factories.grant(browser.user, factories.make_role("tickets"), client_id=mine.id)
    with statements() as seen:
        page = browser.get("/tickets/desk").text
    assert len(seen) <= 8
    assert f'href="/tickets?team={team.id}">4</a>' in page
    assert f'href="/tickets?team={team.id}&amp;assignee=none">3</a>' in page
    assert "Ana Ruiz" in page
    with statements() as seen:
        browser.get(f"{TEAMS}/{team.id}")
    assert len(seen) <= 8
