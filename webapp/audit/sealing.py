"""Seals: the rows of finished transactions get a Merkle root per month, chained to the seal before and signed.

A window is by transaction id, ``xid_from <= xid < xid_to``: ids of rows commit out of order, but below the oldest
transaction still running nothing can join later.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import make_url

from webapp.audit import leaves
from webapp.audit.canonical import FORM, MONTH
from webapp.audit.leaves import Connection, Window
from webapp.audit.merkle import Builder
from webapp.audit.signing import NoSealer, ProofError, is_signed, load_key, public_key
from webapp.core.config import Settings

__all__ = ["Connection", "NoSealer", "load_key", "public_key"]

FIRST = b"\x00" * 32  # what the first seal is chained to
# A check of everything outlasts every limit; only the log's own names may be looked up; compiling takes longer
# than it saves with a partition for each month.
_OPTIONS = (
    "-c search_path=pg_catalog,public,pg_temp -c timezone=UTC -c statement_timeout=0 -c lock_timeout=10min"
    " -c idle_in_transaction_session_timeout=0 -c jit=off -c work_mem=64MB"
)
_COLUMNS = (
    "id, kind, epoch, month, xid_from::text::bigint, xid_to::text::bigint, rows, id_min, id_max, form, root, previous,"
    " public_key, sealed_at, hash, signature"
)


class OtherKey(ProofError):
    """The last seal is forged or signed by another key: nothing may be chained to it unasked."""


class Restored(ProofError):
    """The database went back behind its last seal: it was restored into another cluster."""


@dataclass(frozen=True, kw_only=True)
class SealHead:
    """The end of the chain, as it goes out of the database; ``rows`` counts those of all seals up to it."""

    id: int
    hash: bytes
    signature: bytes
    public_key: bytes
    sealed_at: datetime
    rows: int


@dataclass(frozen=True, kw_only=True)
class Seal:
    """A row of audit_seal, and the names of its columns; transaction ids are numbers here."""

    id: int
    kind: str
    epoch: int
    month: str
    xid_from: int
    xid_to: int
    rows: int
    id_min: int | None
    id_max: int | None
    form: int
    root: bytes
    previous: bytes
    public_key: bytes
    sealed_at: datetime
    hash: bytes = b""
    signature: bytes = b""


def header(seal: Seal) -> bytes:
    """Give what is hashed and signed of a seal: canonical JSON of all its columns but hash and signature.

    Keys in order, no spaces; bytes as hex, transaction ids as text, the time as microseconds since 1970.
    """
    said = {
        field.name: _plain(field.name, getattr(seal, field.name))
        for field in fields(Seal)
        if field.name not in {"hash", "signature"}
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")).encode()


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        since = value.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86400 + since.seconds) * 1000000 + since.microseconds
    return str(value) if name in {"xid_from", "xid_to"} else value


def hash_of(seal: Seal) -> bytes:
    """Give the hash that the next seal is chained to."""
    return hashlib.sha256(header(seal)).digest()


def connect(settings: Settings) -> Connection:
    """Open a connection as the sealer, autocommit, without limits on time.

    Raises:
        NoSealer: nobody told the sealer's URL, or the database refuses it.
    """
    url = settings.sealer_url()
    if url is None:
        raise NoSealer("Nobody seals the log here: DATABASE_SEALER_URL is not set.")
    dsn = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(
            dsn,
            autocommit=True,
            connect_timeout=3,
            options=_OPTIONS,
            application_name="steward sealer",
        )
    except psycopg.OperationalError as error:
        raise NoSealer(f"The sealer cannot reach the database: {error}") from error


def head(connection: Connection) -> SealHead | None:
    """Give the end of the chain; None if nothing is sealed yet."""
    row = connection.execute(
        "SELECT id, hash, signature, public_key, sealed_at, (SELECT sum(rows)::bigint FROM audit_seal"
        " WHERE kind = 'rows') FROM audit_seal ORDER BY id DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    names = [field.name for field in fields(SealHead)]
    return SealHead(**dict(zip(names, row, strict=True)))


def seals(
    connection: Connection, *, first: int = 1, last: int | None = None, kind: str | None = None
) -> Iterator[Seal]:
    """Stream the seals from ``first`` to ``last``, both included, inside a transaction."""
    names = [field.name for field in fields(Seal)]
    with psycopg.ServerCursor(connection, "seals") as cursor:
        cursor.itersize = 2000
        cursor.execute(
            f"SELECT {_COLUMNS} FROM audit_seal WHERE id >= %s AND (%s::bigint IS NULL OR id <= %s)"  # noqa: S608 - our names
            " AND (%s::text IS NULL OR kind = %s) ORDER BY id",
            [first, last, last, kind, kind],
        )
        for row in cursor:
            yield Seal(**dict(zip(names, row, strict=True)))


def leaves_of(connection: Connection, seal: Seal) -> Iterator[tuple[int, bytes]]:
    """Stream the rows under a seal as (id, leaf) in the order of its leaves, inside a transaction."""
    window = Window((seal.epoch, seal.xid_from), (seal.epoch, seal.xid_to), seal.month)
    for each in leaves.stream(connection, window):
        yield each.id, each.hash


def seal(connection: Connection, key: Ed25519PrivateKey, *, new_key: bool = False) -> int:
    """Seal what every finished transaction has written since the last seal; give the number of rows.

    All seals are written in one transaction, or none. Two sealers wait for each other. ``new_key`` allows to go on with
    a chain that another key has signed so far.

    Raises:
        Restored: the transaction ids went back; `flask audit epoch` is needed first.
        OtherKey: the last seal is not what it was, or signed by another key.
    """
    with connection.transaction():
        last = last_for_writing(connection, key, new_key=new_key)
        sealed = 0
        for window in _windows(connection, last):
            for month in _months(connection, window):
                last = _seal_month(connection, key, last, Window(window.start, window.stop, month))
                sealed += last.rows
        return sealed


def last_for_writing(
    connection: Connection, key: Ed25519PrivateKey, *, new_key: bool = False
) -> Seal | None:
    """Wait for other sealers, then give the last seal, which is sure to be ours."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtext('steward seal'))")
    number = connection.execute("SELECT max(id) FROM audit_seal").fetchone()
    if number is None or number[0] is None:
        return None
    last = next(seals(connection, first=number[0]))
    if hash_of(last) != last.hash or not is_signed(last.hash, last.signature, last.public_key):
        raise OtherKey(f"Seal {last.id} was altered or forged; nothing is sealed after it.")
    if last.public_key != key.public_key().public_bytes_raw() and not new_key:
        raise OtherKey(
            f"Seal {last.id} was signed by another key. If the key was replaced on purpose:"
            " flask audit seal --new-key"
        )
    return last


