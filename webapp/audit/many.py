"""What the log knows of changes of many rows by one request: what is left of them, and what undoing needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Boolean, String, bindparam, column, func, select, text

from webapp.audit.models import AuditEvent
from webapp.core.db import db

RECENT = 50
DAY = "now() - interval '1 day'"  # for so long a change can be undone


@dataclass(frozen=True, kw_only=True, slots=True)
class Recent:
    """A change of many rows: its row of the log, and how many rows it is about.

    Of them ``left`` were not set back since, and ``near`` of these are in sight.
    """

    row: AuditEvent
    total: int = 0
    left: int = 0
    near: int = 0

    @property
    def undone(self) -> bool:
        """True if nothing of it is left."""
        return self.left == 0

    @property
    def partly(self) -> bool:
        """True if some of it was undone, and some not."""
        return 0 < self.left < self.total


@dataclass(frozen=True, kw_only=True, slots=True)
class ManyLog:
    """The changes of one kind of rows; ``changed`` and ``undone`` are what the log says beside a row for each."""

    kind: str
    model: Any
    changed: str
    undone: str

    def recent_changes(self, actor_id: int) -> list[Recent]:
        """Return what a person did to many rows at once since yesterday, and what is left of it."""
        statement = (
            select(AuditEvent)
            .where(
                AuditEvent.actor_id == actor_id,
                AuditEvent.action.in_([self.changed, self.undone]),
                AuditEvent.recorded_at > text(DAY),
            )
            .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
            .limit(RECENT)
        )
        rows = list(db.session.scalars(statement))
        undoes = {str(row.request_id): row.changes.get("request") for row in rows}
        counts = self._left_of(undoes, actor_id)
        return [Recent(row=row, **counts.get(str(row.request_id), {})) for row in rows]

    def _left_of(
        self, undoes: Mapping[str, str | None], actor_id: int
    ) -> dict[str, dict[str, int]]:
        """Count what is left of each request; ``undoes`` says which other one it undid.

        Requests that undo each other belong to one first change and take turns: a row is as those left it that are
        like the last of them that it took part in, all that change or all that set back.
        """
        firsts = {key: _first_of(key, undoes) for key in undoes}
        known = (
            func.unnest(
                bindparam("keys", list(firsts), ARRAY(String)),
                bindparam("firsts", [first for first, _odd in firsts.values()], ARRAY(String)),
                bindparam("odds", [odd for _first, odd in firsts.values()], ARRAY(Boolean)),
            )
            .table_valued(
                column("key", String), column("first", String), column("odd", Boolean), name="known"
            )
            .render_derived()
        )
        last = func.max(AuditEvent.id)
        did = (
            select(
                known.c.key,
                known.c.odd,
                AuditEvent.object_id,
                func.first_value(known.c.odd)
                .over(partition_by=(known.c.first, AuditEvent.object_id), order_by=last.desc())
                .label("now"),
            )
            .select_from(known.join(AuditEvent, AuditEvent.request_id == known.c.key))
            .where(*self._of_rows(actor_id))
            .group_by(known.c.key, known.c.first, known.c.odd, AuditEvent.object_id)
            .subquery()
        )
        there = self.model.id
        statement = (
            select(
                did.c.key,
                func.count().label("total"),
                func.count().filter(did.c.now == did.c.odd).label("left"),
                func.count(there).filter(did.c.now == did.c.odd).label("near"),
            )
            .select_from(did.outerjoin(self.model, there == did.c.object_id))
            .group_by(did.c.key)
        )
        return {
            row.key: {"total": row.total, "left": row.left, "near": row.near}
            for row in db.session.execute(statement)
        }

    def reason_of(self, request_id: str, actor_id: int) -> str | None:
        """Return the reason that the log gives for a person's change of many rows."""
        return db.session.scalar(
            select(AuditEvent.reason)
            .where(
                AuditEvent.request_id == request_id,
                AuditEvent.actor_id == actor_id,
                AuditEvent.action.in_([self.changed, self.undone]),
            )
            .limit(1)
        )

    def _of_rows(self, actor_id: int) -> tuple[Any, ...]:
        """What a person changed about such rows within the last day."""
        return (
            AuditEvent.actor_id == actor_id,
            AuditEvent.object_type == self.kind,
            AuditEvent.category == "change",
            AuditEvent.outcome == "ok",
            AuditEvent.recorded_at > text(DAY),
        )

    def changes_of(
        self, request_id: str, actor_id: int, *, limit: int
    ) -> dict[int, dict[str, Any]]:
        """Return what a person's request of the last day changed: by id, old and new of each field."""
        statement = (
            select(AuditEvent.object_id, AuditEvent.changes)
            .where(AuditEvent.request_id == request_id, *self._of_rows(actor_id))
            .order_by(AuditEvent.id)
            .limit(limit)
        )
        found: dict[int, dict[str, Any]] = {}
        for row in db.session.execute(statement):
            fields = found.setdefault(row.object_id, {})
            for name, pair in row.changes.items():
                if isinstance(pair, list):
                    fields[name] = (fields[name][0] if name in fields else pair[0], pair[1])
        return found

    def states_since(self, request_id: str, ids: Sequence[int]) -> set[int]:
        """Return those of the rows whose status changed after a request of the last day."""
        then = select(AuditEvent.id).where(
            AuditEvent.request_id == request_id, AuditEvent.recorded_at > text(DAY)
        )
        since = select(AuditEvent.object_id).where(
            AuditEvent.object_type == self.kind,
            AuditEvent.object_id.in_(ids),
            AuditEvent.recorded_at > text(DAY),
            AuditEvent.id > select(func.max(then.subquery().c.id)).scalar_subquery(),
            AuditEvent.changes.has_key("status"),
        )
        return set(db.session.scalars(since))


def _first_of(key: str, undoes: Mapping[str, str | None]) -> tuple[str, bool]:
    """Return the change that a request goes back to by undoing, and whether it sets that back."""
    seen = [key]
    while (before := undoes.get(seen[-1])) and before not in seen:
        seen.append(before)
    return seen[-1], len(seen) % 2 == 0


def undoing(request_id: str) -> None:
    """Tell the database which request this transaction undoes: it lets a status go back to where that took it from."""
    db.session.execute(text("SELECT set_config('app.undoes', :id, true)"), {"id": request_id})
