"""Every row of a finished transaction gets under exactly one seal, whatever else goes on."""
# ruff: noqa: S608 - the texts are ours

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask import Flask
from sqlalchemy import inspect, make_url

from tests.audit import sealed
from tests.audit.sealed import Log, last_month, write
from tests.conftest import dsn
from webapp.audit import canonical, merkle, retiring, sealing, signing, verifying
from webapp.audit.cli import cli
from webapp.audit.models import AuditEvent
from webapp.audit.retiring import NotRetired
from webapp.audit.sealing import NoSealer, Restored
from webapp.core.config import Settings

MONTH = f"{last_month():%Y-%m}"


Sealed = tuple[Settings, Ed25519PrivateKey]


@pytest.fixture(scope="module")
def alive(
    sealed_once: Sealed, server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sealed]:
    """A copy of the sealed log that goes on: what is written here stays."""
    source = make_url(sealed_once[0].database_url or "")
    copy = f"{source.database}_alive"
    with psycopg.connect(dsn(server_url), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {copy} TEMPLATE {source.database}")
        url = source.set(database=copy).render_as_string(hide_password=False)
        settings = sealed.settings_for(url, tmp_path_factory.mktemp("alive"))
        settings.seal_key.write_bytes(sealed_once[0].seal_key.read_bytes())
        settings.seal_key.chmod(0o600)
        yield settings, sealed_once[1]
        server.execute(f"DROP DATABASE {copy} WITH (FORCE)")


@pytest.fixture
def owner(alive: Sealed) -> Iterator[psycopg.Connection[Any]]:
    with sealed.as_owner(alive[0]) as connection:
        yield connection


@pytest.fixture
def seal(alive: Sealed) -> Iterator[Callable[[], int]]:
    with sealing.connect(alive[0]) as connection:
        yield lambda: sealing.seal(connection, alive[1])


@pytest.fixture
def report(alive: Sealed) -> Iterator[Callable[[], verifying.Report]]:
    with sealing.connect(alive[0]) as connection:
        yield lambda: verifying.verify(connection)


def test_the_canonical_form_has_every_column(log: Log) -> None:
    columns = {column.key for column in inspect(AuditEvent).columns}
    assert set(canonical.COLUMNS) == columns - {"search"}
    rows = log.owner.execute(
        f"SELECT {canonical.LINE}, {canonical.LEAF}, e.* FROM audit_event e"
    ).fetchall()
    for line, leaf, *_ in rows:
        assert canonical.leaf(line.encode()) == leaf
        assert tuple(json.loads(line)) == canonical.COLUMNS


def test_the_tree_is_that_of_rfc_6962() -> None:
    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        half = 1 << (len(leaves) - 1).bit_length() - 1
        return merkle.node(root(leaves[:half]), root(leaves[half:]))

    leaves = [bytes([number]) * 32 for number in range(70)]
    assert merkle.root_of([]) == merkle.EMPTY
    for count in range(1, 70):
        assert merkle.root_of(leaves[:count]) == root(leaves[:count])


def test_a_transaction_that_is_open_holds_back_only_what_came_after(
    owner: psycopg.Connection[Any],
    alive: Sealed,
    seal: Callable[[], int],
    report: Callable[[], verifying.Report],
) -> None:
    seal()
    write(owner, 2)
    with sealed.as_owner(alive[0]) as slow:
        with slow.transaction():
            write(slow)  # has its ids now, and commits after those that follow
            write(owner, 4)
            with slow.transaction() as savepoint:
                write(slow, 7)
                raise psycopg.Rollback(savepoint)
            with slow.transaction():
                write(slow, 3)
            assert seal() == 2
            assert report().unsealed == 4
            assert seal() == 0
        assert seal() == 8
    found = report()
    assert found.ok, found.findings
    assert found.unsealed == 0


def test_eight_writers_while_it_is_sealed(
    owner: psycopg.Connection[Any],
    alive: Sealed,
    seal: Callable[[], int],
    report: Callable[[], verifying.Report],
) -> None:
    def work(number: int) -> None:
        with sealed.as_owner(alive[0]) as connection:
            for turn in range(20):
                with connection.transaction():
                    write(connection, 1 + (number + turn) % 3)
                    if turn % 5 == number % 5:
                        connection.execute("SELECT pg_sleep(0.02)")

    writers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        seal()
    seal()
    found = report()
    assert found.ok, found.findings
    assert found.unsealed == 0
    assert found.rows == owner.execute("SELECT count(*) FROM audit_event").fetchall()[0][0]


def test_a_sealer_that_dies_leaves_no_half_of_it(
    owner: psycopg.Connection[Any],
    alive: Sealed,
    seal: Callable[[], int],
    report: Callable[[], verifying.Report],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seal()
    write(owner, 6)
    before = report().seals
    with sealing.connect(alive[0]) as dying:

        def killed(*_: Any) -> None:
            owner.execute("SELECT pg_terminate_backend(%s)", [dying.info.backend_pid])

        with monkeypatch.context() as patched:
            patched.setattr(sealing.leaves.Kept, "store", killed)
            with pytest.raises(psycopg.OperationalError):
                sealing.seal(dying, alive[1])
    assert report().seals == before
    assert seal() == 6
    assert report().ok


def test_a_restored_database_begins_a_new_epoch(log: Log) -> None:
    # As in a new cluster: transaction ids below those of the last seal.
    last = next(sealing.seals(log.owner, first=4))
    window = sealing.Window((1, last.xid_to), (1, last.xid_to + 10**9), last.month)
    empty = merkle.EMPTY
    with log.as_sealer():
        sealing.append(
            *(log.owner, log.key, last),
            kind="rows",
            window=window,
            count=0,
            ids=(None, None),
            root=empty,
        )
    with pytest.raises(Restored, match="flask audit epoch"):
        log.seal()
    assert retiring.raise_epoch(log.owner) == 2
    log.tamper(
        "INSERT INTO audit_event (action, category, xid) VALUES ('test.restored', 'system', '3')"
    )
    assert log.seal() == 1
    newest = list(sealing.seals(log.owner))[-1]
    assert (newest.epoch, newest.xid_from) == (2, 0)
    found = log.check()
    assert found.ok, found.findings
    assert (found.rows, found.unsealed) == (52, 0)


def test_the_key_is_made_once_and_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "in" / "seal.key"
    with pytest.raises(NoSealer):
        sealing.load_key(path)
    made = sealing.load_key(path, create=True)
    assert path.stat().st_mode & 0o777 == 0o600
    public = made.public_key().public_bytes_raw()
    assert sealing.load_key(path, create=True).public_key().public_bytes_raw() == public
    assert sealing.public_key(path) == public
    (tmp_path / "hex").write_text(public.hex() + "\n")
    assert sealing.public_key(tmp_path / "hex") == public
    signing.trust_also(path, b"\x01" * 32)
    assert signing.trusted_keys(path) == {public, b"\x01" * 32}
    path.chmod(0o644)
    with pytest.raises(NoSealer, match="others"):
        sealing.load_key(path)


def test_a_month_is_retired_with_an_export_of_all_of_it(log: Log, tmp_path: Path) -> None:
    rows = log.owner.execute(
        f"SELECT {canonical.LINE} FROM audit_event e WHERE {canonical.MONTH} = %s ORDER BY e.id DESC",
        [MONTH],
    ).fetchall()
    part, whole = tmp_path / "part.jsonl", tmp_path / "whole.zip"
    part.write_text("".join(line + "\n" for (line,) in rows[1:]))
    with zipfile.ZipFile(whole, "w") as bundle:
        bundle.writestr("rows.jsonl", "".join(line + "\n" for (line,) in rows))
    with log.as_sealer():
        with pytest.raises(NotRetired, match="seal 1"):
            retiring.retire(log.owner, log.key, MONTH, part)
        with pytest.raises(NotRetired, match="not over"):
            retiring.retire(log.owner, log.key, "2999-01", whole)
        made = retiring.retire(log.owner, log.key, MONTH, whole)
    assert (made.kind, made.month, made.rows) == ("retired", MONTH, 10)
    assert [each.kind for each in log.check().findings] == ["retired"]  # its rows are there still
    left = retiring.take_out(log.owner, MONTH, drop=False)
    assert log.value(f"SELECT count(*) FROM {left}") == 10
    assert retiring.take_out(log.owner, MONTH, drop=True) is None
    found = log.check()
    assert found.ok, found.findings
    assert found.rows == log.value("SELECT count(*) FROM audit_event")
    log.tamper("UPDATE audit_seal SET rows = 3 WHERE kind = 'retired'")
    assert {each.kind for each in log.check().findings} == {"seal_altered", "retired"}


def test_the_commands(owner: psycopg.Connection[Any], alive: Sealed) -> None:
    app = Flask("commands")
    app.extensions["steward"] = settings = alive[0]
    app.cli.add_command(cli)
    run = app.test_cli_runner().invoke
    write(owner, 3)
    assert "Sealed 3 rows" in run(args=["audit", "seal"]).output
    done = run(args=["audit", "verify"])
    assert done.exit_code == 0, done.output
    assert "Nothing wrong" in done.output
    assert run(args=["audit", "verify", "--quiet", "--from", "2", "--to", "3"]).output == ""
    assert run(args=["audit", "verify", "--from", "sometime"]).exit_code == 2
    key = run(args=["audit", "public-key"]).output
    assert key.strip() == sealing.public_key(settings.seal_key).hex()
    heads = settings.data_dir / "heads.jsonl"
    heads.write_text('{"seal": 3, "hash": "' + "00" * 32 + '"}\n')
    done = run(args=["audit", "verify", "--checkpoints", str(heads)])
    assert done.exit_code == 1
    assert "Seal 3 differs from the head" in done.output
    kept = owner.execute("SELECT ok, checkpoints FROM audit_check ORDER BY id DESC LIMIT 1")
    assert kept.fetchall() == [(False, 1)]
    assert "no month" in run(args=["audit", "retire", "2025-13", "--export", str(heads)]).output
