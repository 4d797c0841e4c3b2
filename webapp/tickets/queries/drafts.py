"""Reads of tickets that somebody is writing, and of the files that wait for them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.tickets.models import Draft


def _files() -> Any:
    """The files of a draft as JSON, as ``attachments.queries.of_messages`` names them."""
    one = func.json_build_object(
        *("id", Attachment.id, "name", Attachment.name, "size", Attachment.size),
        *("is_image", Attachment.thumb_sha256.is_not(None)),
    )
    return (
        select(func.json_agg(aggregate_order_by(one, Attachment.id)))
        .where(Attachment.draft_id == Draft.id)
        .correlate(Draft)
        .scalar_subquery()
    )


def of_person(user_id: int) -> Sequence[Any]:
    """Return the tickets that a person is writing, the last one first, with their files (None: it has none)."""
    files = _files().label("files")
    held = select(Attachment.id).where(Attachment.draft_id == Draft.id).exists()
    return db.session.execute(
        select(Draft.id, Draft.key, Draft.body, Draft.fields, Draft.saved_at, files)
        .where(Draft.user_id == user_id, Draft.key.is_not(None))
        .where(or_(Draft.body != "", Draft.fields != {}, held))
        .order_by(Draft.saved_at.desc(), Draft.id.desc())
    ).all()


def find(user_id: int, key: str | None, *, lock: bool = False) -> Draft | None:
    """Return the draft of a ticket by the key of its form."""
    if not key:
        return None
    statement = select(Draft).where(Draft.user_id == user_id, Draft.key == key)
    return db.session.scalar(statement.with_for_update() if lock else statement)


def surplus(user_id: int, most: int) -> Sequence[Draft]:
    """Return the drafts of new tickets beyond the newest ``most``."""
    statement = (
        select(Draft)
        .where(Draft.user_id == user_id, Draft.key.is_not(None))
        .order_by(Draft.saved_at.desc(), Draft.id.desc())
        .offset(most)
    )
    return db.session.scalars(statement).all()


def old(days: int, limit: int) -> Sequence[Draft]:
    """Return some drafts of new tickets that nobody has touched for long, and hold them."""
    statement = (
        select(Draft)
        .where(
            Draft.key.is_not(None), Draft.saved_at < func.now() - func.make_interval(0, 0, 0, days)
        )
        .order_by(Draft.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return db.session.scalars(statement).all()
