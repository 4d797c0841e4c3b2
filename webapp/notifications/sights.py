"""Whether a person can still see what a notice is about: access may have ended since they were told."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from webapp.access import identity
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError

Found = Callable[[list[int]], Collection[int]]


@dataclass(frozen=True, slots=True)
class Sight:
    """On which page such objects are seen, and which of some are in sight of whoever asks."""

    page: str
    find: Found


SIGHTS: dict[str, Sight] = {}


def out_of_sight(user_id: int, rows: Iterable[Any]) -> set[int]:
    """Return the ids of those notices whose object the person cannot see now; needs nobody signed in.

    It looks as that person, inside a savepoint that is undone: so the transaction goes on as who it was.
    """
    hidden: set[int] = set()
    by_type: dict[str, list[Any]] = {}
    for row in rows:
        if row.object_type in SIGHTS and row.object_id is not None:
            by_type.setdefault(row.object_type, []).append(row)
    for object_type, some in by_type.items():
        ids = sorted({row.object_id for row in some})
        seen = _seen_by(user_id, SIGHTS[object_type], ids)
        hidden |= {row.id for row in some if row.object_id not in seen}
    return hidden


def _seen_by(user_id: int, sight: Sight, ids: list[int]) -> Collection[int]:
    before = dict(trail.context())
    savepoint = db.session.begin_nested()
    try:
        identity.act_as_person(user_id, page=sight.page)
        return set(sight.find(ids))
    except DomainError:  # no role opens the page any more
        return set()
    finally:
        savepoint.rollback()
        trail.context().clear()
        trail.context().update(before)
