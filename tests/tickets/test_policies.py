"""Service levels on their pages: typed as people say them, with what they come to; versions, rights, sight."""

from typing import Any

import psycopg
import pytest

from tests import factories
from tests.tickets.levels import NOW, make_clocked, make_hours, make_policy, minutes
from webapp.jobs import queue
from webapp.tickets import lengths

Owner = psycopg.Connection[dict[str, Any]]
URL = "/tickets/desk/service-levels"
OFFICE = tuple((day, 540, 1020) for day in range(5))  # eight hours a day


@pytest.fixture
def boss(sign_in: Any) -> Any:
    return sign_in("*")


def targets(owner: Owner, policy_id: int) -> dict[str, tuple[int | None, int | None]]:
    rows = owner.execute("SELECT * FROM sla_targets WHERE policy_id = %s", [policy_id])
    return {row["priority"]: (row["response"], row["resolution"]) for row in rows}


@pytest.mark.parametrize(
    ("typed", "minutes"),
    [
        ("30m", 30),
        ("30 min", 30),
        ("90", 90),
        ("4h", 240),
        ("4 horas", 240),
        ("1.5h", 90),
        ("1h 30m", 90),
        ("1h30", 90),
        ("2:15", 135),
        ("2d 4h", 2 * 480 + 240),  # of a day of eight hours
        ("1 día", 480),
        ("2d, 4h, 5 min", 1205),
        ("soon", None),
        ("", None),
        ("4x", None),
        ("-4h", None),
        ("4h 2d", None),
    ],
)
def test_lengths_are_read_as_people_type_them(typed: str, minutes: int | None) -> None:
    found = lengths.read(typed)
    assert (found and found.in_minutes(480)) == minutes


def test_what_is_shown_can_be_typed_again() -> None:
    for day in (480, 450, 1440):
        for count in (1, 59, 60, 61, 480, 481, 1199, 1440, 525_600):
            found = lengths.read(lengths.typed(count, day))
            assert found is not None and found.in_minutes(day) == count


