"""The story of a record, for its page: each row of the log as a sentence."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import and_, or_, select

from webapp.audit.models import AuditEvent
from webapp.audit.queries.labels import names_of
from webapp.audit.reasons import why
from webapp.audit.sentences import predicate, who
from webapp.audit.values import Changed, changed_of
from webapp.audit.wording import Event, Named, Names, renamed_since
from webapp.core.db import db

SHOWN = 20
# What follows from another change is told with that one; "left" is for those who see no more of it than that.
QUIET = ("viewed", "followed", "left")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Who did what, when, and why; ``url`` leads to what it was done to."""

    at: datetime
    who: str
    sentence: str
    detail: str | None = None
    url: str | None = None
    changed: Sequence[Changed] = ()
    now: str | None = None  # how those are called today whose names were others then
    undo: str | None = None  # where it can be taken back


@dataclass(frozen=True, kw_only=True, slots=True)
class Telling:
    """That changed values are told as well, and how: ``unseen`` stands for a name that the reader may not know.

    ``titles`` name the keys of attributes; ``undo`` finds where a change can be taken back.
    """

    unseen: str
    titles: Mapping[str, str] = field(default_factory=dict)
    undo: Callable[[AuditEvent], str | None] = lambda _row: None


def timeline_of(
    object_type: str,
    object_id: int,
    *,
    limit: int = SHOWN,
    also: Mapping[str, Iterable[int]] | None = None,
    told: Callable[[Event], Event] = lambda event: event,
    telling: Telling | None = None,
    named: bool = True,
) -> list[Line]:
    """Return what happened to a record, newest first, reads left out; ``also`` to rows that belong to it.

    ``told`` returns an event as this reader may know it; with ``telling`` old and new values are told, too.
    Not ``named``, sentences have numbers instead of names, for pages that tell who it was and no more.
    """
    whose = {object_type: [object_id]} | {kind: list(ids) for kind, ids in (also or {}).items()}
    found = db.session.scalars(
        select(AuditEvent)
        .where(
            or_(
                *(
                    and_(AuditEvent.object_type == kind, AuditEvent.object_id.in_(ids))
                    for kind, ids in whose.items()
                    if ids
                )
            )
        )
        .where(AuditEvent.action.not_in([f"{kind}.{verb}" for kind in whose for verb in QUIET]))
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(limit)
    )
    rows = list(found)
    if telling is None:
        return sentences_of([told(row) for row in rows], None if named else {})
    lines = [line(told(row), at=row.occurred_at, reason=row.reason) for row in rows]
    changed = changed_of(rows, object_type, unseen=telling.unseen, titles=telling.titles)
    return [
        replace(one, changed=what, undo=telling.undo(row))
        for one, what, row in zip(lines, changed, rows, strict=True)
    ]


def veiled(event: Event, **changes: Any) -> Event:
    """Return an event with other words for some of its changes; the row of the log stays as it is."""
    values = {name: getattr(event, name) for name in Event.__annotations__}
    return SimpleNamespace(**values | {"changes": event.changes | changes})


def sentences_of(rows: Sequence[Any], names: Names | None = None) -> list[Line]:
    """Tell rows of the log, with the names of what they point at; asks for all ``names`` at once if nobody did.

    A row has the columns of a sentence, occurred_at and reason.
    """
    known = names_of(rows) if names is None else names
    return [line(Named(row, known), at=row.occurred_at, reason=row.reason) for row in rows]


def line(event: Event, *, at: datetime, reason: str | None, url: str | None = None) -> Line:
    """Tell one row of the log."""
    said = predicate(event)
    now = renamed_since(event, said)
    return Line(at=at, who=who(event), sentence=said, detail=why(reason), url=url, now=now)
