"""Telling people what a change means for them: in the transaction of that change, and only if it stands.

``announce`` keeps what is to be said until just before the commit. Then one query finds how all of them want to be
told, one statement writes the notices (raising the count of what is still unread about the same), and one defers the
mails. So two thousand changes at once cost no more statements than one, and what a savepoint undid is not announced.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from flask import current_app
from sqlalchemy import event, text
from sqlalchemy.orm import Session, SessionTransaction

from webapp.core.db import db
from webapp.core.language import speaking
from webapp.jobs.later import defer_later
from webapp.notifications import mailing
from webapp.notifications.kinds import Kind, Words, kind_of
from webapp.notifications.models import EVERY
from webapp.notifications.quiet import end_of_quiet

log = structlog.get_logger(__name__)
PENDING = "notices_pending"
FEW_OF_A_KIND = 10  # more for one person in one transaction, and they become one notice
MAX_BODY = 2000
_marks: "WeakKeyDictionary[SessionTransaction, int]" = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something to tell; ``words`` gives title and body, in the language of whoever reads."""

    user_ids: tuple[int, ...]
    kind: str
    words: Callable[[], Words]
    url: str = ""
    group: str = ""
    about: tuple[str, int] | None = None


Resolver = Callable[[Sequence[Any]], Iterable[Notice]]


def announce(
    user_ids: Iterable[int],
    *,
    kind: str,
    words: Callable[[], Words],
    url: str = "",
    group: str = "",
    about: tuple[str, int] | None = None,
) -> None:
    """Tell people something when this transaction commits.

    Args:
        user_ids: who is told; those who are not active are not.
        kind: one of ``kinds.KINDS``.
        words: gives title and body; called within each language, just before the commit.
        url: where a click leads.
        group: what is still unread of the same group is counted up instead of told again.
        about: object type and id, to which a person must still have access when the mail goes out.
    """
    if told := tuple(user_ids):
        notice = Notice(user_ids=told, kind=kind, words=words, url=url, group=group, about=about)
        _pending().append((None, notice))


def announce_later(resolver: Resolver, item: Any) -> None:
    """The same where it takes queries to find whom to tell: ``resolver`` gets all items of the transaction at once."""
    _pending().append((resolver, item))


def _pending() -> list[tuple[Resolver | None, Any]]:
    kept: list[tuple[Resolver | None, Any]] = db.session.info.setdefault(PENDING, [])
    return kept


# What the session does


def _mark(session: Session, transaction: SessionTransaction) -> None:
    _marks[transaction] = len(session.info.get(PENDING, ()))


def _forget(session: Session, transaction: SessionTransaction) -> None:
    """Drop what the undone transaction or savepoint wanted to say, and no more."""
    if PENDING in session.info:
        del session.info[PENDING][_marks.get(transaction, 0) :]


def _write(session: Session) -> None:
    if session.in_nested_transaction() or not session.info.get(PENDING):
        return
    session.flush()
    items = session.info.pop(PENDING)
    notices = [item for resolver, item in items if resolver is None]
    by_resolver: dict[Resolver, list[Any]] = {}
    for resolver, item in items:
        if resolver is not None:
            by_resolver.setdefault(resolver, []).append(item)
    for resolver, some in by_resolver.items():
        notices += resolver(some)
    if notices:
        tell(notices)


for _name, _handler in (
    ("after_transaction_create", _mark),
    ("after_soft_rollback", _forget),
    ("before_commit", _write),
):
    event.listen(db.session, _name, _handler)


# Who is told, and how

_PEOPLE = text(f"""
SELECT u.id, u.name, u.locale, u.timezone, s.quiet_from, s.quiet_until, coalesce(s.mail_every, {EVERY}) AS mail_every,
  coalesce((SELECT jsonb_object_agg(p.kind, jsonb_build_array(p.in_app, p.email)) FROM notification_preferences p
             WHERE p.user_id = u.id AND p.kind = ANY (:kinds)), '{{}}') AS chosen
  FROM users u LEFT JOIN notification_settings s ON s.user_id = u.id
 WHERE u.id = ANY (:ids) AND u.is_active
""")  # noqa: S608 - no user input
_ANNOUNCE = text("SELECT steward_announce(CAST(:rows AS jsonb))")