def test_a_level_is_added_shown_changed_deleted_and_restored(
    boss: Any, owner: Owner, audit_rows: Any, run_jobs: Any
) -> None:
    hours = make_hours(*OFFICE, name="Office")
    client = factories.make_client("Acme & Sons")
    assert "No service levels yet" in boss.get(URL).text
    ticket = make_clocked(10, client_id=client.id)
    data = {
        "name": "Gold",
        "client_id": str(client.id),
        "kind": "incident",
        "hours_id": str(hours),
        "warn_percent": "75",
        "urgent_response": "30m",
        "urgent_resolution": "4h",
        "normal_resolution": "2d 4h",
    }
    reply = boss.post(f"{URL}/new", data=data)
    assert reply.status_code == 303
    row = owner.execute("SELECT * FROM sla_policies").fetchone()
    assert row and (row["client_id"], row["kind"], row["warn_percent"]) == (
        client.id,
        "incident",
        75,
    )
    assert targets(owner, row["id"]) == {"urgent": (30, 240), "normal": (None, 1200)}
    page = boss.get(reply.location).text
    for said in ("Acme &amp; Sons", "Office", "2 d 4 h", "If a ticket were opened now", "75 %"):
        assert said in page, said
    assert "being set anew" in page
    run_jobs()
    assert "being set anew" not in boss.get(reply.location).text
    stored = owner.execute("SELECT * FROM tickets WHERE id = %s", [ticket.id]).fetchone()
    assert stored and stored["sla_policy_id"] == row["id"] and stored["due_at"]
    listed = boss.get(URL).text
    assert "30 min" in listed and "Acme &amp; Sons" in listed

    form = boss.get(f"{URL}/{row['id']}/edit").text
    assert 'value="2d 4h"' in form and 'value="30m"' in form
    changed = data | {"version": str(row["version"]), "normal_resolution": "", "low_response": "1d"}
    assert boss.post(f"{URL}/{row['id']}/edit", data=changed).status_code == 303
    assert targets(owner, row["id"]) == {"urgent": (30, 240), "low": (480, None)}
    made, told = audit_rows("sla_policy", row["id"])
    assert made["changes"]["urgent"] == [None, "30m / 4h"]
    assert told["changes"] == {"normal": ["- / 2d 4h", None], "low": [None, "1d / -"]}
    run_jobs()
    stored = owner.execute("SELECT * FROM tickets WHERE id = %s", [ticket.id]).fetchone()
    assert stored and (stored["sla_policy_id"], stored["due_at"]) == (None, None)

    version = owner.execute("SELECT version FROM sla_policies").fetchone() or {}
    assert boss.post(f"{URL}/{row['id']}/delete", data=dict(version)).status_code == 303
    assert "Gold" not in boss.get(URL).text and "Gold" in boss.get(f"{URL}?deleted=1").text
    assert boss.post(f"{URL}/{row['id']}/restore").status_code == 303
    assert "Gold" in boss.get(URL).text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("name", "", "Fill this in."),
        ("hours_id", "", "Choose one of the list."),
        ("hours_id", "99999", "Choose one of the list."),
        ("client_id", "99999", "Choose one of the list."),
        ("kind", "other", "Choose one of the list."),
        ("warn_percent", "100", "Choose one of the list."),
        ("normal_response", "soon", "Write a length of time"),
        ("normal_response", "0", "Write at least a minute"),
        ("normal_response", "9000h", "Write at least a minute"),
        ("urgent_resolution", "", "Give at least one priority a target."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    boss: Any, owner: Owner, field: str, value: str, said: str
) -> None:
    data = {
        "name": "Gold",
        "hours_id": str(make_hours(*OFFICE)),
        "warn_percent": "80",
        "urgent_resolution": "3h 7m",
    }
    reply = boss.post(f"{URL}/new", data=data | {field: value})
    assert reply.status_code == 422 and said in reply.text
    assert 'value="Gold"' in reply.text or field == "name"
    assert 'value="3h 7m"' in reply.text or field == "urgent_resolution"
    assert not owner.execute("SELECT FROM sla_policies").fetchall()


def test_two_levels_for_the_same_tickets_are_refused(boss: Any) -> None:
    policy = make_policy({"normal": (60, 60)}, name="Everybody")
    data = {"name": "Again", "hours_id": str(policy.hours_id), "normal_response": "1h"}
    reply = boss.post(f"{URL}/new", data=data | {"warn_percent": "80"})
    assert reply.status_code == 422 and "for these tickets already" in reply.text


def test_a_stale_form_shows_both(boss: Any, owner: Owner) -> None:
    policy = make_policy({"normal": (60, 60)}, name="Everybody")
    data = {"name": "Mine", "hours_id": str(policy.hours_id), "warn_percent": "80"}
    first = data | {"version": str(policy.version), "normal_response": "2h", "name": "Theirs"}
    assert boss.post(f"{URL}/{policy.id}/edit", data=first).status_code == 303
    second = data | {"version": str(policy.version), "normal_response": "3h"}
    reply = boss.post(f"{URL}/{policy.id}/edit", data=second)
    assert reply.status_code == 409
    assert "Theirs" in reply.text and "2h" in reply.text and 'value="3h"' in reply.text
    # Targets alone count, too.
    current = owner.execute("SELECT version FROM sla_policies").fetchone() or {}
    again = data | {"version": str(current["version"]), "normal_response": "4h", "name": "Theirs"}
    assert boss.post(f"{URL}/{policy.id}/edit", data=again).status_code == 303
    assert boss.post(f"{URL}/{policy.id}/edit", data=again).status_code == 409