def current_epoch(connection: Connection) -> int:
    """Give the epoch that new rows get."""
    row = connection.execute(
        "SELECT substring(pg_get_expr(d.adbin, d.adrelid) FROM '[0-9]+')::int FROM pg_attrdef d"
        " JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum"
        " WHERE d.adrelid = 'public.audit_event'::regclass AND a.attname = 'epoch'"
    ).fetchone()
    return int(row[0]) if row else 1


def _windows(connection: Connection, last: Seal | None) -> Iterator[Window]:
    """Give what is finished and not sealed: the rest of older epochs, then this one up to the oldest transaction."""
    epoch = current_epoch(connection)
    start = (last.epoch, last.xid_to) if last else (1, 0)
    for old in range(start[0], epoch):  # nobody writes rows of it any more
        row = connection.execute(
            "SELECT max(xid)::text::bigint + 1 FROM audit_event WHERE epoch = %s", [old]
        ).fetchone()
        yield Window(start, (old, max(start[1], row[0] or 0 if row else 0)))
        start = (old + 1, 0)
    row = connection.execute(
        "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    ).fetchone()
    horizon: int = row[0] if row else 0
    if start[0] == epoch and horizon < start[1]:
        raise Restored(
            "The database was restored into another cluster: its transaction ids begin anew."
            " Before anybody works with it: flask audit epoch"
        )
    yield Window(start, (epoch, horizon))


def _months(connection: Connection, window: Window) -> list[str]:
    where, values = window.where()
    rows = connection.execute(
        f"SELECT DISTINCT {MONTH} FROM audit_event e WHERE {where} ORDER BY 1",  # noqa: S608 - our names
        values,
    )
    return [row[0] for row in rows.fetchall()]


def _seal_month(
    connection: Connection, key: Ed25519PrivateKey, last: Seal | None, window: Window
) -> Seal:
    builder = Builder()
    low = high = None
    with leaves.Kept() as kept:
        for _, row_id, _, leaf in leaves.stream_plain(connection, window):
            builder.add(leaf)
            kept.add(row_id, leaf)
            low = row_id if low is None or row_id < low else low
            high = row_id if high is None or row_id > high else high
        made = append(
            connection,
            key,
            last,
            kind="rows",
            window=window,
            count=builder.count,
            ids=(low, high),
            root=builder.root(),
        )
        kept.store(connection, made.id)
    return made


def append(
    connection: Connection,
    key: Ed25519PrivateKey,
    last: Seal | None,
    *,
    kind: str,
    window: Window,
    count: int,
    ids: tuple[int | None, int | None],
    root: bytes,
) -> Seal:
    """Sign a seal and chain it to the last one."""
    now = connection.execute("SELECT clock_timestamp()").fetchone()
    made = Seal(
        id=last.id + 1 if last else 1,
        kind=kind,
        epoch=window.stop[0],
        month=window.month or "",
        xid_from=window.start[1],
        xid_to=window.stop[1],
        rows=count,
        id_min=ids[0],
        id_max=ids[1],
        form=FORM,
        root=root,
        previous=last.hash if last else FIRST,
        public_key=key.public_key().public_bytes_raw(),
        sealed_at=now[0] if now else datetime.now(UTC),
    )
    digest = hash_of(made)
    made = replace(made, hash=digest, signature=key.sign(digest))
    values = {field.name: getattr(made, field.name) for field in fields(Seal)}
    casts = {name: f"%({name})s" for name in values} | {
        name: f"%({name})s::text::xid8" for name in ("xid_from", "xid_to")
    }
    connection.execute(
        f"INSERT INTO audit_seal ({', '.join(casts)}) VALUES ({', '.join(casts.values())})",  # noqa: S608 - our names
        values | {"xid_from": str(made.xid_from), "xid_to": str(made.xid_to)},
    )
    return made
