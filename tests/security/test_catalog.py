"""What the database's catalog says about roles, grants, policies and triggers."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors
from sqlalchemy import text

from tests import factories
from webapp.core.db import db

# Tables that are not business data: nothing there says who changed what for whom.
NOT_AUDITED = {
    "alembic_version",
    "audit_event",
    # Proofs of the log, append-only and the sealer's alone.
    *("audit_seal", "audit_leaf", "audit_checkpoint", "audit_check"),
    "pages",
    "permissions",
    "request_keys",
    "sign_in_attempts",
    # Drafts on their way into the register; what is applied is audited.
    "asset_import_mappings",
    "asset_import_rows",
    "asset_imports",
    # Follow from audited rows, by triggers and migrations.
    "asset_status_transitions",
    "asset_unique_values",
    "ticket_priority_rules",
    # What somebody types, and who is there just now.
    "ticket_drafts",
    "ticket_presence",
    # Follows from audited rows; what a person has read is nobody's business.
    "notifications",
    # The queue, and how far its jobs are.
    "job_reports",
    "procrastinate_events",
    "procrastinate_jobs",
    "procrastinate_periodic_defers",
    "procrastinate_workers",
}
# It names a client, but is shown by another rule: a grant by its holder.
NOT_ISOLATED = {"user_roles"}


def names(owner: Any, query: str) -> set[str]:
    return {next(iter(row.values())) for row in owner.execute(query).fetchall()}


def test_the_apps_roles_have_no_power(owner: Any) -> None:
    rows = owner.execute(
        "SELECT * FROM pg_roles WHERE rolname IN ('steward_app', 'steward_all')"
    ).fetchall()
    assert len(rows) == 2
    for row in rows:
        assert not any(
            row[power]
            for power in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolinherit")
        )
    owned = "SELECT relname FROM pg_class WHERE relowner::regrole::text LIKE 'steward_a%'"
    assert names(owner, owned) == set()


def test_partitions_and_public_are_granted_nothing(owner: Any) -> None:
    partitions = names(
        owner,
        "SELECT relname || ' ' || a.grantee::regrole::text FROM pg_class,"
        " aclexplode(relacl) a WHERE relispartition AND relkind = 'r' AND a.grantee <> relowner",
    )
    public = names(
        owner,
        "SELECT relname FROM pg_class, aclexplode(relacl) a"
        " WHERE relnamespace = 'public'::regnamespace AND a.grantee = 0",
    )
    assert partitions == set() and public == set()


def test_every_business_table_must_be_audited(owner: Any) -> None:
    tables = names(
        owner,
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        " AND relkind IN ('r', 'p') AND NOT relispartition",
    )
    guarded = names(
        owner,
        "SELECT tgrelid::regclass::text FROM pg_trigger"
        " WHERE tgname = 'must_audit' AND tgdeferrable AND tginitdeferred AND tgenabled <> 'D'",
    )
    assert tables - guarded == NOT_AUDITED


def test_tables_of_a_client_are_isolated_even_from_their_owner(owner: Any) -> None:
    of_a_client = names(
        owner,
        "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition AND a.attname = 'client_id' AND NOT a.attisdropped",
    )
    isolated = names(
        owner, "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity"
    )
    assert (of_a_client | {"clients"}) - isolated == NOT_ISOLATED


def test_functions_look_for_names_among_temporary_ones_last(owner: Any) -> None:
    loose = names(
        owner,
        "SELECT proname FROM pg_proc p, LATERAL (SELECT substring(each FROM '^search_path=(.*)$') AS path"
        "   FROM unnest(coalesce(proconfig, '{}') || 'search_path=-'::text) AS each"
        "  WHERE each LIKE 'search_path=%' LIMIT 1) AS set"
        " WHERE pronamespace = 'public'::regnamespace AND path !~ ', pg_temp$' AND proname <> 'zz_fault'"
        "   AND (prosecdef OR proname NOT LIKE 'procrastinate%'"
        "     AND (prorettype = 'trigger'::regtype OR path <> '-'))",
    )
    assert loose == set()


def test_the_apps_role_makes_no_temporary_tables(app_role: Any) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app_role.execute("CREATE TEMP TABLE audit_event (id bigint)")
    app_role.rollback()
    app_role.execute("SET ROLE steward_all")
    with pytest.raises(errors.InsufficientPrivilege):
        app_role.execute("CREATE TEMP TABLE audit_event (id bigint)")


@pytest.fixture
def temporary(owner: Any) -> Iterator[None]:
    """The right that the app's role lacks, until the test ends."""
    right = "TEMPORARY ON DATABASE {} {} steward_app"
    database = owner.info.dbname
    owner.execute(f"GRANT {right.format(database, 'TO')}")
    yield
    owner.execute(f"REVOKE {right.format(database, 'FROM')}")