@dataclass(slots=True)
class _Told:
    """What one person is told of one kind."""

    person: Any
    kind: Kind
    in_app: bool
    mail_at: datetime | None
    by_group: dict[str, tuple[Notice, int]] = field(default_factory=dict)

    def add(self, notice: Notice) -> None:
        """Of one group there is one notice: the last, which counts them all."""
        key = notice.group or f"\0{len(self.by_group)}"
        before = self.by_group.get(key)
        self.by_group[key] = (notice, before[1] + 1 if before else 1)

    def rows(self, say: Callable[[Notice, str], Words | None]) -> Iterable[dict[str, Any]]:
        """Rows of the table; of more than a few, one."""
        number = sum(count for _, count in self.by_group.values())
        if self.kind.many is not None and len(self.by_group) > FEW_OF_A_KIND:
            with speaking(self.person.locale):
                title = str(self.kind.many(number))
            yield self._row(title, "", url=self.kind.many_url)
            return
        for notice, count in self.by_group.values():
            if (words := say(notice, self.person.locale)) is not None:
                yield self._row(*words, url=notice.url, notice=notice, count=count)

    def _row(
        self, title: str, body: str, *, url: str, notice: Notice | None = None, count: int = 1
    ) -> dict[str, Any]:
        about = notice.about if notice else None
        return {
            "user_id": self.person.id,
            "kind": self.kind.key,
            "title": " ".join(str(title).split())[:300],
            "body": str(body)[:MAX_BODY],
            "url": url[:500],
            "group_key": notice.group[:100] if notice else "",
            "count": count,
            "object_type": about[0] if about else "",
            "object_id": about[1] if about else None,
            "in_app": self.in_app,
            "mail_due_at": self.mail_at.isoformat() if self.mail_at else None,
        }


def tell(notices: Sequence[Notice]) -> None:
    """Write notices and defer their mails, in this transaction and now."""
    people = _find_people(notices)
    told: dict[tuple[int, str], _Told | None] = {}
    for notice in notices:
        for user_id in dict.fromkeys(notice.user_ids):
            if (person := people.get(user_id)) is None:
                continue
            key = (user_id, notice.kind)
            if key not in told:
                told[key] = _wishes(person, kind_of(notice.kind))
            if (mine := told[key]) is not None:
                mine.add(notice)
    say = lru_cache(maxsize=None)(_say)
    rows = [row for mine in told.values() if mine for row in mine.rows(say)]
    if rows:
        db.session.execute(_ANNOUNCE, {"rows": json.dumps(rows)})
        _defer_mails([mine for mine in told.values() if mine and mine.mail_at])


def _find_people(notices: Sequence[Notice]) -> dict[int, Any]:
    ids = list({user_id for notice in notices for user_id in notice.user_ids})
    kinds = list({notice.kind for notice in notices})
    rows = db.session.execute(_PEOPLE, {"ids": ids, "kinds": kinds})
    return {row.id: row for row in rows}


def _wishes(person: Any, kind: Kind) -> _Told | None:
    """How somebody wants to be told of a kind; None: not at all."""
    in_app, email = person.chosen.get(kind.key, (kind.in_app, kind.email))
    mail_at = _mail_at(person) if email and mailing.is_possible() else None
    if not in_app and mail_at is None:
        return None
    return _Told(person, kind, in_app, mail_at)


def _mail_at(person: Any) -> datetime:
    due = datetime.now(UTC) + timedelta(minutes=person.mail_every)
    quiet = end_of_quiet(
        due,
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        zone=person.timezone,
    )
    return quiet or due


def _say(notice: Notice, locale: str) -> Words | None:
    """Find the words; a notice that has none must not undo what it is about."""
    try:
        with speaking(locale):
            title, body = notice.words()
            return str(title), str(body)
    except Exception:
        log.exception("notice_without_words", kind=notice.kind)
        if current_app.testing:
            raise
        return None


def _defer_mails(told: Iterable[_Told]) -> None:
    """One mail for all that gathers until then."""
    soonest: dict[int, _Told] = {}
    for mine in told:
        soonest.setdefault(mine.person.id, mine)
    defer_later(
        mailing.mail,
        (
            mailing.job(mine.person.id, mine.person.name, mine.mail_at)
            for mine in soonest.values()
            if mine.mail_at
        ),
    )
