"""Telling people, keeping what they have read, and how they want to be told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, text, update

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.identity import Person
from webapp.core.language import _, gettext
from webapp.core.registry import find_entry
from webapp.live import hub
from webapp.notifications import queries
from webapp.notifications.announcing import announce
from webapp.notifications.kinds import KINDS, Kind, Words, kind_of
from webapp.notifications.models import Notification, NotificationSettings, Preference
from webapp.notifications.schemas import Preferences

__all__ = ["announce"]  # with the changes of this domain, though it has a module of its own
MOST_ASKED = 20


def mark_read(user_id: int, notification_id: int) -> None:
    """Note that a person read one; the first time counts."""
    _read(user_id, Notification.id == notification_id)


def mark_all_read(user_id: int) -> int:
    """Mark what a person has not read, and return how much it was."""
    return _read(user_id, Notification.in_app)


def mark_read_about(user_id: int, object_type: str, object_id: int) -> int:
    """Mark what was said about something that the person sees now: there is nothing left to tell."""
    return _read(
        user_id, Notification.object_type == object_type, Notification.object_id == object_id
    )


def mark_seen(user_id: int, object_type: str, object_id: int) -> None:
    """The same once a page was shown (``after_response``): that transaction does not know yet whose it is."""
    db.session.execute(text("SELECT set_config('app.user_id', :id, true)"), {"id": str(user_id)})
    mark_read_about(user_id, object_type, object_id)


def _read(user_id: int, *which: Any) -> int:
    statement = (
        update(Notification)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None), *which)
        .values(read_at=func.now())
        .execution_options(synchronize_session=False)
    )
    count: int = db.session.execute(statement).rowcount  # type: ignore[attr-defined]
    if count:
        hub.publish("notification", user=user_id)
    return count


def kinds_for(who: Person) -> list[Kind]:
    """Return the kinds of things that a person can be told."""
    return [kind for kind in KINDS.values() if not kind.page or who.opens(kind.page)]


def save_preferences(who: Person, command: Preferences) -> None:
    """Keep how a person wants to be told; what is not on their page stays as it is."""
    chosen = queries.preferences_of(who.id)
    for kind in kinds_for(who):
        _choose(
            who.id,
            kind,
            chosen.get(kind.key),
            in_app=kind.key in command.in_app,
            email=kind.key in command.email,
        )
    row = queries.settings_of(who.id)
    if row is None:
        row = NotificationSettings(user_id=who.id)
        db.session.add(row)
    row.quiet_from, row.quiet_until = command.quiet_from, command.quiet_until
    row.mail_every = command.mail_every
    db.session.flush()


def _choose(user_id: int, kind: Kind, row: Preference | None, *, in_app: bool, email: bool) -> None:
    if row is not None:
        row.in_app, row.email = in_app, email
    elif (in_app, email) != (kind.in_app, kind.email):
        db.session.add(Preference(user_id=user_id, kind=kind.key, in_app=in_app, email=email))


def stop_mail(user_id: int, kinds: Iterable[str]) -> None:
    """End the mails of some kinds to a person; in the app they are told as before."""
    chosen = queries.preferences_of(user_id)
    for key in kinds:
        row, kind = chosen.get(key), kind_of(key)
        in_app = row.in_app if row else kind.in_app
        _choose(user_id, kind, row, in_app=in_app, email=False)
    db.session.flush()


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
    announce(
        (who.id for who in people),
        kind="access.asked",
        words=lambda: _question(asker.name, key=key, reason=reason, path=path),
        url="/access/explain?" + urlencode({"person": asker.id, "key": key}),
        group=f"access:{asker.id}:{key}",
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


def _question(name: str, *, key: str, reason: str, path: str) -> Words:
    """The question, in the language of those who are told."""
    entry = find_entry(key)
    title = gettext(
        "%(name)s asks for “%(what)s”", name=name, what=_translated(entry.title) if entry else key
    )
    if not path:
        return title, reason
    return title, gettext("%(reason)s\n\nRefused at %(path)s", reason=reason, path=path)


def _translated(title: str) -> str:
    return gettext(title)
