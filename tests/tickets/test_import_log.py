"""`flask tickets import-log`: the history of another service desk comes in once, with the times that it had."""

import csv
import hashlib
import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests import factories
from webapp.core.db import db
from webapp.tickets.importing import naming, runs, staging, writing
from webapp.tickets.models import Ticket

SAMPLE = Path(__file__).parent / "data" / "incident-log.csv"
HEADER, *ROWS = SAMPLE.read_text().splitlines()
COLUMNS = HEADER.split(",")
# New → Active → Awaiting → … of one ticket, for changes by hand.
PLAIN = dict.fromkeys(COLUMNS, "?") | {
    "number": "X1", "incident_state": "New", "sys_mod_count": "0", "caller_id": "Caller 1",
    "opened_by": "Opened by  8", "opened_at": "29-02-2016 01:16", "sys_updated_by": "Updated by 2",
    "sys_updated_at": "29-02-2016 01:23", "location": "Location 3", "category": "Category 5",
    "subcategory": "Subcategory 6", "u_symptom": "Symptom 7", "impact": "2 - Medium",
    "urgency": "2 - Medium", "priority": "3 - Moderate", "assignment_group": "Group 9",
}  # fmt: skip
COUNTS = (
    "SELECT (SELECT count(*) FROM tickets) AS tickets, (SELECT count(*) FROM ticket_messages) AS messages,"
    " (SELECT count(*) FROM users) AS users, (SELECT count(*) FROM teams) AS teams,"
    " (SELECT count(*) FROM projects) AS projects, (SELECT count(*) FROM clients) AS clients,"
    " (SELECT max(id) FROM audit_event) AS last, (SELECT sum(version) FROM tickets) AS versions"
)
Run = Callable[..., str]


@pytest.fixture
def run(app: Flask, tmp_path: Path) -> Run:
    """Import rows, or bytes, and return what was said."""

    def bring_in(*rows: dict[str, str] | str, raw: bytes | None = None, options: str = "") -> str:
        if raw is None:
            lines = [row if isinstance(row, str) else line_of(row) for row in rows]
            raw = "\n".join([HEADER, *lines, ""]).encode()
        path = tmp_path / "log.csv"
        path.write_bytes(raw)
        done = app.test_cli_runner().invoke(
            args=["tickets", "import-log", str(path), *options.split()]
        )
        assert done.exit_code in {0, 1}, done.output + repr(done.exception)
        return done.output

    return bring_in


