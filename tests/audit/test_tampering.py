"""Whoever owns the database may change the log, but not unseen."""
# ruff: noqa: S608 - the texts are ours

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.audit.sealed import COPIED, Log, last_month
from webapp.audit import guarding, leaves, sealing, verifying
from webapp.audit.sealing import OtherKey

MONTH = f"{last_month():%Y_%m}"


def kinds(report: verifying.Report) -> list[tuple[str, int | None, int | None]]:
    return [(each.kind, each.seal, each.row) for each in report.findings]


def an_id(log: Log, seal: int, offset: int = 3) -> int:
    """A row under a seal."""
    return int(log.value(f"SELECT id_min + {offset} FROM audit_seal WHERE id = {seal}"))


def test_nothing_is_found_where_nothing_was_done(log: Log) -> None:
    seen: list[tuple[int, int]] = []
    report = log.check(heads=log.heads(), told=lambda done, of: seen.append((done, of)))
    assert report.ok, report.findings
    assert (report.seals, report.rows, report.unsealed) == (4, 51, 0)
    assert (report.seal_from, report.seal_to) == (1, 4)
    assert seen[-1] == (51, 51)


def test_a_part_is_checked_by_itself(log: Log) -> None:
    log.write(2)
    log.tamper(f"UPDATE audit_event SET reason = 'no' WHERE id = {an_id(log, 1)}")
    report = log.check(first=3, last=4)
    assert report.ok, report.findings
    assert (report.rows, report.unsealed, report.seal_from) == (30, 2, 3)
    report = log.check(first=2, last=2)  # seals 1 and 2 are of one window
    assert (report.seal_from, report.seal_to) == (1, 2)
    assert [kind for kind, *_ in kinds(report)] == ["row_altered"]


@pytest.mark.parametrize(
    "change",
    [
        """changes = '{"number": [null, 77]}'""",
        "actor_name = 'somebody else'",
        "ip = '10.0.0.1/8'",
        "recorded_at = recorded_at + interval '1 microsecond'",
        "reason = ''",
    ],
)
def test_a_changed_value(log: Log, change: str) -> None:
    row = an_id(log, 3)
    if "recorded_at" in change:
        change += ", occurred_at = occurred_at + interval '1 microsecond'"
    log.tamper(f"UPDATE audit_event SET {change} WHERE id = {row}")
    report = log.check()
    assert kinds(report) == [("row_altered", 3, row)]
    assert f"Row {row} (test.written" in report.findings[0].words


def test_a_deleted_row(log: Log) -> None:
    row = an_id(log, 3)
    log.tamper(f"DELETE FROM audit_event WHERE id = {row}")
    assert kinds(log.check()) == [("row_missing", 3, row)]


def test_a_row_slipped_into_a_sealed_window(log: Log) -> None:
    row = an_id(log, 3)
    log.tamper(
        f"INSERT INTO audit_event ({COPIED}) SELECT {COPIED} FROM audit_event WHERE id = {row}"
    )
    slipped = log.value("SELECT max(id) FROM audit_event")
    assert kinds(log.check()) == [("row_added", 3, slipped)]


def test_a_row_of_a_month_that_the_window_has_no_seal_for(log: Log) -> None:
    log.tamper(
        "INSERT INTO audit_event (recorded_at, occurred_at, xid, action, category)"
        f" SELECT '{last_month()}', '{last_month()}', xid, action, category FROM audit_event WHERE id = {an_id(log, 4)}"
    )
    slipped = log.value("SELECT max(id) FROM audit_event")
    assert kinds(log.check()) == [("row_unsealed", None, slipped)]


def test_a_row_dated_back_is_found_once_it_is_sealed(log: Log) -> None:
    log.tamper(
        "INSERT INTO audit_event (recorded_at, occurred_at, xid, action, category) SELECT"
        f" '{last_month()}', '{last_month()}', max(xid_to), 'test.slipped', 'system' FROM audit_seal"
    )
    slipped = log.value("SELECT max(id) FROM audit_event")
    assert log.seal() == 1
    assert kinds(log.check()) == [("misdated", 5, slipped)]


def test_rows_that_no_seal_would_ever_take(log: Log) -> None:
    log.tamper(
        "INSERT INTO audit_event (xid, action, category) VALUES"
        " ('999999999999', 'test.slipped', 'system')",
        "INSERT INTO audit_event (epoch, action, category) VALUES (7, 'test.slipped', 'system')",
    )
    assert log.seal() == 0
    first = log.value("SELECT min(id) FROM audit_event WHERE action = 'test.slipped'")
    assert ("row_unsealed", None, first) in kinds(log.check())


