"""The history of a record for its page: what it was at a moment, what differs between two, and who could see it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from webapp.audit import asof
from webapp.audit.asof import Snapshot, Version
from webapp.audit.difference import Difference, differences_of
from webapp.audit.queries.labels import pointed
from webapp.audit.timeline import Line, sentences_of
from webapp.audit.wording import Dated, Named, Names, Then, field_title
from webapp.oversight.masking import Mask
from webapp.oversight.queries import related

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


def page_of(history: History, mask: Mask, *, before: int | None, everything: bool) -> Page:
    """Return a page of the timeline, with what was done to what belongs to the record."""
    theirs = related.rows_around(
        history.kind, history.record_id, before=before, most=SHOWN + 1, everything=everything
    )
    own = (row for row in history.rows if before is None or row.id < before)
    rows = sorted((*own, *theirs), key=lambda row: row.id)[-SHOWN - 1 :]
    older = rows[1].id if len(rows) > SHOWN else None
    return Page(rows=[mask.seen(row) for row in reversed(rows[-SHOWN:])], older=older)


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One version; names are those of its moment, or of today."""

    values: Mapping[str, Any]
    moment: datetime | None


NONE = Side(values={}, moment=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """What differs between two versions, as a row of the log would have it."""

    kind: str
    changes: Mapping[str, Any]
    sides: tuple[Side, Side]

    def rows(self) -> Sequence[Any]:
        """A row for each side: what is to be named as of then."""
        return [
            SimpleNamespace(
                changes={name: [change[at]] for name, change in self.changes.items()},
                object_type=self.kind,
                action="",
                recorded_at=side.moment,
            )
            for at, side in enumerate(self.sides)
        ]

    def told(self, names: Dated, link: Any) -> list[Difference]:
        """Return it field by field."""
        before, after = (names.at(side.moment) for side in self.sides)
        then = {**_then(before), **_then(after)}
        for kind, number in pointed(*self.rows()[:1]):
            then[kind, number] = before.get((kind, number), "")
        then = {key: name for key, name in then.items() if name and name != names.get(key)}
        row = SimpleNamespace(
            changes=self.changes, object_type=self.kind, object_label="", action=""
        )
        return differences_of(Named(row, Then(names, then)), link=link)


def _then(names: Names) -> Names:
    return names.then if isinstance(names, Then) else {}


def change(kind: str, before: Side, after: Side) -> Change:
    """Return what differs between two versions, in the order of the columns."""
    sides = before.values, after.values
    changes: dict[str, Any] = {}
    for name in (*asof.tracked(kind), *CONTENTS):
        old, new = (values.get(name) for values in sides)
        if old != new and not (old in EMPTY and new in EMPTY):
            changes[name] = [old, new]
    return Change(kind=kind, changes=changes, sides=(before, after))


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
