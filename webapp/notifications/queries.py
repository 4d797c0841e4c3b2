"""Reads about notifications."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, text, update

from webapp.audit.models import AuditEvent
from webapp.core import paging
from webapp.core.db import db
from webapp.notifications.models import EVERY, Notification, NotificationSettings, Preference

LISTING = paging.Listing(id=Notification.id, sorts={"told": Notification.told_at}, default="-told")
COLUMNS: tuple[Any, ...] = (
    Notification.id,
    Notification.kind,
    Notification.title,
    Notification.body,
    Notification.url,
    Notification.count,
    Notification.told_at,
    Notification.read_at,
    Notification.object_type,
    Notification.object_id,
)
MAILED_AT_ONCE = 100

KEY = AuditEvent.changes["key"][1].astext

# Whoever may give roles everywhere and holds the key everywhere may pass it on anywhere.
_MAY_GRANT = text("""
  SELECT u.id FROM users u
   WHERE u.is_active AND u.id <> :asker
     AND EXISTS (SELECT FROM user_roles ur JOIN role_permissions rp USING (role_id)
                   JOIN permissions p ON p.id = rp.permission_id AND p.key = 'roles.assign'
                  WHERE ur.user_id = u.id AND num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0)
     AND EXISTS (SELECT FROM user_roles ur
                  WHERE ur.user_id = u.id AND num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0
                    AND (EXISTS (SELECT FROM role_permissions rp JOIN permissions p ON p.id = rp.permission_id
                                  WHERE rp.role_id = ur.role_id AND p.key = :key)
                      OR EXISTS (SELECT FROM page_roles pr JOIN pages p ON p.id = pr.page_id
                                  WHERE pr.role_id = ur.role_id AND p.key = :key)))
   ORDER BY u.last_seen_at DESC NULLS LAST, u.id LIMIT :limit
""")


def list_own(
    user_id: int, args: Any, *, unread_only: bool = False, kind: str | None = None
) -> paging.Page:
    """Return a page of a person's own notifications, newest first."""
    statement = _shown(user_id)
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    if kind:
        statement = statement.where(Notification.kind == kind)
    return paging.paginate(statement, LISTING, args)


def newest(user_id: int, *, limit: int) -> list[Any]:
    """Return the newest notifications of a person, for the bell."""
    order = (Notification.told_at.desc(), Notification.id.desc())
    return list(db.session.execute(_shown(user_id).order_by(*order).limit(limit)))


def unread_count(user_id: int) -> int:
    """Count what a person has not read, to a hundred."""
    return int(db.session.scalar(select(func.steward_unread(user_id))) or 0)


def _shown(user_id: int) -> Select[Any]:
    return select(*COLUMNS).where(Notification.user_id == user_id, Notification.in_app)


def asked_by(user_id: int, *, limit: int) -> list[Any]:
    """Return what a person asked for in the last month (key, reason, at), newest first, as the log has it."""
    statement = (
        select(KEY.label("key"), AuditEvent.reason, AuditEvent.recorded_at.label("at"))
        .where(
            AuditEvent.actor_id == user_id,
            AuditEvent.action == "access.asked",
            AuditEvent.recorded_at > text("now() - interval '30 days'"),
        )
        .order_by(AuditEvent.recorded_at.desc(), AuditEvent.id.desc())
        .limit(limit)
    )
    return list(db.session.execute(statement))


def asked_today(user_id: int, key: str) -> datetime | None:
    """Return when a person asked for ``key`` within the last day."""
    statement = select(func.max(AuditEvent.recorded_at)).where(
        AuditEvent.actor_id == user_id,
        AuditEvent.action == "access.asked",
        AuditEvent.recorded_at > text("now() - interval '1 day'"),
        key == KEY,
    )
    return db.session.scalar(statement)


def get_own(user_id: int, notification_id: int) -> Notification | None:
    """Find a notification of this person; anybody else's does not exist."""
    return db.session.scalar(
        select(Notification).where(
            Notification.id == notification_id, Notification.user_id == user_id
        )
    )


def who_may_grant(key: str, *, asker_id: int, limit: int) -> list[Any]:
    """Return active people (id), other than the asker, who could give somebody ``key``."""
    rows = db.session.execute(_MAY_GRANT, {"key": key, "asker": asker_id, "limit": limit})
    return list(rows)


# Preferences


def preferences_of(user_id: int) -> dict[str, Preference]:
    """Return what a person chose, by kind; of what is missing the usual way holds."""
    found = select(Preference).where(Preference.user_id == user_id)
    return {row.kind: row for row in db.session.scalars(found)}


def settings_of(user_id: int) -> NotificationSettings | None:
    """Return a person's quiet hours and how long mails gather, if they chose any."""
    found = select(NotificationSettings).where(NotificationSettings.user_id == user_id)
    return db.session.scalar(found)


# Mail

_ADDRESSEE = text(f"""
SELECT u.id, u.name, u.email, u.locale, u.timezone, s.quiet_from, s.quiet_until,
  coalesce(s.mail_every, {EVERY}) AS mail_every,
  coalesce((SELECT jsonb_object_agg(p.kind, jsonb_build_array(p.in_app, p.email)) FROM notification_preferences p
             WHERE p.user_id = u.id), '{{}}') AS chosen
  FROM users u LEFT JOIN notification_settings s ON s.user_id = u.id WHERE u.id = :id AND u.is_active
""")  # noqa: S608 - no user input


def addressee(user_id: int) -> Any:
    """Return an active person with their wishes (chosen: kind to in app and by mail), or None."""
    return db.session.execute(_ADDRESSEE, {"id": user_id}).one_or_none()


def to_mail(user_id: int) -> list[Any]:
    """Return what a person is to be mailed: unread and not mailed yet, oldest first."""
    statement = (
        select(*COLUMNS, Notification.in_app)
        .where(
            Notification.user_id == user_id,
            Notification.read_at.is_(None),
            Notification.emailed_at.is_(None),
            Notification.mail_due_at.is_not(None),
        )
        .order_by(Notification.told_at, Notification.id)
        .limit(MAILED_AT_ONCE)
    )
    return list(db.session.execute(statement))


def no_mail_for(ids: Sequence[int]) -> None:
    """Note that some will not be mailed."""
    if ids:
        changed = update(Notification).where(Notification.id.in_(ids)).values(mail_due_at=None)
        db.session.execute(changed.execution_options(synchronize_session=False))


_MAILED = text("""
UPDATE notifications n SET emailed_at = now(), read_at = CASE WHEN n.in_app THEN n.read_at ELSE now() END
  FROM unnest(CAST(:ids AS bigint[]), CAST(:told AS timestamptz[])) AS m (id, told)
 WHERE n.id = m.id AND n.told_at = m.told
""")


def note_mailed(rows: Sequence[Any]) -> None:
    """Note that some were mailed; what was told anew meanwhile is mailed again."""
    values = {"ids": [row.id for row in rows], "told": [row.told_at for row in rows]}
    db.session.execute(_MAILED, values)


_FORGET = text("""
DELETE FROM notifications WHERE read_at < now() - make_interval(days => :days)
   OR told_at < now() - interval '1 year'
""")
KEEP_DAYS = 90


def forget_old() -> int:
    """Remove what was read long ago, and what nobody ever read; return how much."""
    count: int = db.session.execute(_FORGET, {"days": KEEP_DAYS}).rowcount  # type: ignore[attr-defined]
    return count