def line_of(row: dict[str, str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([row[name] for name in COLUMNS])
    return out.getvalue()


def step(state: str, at: str, turn: int, **changed: str) -> dict[str, str]:
    return PLAIN | {
        "incident_state": state, "sys_updated_at": at, "sys_mod_count": str(turn), **changed
    }  # fmt: skip


def ticket(owner: Any, ref: str = "X1") -> dict[str, Any]:
    return owner.execute("SELECT * FROM tickets WHERE external_ref = %s", [ref]).fetchone()


def events(owner: Any, key: int) -> list[dict[str, Any]]:
    return owner.execute(
        "SELECT * FROM audit_event WHERE object_type = 'ticket' AND object_id = %s ORDER BY id",
        [key],
    ).fetchall()


LIFE = (
    step("New", "29-02-2016 01:23", 0),
    step("Active", "29-02-2016 03:00", 1, assigned_to="Resolver 4", sys_updated_by="Updated by 3"),
    step("-100", "29-02-2016 03:30", 2, priority="1 - Critical"),
    step(
        "Awaiting Vendor",
        "29-02-2016 04:00",
        3,
        assignment_group="Group 10",
        assigned_to="Resolver 4",
    ),
    step(
        "Resolved",
        "01-03-2016 09:00",
        4,
        assignment_group="Group 10",
        closed_code="code 5",
        resolved_by="Resolved by 1",
        resolved_at="01-03-2016 08:58",
        closed_at="06-03-2016 09:00",
    ),
    step(
        "Closed",
        "06-03-2016 09:00",
        5,
        assignment_group="Group 10",
        closed_code="code 5",
        resolved_by="Resolved by 1",
        resolved_at="01-03-2016 08:58",
        closed_at="06-03-2016 09:00",
    ),
)


def test_a_ticket_comes_in_with_its_life(run: Run, owner: Any, audit_rows: Any) -> None:
    client = factories.make_client("Bank", code="BANK")
    assert "Added 1 tickets" in run(*LIFE, options="--client bank --zone Europe/Madrid")
    found = ticket(owner)
    assert found["client_id"] == client.id
    assert found["subject"] == "Category 5: Subcategory 6, Symptom 7"
    assert (found["kind"], found["status"]) == ("incident", "closed")
    assert (found["priority"], bool(found["priority_reason"])) == ("normal", False)
    assert found["tags"] == ["category-5", "subcategory-6"]
    assert found["resolution"] == "Closed with code 5, resolved by Resolved by 1."
    assert found["opened_at"] == datetime(2016, 2, 29, 0, 16, tzinfo=UTC)  # an hour before Madrid's
    assert found["resolved_at"] == datetime(2016, 3, 1, 7, 58, tzinfo=UTC)
    assert found["closed_at"] == found["updated_at"] == datetime(2016, 3, 6, 8, 0, tzinfo=UTC)
    people = {row["name"]: row for row in owner.execute("SELECT * FROM users").fetchall()}
    caller = people["Caller 1"]
    assert (caller["email"], caller["is_active"], caller["password_hash"]) == (
        "caller-1@imported.invalid", False, None
    )  # fmt: skip
    assert found["requester_user_id"] == caller["id"]
    assert found["assignee_id"] == people["Resolver 4"]["id"]
    log = events(owner, found["id"])
    assert [row["action"] for row in log] == [
        "ticket.opened", "ticket.updated", "ticket.updated", "ticket.updated", "ticket.resolved",
        "ticket.closed",
    ]  # fmt: skip
    assert {row["category"] for row in log} == {"import"}
    assert [row["occurred_at"].hour for row in log] == [0, 2, 2, 3, 8, 8]
    assert [row["actor_name"] for row in log[:2]] == ["Opened by 8", "Updated by 3"]
    assert log[1]["actor_id"] == people["Updated by 3"]["id"]
    assert log[1]["changes"] == {
        "status": ["new", "open"], "assignee_id": [None, people["Resolver 4"]["id"]]
    }  # fmt: skip
    assert log[2]["changes"]["priority"] == ["normal", "urgent"]  # and the state stays
    assert log[3]["changes"]["status"] == ["open", "on_hold"]
    (message,) = owner.execute("SELECT * FROM ticket_messages").fetchall()
    assert (message["via"], message["author_id"]) == ("import", caller["id"])
    assert "Symptom 7" in message["body"]
    assert owner.execute("SELECT name FROM projects").fetchall() == [{"name": "Location 3"}]
    (summary,) = audit_rows(action="tickets.imported", client_id=client.id)
    raw = "\n".join([HEADER, *map(line_of, LIFE), ""]).encode()
    assert summary["changes"]["sha256"] == hashlib.sha256(raw).hexdigest()
    assert summary["actor_name"] == "system:import-log"


def test_the_same_file_twice_changes_nothing(run: Run, owner: Any) -> None:
    raw = SAMPLE.read_bytes()
    numbers = {row.partition(",")[0] for row in ROWS}
    dry = run(raw=raw, options="--dry-run")
    assert f"Would add {len(numbers)} tickets" in dry and "dry run" in dry
    assert owner.execute("SELECT count(*) AS n FROM tickets").fetchone()["n"] == 0
    assert f"Added {len(numbers)} tickets" in run(raw=raw)
    before = owner.execute(COUNTS).fetchone()
    assert before["tickets"] == before["messages"] == len(numbers)
    for options in ("", "--dry-run"):
        assert "Nothing to do" in run(raw=raw, options=options)
    shuffled = "\n".join([HEADER, *sorted(ROWS, key=lambda row: row[::-1])]).encode()
    assert "Nothing to do" in run(raw=b"\xef\xbb\xbf" + shuffled.replace(b"\n", b"\r\n"))
    assert owner.execute(COUNTS).fetchone() == before


def test_a_longer_file_adds_what_is_new(run: Run, owner: Any) -> None:
    other = {name: value for name, value in PLAIN.items() if name != "number"} | {"number": "X2"}
    run(*LIFE[:3])
    first = ticket(owner)
    assert (first["status"], first["closed_at"]) == ("open", None)
    said = run(*LIFE, other)
    assert "Added 1 tickets, went on with 1; 4 events" in said
    there, again = ticket(owner), events(owner, first["id"])
    assert (there["status"], there["id"]) == ("closed", first["id"])
    assert there["resolution"].startswith("Closed with code 5")
    run(*[row | {"number": "X3"} for row in LIFE])
    whole = events(owner, ticket(owner, "X3")["id"])
    assert [(row["action"], row["occurred_at"]) for row in again] == [
        (row["action"], row["occurred_at"]) for row in whole
    ]
    assert "Nothing to do" in run(*LIFE, other)


def test_what_was_changed_here_stays(run: Run, owner: Any) -> None:
    run(*LIFE[:2])
    agent = factories.make_user(name="Ana")
    with factories.work():
        row = db.session.get_one(Ticket, ticket(owner)["id"])
        row.assignee_id, row.subject = agent.id, "The printer"
    said = run(*LIFE[:2], step("Active", "29-02-2016 05:00", 2, assigned_to="Resolver 8"))
    assert "1 fields stay as they were set here" in said
    there = ticket(owner)
    assert (there["assignee_id"], there["subject"]) == (agent.id, "The printer")
    assert events(owner, there["id"])[-1]["action"] == "ticket.assigned"


def test_another_team_without_a_name_has_it_unassigned(run: Run, owner: Any) -> None:
    moved = step("Active", "29-02-2016 05:00", 4, assignment_group="Group 11")
    run(*LIFE[:2], step("Active", "29-02-2016 04:00", 3, assigned_to="?"))
    assert ticket(owner)["assignee_id"] is not None  # unknown is not nobody
    run(*LIFE[:2], moved)
    there = ticket(owner)
    assert there["assignee_id"] is None
    assert events(owner, there["id"])[-1]["changes"].keys() == {"team_id", "assignee_id"}


WRONG = {
    "bad day": (PLAIN | {"opened_at": "31-02-2016 10:00"}, "opened_at: “31-02-2016 10:00” is no time"),
    "american day": (PLAIN | {"closed_at": "02-29-2016 10:00"}, "closed_at"),
    "the future": (PLAIN | {"sys_updated_at": "01-01-2999 10:00"}, "in the future"),
    "no time": (PLAIN | {"sys_updated_at": "?"}, "sys_updated_at: it is missing"),
    "state": (PLAIN | {"incident_state": "Sleeping"}, "incident_state: nobody knows “Sleeping”"),
    "priority": (PLAIN | {"priority": "9 - Whatever"}, "priority: nobody knows"),
    "number": (PLAIN | {"number": "?"}, "number: it is missing"),
    "long number": (PLAIN | {"number": "9" * 65}, "longer than 64"),
    "turn": (PLAIN | {"sys_mod_count": "-1"}, "sys_mod_count"),
    "columns": ("X9,New", "it has 2 columns, not 36"),
    "quotes": ('"X9,New' + "," * 35, "its quotes do not match"),
    "zero": ("X9\0" + "," * 35, "no text"),
}  # fmt: skip


def test_wrong_rows_are_listed_and_the_rest_comes_in(run: Run, owner: Any) -> None:
    good = line_of(PLAIN | {"category": "Café, “noche”"})
    lines = [
        HEADER,
        *(row if isinstance(row, str) else line_of(row) for row, _why in WRONG.values()),
    ]
    raw = "\n".join([*lines, ""]).encode() + b"X9\xff" + b"," * 35 + b"\n\n"
    said = run(raw=raw + b"X8" + b"a" * 70_000 + b"\n" + good.encode())
    for line, (_row, why) in enumerate(WRONG.values(), start=2):
        assert f"line {line}: " in said
        assert why in said.split(f"line {line}: ")[1].splitlines()[0]
    assert f"line {len(WRONG) + 2}: it is not UTF-8: byte 3" in said
    assert f"line {len(WRONG) + 4}: the line is longer than 64 KB" in said
    assert f"{len(WRONG) + 3} rows, {len(WRONG) + 2} of them wrong" in said
    assert [row["subject"] for row in owner.execute("SELECT subject FROM tickets")] == [
        "Café, “noche”: Subcategory 6, Symptom 7"
    ]


@pytest.mark.parametrize(
    ("raw", "options", "why"),
    [
        (b"", "", "lacks number"),
        (b"a,b\n1,2\n", "", "its first line lacks"),
        (SAMPLE.read_text().encode("utf-16"), "", "no incident log in UTF-8"),
        (SAMPLE.read_bytes(), "--client NOSUCH", "no client with the code NOSUCH"),
    ],
)
def test_what_is_no_log_is_refused(
    run: Run, owner: Any, raw: bytes, options: str, why: str
) -> None:
    before = owner.execute(COUNTS).fetchone()
    assert why in run(raw=raw, options=options)
    assert owner.execute(COUNTS).fetchone() == before


def test_a_crash_leaves_nothing_and_a_rerun_does_it_all(
    run: Run, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = owner.execute(COUNTS).fetchone()
    rows = [row | {"number": f"X{n}"} for n in range(5) for row in LIFE]
    monkeypatch.setattr(staging, "LOT", 2)
    add, calls = writing.add, []

    def fails(*given: Any) -> None:
        calls.append(given)
        if len(calls) == 3:
            raise OSError("no space left on device")
        add(*given)

    with monkeypatch.context() as broken:
        broken.setattr(runs.writing, "add", fails)
        run(*rows)
    assert len(calls) == 3
    assert owner.execute(COUNTS).fetchone() == before
    assert "Added 5 tickets" in run(*rows)
    assert owner.execute(COUNTS).fetchone()["tickets"] == 5


def test_people_have_an_address_of_their_own() -> None:
    names = ["Caller 2403", "José", "Jose", "Josè", "a.b", "a b", "李", "x" * 80, "x" * 81, "--"]
    found = {naming.address_of(name) for name in names}
    assert len(found) == len(names)
    assert naming.address_of("Caller 2403") == "caller-2403@imported.invalid"
    assert naming.address_of("CALLER 2403") == "caller-2403@imported.invalid"
    assert all(len(one) < 100 and one.isascii() and not one.startswith(("-", "@")) for one in found)


def test_two_imports_do_not_run_at_once(run: Run, owner: Any) -> None:
    with owner.transaction():
        owner.execute("SELECT pg_advisory_xact_lock(hashtext('steward import-log'))")
        assert "Another import is running" in run(*LIFE)
    assert "Added 1" in run(*LIFE)
