"""Reads about notifications."""

from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from webapp.audit.models import AuditEvent
from webapp.core import paging
from webapp.core.db import db
from webapp.notifications.models import Notification

LISTING = paging.Listing(id=Notification.id, sorts={"id": Notification.id}, default="-id")
COLUMNS: tuple[Any, ...] = (
    Notification.id,
    Notification.title,
    Notification.body,
    Notification.url,
    Notification.created_at,
    Notification.read_at,
)

KEY = AuditEvent.changes["key"][1].astext

# Whoever may give roles everywhere and holds the key everywhere may pass it on anywhere.
_MAY_GRANT = text("""
  SELECT u.id, u.locale FROM users u
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


def list_own(user_id: int, args: Any, *, unread_only: bool) -> paging.Page:
    """Return a page of a person's own notifications, newest first."""
    statement = select(*COLUMNS).where(Notification.user_id == user_id)
    if unread_only:
        statement = statement.where(Notification.read_at.is_(None))
    return paging.paginate(statement, LISTING, args)


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


def unread_of(user_id: int, *, limit: int) -> list[Notification]:
    """Return unread notifications of a person, oldest first."""
    statement = (
        select(Notification)
        .where(Notification.user_id == user_id, Notification.read_at.is_(None))
        .order_by(Notification.id)
        .limit(limit)
    )
    return list(db.session.scalars(statement))


def who_may_grant(key: str, *, asker_id: int, limit: int) -> list[Any]:
    """Return active people (id, locale), other than the asker, who could give somebody ``key``."""
    rows = db.session.execute(_MAY_GRANT, {"key": key, "asker": asker_id, "limit": limit})
    return list(rows)