def test_two_rows_swapped(log: Log) -> None:
    one, other = an_id(log, 3, 2), an_id(log, 3, 9)
    log.tamper(
        "ALTER TABLE audit_event ALTER id DROP IDENTITY",
        f"UPDATE audit_event SET id = CASE id WHEN {one} THEN {other} ELSE {one} END WHERE id IN ({one}, {other})",
        "ALTER TABLE audit_event ALTER id ADD GENERATED ALWAYS AS IDENTITY (START 1000)",
    )
    assert kinds(log.check()) == [("row_altered", 3, one), ("row_altered", 3, other)]


def test_a_dropped_month(log: Log) -> None:
    log.tamper(f"DROP TABLE audit_event_{MONTH}")
    report = log.check()
    assert kinds(report) == [("month_missing", 1, None)]
    assert "10" in report.findings[0].words


def test_the_tail_cut_off_shows_against_a_head_kept_elsewhere(log: Log) -> None:
    heads = log.heads()
    log.tamper(
        "DELETE FROM audit_event WHERE xid >= (SELECT xid_from FROM audit_seal WHERE id = 4)",
        "DELETE FROM audit_leaf WHERE seal_id = 4",
        "DELETE FROM audit_seal WHERE id = 4",
    )
    assert log.check().ok
    assert kinds(log.check(heads=heads)) == [("tail", 4, None)]
    # Nor can the numbers be used again for something else.
    log.write(10)
    log.seal()
    assert kinds(log.check(heads=heads)) == [("head", 4, None)]


def test_everything_emptied(log: Log) -> None:
    heads = log.heads()
    log.tamper("DELETE FROM audit_event", "DELETE FROM audit_leaf", "DELETE FROM audit_seal")
    assert kinds(log.check(heads=heads)) == [("tail", 1, None)]


def test_the_tail_cut_off_where_a_check_had_seen_it(log: Log) -> None:
    log.tamper("DELETE FROM audit_seal WHERE id = 4")  # what is kept of its leaves still knows it
    assert ("tail", 4, None) in kinds(log.check())


@pytest.mark.parametrize("seal", [1, 3])
def test_a_missing_seal(log: Log, seal: int) -> None:
    log.tamper(f"DELETE FROM audit_seal WHERE id = {seal}")
    found = kinds(log.check())
    assert found[0] == ("seal_missing", seal, None)
    assert {kind for kind, *_ in found} == {"seal_missing", "row_unsealed"}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("root = sha256('x')", "seal_altered"),
        ("rows = rows + 1", "seal_altered"),
        ("sealed_at = sealed_at + interval '1 s'", "seal_altered"),
        ("signature = sha512('x')", "signature"),
    ],
)
def test_an_altered_seal(log: Log, change: str, kind: str) -> None:
    log.tamper(f"UPDATE audit_seal SET {change} WHERE id = 3")
    assert (kind, 3, None) in kinds(log.check())


def test_a_forged_seal_is_found_and_nothing_is_chained_to_it(log: Log) -> None:
    """Somebody without the key adds a seal of their own."""
    log.write(3)
    stranger = Ed25519PrivateKey.generate()
    assert log.seal(stranger, new_key=True) == 3
    assert kinds(log.check()) == [("key", 5, None)]
    log.write()
    with pytest.raises(OtherKey, match="another key"):
        log.seal()
    log.tamper("UPDATE audit_seal SET signature = sha512('x') WHERE id = 5")
    with pytest.raises(OtherKey, match="forged"):
        log.seal(stranger)


def reseal(log: Log, key: Ed25519PrivateKey) -> None:
    """Change a row, then make all seals anew."""
    log.tamper(
        f"UPDATE audit_event SET actor_name = 'somebody else' WHERE id = {an_id(log, 3)}",
        "DELETE FROM audit_leaf",
        "DELETE FROM audit_seal",
    )
    assert log.seal(key) == 51


def test_all_seals_recomputed_without_the_key(log: Log) -> None:
    reseal(log, Ed25519PrivateKey.generate())
    assert {kind for kind, *_ in kinds(log.check())} == {"key"}


