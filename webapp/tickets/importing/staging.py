"""The rows of a log while it is brought in: a file of its own, which sorts them by ticket and time on the disk.

A log need not be sorted, and is read in one go; so memory stays as it is whatever the length. It is no temporary table:
those are shut to the app, since one with the name of ours could stand in for it.
"""

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from types import TracebackType
from typing import Any, Self

from webapp.tickets.importing.entries import Entry

LOT = 500  # tickets
TIMES = ("opened_at", "resolved_at", "closed_at")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_TABLE = "CREATE TABLE rows (number TEXT, at INTEGER, turn INTEGER, line INTEGER, said TEXT)"
_SORTED = "SELECT number, at, turn, line, said FROM rows ORDER BY number, at, turn, line"


class Staging:
    """The rows, until the block ends."""

    def __enter__(self) -> Self:
        """Make the file: without a name, so that it goes with the process at the latest."""
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")  # nobody takes anything back
        self._rows.execute(_TABLE)
        self._rows.execute("BEGIN")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Throw it away."""
        self._rows.close()

    def keep(self, entries: list[Entry]) -> None:
        """Add rows."""
        self._rows.executemany(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
            [
                (
                    each.number,
                    (each.at - _EPOCH) // _MICROSECOND,
                    each.turn,
                    each.line,
                    _packed(each),
                )
                for each in entries
            ],
        )

    def count(self) -> int:
        """Return how many tickets there are, once all rows are here."""
        self._rows.execute("CREATE INDEX in_order ON rows (number, at, turn, line)")
        (tickets,) = self._rows.execute("SELECT count(DISTINCT number) FROM rows").fetchone()
        return int(tickets)

    def lots(self) -> Iterator[list[list[Entry]]]:
        """Yield some tickets at a time, each with its rows from the oldest to the newest."""
        rows = (
            Entry(
                line=line,
                number=number,
                at=_EPOCH + at * _MICROSECOND,
                turn=turn,
                said=_unpacked(said),
            )
            for number, at, turn, line, said in self._rows.execute(_SORTED)
        )
        lot: list[list[Entry]] = []
        for _number, same in groupby(rows, key=lambda entry: entry.number):
            lot.append(list(same))
            if len(lot) == LOT:
                yield lot
                lot = []
        if lot:
            yield lot


def _packed(entry: Entry) -> str:
    return json.dumps(entry.said, default=datetime.isoformat, ensure_ascii=False)


def _unpacked(text: str) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(text)
    return said | {name: datetime.fromisoformat(said[name]) for name in TIMES if name in said}
