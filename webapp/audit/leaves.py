"""The leaves of seals: streamed from the log, and kept in short beside each seal, so that a wrong row can be named."""

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from tempfile import SpooledTemporaryFile
from typing import Any, NamedTuple, Self

import psycopg

from webapp.audit.canonical import LEAF, ORDER

Connection = psycopg.Connection[Any]

EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # from which PostgreSQL counts microseconds
PART = 65536  # rows in a record of audit_leaf
KEPT = 8  # bytes of a leaf that are kept
_SPOOL = 4 * 1024 * 1024

# COPY has the server compute while we hash; a row of it is the count of fields, then length and bytes of each.
_ROW = struct.Struct("!2x4xQ4xq4xq4x32s")
_HEADER = 19
_CHUNK = 512 * _ROW.size
_COPY = (
    f"COPY (SELECT e.xid, e.id, e.recorded_at, {LEAF} FROM audit_event e"  # noqa: S608 - our own text
    " WHERE {} ORDER BY {}) TO STDOUT (FORMAT binary)"
)
IN_ORDER = f"e.epoch, {ORDER}"


class Leaf(NamedTuple):
    """A row of the log as a leaf; ``at`` counts microseconds since 2000."""

    xid: int
    id: int
    at: int
    hash: bytes


@dataclass(frozen=True)
class Window:
    """Rows from (epoch, xid) up to another, of one month if it is named."""

    start: tuple[int, int]
    stop: tuple[int, int]
    month: str | None = None

    def where(self) -> tuple[str, list[Any]]:
        """Give the condition over ``e`` and its parameters."""
        # A literal for the epoch: an index on (epoch, xid) serves a comparison of rows, too.
        condition = (
            "(e.epoch, e.xid) >= (%s::smallint, %s::text::xid8)"
            " AND (e.epoch, e.xid) < (%s::smallint, %s::text::xid8)"
        )
        values: list[Any] = [self.start[0], str(self.start[1]), self.stop[0], str(self.stop[1])]
        if self.month is None:
            return condition, values
        return (
            f"{condition} AND e.recorded_at >= %s AND e.recorded_at < %s",
            values + list(bounds(self.month)),
        )


def bounds(month: str) -> tuple[datetime, datetime]:
    """Give the first moment of a month and of the next."""
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    return first, (first + timedelta(days=31)).replace(day=1)


def moment(at: int) -> datetime:
    """Give the time of a leaf."""
    return EPOCH + timedelta(microseconds=at)


def microseconds(time: datetime) -> int:
    """Give a time as leaves have it."""
    since = time - EPOCH
    return (since.days * 86400 + since.seconds) * 1000000 + since.microseconds


def stream(connection: Connection, window: Window, *, order: str = IN_ORDER) -> Iterator[Leaf]:
    """Stream the rows of a window in the order of leaves; nothing else may use the connection meanwhile."""
    for chunk in _chunks(connection, window, order):
        yield from map(Leaf._make, _ROW.iter_unpack(chunk))


def stream_plain(connection: Connection, window: Window) -> Iterator[tuple[int, int, int, bytes]]:
    """Stream as ``stream`` does, without names: a microsecond a row less."""
    for chunk in _chunks(connection, window, IN_ORDER):
        yield from _ROW.iter_unpack(chunk)


def _chunks(connection: Connection, window: Window, order: str) -> Iterator[bytes]:
    where, values = window.where()
    rest = bytearray()
    begun = False
    with (
        connection.cursor() as cursor,
        cursor.copy(_COPY.format(where, order), values) as copy,
    ):
        for block in copy:
            rest += block
            if not begun and len(rest) >= _HEADER:
                del rest[:_HEADER]
                begun = True
            if len(rest) >= _CHUNK:
                whole = len(rest) - len(rest) % _ROW.size
                yield bytes(rest[:whole])
                del rest[:whole]
    yield bytes(rest[: len(rest) - len(rest) % _ROW.size])  # two bytes say that it was all


class Kept:
    """Collects what is kept of a seal's leaves: on disk, not in memory, however many they are."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 - closed by `__exit__`
        self._ids = array("q")
        self._hashes = bytearray()
        self._parts: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        """Collect in a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the disk back."""
        self._file.close()

    def add(self, row_id: int, leaf: bytes) -> None:
        """Take the next leaf."""
        self._ids.append(row_id)
        self._hashes += leaf[:KEPT]
        if len(self._ids) == PART:
            self._flush()

    def _flush(self) -> None:
        ids = _packed(self._ids)
        self._file.write(ids + self._hashes)
        self._parts.append((len(ids), len(self._hashes)))
        self._ids, self._hashes = array("q"), bytearray()

    def store(self, connection: Connection, seal_id: int) -> None:
        """Insert the parts."""
        if self._ids:
            self._flush()
        self._file.seek(0)
        for number, (ids, hashes) in enumerate(self._parts):
            connection.execute(
                "INSERT INTO audit_leaf (seal_id, part, ids, hashes) VALUES (%s, %s, %b, %b)",
                [seal_id, number, self._file.read(ids), self._file.read(hashes)],
            )


def _packed(ids: "array[int]") -> bytes:
    """Write ids as steps from one to the next: mostly 1, so the database packs them to almost nothing."""
    before = 0
    steps = []
    for each in ids:
        steps.append(each - before)
        before = each
    return struct.pack(f"!{len(steps)}q", *steps)


def kept(connection: Connection, seal_id: int) -> tuple[list[int], bytes]:
    """Give the ids and the short hashes that were kept of a seal, in the order of ids."""
    ids: list[int] = []
    hashes = bytearray()
    parts = connection.execute(
        "SELECT ids, hashes FROM audit_leaf WHERE seal_id = %s ORDER BY part", [seal_id]
    )
    for packed, some in parts:
        before = 0
        for (step,) in struct.iter_unpack("!q", packed[: len(packed) // 8 * 8]):
            before += step
            ids.append(before)
        hashes += some
    if len(hashes) != len(ids) * KEPT:
        return [], b""  # somebody was at it
    order = sorted(range(len(ids)), key=ids.__getitem__)
    return [ids[n] for n in order], b"".join(hashes[n * KEPT : n * KEPT + KEPT] for n in order)
