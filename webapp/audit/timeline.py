"""The story of a record, for its page: each row of the log as a sentence."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from sqlalchemy import and_, or_, select

from webapp.audit.models import AuditEvent
from webapp.audit.queries.labels import names_of, pointed
from webapp.audit.reasons import why
from webapp.audit.sentences import predicate, who
from webapp.audit.values import Changed, changed_of
from webapp.audit.wording import COVER, NOTHING, Dated, Event, Named, Names, renamed_since
from webapp.core.db import db

SHOWN = 20
# What follows from another change is told with that one; "left" is for those who see no more of it than that.
WHOLE, PARTS = "role.permissions_changed", ("page_role", "role_permission")
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
    part: bool = False  # of what the line above it tells, by the same request
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
    named: bool = False  # sentences of edits tell values; then only those follow that they do not


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
    names = names_of(rows)
    edits = f"{object_type}.updated" if telling.named else None
    seen = [
        _with_names(told(row), row, names) if row.action == edits else told(row) for row in rows
    ]
    lines = [
        line(event, at=row.occurred_at, reason=row.reason)
        for event, row in zip(seen, rows, strict=True)
    ]
    changed = changed_of(
        rows, object_type, unseen=telling.unseen, titles=telling.titles, names=names
    )
    return [
        replace(
            one, changed=_untold(one, what) if row.action == edits else what, undo=telling.undo(row)
        )
        for one, what, row in zip(lines, changed, rows, strict=True)
    ]


def _with_names(event: Event, row: AuditEvent, names: Dated) -> Named:
    """An event with names; what the reader may not know has none."""
    known = dict(names.at(row.recorded_at))
    return Named(event, dict.fromkeys(pointed(row), COVER) | known)


def _untold(line: Line, changed: Sequence[Changed]) -> Sequence[Changed]:
    """What the sentence has not said."""
    said = line.sentence
    return [
        one
        for one in changed
        if not all(text in said or text == NOTHING for text in (one.old, one.new))
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
    lines = [line(Named(row, known), at=row.occurred_at, reason=row.reason) for row in rows]
    for number in _parts(rows):
        lines[number] = replace(lines[number], part=True)
    return lines


def _parts(rows: Sequence[Any]) -> Iterator[int]:
    """Yield which lines tell one by one what the line above them tells of a role as a whole."""
    whole = None
    for number, row in enumerate(rows):
        if row.action == WHOLE:
            whole = row.request_id
        elif row.object_type not in PARTS:
            whole = None
        elif whole is not None and row.request_id == whole:
            yield number


def line(event: Event, *, at: datetime, reason: str | None, url: str | None = None) -> Line:
    """Tell one row of the log."""
    said = predicate(event)
    now = renamed_since(event, said)
    return Line(at=at, who=who(event), sentence=said, detail=why(reason), url=url, now=now)
