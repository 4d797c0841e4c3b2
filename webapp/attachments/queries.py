"""Reads of files."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.users.models import User


def of_asset(asset_id: int) -> Sequence[Any]:
    """Return all files of an asset, deleted ones too: the main photo first, then as they came."""
    return db.session.execute(
        select(
            Attachment.id,
            Attachment.name,
            Attachment.size,
            Attachment.media_type,
            Attachment.thumb_sha256.is_not(None).label("is_image"),
            Attachment.is_main,
            Attachment.created_at,
            Attachment.deleted_at,
            Attachment.thumb_sha256,
            User.name.label("uploaded_by"),
        )
        .outerjoin(User, User.id == Attachment.uploaded_by_id)
        .where(Attachment.asset_id == asset_id)
        .order_by(Attachment.is_main.desc(), Attachment.id)
    ).all()


def photo_of(asset_id: int) -> int | None:
    """Return the id of the image that stands for an asset: the chosen one, else the first."""
    return db.session.scalar(
        select(Attachment.id)
        .where(
            Attachment.asset_id == asset_id,
            Attachment.deleted_at.is_(None),
            Attachment.thumb_sha256.is_not(None),
        )
        .order_by(Attachment.is_main.desc(), Attachment.id)
        .limit(1)
    )


def count_of(asset_id: int) -> int:
    """Return how many live files an asset has."""
    live = select(func.count()).where(
        Attachment.asset_id == asset_id, Attachment.deleted_at.is_(None)
    )
    return db.session.scalar(live) or 0


def get(asset_id: int, attachment_id: int, *, lock: bool = False) -> Attachment | None:
    """Return a file of an asset."""
    statement = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.asset_id == asset_id
    )
    return db.session.scalar(statement.with_for_update() if lock else statement)
