"""What undoing reads from the log: the rows of a request, and what came after them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    String,
    and_,
    bindparam,
    column,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)

from webapp.audit.models import AuditEvent
from webapp.audit.queries.search import in_sight
from webapp.core.db import db

MOST = 5_000  # rows of one request
SINCE = 200  # later rows of one thing that are looked at
DEPTH = 20  # undoings of undoings that are followed
COLUMNS = (
    *(AuditEvent.id, AuditEvent.recorded_at, AuditEvent.occurred_at, AuditEvent.request_id),
    *(AuditEvent.actor_id, AuditEvent.actor_name, AuditEvent.action, AuditEvent.category),
    *(AuditEvent.outcome, AuditEvent.object_type, AuditEvent.object_id, AuditEvent.object_label),
    *(AuditEvent.client_id, AuditEvent.path, AuditEvent.changes, AuditEvent.reason),
)


def rows_of(request_id: str, *, everything: bool) -> list[Any]:
    """Return the rows of a request in the order in which they were written, one more than can be undone at most."""
    statement = (
        select(*COLUMNS)
        .where(AuditEvent.request_id == request_id, in_sight(everything=everything))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
        .limit(MOST + 1)
    )
    return list(db.session.execute(statement))


def later_than(rows: Iterable[Any]) -> list[Any]:
    """Return what changed about the same things after all these rows, newest first.

    By the index of things, in the months since only.
    """
    rows = list(rows)
    last = max((row.recorded_at, row.id) for row in rows)
    things = sorted({(row.object_type, row.object_id) for row in rows if row.object_id is not None})
    if not things:
        return []
    wanted = (
        func.unnest(
            bindparam("types", [kind for kind, _key in things], ARRAY(String)),
            bindparam("ids", [key for _kind, key in things], ARRAY(BigInteger)),
        )
        .table_valued(column("kind", String), column("key", BigInteger), name="wanted")
        .render_derived()
    )
    since = (
        select(*COLUMNS)
        .where(
            AuditEvent.object_type == wanted.c.kind,
            AuditEvent.object_id == wanted.c.key,
            AuditEvent.recorded_at >= last[0],
            tuple_(AuditEvent.recorded_at, AuditEvent.id)
            > tuple_(literal(last[0]), literal(last[1], BigInteger)),
            AuditEvent.outcome == "ok",
            AuditEvent.category.in_(["change", "access", "import"]),
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(SINCE)
        .lateral("since")
    )
    found = select(since).select_from(wanted).join(since, text("true"))
    return list(db.session.execute(found.order_by(since.c.recorded_at.desc(), since.c.id.desc())))


@dataclass(frozen=True, kw_only=True, slots=True)
class Undone:
    """That something was undone: ``note`` is the last word on it, which may be that the undoing was taken back."""

    note: Any
    taken_back: bool
    alone: bool  # this row by itself, not with its request


def undone(
    request_id: str | None, *, after: Any, everything: bool, event_id: int | None = None
) -> Undone | None:
    """Return how a request or one row of it was undone, if it was, and whether that was undone in turn.

    One statement, by the index of actions: few rows are notes of undoings.
    """
    asked = {"request": request_id, "after": after, "event": str(event_id)}
    statement = _chain(everything=everything, of_request=event_id is None)
    return _last_word(list(db.session.execute(statement, asked)))


@cache  # to make it anew takes a tenth of the page of a row
def _chain(*, everything: bool, of_request: bool) -> Select[Any]:
    told = AuditEvent.changes
    notes = (
        select(
            *(AuditEvent.id, AuditEvent.recorded_at, AuditEvent.request_id, AuditEvent.actor_name),
            *(told[name].astext.label(name) for name in ("request", "event", "steps")),
        )
        .where(
            AuditEvent.action == "audit.undone",
            AuditEvent.recorded_at >= bindparam("after"),
            in_sight(everything=everything),
        )
        .cte("notes")
    )
    mine = notes.c.request == bindparam("request", type_=String)
    if not of_request:
        itself = notes.c.event == bindparam("event", type_=String)
        mine = or_(and_(mine, notes.c.event.is_(None)), itself)
    chain = select(notes, literal(0).label("depth")).where(mine).cte("chain", recursive=True)
    # Of more than one step that were undone, one taken back is not all of it.
    whole = or_(notes.c.event.is_(None), chain.c.steps == "1")
    above = and_(notes.c.request == chain.c.request_id, whole, chain.c.depth < DEPTH)
    chain = chain.union_all(select(notes, chain.c.depth + 1).join(chain, above))
    return select(chain).order_by(chain.c.recorded_at.desc(), chain.c.id.desc())


def _last_word(found: Sequence[Any]) -> Undone | None:
    """Follow the newest undoing to what undid it, and so on; the newest are first."""
    first = next((row for row in found if row.depth == 0), None)
    if first is None:
        return None
    last, taken_back = first, False
    above = {row.request: row for row in reversed(found) if row.request is not None}
    while undone_in_turn := above.get(last.request_id):
        last, taken_back = undone_in_turn, not taken_back
    return Undone(note=last, taken_back=taken_back, alone=first.event is not None)
