"""The rows under the seals: recomputed month by month, and where a root no longer fits, the row is named."""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator

from webapp.audit import leaves
from webapp.audit.chain import Chain, Entry
from webapp.audit.findings import MOST
from webapp.audit.leaves import Connection, Window
from webapp.audit.merkle import Builder

Told = Callable[[int, int], None]  # (rows checked, rows to check)
ENDLESS = 2**64 - 1
_EVERY = 0.5  # seconds between two tellings


class Contents:
    """Compares rows with seals, in one pass over each month."""

    def __init__(self, connection: Connection, chain: Chain, told: Told | None) -> None:
        """Check the rows that the seals of ``chain`` stand for."""
        self.connection = connection
        self.chain = chain
        self.report = chain.report
        self._told = told
        self._next = 0.0
        self._wrong: list[Entry] = []
        self._stray: list[int] = []
        self._stray_count = 0

    def check(self) -> None:
        """Check every month that has rows or seals."""
        for month in sorted({*self.chain.months(), *months_of(self.connection)}):
            self._check_month(month)
        if self._told:
            self._told(self.report.rows, self.chain.rows)

    def _check_month(self, month: str) -> None:
        self._wrong, self._stray, self._stray_count = [], [], 0
        entries = list(self.chain.entries(month))
        before = self.report.rows
        start, stop = self.chain.start or (1, 0), self.chain.stop
        for epoch in range(start[0], stop[0] + 1):
            window = Window(
                start if epoch == start[0] else (epoch, 0),
                stop if epoch == stop[0] else (epoch, ENDLESS),
                month,
            )
            self._compare(window, [entry for entry in entries if entry.epoch == epoch])
        if self._stray:
            self._tell_strays(month)
        if entries and self.report.rows == before and self._wrong:
            count = sum(entry.rows for entry in entries)
            words = f"All rows of {month} are gone: {count} in {len(entries)} seals."
            self.report.add("month_missing", words, seal=entries[0].id)
            return
        for number, entry in enumerate(self._wrong):
            self._name(month, entry, closely=number < MOST)

    def _compare(self, window: Window, entries: list[Entry]) -> None:
        """Go along rows and seals together; both are in the order of transaction ids."""
        seals = iter([*entries, Entry(0, 0, ENDLESS, ENDLESS, 0, 0, 0, b"")])
        entry, builder = next(seals), Builder()
        start, stop, low, high = entry.start, entry.stop, entry.low, entry.high
        add, counted = builder.add, 0
        for xid, row_id, at, leaf in leaves.stream_plain(self.connection, window):
            while xid >= stop:
                self._close(entry, builder)
                entry, builder, counted = next(seals), Builder(), 0
                start, stop, low, high = entry.start, entry.stop, entry.low, entry.high
                add = builder.add
            if xid < start:
                self._stray_count += 1
                if len(self._stray) < MOST:
                    self._stray.append(row_id)
                continue
            add(leaf)
            counted += 1
            if not low <= at <= high:
                self._misdated(entry, row_id, at)
            if not counted & 4095:
                self._tell(counted)
        while entry.id:
            self._close(entry, builder)
            entry, builder = next(seals), Builder()

    def _close(self, entry: Entry, builder: Builder) -> None:
        self.report.rows += builder.count
        if builder.count != entry.rows or builder.root() != entry.root:
            self._wrong.append(entry)
        self._tell(0)

    def _tell(self, more: int) -> None:
        if self._told and time.monotonic() >= self._next:
            self._told(min(self.report.rows + more, self.chain.rows), self.chain.rows)
            self._next = time.monotonic() + _EVERY

    def _misdated(self, entry: Entry, row_id: int, at: int) -> None:
        if self.report.counts_only("misdated"):
            return
        said = f"{leaves.moment(at):%Y-%m-%d %H:%M} UTC"
        words = (
            f"Row {row_id} says that it was recorded at {said}, which does not fit the time"
            f" at which seal {entry.id} was made: it was slipped in."
        )
        self.report.add("misdated", words, seal=entry.id, row=row_id)

    def _tell_strays(self, month: str) -> None:
        taken = self.chain.retired.get(month)
        if taken is not None:
            words = f"{month} was retired by seal {taken.id}, but rows of it are in the log ({self._stray_count})."
            self.report.add("retired", words, seal=taken.id, row=self._stray[0])
            return
        for row_id in self._stray:
            words = (
                f"Row {row_id}{_what(self.connection, row_id, month)} lies in a window that was sealed"
                " without it: it was slipped in."
            )
            self.report.add("row_unsealed", words, row=row_id)
        if (rest := self._stray_count - len(self._stray)) > 0:
            self.report.add("row_unsealed", f"And {rest} more such rows of {month}.")

    def _name(self, month: str, entry: Entry, *, closely: bool) -> None:
        """Say which rows of a seal are wrong, as far as what was kept of it tells."""
        window = Window((entry.epoch, entry.start), (entry.epoch, entry.stop), month)
        found, listed = 0, []
        if closely:
            for kind, row_id in differences(self.connection, entry.id, window):
                found += 1
                if found <= MOST:
                    listed.append((kind, row_id))
            # Only now: nothing else may use the connection while rows stream.
            for kind, row_id in listed:
                about = "" if kind == "row_missing" else _what(self.connection, row_id, month)
                words = f"Row {row_id}{about} {_SAID[kind]}."
                self.report.add(kind, words, seal=entry.id, row=row_id)
            if found > MOST:
                words = f"{found - MOST} more rows of seal {entry.id} are wrong."
                self.report.add("seal_broken", words, seal=entry.id)
        if not found:
            words = (
                f"The {entry.rows} rows of {month} under seal {entry.id} are not what was sealed."
            )
            self.report.add("seal_broken", words, seal=entry.id)


