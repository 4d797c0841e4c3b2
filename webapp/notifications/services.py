"""Telling people, and keeping what they have read."""

from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import urlencode

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.identity import Person
from webapp.core.language import _, gettext, speaking
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


class AskedAlready(DomainError):
    """Those who may grant it were told within the last day."""

    def __init__(self, at: datetime) -> None:
        """Keep when."""
        super().__init__(_("You have asked for this already."))
        self.at = at


def ask_for_access(asker: Person, *, key: str, reason: str, path: str = "") -> int:
    """Tell those who may grant ``key`` that somebody asks for it, and return how many they are.

    Raises:
        AskedAlready: if the person asked for it within the last day.
        DomainError: if nobody could grant it.
    """
    if at := queries.asked_today(asker.id, key):
        raise AskedAlready(at)
    people = queries.who_may_grant(key, asker_id=asker.id, limit=MOST_ASKED)
    if not people:
        raise DomainError(_("Nobody who could give you this has an active account."))
    for locale in {who.locale for who in people}:
        with speaking(locale):
            _tell(
                [who.id for who in people if who.locale == locale],
                asker=asker,
                key=key,
                reason=reason,
                path=path,
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


def _tell(user_ids: list[int], *, asker: Person, key: str, reason: str, path: str) -> None:
    """Pass the question on, in the language of those who are told."""
    entry = find_entry(key)
    notify(
        user_ids,
        kind="access.asked",
        title=gettext(
            "%(name)s asks for “%(what)s”", name=asker.name, what=entry.title if entry else key
        ),
        body=gettext("%(reason)s\n\nRefused at %(path)s", reason=reason, path=path)
        if path
        else reason,
        url="/access/explain?" + urlencode({"person": asker.id, "key": key}),
    )