def test_all_seals_recomputed_with_the_key_show_against_a_head_kept_elsewhere(log: Log) -> None:
    heads = log.heads() | {2: log.value("SELECT hash FROM audit_seal WHERE id = 2")}
    reseal(log, log.key)
    assert log.check().ok
    assert kinds(log.check(heads=heads)) == [("head", 2, None), ("tail", 3, None)]


def test_what_is_kept_of_the_leaves_is_no_proof(log: Log) -> None:
    row = an_id(log, 3)
    log.tamper(f"UPDATE audit_event SET reason = 'x' WHERE id = {row}")
    seal = next(sealing.seals(log.owner, first=3))
    hashes = b"".join(leaf[: leaves.KEPT] for _, leaf in sealing.leaves_of(log.owner, seal))
    log.tamper(f"UPDATE audit_leaf SET hashes = '\\x{hashes.hex()}' WHERE seal_id = 3")
    assert kinds(log.check()) == [("seal_broken", 3, None)]


def test_rows_hidden_from_the_sealer(log: Log) -> None:
    log.tamper("ALTER POLICY sealed ON audit_event USING (action <> 'test.hidden')")
    assert [kind for kind, *_ in kinds(log.check())] == ["guard"]


def test_a_guard_that_is_off(log: Log) -> None:
    log.owner.execute("ALTER TABLE audit_event DISABLE TRIGGER no_change")
    assert {kind for kind, *_ in kinds(log.check())} == {"guard"}


HIDDEN = {
    "CREATE POLICY x ON audit_event AS RESTRICTIVE TO steward_app USING (action <> 'x')": "policy x",
    "CREATE POLICY x ON audit_event AS RESTRICTIVE USING (true)": "policy x",
    "ALTER POLICY all_clients ON audit_event USING (id > 9)": "policy all_clients",
    "ALTER POLICY in_scope ON audit_event TO steward_app, steward_all": "policy in_scope",
    "DROP POLICY written ON audit_event": "policy written",
    "ALTER TABLE audit_event NO FORCE ROW LEVEL SECURITY": "Row level security",
    "ALTER ROLE steward_app SET search_path = shadow, public": "search_path=shadow",
    "ALTER ROLE steward_all SET role = 'steward_app'": "for steward_all",
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = shadow', current_database()); END $$": "everybody",
    "DROP TRIGGER stamp ON audit_event": "trigger stamp, which guards audit_event, is missing",
    "ALTER TABLE audit_event ENABLE REPLICA TRIGGER no_change": "trigger no_change",
    "ALTER TABLE audit_event ENABLE TRIGGER no_change": "trigger no_change",
    "ALTER TABLE audit_seal DISABLE TRIGGER follows": "trigger follows",
    "DROP TRIGGER no_truncate ON audit_check": "guards audit_check, is missing",
    "ALTER TABLE users DISABLE TRIGGER must_audit": "must_audit, which guards users",
    "DROP TRIGGER must_audit ON user_sessions": "user_sessions, is missing",
    "DROP TRIGGER must_audit ON users; CREATE TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON users"
    " FOR EACH ROW WHEN (false) EXECUTE FUNCTION must_audit()": "guards users",
    "CREATE TRIGGER x BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_stamp()": "trigger x",
    "CREATE RULE x AS ON INSERT TO audit_checkpoint DO INSTEAD NOTHING": "A rule",
}


def test_whatever_hides_rows_or_takes_a_guard_away_is_named(log: Log) -> None:
    assert list(guarding.faults(log.owner)) == []
    for done, named in HIDDEN.items():
        with log.owner.transaction() as undone:
            log.owner.execute(done)
            found = list(guarding.faults(log.owner))
            assert any(named in words for words in found), (done, found)
            raise psycopg.Rollback(undone)


def test_a_view_in_the_place_of_the_log(log: Log) -> None:
    log.owner.execute("ALTER TABLE audit_event RENAME TO hidden")
    log.owner.execute("CREATE VIEW audit_event AS SELECT * FROM hidden WHERE id > 5")
    assert any("something else" in words for words in guarding.faults(log.owner))


def test_very_many_faults_are_counted(log: Log) -> None:
    log.tamper("UPDATE audit_event SET reason = 'x' WHERE action = 'test.written'")
    report = log.check()
    assert len(report.findings) == 21
    assert "more of the kind" in report.findings[-1].words


@pytest.mark.parametrize("table", ["audit_seal", "audit_leaf", "audit_event", "users"])
def test_the_sealer_itself_changes_nothing(log: Log, table: str) -> None:
    with (
        sealing.connect(log.settings) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(f"DELETE FROM {table}")
