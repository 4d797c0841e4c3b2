"""Which seal covers which row: the windows of all seals, and the rows that somebody takes away, by seal."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from webapp.audit.canonical import LINE, ORDER
from webapp.audit.leaves import Connection

_WINDOWS = """
SELECT id, epoch, month, xid_from::text::bigint, xid_to::text::bigint, rows, root FROM audit_seal
 WHERE kind = 'rows' AND rows > 0 AND id > %s ORDER BY id
"""
_ROWS = f"""
SELECT e.id, e.xid::text::bigint, {LINE} FROM audit_event e
 WHERE e.epoch = %s AND e.xid >= %s::text::xid8 AND e.xid < %s::text::xid8
   AND e.recorded_at >= %s AND e.recorded_at < %s ORDER BY {ORDER}
"""  # noqa: S608 - our own expressions
GAP = 2000  # rows that are read for nothing rather than asking once more
AT_ONCE = 2000  # rows of one fetch

Month = tuple[int, str]


@dataclass(slots=True)
class Windows:
    """The seals of one month in one epoch, in their order: a number in each array per seal."""

    ids: "array[int]" = field(default_factory=lambda: array("q"))
    starts: "array[int]" = field(default_factory=lambda: array("q"))
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    roots: bytearray = field(default_factory=bytearray)

    def place_of(self, xid: int) -> int | None:
        """Return which of them has the transaction in its window."""
        place = bisect_right(self.starts, xid) - 1
        return place if place >= 0 and xid < self.ends[place] else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ref:
    """Where a row of the log lies."""

    id: int
    epoch: int
    xid: int
    month: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaf:
    """A row under a seal, as its canonical line."""

    seal: int
    id: int
    line: str


class Covering:
    """The rows to be proven, each under its seal. For two million of them 16 MB."""

    def __init__(self, connection: Connection) -> None:
        """Read the windows of all seals."""
        self._connection = connection
        self._windows: dict[Month, Windows] = {}
        self._chosen: dict[int, array[int]] = {}
        self._where: dict[int, tuple[Month, int]] = {}
        self._last = 0
        self.rows = 0
        self.left: list[Ref] = []
        self.look()

    @property
    def seals(self) -> list[int]:
        """The seals that cover chosen rows, in their order."""
        return sorted(self._chosen)

    def look(self) -> None:
        """Read the windows of the seals that are new, and cover by them what was left."""
        with self._connection.transaction(), self._connection.cursor("windows") as cursor:
            for seal, epoch, month, start, end, rows, root in cursor.execute(
                _WINDOWS, [self._last]
            ):
                windows = self._windows.setdefault((epoch, month), Windows())
                values = ((windows.ids, seal), (windows.starts, start), (windows.ends, end))
                for column, value in (*values, (windows.rows, rows)):
                    column.append(value)
                windows.roots += root
                self._last = seal
        left, self.left = self.left, []
        for ref in left:
            self.add(ref)

    def add(self, ref: Ref) -> None:
        """Choose a row."""
        windows = self._windows.get((ref.epoch, ref.month))
        place = windows.place_of(ref.xid) if windows else None
        if windows is None or place is None:
            self.left.append(ref)
            return
        seal = windows.ids[place]
        self._chosen.setdefault(seal, array("q")).append(ref.id)
        self._where[seal] = ((ref.epoch, ref.month), place)
        self.rows += 1

    def chosen_of(self, seal: int) -> frozenset[int]:
        """Return the ids of the chosen rows under a seal."""
        return frozenset(self._chosen[seal])

    def sealed(self, seal: int) -> tuple[int, bytes]:
        """Return how many rows one of these seals has in all, and their root."""
        month, place = self._where[seal]
        windows = self._windows[month]
        return windows.rows[place], bytes(windows.roots[32 * place : 32 * place + 32])

    def leaves(self) -> Iterator[Leaf]:
        """Stream all rows of the seals that cover chosen ones, in the order of seals and leaves."""
        for month, first, last in self._spans():
            yield from self._between(month, first, last)

    def _spans(self) -> Iterator[tuple[Month, int, int]]:
        """Join seals of one month that have few other rows between them."""
        span: tuple[Month, int, int] | None = None
        for seal in self.seals:
            month, place = self._where[seal]
            if span is not None and span[0] == month:
                between = self._windows[month].rows[span[2] + 1 : place]
                if sum(between) <= GAP:
                    span = (month, span[1], place)
                    continue
            if span is not None:
                yield span
            span = (month, place, place)
        if span is not None:
            yield span

    def _between(self, month: Month, first: int, last: int) -> Iterator[Leaf]:
        windows, place = self._windows[month], first
        bounds = (month[0], str(windows.starts[first]), str(windows.ends[last]), *_days(month[1]))
        with self._connection.transaction(), self._connection.cursor("leaves") as cursor:
            cursor.itersize = AT_ONCE
            for row_id, xid, line in cursor.execute(_ROWS, bounds):
                while xid >= windows.ends[place]:
                    place += 1
                if windows.ids[place] in self._chosen and xid >= windows.starts[place]:
                    yield Leaf(seal=windows.ids[place], id=row_id, line=line)


def _days(month: str) -> tuple[datetime, datetime]:
    """Return when a month begins and ends."""
    begin = datetime.fromisoformat(f"{month}-01T00:00:00+00:00")
    return begin, begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
