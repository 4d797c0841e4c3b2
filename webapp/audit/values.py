"""Old and new values of changes, for the story of a record: names instead of numbers, and short."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.audit import queries
from webapp.audit.wording import (
    NOTHING,
    WORDS,
    Dated,
    Event,
    Names,
    day_text,
    field_title,
    moment_text,
    pair,
    short,
)
from webapp.core.language import gettext

__all__ = ["CHANGING", "WORDS", "Changed", "changed_of", "moment_text"]
TOLD = ({"status"}, {"name"})  # of these alone the sentence tells old and new
MAX_CHANGED = 20
# Besides "<type>.updated", actions that are changes of columns under another name.
CHANGING = ("ticket.assigned", "ticket.resolved", "ticket.closed", "ticket.reopened")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Changed:
    """One value, before and after."""

    title: str
    old: str
    new: str


def changed_of(
    rows: Sequence[Event],
    object_type: str,
    *,
    unseen: str,
    titles: Mapping[str, str],
    names: Dated,
) -> list[list[Changed]]:
    """Return what each row changed about a record of this type, by the names of then."""
    told = [_worth_telling(row, object_type) for row in rows]
    moments = [getattr(row, "recorded_at", None) for row in rows]

    def word(name: str, value: Any, then: Names) -> str:
        kind = queries.points_at(name, object_type)
        if kind and isinstance(value, int):
            return short(then.get((kind, value), unseen))
        return _word(name, value)

    return [
        [
            Changed(title=title, old=word(name, old, then), new=word(name, new, then))
            for name, title, old, new in _fields(changes, titles)
        ][:MAX_CHANGED]
        for changes, then in zip(told, map(names.at, moments), strict=True)
    ]


def _worth_telling(row: Event, object_type: str) -> Mapping[str, Any]:
    """The changes that the sentence about the row does not tell."""
    changing = (f"{object_type}.updated", *CHANGING)
    fine = row.object_type == object_type and row.action in changing and row.outcome == "ok"
    if not fine or set(row.changes) in TOLD or "deleted_at" in row.changes:
        return {}
    return row.changes


def _fields(
    changes: Mapping[str, Any], titles: Mapping[str, str]
) -> Iterator[tuple[str, str, Any, Any]]:
    """Yield name, title, old and new of each value; of attributes those that differ, one by one."""
    for name, change in changes.items():
        old, new = pair(change)
        if not (isinstance(old, Mapping) or isinstance(new, Mapping)):
            yield name, field_title(name), old, new
            continue
        before, after = (one if isinstance(one, Mapping) else {} for one in (old, new))
        for key in {**before, **after}:
            if before.get(key) != after.get(key):
                yield key, titles.get(key, key.replace("_", " ")), before.get(key), after.get(key)


def _word(name: str, value: Any) -> str:
    if isinstance(value, str) and value in WORDS.get(name, {}):
        return gettext(WORDS[name][value])
    if isinstance(value, str) and _DAY.fullmatch(value):
        return day_text(value)
    if isinstance(value, str) and name.endswith("_at") and _MOMENT.fullmatch(value):
        return moment_text(value)
    return short(value) or NOTHING
