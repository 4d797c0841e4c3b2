"""Taking a month out of the log, said by a signed seal, and only if a file outside holds every row of it."""

import json
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql

from webapp.audit import leaves, sealing
from webapp.audit.canonical import leaf
from webapp.audit.leaves import Connection, Window
from webapp.audit.merkle import Builder, root_of
from webapp.audit.sealing import Seal
from webapp.audit.signing import ProofError

SCHEMA = "retired"
_BUNDLED = "rows.jsonl"
# Epoch, transaction, id, leaf: as bytes they sort as the leaves of seals do.
_KEY = struct.Struct(">HQQ32s")


class NotRetired(ProofError):
    """Something is in the way of taking a month out of the log."""


def retire(connection: Connection, key: Ed25519PrivateKey, month: str, export: Path) -> Seal:
    """Write the seal that says that ``month`` was taken out; ``export`` proves every row of it.

    A month that is retired already keeps its seal.

    Raises:
        NotRetired: the month is not over, or rows are missing in the file or in the seals.
    """
    row = connection.execute("SELECT now(), session_user").fetchone()
    if row is None or leaves.bounds(month)[1] > row[0]:
        raise NotRetired(f"{month} is not over yet.")
    sealing.seal(connection, key)
    with connection.transaction():
        last = sealing.last_for_writing(connection, key)
        found = [seal for seal in sealing.seals(connection) if seal.month == month]
        if found and found[-1].kind == "retired":
            return found[-1]
        if last is None or not found:
            raise NotRetired(f"{month} has no seals: there is nothing to retire.")
        parts = [seal for seal in found if seal.kind == "rows"]
        _compare(parts, _exported(export, month))
        _compare_count(connection, parts, month)
        return sealing.append(
            connection,
            key,
            last,
            kind="retired",
            window=Window((last.epoch, last.xid_to), (last.epoch, last.xid_to), month),
            count=sum(seal.rows for seal in parts),
            ids=(
                min(seal.id_min or 0 for seal in parts),
                max(seal.id_max or 0 for seal in parts),
            ),
            root=root_of(seal.root for seal in parts),
        )


def take_out(
    owner: "psycopg.Connection[tuple[object, ...]]", month: str, *, drop: bool
) -> str | None:
    """As the owner of the tables, detach the month and put it aside, or drop it; give the name of what is left."""
    name = f"audit_event_{month.replace('-', '_')}"
    with owner.transaction():
        owner.execute("SET LOCAL lock_timeout = '5s'")
        there = owner.execute(
            "SELECT FROM pg_inherits WHERE inhrelid = to_regclass(%s) AND inhparent = 'audit_event'::regclass",
            [f"public.{name}"],
        ).fetchone()
        table = sql.Identifier("public", name)
        if there is not None:
            owner.execute(sql.SQL("ALTER TABLE audit_event DETACH PARTITION {}").format(table))
            # Not where rights are given out: nobody's scope holds on it any more.
            owner.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            owner.execute(sql.SQL("ALTER TABLE {} SET SCHEMA retired").format(table))
        aside = f"{SCHEMA}.{name}"
        if drop:
            owner.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(SCHEMA, name)))
        left = owner.execute("SELECT to_regclass(%s) IS NOT NULL", [aside]).fetchone()
        return aside if left and left[0] else None


def raise_epoch(owner: "psycopg.Connection[tuple[object, ...]]") -> int:
    """As the owner, begin a new epoch: transaction ids of a restored database begin anew."""
    with owner.transaction():
        owner.execute("SET LOCAL lock_timeout = '5s'")
        # The lock outlasts every writer: nobody adds rows of the old epoch after it.
        owner.execute("LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE")
        epoch = sealing.current_epoch(owner) + 1
        owner.execute(f"ALTER TABLE audit_event ALTER COLUMN epoch SET DEFAULT {epoch:d}")
    return epoch


def _compare(parts: list[Seal], rows: list[bytes]) -> None:
    """Recompute the roots of the seals from exported rows."""
    place = 0
    for seal in parts:
        builder = Builder()
        while place < len(rows):
            epoch, xid, _, digest = _KEY.unpack(rows[place])
            if (epoch, xid) >= (seal.epoch, seal.xid_to):
                break
            builder.add(digest)
            place += 1
        if builder.count != seal.rows or builder.root() != seal.root:
            raise NotRetired(
                f"The export does not hold the rows of seal {seal.id} as they were sealed"
                f" ({builder.count} of {seal.rows} found). Export the whole month anew as a bundle."
            )
    if place < len(rows):
        raise NotRetired("The export holds rows of this month that are in no seal.")


def _compare_count(connection: Connection, parts: list[Seal], month: str) -> None:
    """What was slipped into the log, or waits for a seal, must not vanish unseen."""
    row = connection.execute(
        "SELECT count(*) FROM audit_event WHERE recorded_at >= %s AND recorded_at < %s",
        list(leaves.bounds(month)),
    ).fetchone()
    sealed = sum(seal.rows for seal in parts)
    if row and row[0] not in (0, sealed):
        raise NotRetired(
            f"{month} has {row[0]} rows in the log, {sealed} of them sealed: check it first (flask audit verify)."
        )


def _exported(path: Path, month: str) -> list[bytes]:
    """Read the rows of a month out of a bundle, or out of its file of rows."""
    first, after = (int(moment.timestamp()) * 1000000 for moment in leaves.bounds(month))
    keys = []
    try:
        with _opened(path) as file:
            for line in file:
                row = json.loads(line)
                if first <= row["recorded_at"] < after:
                    digest = leaf(line.rstrip(b"\n"))
                    keys.append(_KEY.pack(row["epoch"], int(row["xid"]), row["id"], digest))
    except (OSError, ValueError, KeyError, TypeError, struct.error, zipfile.BadZipFile) as error:
        raise NotRetired(f"{path}: is no bundle and no file of its rows ({error})") from error
    return sorted(keys)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as bundle:
            inside = [name for name in bundle.namelist() if Path(name).name == _BUNDLED]
            with bundle.open(inside[0] if inside else _BUNDLED) as file:
                yield file
    else:
        with path.open("rb") as file:
            yield file


def is_month(text: str) -> bool:
    """Tell whether this reads 2025-03."""
    try:
        datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
    except ValueError:
        return False
    return True
