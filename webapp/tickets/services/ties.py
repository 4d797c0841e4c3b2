"""What merges do with watchers and links, worked out on plain values: {id: columns}.

A merge that is undone may not be the last one. Then the later ones are taken back first and done again afterwards, so
that everything is as if the undone one had never been; only the difference is written.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

Columns = dict[str, Any]
Rows = dict[int, Columns]
Record = dict[str, Any]
ENDS = ("ticket_id", "other_id")


@dataclass(kw_only=True, slots=True)
class Ties:
    """The watchers of some tickets, and the links that begin or end there."""

    watchers: Rows = field(default_factory=dict)
    links: Rows = field(default_factory=dict)

    def merge(self, source: int, target: int) -> Record:
        """Have the target take what the source has and it has not; return what ``part`` needs."""
        return self._merge_watchers(source, target) | self._merge_links(source, target)

    def part(self, record: Record, source: int, target: int) -> None:
        """Take a merge back. What was removed since stays so, what was added stays where it is."""
        self._part_watchers(record, source, target)
        self._part_links(record, source, target)

    def _part_watchers(self, record: Record, source: int, target: int) -> None:
        for number in record["watchers"]:
            row = self.watchers.get(number)
            if row is not None and row["ticket_id"] == target:
                self._put_watcher(number, row | {"ticket_id": source})
        for row in record["double_watchers"]:
            if row["id"] not in self.watchers:
                self._put_watcher(row["id"], row | {"ticket_id": source})

    def _part_links(self, record: Record, source: int, target: int) -> None:
        for number, end in record["links"]:
            row = self.links.get(number)
            if row is not None and row[end] == target:
                self._put_link(number, row | {end: source})
        for row in record["double_links"]:
            if row["id"] not in self.links:
                self._put_link(row["id"], dict(row))

    def _merge_watchers(self, source: int, target: int) -> Record:
        there = {row["user_id"] for row in self.watchers.values() if row["ticket_id"] == target}
        moved, double = [], []
        for number, row in sorted(self.watchers.items()):
            if row["ticket_id"] != source:
                continue
            if row["user_id"] in there:
                double.append(self.watchers.pop(number))
            else:
                moved.append(number)
                row["ticket_id"] = target
        return {"watchers": moved, "double_watchers": double}

    def _merge_links(self, source: int, target: int) -> Record:
        taken = {key_of(row) for row in self.links.values()}
        moved, double = [], []
        for number, row in sorted(self.links.items()):
            end = next((one for one in ENDS if row[one] == source), None)
            if end is None:
                continue
            key = key_of(row | {end: target})
            if key[0] == key[1] or key in taken:
                double.append(self.links.pop(number))
            else:
                moved.append([number, end])
                taken.add(key)
                row[end] = target
        return {"links": moved, "double_links": double}

    def _put_watcher(self, number: int, row: Columns) -> None:
        """Set a row, unless the ticket got such a one meanwhile."""
        self.watchers.pop(number, None)
        same = row["ticket_id"], row["user_id"]
        if same not in {(one["ticket_id"], one["user_id"]) for one in self.watchers.values()}:
            self.watchers[number] = row

    def _put_link(self, number: int, row: Columns) -> None:
        self.links.pop(number, None)
        if key_of(row) not in {key_of(one) for one in self.links.values()}:
            self.links[number] = row


def key_of(row: Columns) -> tuple[int, int, str]:
    """Return what no two links may share."""
    first, last = sorted((row["ticket_id"], row["other_id"]))
    return first, last, row["kind"]


def ends_of(record: Record) -> set[int]:
    """Return the tickets that the links which fell away led to."""
    return {row[end] for row in record["double_links"] for end in ENDS}


def differences(before: Rows, after: Rows) -> tuple[list[int], list[int], list[int]]:
    """Return which rows fall away, which change, and which come back."""
    gone = [number for number in before if number not in after]
    other = [number for number in before if number in after and before[number] != after[number]]
    return gone, other, [number for number in after if number not in before]


def copy(rows: Iterable[tuple[int, Columns]]) -> Rows:
    """Return rows that can be changed without changing those."""
    return {number: dict(row) for number, row in rows}
