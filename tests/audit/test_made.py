"""The functions, triggers and policies that guard the data are what the migrations made, to the letter."""

import os
from collections.abc import Callable

import psycopg

from tests.audit.sealed import Log
from tests.conftest import dsn
from webapp.audit import guarding, made

# What is done, and what is said of it.
EMPTIED = {
    "CREATE OR REPLACE FUNCTION must_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER"
    " SET search_path = pg_catalog, public, pg_temp SET enable_seqscan = off SET enable_bitmapscan = off"
    " AS 'BEGIN RETURN NULL; END'": "function must_audit() is not what",
    "CREATE OR REPLACE FUNCTION audit_deny() RETURNS trigger LANGUAGE plpgsql"
    " SET search_path = pg_catalog, public, pg_temp AS 'BEGIN RETURN OLD; END'": "audit_deny() is not what",
    "ALTER FUNCTION steward_scope(text) SET search_path = shadow, public": "steward_scope(kind text) is not what",
    "ALTER FUNCTION audit_stamp() SECURITY DEFINER": "audit_stamp() is not what",
    "ALTER FUNCTION keep_custody() OWNER TO steward_app": "keep_custody() belongs to somebody else",
    "DROP FUNCTION steward_unread CASCADE": "is missing",
    "CREATE FUNCTION must_audit(text) RETURNS text LANGUAGE sql AS 'SELECT $1'": "must_audit(text) is not one",
    "DROP TRIGGER must_audit ON users; CREATE CONSTRAINT TRIGGER must_audit AFTER UPDATE OF theme ON users"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION must_audit()": "guards users",
    "DROP TRIGGER not_own ON user_roles": "trigger user_roles.not_own is missing",
    "ALTER TABLE user_roles DISABLE TRIGGER not_own": "trigger user_roles.not_own is off",
    "ALTER POLICY in_scope ON tickets USING (true)": "policy tickets.in_scope is not what",
    "CREATE POLICY more ON clients TO steward_app USING (true)": "policy clients.more is not one",
    "ALTER TABLE tickets DISABLE ROW LEVEL SECURITY; ALTER TABLE tickets NO FORCE ROW LEVEL SECURITY": (
        "security of tickets is missing"
    ),
}


def test_the_list_is_that_of_a_fresh_database(migrated_database: Callable[[str], str]) -> None:
    with psycopg.connect(dsn(migrated_database("made"))) as connection:
        if os.environ.get("UPDATE_GUARDS"):
            made.write(connection)
            made.known.cache_clear()
        found = {place: digest for place, (_stands, digest) in made.digests(connection).items()}
    differs = sorted({place for place, _digest in found.items() ^ made.known().items()})
    assert not differs, f"{differs}: if meant, UPDATE_GUARDS=1 pytest tests/audit/test_made.py"


def test_whoever_replaces_one_is_found(log: Log) -> None:
    assert list(guarding.faults(log.owner)) == []
    for done, named in EMPTIED.items():
        with log.owner.transaction() as undone:
            log.owner.execute(done)
            found = [words for words in guarding.faults(log.owner) if named in words]
            assert len(found) == 1, (done, list(guarding.faults(log.owner)))
            raise psycopg.Rollback(undone)


def test_the_sealer_sees_enough_of_the_catalog(log: Log) -> None:
    log.owner.execute("ALTER FUNCTION audit_seal_follows() STABLE")
    (finding,) = log.check().findings
    assert finding.kind == "guard" and "audit_seal_follows" in finding.words
