"""A log of its own, sealed three times, and somebody who may do anything to its database."""

# ruff: noqa: S608 - the texts are ours

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from tests.conftest import SECRET, dsn
from webapp.audit import sealing, verifying
from webapp.core.config import Settings

TABLES = ("audit_event", "audit_seal", "audit_leaf")
COPIED = "recorded_at, occurred_at, xid, epoch, action, category"
WRITE = (
    "INSERT INTO audit_event (action, category, changes)"
    """ SELECT %s, 'system', jsonb_build_object('number', jsonb_build_array(null, n)) FROM generate_series(1, %s) n"""
)
SPARE = 5  # transactions after the last seal that wrote nothing


def last_month() -> datetime:
    """A moment of the month before this one."""
    return (datetime.now(UTC).replace(day=1) - timedelta(days=3)).replace(microsecond=0)


def settings_for(url: str, directory: Path) -> Settings:
    return Settings(database_url=url, secret_key=SecretStr(SECRET), data_dir=directory)


def write(connection: psycopg.Connection[Any], rows: int = 1, action: str = "test.written") -> None:
    connection.execute(WRITE, [action, rows])


@contextmanager
def as_owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    url = dsn(settings.owner_url() or "")
    options = "-c jit=off"
    with psycopg.connect(url, autocommit=True, options=options) as connection:
        yield connection


def make(url: str, directory: Path) -> tuple[Settings, Ed25519PrivateKey]:
    """Seal three windows in a database without rows, the first over two months: seals 1 and 2, 3, 4."""
    settings = settings_for(url, directory)
    key = sealing.load_key(settings.seal_key, create=True)
    past = last_month()
    first = past.replace(day=1, hour=0, minute=0, second=0)
    after = (first + timedelta(days=31)).replace(day=1)
    with as_owner(settings) as owner, sealing.connect(settings) as sealer:
        table = f"audit_event_{past:%Y_%m}"
        owner.execute(
            f"CREATE TABLE {table} PARTITION OF audit_event FOR VALUES FROM ('{first}') TO ('{after}')"
        )
        owner.execute(
            f"CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION audit_deny()"
        )
        for trigger in ("stamp", "no_change", "no_truncate"):
            owner.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {trigger}")
        log = Log(settings, key, owner)
        log.tamper(
            "INSERT INTO audit_event (action, category, recorded_at, occurred_at) SELECT 'test.past', 'system', at, at"
            f" FROM generate_series(timestamptz '{past}', '{past + timedelta(seconds=9)}', '1 s') at"
        )
        for windows in ((10,), (5, 5, 5, 5), (9, 1)):
            for rows in windows:
                write(owner, rows)
            sealing.seal(sealer, key)
        for _ in range(SPARE):
            owner.execute("SELECT pg_current_xact_id()")
    return settings, key


@dataclass
class Log:
    """A sealed log. All is done in one transaction of ``owner`` and taken back in the end."""

    settings: Settings
    key: Ed25519PrivateKey
    owner: psycopg.Connection[Any]

    def tamper(self, *statements: str) -> None:
        """Do as the database's owner what the log forbids, and leave its guards as they were."""
        run = self.owner.execute
        guards = run(
            "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgenabled = 'A' AND tgrelid::regclass::text"
            " LIKE 'audit%'"
        ).fetchall()
        for table in TABLES:
            run(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
        for statement in statements:
            run(statement)
        for table in TABLES:
            run(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
        for table, guard in guards:
            if self.value(f"SELECT to_regclass('{table}')") is not None:
                run(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}")

    def write(self, rows: int = 1) -> None:
        """Add rows of a transaction that is over: not of this one, which is still open."""
        self.tamper(
            "INSERT INTO audit_event (action, category, xid) SELECT 'test.later', 'system',"
            f" (SELECT max(xid_to)::text::bigint FROM audit_seal)::text::xid8 FROM generate_series(1, {rows})"
        )

    def seal(self, key: Ed25519PrivateKey | None = None, **asked: Any) -> int:
        with self.as_sealer():
            return sealing.seal(self.owner, key or self.key, **asked)

    def check(self, **asked: Any) -> verifying.Report:
        asked = {"trusted": self.key.public_key().public_bytes_raw(), "heads": {}, **asked}
        with self.as_sealer():
            return verifying.check(self.owner, **asked)

    @contextmanager
    def as_sealer(self) -> Iterator[None]:
        self.owner.execute("SET ROLE steward_sealer")
        try:
            yield
        finally:
            self.owner.execute("RESET ROLE")

    def heads(self) -> dict[int, bytes]:
        """What somebody keeps elsewhere: the end of the chain as it is now."""
        head = sealing.head(self.owner)
        return {head.id: head.hash} if head else {}

    def value(self, query: str) -> Any:
        row = self.owner.execute(query).fetchone()
        return row[0] if row else None
