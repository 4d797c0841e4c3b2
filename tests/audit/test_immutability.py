"""The log can only grow, whoever tries."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[dict[str, Any]]
PARTITION = "SELECT max(inhrelid::regclass::text) AS name FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
TAMPERING = (
    "UPDATE {t} SET action = 'x'",
    "DELETE FROM {t}",
    "TRUNCATE {t}",
    "ALTER TABLE {t} DISABLE TRIGGER ALL",
    "DROP TABLE {t}",
)


def tables(owner: Connection) -> list[str]:
    rows = owner.execute(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
    )
    return ["audit_event", *(row["name"] for row in rows.fetchall())]


def an_entry(owner: Connection) -> None:
    owner.execute("INSERT INTO audit_event (action, category) VALUES ('test.entry', 'system')")


@pytest.mark.parametrize("statement", TAMPERING)
def test_the_app_cannot_tamper(statement: str, owner: Connection, app_role: Connection) -> None:
    for table in tables(owner):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app_role.execute(statement.format(t=table))
        app_role.rollback()


@pytest.mark.parametrize("statement", TAMPERING[:3])
def test_not_even_the_owner_edits(statement: str, owner: Connection) -> None:
    an_entry(owner)
    month = owner.execute("SELECT tableoid::regclass::text AS name FROM audit_event LIMIT 1")
    for table in ("audit_event", month.fetchall()[0]["name"]):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            owner.execute(statement.format(t=table))


@pytest.mark.parametrize("column", ["id", "recorded_at", "xid", "epoch"])
def test_the_app_cannot_forge_what_the_database_stamps(column: str, app_role: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        app_role.execute(
            f"INSERT INTO audit_event (action, category, {column}) VALUES ('test.forged', 'system', DEFAULT)"  # noqa: S608
        )


def test_a_time_of_its_own_is_only_for_history(owner: Connection) -> None:
    insert = (
        "INSERT INTO audit_event (action, category, recorded_at, occurred_at) VALUES"
        " ('test.past', %s, '2020-01-01', '2020-01-01') RETURNING recorded_at, occurred_at"
    )
    try:
        row = owner.execute(insert, ["change"]).fetchall()[0]
        assert row["recorded_at"].year > 2020
        assert row["occurred_at"] == row["recorded_at"]
    except psycopg.errors.CheckViolation:  # no month of the log holds such a time
        pass


def test_an_unaudited_change_is_refused_at_commit(
    app: Any, app_role: Connection, work: Callable[..., Any]
) -> None:
    app_role.execute("INSERT INTO roles (name) VALUES ('unaudited')")
    # What only says that there was a row does not count.
    app_role.execute("SELECT set_config('steward.audited', pg_current_xact_id()::text, true)")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="unaudited change"):
        app_role.commit()


def test_every_month_finds_a_row_by_its_id(owner: Connection) -> None:
    found = owner.execute(
        "SELECT tablename FROM pg_indexes WHERE indexdef LIKE '%USING brin (id)%'"
    )
    assert sorted(row["tablename"] for row in found) == sorted(tables(owner))
