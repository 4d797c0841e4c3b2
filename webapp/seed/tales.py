"""One ticket of the demo from its first word to its end, told as rows and as events of the log."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from webapp.seed import stories
from webapp.seed.demo import Someone
from webapp.seed.stories import Story

LONG = timedelta(days=30)  # then it was the requester who let us wait
CLOSES_AFTER = timedelta(days=7, minutes=3)
PRIORITIES = {
    ("high", "high"): "urgent",
    ("high", "medium"): "high",
    ("high", "low"): "normal",
    ("medium", "high"): "high",
    ("medium", "medium"): "normal",
    ("low", "high"): "normal",
}
STANDING = {"pending", "resolved", "closed"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who asks: a contact of the client, or somebody with an account."""

    name: str
    contact_id: int | None = None
    user_id: int | None = None

    @property
    def first(self) -> str:
        """The given name."""
        return self.name.split()[0]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """A row of the log to be."""

    at: datetime
    who: str
    who_id: int | None
    action: str
    changes: dict[str, list[Any]]
    message: int | None = None  # which message of the tale it is about; else the ticket
    reason: str | None = None


@dataclass(kw_only=True)
class Tale:
    """A ticket as it is by ``until``; what would happen later does not."""

    story: Story
    chance: random.Random
    until: datetime
    asker: Asker
    agent: Someone
    words: dict[str, str]
    row: dict[str, Any]
    messages: list[dict[str, Any]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    minutes: int = 0
    variant: int = 0  # which of the story's subjects, with the words that fit

    @property
    def status(self) -> str:
        """The status so far."""
        return str(self.row["status"])

    def say(self, text: str) -> str:
        """Fill in what the words name."""
        return text.format(**self.words)

    def pick(self, texts: tuple[str, ...]) -> str:
        """Choose one of several ways to say it."""
        return self.say(self.chance.choice(texts))

    def fitting(self, texts: tuple[str, ...]) -> str:
        """Return the text that goes with the subject."""
        return self.say(texts[self.variant])

    def note(
        self, at: datetime, action: str, *, who: Someone | None = None, **changes: Any
    ) -> None:
        """Write an event about the ticket down, and set what it changes."""
        self.events.append(
            Event(
                at=at,
                who=who.name if who else self.agent.name,
                who_id=who.id if who else self.agent.id,
                action=f"ticket.{action}",
                changes={name: [self.row.get(name), value] for name, value in changes.items()},
            )
        )
        self.row |= changes
        self.row["updated_at"] = at

    def become(self, at: datetime, status: str, action: str, **changes: Any) -> None:
        """Change the status, and let the clocks stand or go on."""
        if status in STANDING and self.status not in STANDING:
            self.pauses.append((at, None))
        elif status not in STANDING and self.status in STANDING:
            self.pauses[-1] = (self.pauses[-1][0], at)
        self.note(at, action, status=status, **changes)

    def write(
        self,
        at: datetime,
        body: str,
        *,
        by_asker: bool = False,
        is_note: bool = False,
        action: str = "",
    ) -> None:
        """Add a message."""
        asker = self.asker
        self.messages.append(
            {
                "is_note": is_note,
                "author_id": asker.user_id if by_asker else self.agent.id,
                "contact_id": asker.contact_id if by_asker else None,
                "body": body,
                "via": "email" if by_asker and asker.contact_id else "web",
                "sent_at": at,
            }
        )
        self.events.append(
            Event(
                at=at,
                who=asker.name if by_asker else self.agent.name,
                who_id=asker.user_id if by_asker else self.agent.id,
                action=f"ticket.{action or ('noted' if is_note else 'replied')}",
                changes={"body": [None, body]},
                message=len(self.messages) - 1,
            )
        )
        self.row["last_message_at"] = self.row["updated_at"] = at

    def answer(self, at: datetime, body: str) -> None:
        """Write as the desk; the first time counts."""
        self.write(at, body)
        if self.row["responded_at"] is None:
            self.note(at, "updated", responded_at=at)


def priority_of(impact: str, urgency: str) -> str:
    """Return what the matrix gives."""
    return PRIORITIES.get((impact, urgency), "low")


def tell(tale: Tale, *, first: timedelta, done: timedelta) -> None:
    """Let a ticket happen: the desk's first answer comes after ``first``, the end after ``done``."""
    opened = tale.row["opened_at"]
    tale.write(opened, tale.fitting(tale.story.says), by_asker=True, action="described")
    answer = opened + first
    steps: list[tuple[datetime, Callable[[datetime], None]]] = [
        (
            answer - timedelta(minutes=min(9, first.total_seconds() / 120)),
            lambda at: _take(tale, at),
        ),
        (answer, lambda at: tale.answer(at, _greeted(tale, tale.pick(stories.ASKS)))),
    ]
    between = max(done - first, timedelta(minutes=20))
    steps += _middle(tale, answer, between)
    end = answer + between
    steps += [(end, lambda at: _resolve(tale, at))]
    steps += _after(tale, end)
    for at, step in sorted(steps, key=lambda one: one[0]):
        if at > tale.until:
            break
        step(at)


def _greeted(tale: Tale, text: str) -> str:
    return f"Hello {tale.asker.first},\n\n{text}\n\nKind regards\n{tale.agent.name}"


def _take(tale: Tale, at: datetime) -> None:
    tale.become(at, "open", "assigned", assignee_id=tale.agent.id)


def _middle(
    tale: Tale, start: datetime, between: timedelta
) -> list[tuple[datetime, Callable[[datetime], None]]]:
    """What happens between the first answer and the end."""
    chance, steps = tale.chance, []
    long = between > LONG
    if long or chance.random() < 0.45:  # noqa: PLR2004 - as many as wait for an answer
        asked = start + between * 0.05
        back = asked + between * (chance.uniform(0.7, 0.9) if long else chance.uniform(0.1, 0.4))
        steps.append((asked, lambda at: tale.become(at, "pending", "updated")))
        steps.append((back, lambda at: _hear(tale, at)))
    if chance.random() < 0.6:  # noqa: PLR2004
        steps.append(
            (
                start + between * chance.uniform(0.5, 0.7),
                lambda at: tale.write(at, tale.pick(tale.story.finds), is_note=True),
            )
        )
    if chance.random() < 0.2:  # noqa: PLR2004
        held = start + between * 0.72
        steps.append((held, lambda at: tale.become(at, "on_hold", "updated")))
        steps.append((start + between * 0.93, lambda at: tale.become(at, "open", "updated")))
    if chance.random() < 0.3:  # noqa: PLR2004
        steps.append(
            (
                start + between * 0.8,
                lambda at: tale.answer(at, _greeted(tale, tale.pick(stories.ASKS))),
            )
        )
    return steps


def _hear(tale: Tale, at: datetime) -> None:
    tale.write(at, tale.pick(stories.ANSWERS), by_asker=True)
    if tale.status == "pending":
        tale.become(at + timedelta(seconds=1), "open", "updated")


def _resolve(tale: Tale, at: datetime) -> None:
    end = tale.fitting(tale.story.ends)
    tale.answer(at, tale.chance.choice(stories.CLOSINGS).format(end=end, **tale.words))
    tale.become(at + timedelta(seconds=2), "resolved", "resolved", resolution=end, resolved_at=at)
    tale.minutes = tale.chance.randint(*tale.story.minutes)


def _after(tale: Tale, end: datetime) -> list[tuple[datetime, Callable[[datetime], None]]]:
    """Thanks, another fault, or quiet until it closes."""
    chance = tale.chance
    closing = [(end + CLOSES_AFTER, lambda at: _close(tale, at))]
    if chance.random() < 0.05:  # noqa: PLR2004
        again = end + timedelta(hours=chance.randint(3, 60))
        second = again + timedelta(hours=chance.randint(2, 30))
        return [
            (again, lambda at: _reopen(tale, at)),
            (second, lambda at: _resolve(tale, at)),
            (second + CLOSES_AFTER, lambda at: _close(tale, at)),
        ]
    if chance.random() < 0.35:  # noqa: PLR2004
        thanks = end + timedelta(minutes=chance.randint(4, 900))
        return [
            (thanks, lambda at: tale.write(at, tale.pick(stories.THANKS), by_asker=True)),
            *closing,
        ]
    return closing


def _reopen(tale: Tale, at: datetime) -> None:
    tale.write(at, "It happens again, sorry.", by_asker=True)
    tale.become(
        at + timedelta(seconds=3),
        "open",
        "reopened",
        resolved_at=None,
        reopened=tale.row["reopened"] + 1,
    )


def _close(tale: Tale, at: datetime) -> None:
    if tale.status == "resolved":
        tale.become(at, "closed", "closed", closed_at=at)