def test_the_preview_reads_what_is_typed_so_far(boss: Any) -> None:
    hours = make_hours()  # always open
    query = f"hours_id={hours}&urgent_response=30m&normal_resolution=so"
    reply = boss.get(f"{URL}/preview?{query}", headers={"HX-Request": "true"}).text
    assert "Urgent" in reply and "Normal" not in reply
    assert "Choose business hours" in boss.get(f"{URL}/preview").text
    assert "Give a priority a target" in boss.get(f"{URL}/preview?hours_id={hours}").text


def test_who_may_do_what(sign_in: Any, owner: Owner) -> None:
    mine, other = factories.make_client("Mine"), factories.make_client("Other")
    levels = {
        name: make_policy({"normal": (60, 60)}, name=name, client_id=client)
        for name, client in (("all", None), ("mine", mine.id), ("other", other.id))
    }
    scoped = sign_in("tickets", "tickets.desk", "tickets.configure", client_id=mine.id)
    assert "other" not in scoped.get(URL).text
    codes = {name: scoped.get(f"{URL}/{row.id}").status_code for name, row in levels.items()}
    assert codes == {"all": 200, "mine": 200, "other": 404}
    # To run the desk for one client is not to run it everywhere.
    assert scoped.get(f"{URL}/new").status_code == 403
    assert scoped.post(f"{URL}/{levels['mine'].id}/delete").status_code == 403
    reader = sign_in("tickets.desk")
    assert reader.get(URL).status_code == 200 and f"{URL}/new" not in reader.get(URL).text
    assert reader.post(f"{URL}/{levels['all'].id}/delete").status_code == 403
    assert sign_in("tickets").get(URL).status_code == 403
    assert owner.execute("SELECT FROM sla_policies WHERE deleted_at IS NOT NULL").rowcount == 0


def test_few_statements(boss: Any, statements: Any) -> None:
    policies = [
        make_policy({"normal": (60, 60)}, client_id=factories.make_client().id) for _ in range(6)
    ]
    for url, most in ((URL, 5), (f"{URL}/{policies[0].id}", 8)):
        boss.get(url)
        with statements() as seen:
            assert boss.get(url).status_code == 200
        assert len(seen) <= most, "\n".join(seen)


def test_an_open_ticket_follows_the_next_level(boss: Any, owner: Owner, run_jobs: Any) -> None:
    """The level of a client goes, and its tickets get that of everybody."""
    client = factories.make_client().id
    make_policy({"normal": (None, 600)}, name="Everybody")
    gold = make_policy({"normal": (None, 60)}, name="Gold", client_id=client)
    ticket = make_clocked(10, client_id=client)
    assert ticket.due_at == NOW + minutes(50)
    boss.post(f"{URL}/{gold.id}/delete", data={"version": gold.version})
    run_jobs()
    row = owner.execute("SELECT * FROM tickets WHERE id = %s", [ticket.id]).fetchone()
    assert row and row["due_at"] == NOW + minutes(590)


def test_how_far_the_due_times_are(boss: Any, owner: Owner, run_jobs: Any, work: Any) -> None:
    policy = make_policy({"normal": (None, 60)})
    make_clocked(client_id=factories.make_client().id)
    boss.post(f"{URL}/{policy.id}/delete", data={"version": policy.version})
    row = owner.execute("SELECT * FROM job_reports").fetchone() or {}
    assert row["user_id"] == boss.user.id
    ask = f"/tickets/desk/recalculation?job={row['job_id']}"
    headers = {"HX-Request": "true"}
    assert "every 1s" in boss.get(ask, headers=headers).text
    run_jobs()
    done = boss.get(ask, headers=headers).text
    assert "are set anew" in done and "every 1s" not in done
    # Without one there is nothing to say, and other jobs are not told of here.
    with work():
        other = queue.defer(queue.TASKS["tickets.recalculate"], title="Other", scopes=[])
    for query in ("", "?job=x", f"?job={other}"):
        told = boss.get(f"/tickets/desk/recalculation{query}", headers=headers).text
        assert "every 1s" not in told and "set anew" not in told
