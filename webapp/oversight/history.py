"""The history of a record for its page: what it was at a moment, what differs between two, and who could see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from webapp.audit import asof
from webapp.audit.asof import Snapshot, Version
from webapp.audit.difference import Difference, differences_of
from webapp.audit.timeline import Line, sentences_of
from webapp.audit.wording import Named, Names, field_title
from webapp.oversight.masking import Mask

SHOWN = 50  # lines of the timeline
CONTENTS = ("pages", "permissions")  # of a role
EMPTY: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One line of the timeline; ``version`` tells whether the record was another one after it."""

    row: Any
    line: Line
    version: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """All that the log has about a record."""

    kind: str
    record_id: int
    rows: Sequence[Any]
    versions: Sequence[Version]

    @property
    def label(self) -> str:
        """What it was called last."""
        return next((row.object_label for row in reversed(self.rows) if row.object_label), "")

    @property
    def client_id(self) -> int | None:
        """The client to which it belonged last."""
        return self.rows[-1].client_id if self.rows else None

    def at(self, at: datetime | None, upto: int | None = None) -> Snapshot | None:
        """What it was."""
        return asof.snapshot(self.kind, self.record_id, self.versions, at=at, upto=upto)

    def between(self, one: Snapshot | None, other: Snapshot | None) -> int:
        """How many changes lie between two moments."""
        ends = sorted(end.event_id if end else 0 for end in (one, other))
        return sum(ends[0] < version.row.id <= ends[1] for version in self.versions)

    def around(self, shown: Snapshot | None) -> tuple[int | None, int | None]:
        """The entries that made the version before and the one after."""
        ids = [one.row.id for one in self.versions]
        here = ids.index(shown.event_id) if shown else -1
        before = ids[here - 1] if here > 0 else None
        return before, ids[here + 1] if here + 1 < len(ids) else None


def history_of(kind: str, record_id: int, *, everything: bool) -> History | None:
    """Return the history of a record; None if nothing of it is in the reader's sight."""
    rows = asof.rows_of(kind, record_id, everything=everything)
    if not rows:
        return None
    versions = asof.versions_of(kind, record_id, rows=rows)
    return History(kind=kind, record_id=record_id, rows=rows, versions=versions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """One page of the timeline: rows as the reader may know them, and the entry before which older ones are."""

    rows: Sequence[Any]
    older: int | None

    def told(self, history: History, names: Names) -> list[Told]:
        """Its lines, the newest first."""
        changed = {one.row.id for one in history.versions}
        lines = zip(self.rows, sentences_of(self.rows, names), strict=True)
        return [Told(row=row, line=line, version=row.id in changed) for row, line in lines]


def page_of(history: History, mask: Mask, *, before: int | None) -> Page:
    """Return a page of the timeline."""
    rows = [row for row in history.rows if before is None or row.id < before][-SHOWN - 1 :]
    older = rows[1].id if len(rows) > SHOWN else None
    return Page(rows=[mask.seen(row) for row in reversed(rows[-SHOWN:])], older=older)


def change(kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
    """Return what differs between two versions as a row of the log would, in the order of the columns."""
    names = [name for name in (*asof.tracked(kind), *CONTENTS) if name in before or name in after]
    changes = {
        name: [before.get(name), after.get(name)]
        for name in names
        if before.get(name) != after.get(name)
        and not (before.get(name) in EMPTY and after.get(name) in EMPTY)
    }
    return SimpleNamespace(changes=changes, object_type=kind, object_label="", action=kind)


def told(row: Any, names: Names, link: Any) -> list[Difference]:
    """Return what such a row says, field by field."""
    return differences_of(Named(row, names), link=link)


def disagreements(history: History, now: Snapshot | None) -> list[str] | None:
    """Return fields in which the table holds something else than the log says; None if it cannot be seen."""
    held = asof.held_now(history.kind, history.record_id)
    if held is None or now is None:
        return None
    return [
        field_title(name)
        for name, value in held.items()
        if name not in now.unknown and now.values.get(name) != value
    ]