_SAID = {
    "row_altered": "is not what was sealed",
    "row_missing": "is gone",
    "row_added": "was not there when its window was sealed",
}


def differences(connection: Connection, seal_id: int, window: Window) -> Iterator[tuple[str, int]]:
    """Compare the rows of a window with what was kept of its seal: (kind, id) in the order of ids."""
    ids, hashes = leaves.kept(connection, seal_id)
    if not ids:
        return
    size, place = leaves.KEPT, 0
    for row in leaves.stream(connection, window, order="e.id"):
        reached = bisect_left(ids, row.id, place)
        for gone in ids[place:reached]:
            yield "row_missing", gone
        place = reached
        if place == len(ids) or ids[place] != row.id:
            yield "row_added", row.id
            continue
        if hashes[place * size : place * size + size] != row.hash[:size]:
            yield "row_altered", row.id
        place += 1
    for gone in ids[place:]:
        yield "row_missing", gone


def months_of(connection: Connection) -> Iterator[str]:
    """Name the months that have rows, by one look into the index for each."""
    after = None
    while True:
        row = connection.execute(
            "SELECT min(recorded_at) FROM audit_event WHERE recorded_at >= coalesce(%s, '-infinity'::timestamptz)",
            [after],
        ).fetchone()
        if row is None or row[0] is None:
            return
        month = f"{row[0]:%Y-%m}"
        yield month
        after = leaves.bounds(month)[1]


def _what(connection: Connection, row_id: int, month: str) -> str:
    """Say what a row is about."""
    row = connection.execute(
        "SELECT action, concat_ws(' ', object_type, object_id), recorded_at FROM audit_event"
        " WHERE id = %s AND recorded_at >= %s AND recorded_at < %s",
        [row_id, *leaves.bounds(month)],
    ).fetchone()
    if row is None:
        return ""
    action, about, at = row
    return f" ({action}{', ' if about else ''}{about}, {at:%Y-%m-%d %H:%M:%S} UTC)"