def test_a_row_in_a_table_like_the_log_is_no_audit(temporary: None, app_role: Any) -> None:
    app_role.execute(
        "CREATE TEMP TABLE audit_event AS"
        " SELECT transaction_timestamp() AS recorded_at, pg_current_xact_id() AS xid"
    )
    app_role.execute("GRANT SELECT ON pg_temp.audit_event TO PUBLIC")
    app_role.execute("INSERT INTO roles (name) VALUES ('unaudited')")
    with pytest.raises(errors.IntegrityConstraintViolation, match="unaudited change"):
        app_role.commit()


def test_a_view_like_the_log_does_not_run_as_the_owner(temporary: None, app_role: Any) -> None:
    app_role.execute("""
        CREATE FUNCTION pg_temp.take_over() RETURNS boolean LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'now %', current_user; END $$;
        GRANT EXECUTE ON FUNCTION pg_temp.take_over() TO PUBLIC;
        CREATE TEMP VIEW audit_event AS SELECT now() AS recorded_at, 1::bigint AS id,
          to_tsvector('simple', 'x') AS search, 1::bigint AS client_id WHERE pg_temp.take_over();
        GRANT SELECT ON pg_temp.audit_event TO PUBLIC
    """)
    for role in ("steward_app", "steward_all"):
        app_role.execute(f"SET ROLE {role}")
        app_role.execute(
            "SELECT FROM audit_hits('x', NULL, now() - interval '1 day', now(), true, 5)"
        )


def test_words_are_found_in_the_callers_clients_alone(app_role: Any, owner: Any) -> None:
    mine, other = factories.make_client("Mine"), factories.make_client("Other")
    reader = factories.make_user()
    factories.grant(reader, factories.make_role("audit"), client_id=mine.id)
    written = (
        "INSERT INTO audit_event (action, category, object_label, client_id)"
        " VALUES ('test.hit', 'system', 'zymurgy', %s) RETURNING id"
    )
    ids = {each.id: owner.execute(written, [each.id]).fetchone()["id"] for each in (mine, other)}
    app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(reader.id)])

    def found(clients: list[int] | None) -> set[int]:
        rows = app_role.execute(
            "SELECT event_id FROM audit_hits('zymurgy', %s::bigint[], now() - interval '1 day',"
            " now() + interval '1 day', true, 9)",
            [clients],
        )
        return {row["event_id"] for row in rows.fetchall()}

    for clients in (None, [mine.id, other.id]):
        assert found(clients) == {ids[mine.id]}
    assert found([other.id]) == set()
    app_role.execute("SET LOCAL ROLE steward_all")
    assert found(None) == set(ids.values())


def test_what_is_set_for_the_role_does_not_lead_the_app_elsewhere(app: Any, owner: Any) -> None:
    owner.execute("ALTER ROLE steward_app SET search_path = evil")
    try:
        with app.app_context():
            db.engine.dispose()
            assert db.session.scalar(text("SHOW search_path")) == "pg_catalog,public,pg_temp"
    finally:
        owner.execute("ALTER ROLE steward_app RESET search_path")


def test_the_log_is_guarded_on_every_partition(owner: Any) -> None:
    partitions = names(
        owner,
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'audit_event'::regclass",
    )
    assert len(partitions) >= 13
    for trigger in ("no_change", "no_truncate", "stamp"):
        always = names(
            owner,
            f"SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = '{trigger}'"  # noqa: S608
            " AND tgenabled = 'A'",
        )
        assert partitions <= always, trigger


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_event SET reason = 'forged'",
        "DELETE FROM audit_event",
        "TRUNCATE audit_event",
        "INSERT INTO audit_event (action, category, recorded_at) VALUES ('x', 'system', now())",
        "INSERT INTO audit_event (action, category, xid) VALUES ('x', 'system', '1')",
        "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        "DROP TABLE audit_event",
        "SET session_replication_role = replica",
        "CREATE TABLE mine (id int)",
        "SELECT audit_add_months(1)",
        "SET ROLE postgres",
    ],
)
def test_the_apps_role_cannot_touch_the_log(app_role: Any, statement: str) -> None:
    with pytest.raises((errors.InsufficientPrivilege, errors.UndefinedObject)):
        app_role.execute(statement)


@pytest.mark.parametrize("verb", ["UPDATE audit_event SET reason = 'x'", "DELETE FROM audit_event"])
def test_the_owner_is_refused_too(owner: Any, verb: str) -> None:
    factories.make_location()
    with pytest.raises(psycopg.Error, match="append-only"):
        owner.execute(verb)


def test_without_a_person_no_client_is_seen(app_role: Any, app: Any) -> None:
    factories.make_project()
    assert app_role.execute("SELECT FROM clients").rowcount == 0
    assert app_role.execute("SELECT FROM projects").rowcount == 0
    app_role.execute("SET LOCAL ROLE steward_all")
    assert app_role.execute("SELECT FROM clients").rowcount == 1


def test_the_scope_ends_with_the_transaction(app_role: Any) -> None:
    app_role.execute("SELECT set_config('app.user_id', '1', true)")
    app_role.execute("SET LOCAL ROLE steward_all")
    app_role.commit()
    row = app_role.execute(
        "SELECT current_user AS role, nullif(current_setting('app.user_id', true), '') AS person"
    ).fetchone()
    assert row == {"role": "steward_app", "person": None}
