"""Watchers and links of tickets that are merged or parted: the rows, and what ``ties`` makes of them."""

from datetime import datetime
from typing import Any

from webapp.core import trail
from webapp.core.db import db
from webapp.tickets.models import Link, LinkKind, Merge, Ticket, Watcher
from webapp.tickets.queries import merging as queries
from webapp.tickets.services import ties
from webapp.tickets.services.ties import Rows, Ties

COLUMNS: dict[type[Any], tuple[str, ...]] = {
    Watcher: ("id", "client_id", "ticket_id", "user_id", "created_at"),
    Link: (
        *("id", "client_id", "ticket_id", "other_client_id", "other_id"),
        *("kind", "created_by_id", "created_at"),
    ),
}


def merge(source: Ticket, target: Ticket) -> dict[str, Any]:
    """Hang watchers and links of ``source`` on ``target``, none of them twice; return what undoing needs."""
    held = _Held([source.id, target.id])
    record = held.ties.merge(source.id, target.id)
    held.write()
    return record


def part(merged: Merge) -> None:
    """Give back what a merge took, as if it had never been; later merges stay."""
    later, tickets = _later(merged)
    held = _Held(tickets)
    for one in reversed(later):
        held.ties.part(one.moved, one.source_id, one.target_id)
    held.ties.part(merged.moved, merged.source_id, merged.target_id)
    for one in later:
        one.moved = one.moved | held.ties.merge(one.source_id, one.target_id)
    held.write()


def _later(merged: Merge) -> tuple[list[Merge], set[int]]:
    """Return the later merges that have to do with this one, and all tickets that any of them is about."""
    found: dict[int, Merge] = {}
    fresh, tickets = [merged], set[int]()
    while fresh:
        for one in fresh:
            tickets |= {one.source_id, one.target_id} | ties.ends_of(one.moved)
        for link in queries.links_of(*tickets):
            tickets |= {link.ticket_id, link.other_id}
        fresh = [one for one in queries.merges_since(merged, tickets) if one.id not in found]
        found |= {one.id: one for one in fresh}
    return [found[number] for number in sorted(found)], tickets


class _Held:
    """The rows of some tickets, and their values to work with."""

    def __init__(self, tickets: list[int] | set[int]) -> None:
        self.objects: dict[type[Any], dict[int, Any]] = {
            Watcher: {one.id: one for one in queries.watchers_of(tickets)},
            Link: {one.id: one for one in queries.links_of(*tickets)},
        }
        self.before = {
            model: {number: _plain(model, one) for number, one in objects.items()}
            for model, objects in self.objects.items()
        }
        self.ties = Ties(
            watchers=ties.copy(self.before[Watcher].items()),
            links=ties.copy(self.before[Link].items()),
        )

    def write(self) -> None:
        """Change the rows to what became of their values: first what frees a key, then what takes one."""
        for model, after in ((Watcher, self.ties.watchers), (Link, self.ties.links)):
            gone, other, back = ties.differences(self.before[model], after)
            for number in gone:
                db.session.delete(self.objects[model][number])
            db.session.flush()
            for number in other:
                _change(self.objects[model][number], self.before[model][number], after[number])
            db.session.flush()
            for number in back:
                row = model(**_restored(after, number))
                trail.tell(row, f"{model.audit_type}.restored")
                db.session.add(row)
            db.session.flush()


def _plain(model: type[Any], row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in COLUMNS[model]}
    return values | {
        name: value.isoformat() if isinstance(value, datetime) else str(value)
        for name, value in values.items()
        if name in ("created_at", "kind")
    }


def _restored(rows: Rows, number: int) -> dict[str, Any]:
    """Return the columns of a row that comes back, with the id that it had."""
    row = rows[number] | {"created_at": datetime.fromisoformat(rows[number]["created_at"])}
    return row | {"kind": LinkKind(row["kind"])} if "kind" in row else row


def _change(row: Any, before: dict[str, Any], after: dict[str, Any]) -> None:
    trail.tell(row, f"{row.audit_type}.moved")
    for name in ties.ENDS:
        if before.get(name) != after.get(name):
            setattr(row, name, after[name])
