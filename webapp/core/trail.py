"""What services tell the log beyond the changed fields: a better name, a reason, an event without a change.

Nothing here writes: ``audit.recorder`` collects it when the transaction ends.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from webapp.core.db import Audited, db
from webapp.core.language import english

NOTES = "trail_notes"
CONTEXT = "trail_context"
_writers: list[Callable[[], None]] = []  # the recorder's; core knows no domain


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """One event that no flush shows: a sign-in, an export, a refusal.

    ``occurred_at`` and ``request_id`` are for history that is brought in; else they are those of the transaction.
    """

    action: str
    category: str = "change"
    outcome: str = "ok"
    object_type: str | None = None
    object_id: int | None = None
    object_label: str | None = None
    client_id: int | None = None
    actor_id: int | None = None
    actor_name: str | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    reason: str | None = None
    occurred_at: datetime | None = None
    request_id: str | None = None


def note(action: str, **values: Any) -> None:
    """Have an event recorded with the transaction of the change."""
    db.session.info.setdefault(NOTES, []).append(Note(action=action, **values))


def note_denied(message: str, *, key: str | None) -> None:
    """Have a refusal recorded: ``message`` is what was said, ``key`` the page or permission that is missing."""
    missing = {"missing": key} if key else {}
    note(
        "access.denied",
        category="access",
        outcome="denied",
        reason=english(message),
        changes=missing,
    )


def tell(row: Audited, action: str, **values: Any) -> None:
    """Have the next change of ``row`` recorded as ``action``: the one row of the log tells it as people say it.

    ``changes`` are added to those of the columns; the rest replaces what the row says about itself.
    """
    row.audit_told = {"action": action, **values}


def write_out() -> None:
    """Write the audit rows collected so far, in this transaction, instead of keeping them until its commit.

    For jobs that change very many rows: call it every thousand or so. Inside a savepoint only what was collected
    in it is written, so that undoing the savepoint undoes exactly that. The reason has to be known by then.
    """
    for write in _writers:
        write()


def written_by(write: Callable[[], None]) -> None:
    """Say who writes; saying it twice does no harm."""
    if write not in _writers:
        _writers.append(write)


def context() -> dict[str, Any]:
    """What holds for every row of this transaction: reason, actor, category, occurred_at."""
    values: dict[str, Any] = db.session.info.setdefault(CONTEXT, {})
    return values


def because(reason: str | None) -> None:
    """Store ``reason`` in every audit row of this transaction."""
    if reason:
        context()["reason"] = reason


def act_as(name: str, *, user_id: int | None = None, occurred_at: datetime | None = None) -> None:
    """Name the actor of a command or job (``system:seed``), and when imported history happened."""
    context().update(actor_name=name, actor_id=user_id)
    if occurred_at is not None:
        context().update(occurred_at=occurred_at, category="import")
    else:
        context().pop("occurred_at", None)
        context().pop("category", None)
