"""The life of one ticket, from the rows of the log that are about it.

What it is opened with and each later change are events with a key of their own. The key says the same whenever the same
rows are read, so a longer file adds what is new and nothing else.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from webapp.tickets.importing.entries import Entry
from webapp.tickets.models import Level, Priority, Status

DONE = (Status.RESOLVED, Status.CLOSED)
Rules = dict[tuple[str, str], str]  # the priority that impact and urgency give
REASON = "As in the log that it was imported from."
MAX_TAG = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the log tells of a ticket at one time, in words."""

    subject: str = ""
    status: str = Status.NEW
    impact: str = Level.MEDIUM
    urgency: str = Level.MEDIUM
    priority: str = Priority.NORMAL
    priority_reason: str = ""
    team: str | None = None
    assignee: str | None = None
    project: str | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One change: fields with what they were and became."""

    key: str
    at: datetime
    by: str | None
    action: str
    changes: dict[str, tuple[Any, Any]]


@dataclass(kw_only=True, slots=True)
class History:
    """All that the log tells of a ticket."""

    number: str
    opened: Facts
    opened_at: datetime
    opened_by: str | None
    about: dict[str, str]
    now: Facts
    events: list[Event] = field(default_factory=list)
    caller: str | None = None
    resolution: str = ""
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    reopened: int = 0

    @property
    def key(self) -> str:
        """The key of its opening."""
        return _hashed(f"{self.number}|opened")

    @property
    def last_at(self) -> datetime:
        """When it changed last."""
        return self.events[-1].at if self.events else self.opened_at


def history_of(entries: Iterable[Entry], rules: Rules) -> History:
    """Tell the life of a ticket from its rows, the oldest first."""
    entries = list(entries)
    first, known = entries[0], dict(entries[0].said)
    start = _facts(Facts(), known, rules)
    opened = replace(start, status=Status.NEW)
    life = History(
        number=first.number, opened=opened, now=opened, about=known,
        opened_at=min(known["opened_at"], first.at), opened_by=known.get("opened_by"),
        caller=known.get("caller"),
    )  # fmt: skip
    seen: Counter[str] = Counter()
    for entry in entries:
        if entry.said.get("team", known.get("team")) != known.get("team"):
            known.pop("assignee", None)  # another team, and nobody named: nobody has it yet
        known |= entry.said
        facts = _facts(life.now, known, rules)
        if changes := _changes(life.now, facts):
            key = _key(life.number, entry.at, changes)
            seen[key] += 1
            action = _action(changes)
            life.events.append(
                Event(
                    key=key if seen[key] == 1 else f"{key}-{seen[key]}",
                    at=entry.at,
                    by=entry.said.get("by"),
                    action=action,
                    changes=changes,
                )
            )
            life.reopened += action == "ticket.reopened"
        life.now = facts
    life.caller = life.caller or known.get("caller")
    _finish(life, known)
    return life


def _facts(before: Facts, known: dict[str, Any], rules: Rules) -> Facts:
    impact, urgency = known.get("impact", before.impact), known.get("urgency", before.urgency)
    given = rules[impact, urgency]
    priority = known.get("priority", given)
    return Facts(
        subject=_subject(known),
        status=known.get("status", before.status),
        impact=impact,
        urgency=urgency,
        priority=priority,
        priority_reason="" if priority == given else REASON,
        team=known.get("team"),
        assignee=known.get("assignee"),
        project=known.get("project"),
        tags=_tags(known),
    )


def _subject(known: dict[str, Any]) -> str:
    """The symptom where there is one, else the narrower category; the wider one in front says where to look."""
    parts = [known[name] for name in ("category", "subcategory", "symptom") if name in known]
    return ": ".join((parts[0], ", ".join(parts[1:])) if parts[1:] else parts) or "Incident"


def _tags(known: dict[str, Any]) -> tuple[str, ...]:
    words = (known[name] for name in ("category", "subcategory", "contact_type") if name in known)
    slugs = (re.sub(r"[^\w.+]+", "-", word.lower()).strip("-.+")[:MAX_TAG] for word in words)
    return tuple(sorted({slug for slug in slugs if slug}))


def _changes(before: Facts, after: Facts) -> dict[str, tuple[Any, Any]]:
    if before == after:
        return {}
    names = Facts.__dataclass_fields__
    pairs = {name: (getattr(before, name), getattr(after, name)) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _key(number: str, at: datetime, changes: dict[str, tuple[Any, Any]]) -> str:
    """What the change came to, not what it came from: rows before it may be missing in one file."""
    after = sorted((name, str(pair[1])) for name, pair in changes.items())
    return _hashed(f"{number}|{at:%Y-%m-%dT%H:%M}|{after}")


def _hashed(words: str) -> str:
    return "log-" + hashlib.sha256(words.encode()).hexdigest()[:40]


def _action(changes: dict[str, tuple[Any, Any]]) -> str:
    """What services call the same change."""
    before, after = changes.get("status", (None, None))
    if after in DONE:
        return f"ticket.{after}"
    if before in DONE:
        return "ticket.reopened"
    return "ticket.assigned" if changes.keys() <= {"team", "assignee"} else "ticket.updated"


def _finish(life: History, known: dict[str, Any]) -> None:
    """Say how it ended, if it did. The log has these columns in each row, filled in afterwards."""
    if life.now.status not in DONE:
        return
    when = {
        pair[1]: event.at
        for event in life.events
        for name, pair in event.changes.items()
        if name == "status"
    }
    done = known.get("resolved_at") or when.get(Status.RESOLVED) or when.get(Status.CLOSED)
    life.resolved_at = max(done or life.last_at, life.opened_at)
    if life.now.status == Status.CLOSED:
        closed = known.get("closed_at") or when.get(Status.CLOSED) or life.last_at
        life.closed_at = max(closed, life.resolved_at)
    life.resolution = _resolution(known)


def _resolution(known: dict[str, Any]) -> str:
    code, by = known.get("code"), known.get("resolved_by")
    said = f"Closed with {code}" if code else "The log gives no code"
    return f"{said}, resolved by {by}." if by else f"{said}."
