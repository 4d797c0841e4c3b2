"""Telling people, and keeping what they have read."""

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlencode

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.identity import Person
from webapp.core.registry import find_entry
from webapp.notifications import queries
from webapp.notifications.models import Notification

MOST_ASKED = 20
MARKED_AT_ONCE = 500


def notify(
    user_ids: Iterable[int], *, kind: str, title: str, body: str = "", url: str = ""
) -> list[Notification]:
    """Tell each person something."""
    made = [
        Notification(user_id=user_id, kind=kind, title=title[:300], body=body, url=url[:500])
        for user_id in user_ids
    ]
    db.session.add_all(made)
    db.session.flush()
    return made


def mark_read(notification: Notification) -> None:
    """Note when a person read something; the first time counts."""
    if notification.read_at is None:
        notification.read_at = datetime.now(UTC)
        db.session.flush()


def mark_all_read(user_id: int) -> int:
    """Mark what a person has not read, and return how much it was."""
    unread = queries.unread_of(user_id, limit=MARKED_AT_ONCE)
    now = datetime.now(UTC)
    for notification in unread:
        notification.read_at = now
    db.session.flush()
    return len(unread)


def ask_for_access(asker: Person, *, key: str, reason: str, path: str = "") -> int:
    """Tell those who may grant ``key`` that somebody asks for it, and return how many they are.

    Raises:
        DomainError: if nobody could grant it.
    """
    entry = find_entry(key)
    title = entry.title if entry else key
    people = queries.who_may_grant(key, asker_id=asker.id, limit=MOST_ASKED)
    if not people:
        raise DomainError("Nobody who could give you this has an active account.")
    body = f"{reason}\n\nRefused at {path}" if path else reason
    notify(
        people,
        kind="access.asked",
        title=f"{asker.name} asks for “{title}”",
        body=body,
        url="/access/explain?" + urlencode({"person": asker.id, "key": key}),
    )
    trail.because(reason)
    trail.note(
        "access.asked",
        category="access",
        object_type="user",
        object_id=asker.id,
        object_label=asker.name,
        changes={"key": [None, key], "told": [None, len(people)]},
    )
    return len(people)
