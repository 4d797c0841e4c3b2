"""Reads of files."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, and_, any_, bindparam, func, or_, select

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


def of_messages(
    ticket_id: int, message_ids: Sequence[int], *, waiting_for: int | None
) -> Sequence[Any]:
    """Return the live files of some messages, and those that a person has uploaded and not sent yet."""
    asked: dict[str, Any] = {"ticket": ticket_id, "messages": list(message_ids)}
    if waiting_for is not None:
        asked["user"] = waiting_for
    return db.session.execute(_of_messages(waiting=waiting_for is not None), asked).all()


@cache
def _of_messages(*, waiting: bool) -> Any:
    """The statement, made once: each page of a ticket asks it."""
    messages = bindparam("messages", type_=ARRAY(BigInteger))
    mine: list[ColumnElement[bool]] = [Attachment.message_id == any_(messages)]
    if waiting:
        mine.append(_waits_for(bindparam("user", type_=BigInteger)))
    return (
        select(
            Attachment.id,
            Attachment.message_id,
            Attachment.name,
            Attachment.size,
            Attachment.media_type,
            Attachment.thumb_sha256.is_not(None).label("is_image"),
        )
        .where(
            Attachment.ticket_id == bindparam("ticket", type_=BigInteger),
            Attachment.deleted_at.is_(None),
            or_(*mine),
        )
        .order_by(Attachment.id)
    )


def _waits_for(user_id: Any) -> ColumnElement[bool]:
    return and_(Attachment.message_id.is_(None), Attachment.uploaded_by_id == user_id)


def count_of_ticket(ticket_id: int, *, waiting_for: int | None = None) -> int:
    """Return how many live files a ticket has, or how many of them a person has not sent yet."""
    live = select(func.count()).where(
        Attachment.ticket_id == ticket_id, Attachment.deleted_at.is_(None)
    )
    if waiting_for is not None:
        live = live.where(_waits_for(waiting_for))
    return db.session.scalar(live) or 0


def get_of_ticket(
    ticket_id: int, attachment_id: int, *, user_id: int, waiting: bool = False
) -> Attachment | None:
    """Return a live file of a ticket; what was not sent yet only to who uploaded it."""
    statement = select(Attachment).where(
        Attachment.id == attachment_id,
        Attachment.ticket_id == ticket_id,
        Attachment.deleted_at.is_(None),
    )
    if waiting:
        return db.session.scalar(statement.where(_waits_for(user_id)).with_for_update())
    sent = Attachment.message_id.is_not(None)
    return db.session.scalar(statement.where(or_(sent, _waits_for(user_id))))


def of_draft(draft_id: int, ids: Sequence[int] | None = None) -> Sequence[Attachment]:
    """Return the files that wait for a ticket that is being written (all, or some), and hold them."""
    statement = select(Attachment).where(Attachment.draft_id == draft_id)
    if ids is not None:
        statement = statement.where(Attachment.id.in_(ids))
    return db.session.scalars(statement.order_by(Attachment.id).with_for_update()).all()


def count_of_draft(draft_id: int) -> int:
    """Return how many files wait for a ticket that is being written."""
    waiting = select(func.count()).where(Attachment.draft_id == draft_id)
    return db.session.scalar(waiting) or 0


def get_of_drafts(attachment_id: int, *, user_id: int, lock: bool = False) -> Attachment | None:
    """Return a file that waits for a ticket that this person is writing."""
    statement = select(Attachment).where(
        Attachment.id == attachment_id,
        Attachment.draft_id.is_not(None),
        Attachment.uploaded_by_id == user_id,
    )
    return db.session.scalar(statement.with_for_update() if lock else statement)


def get(asset_id: int, attachment_id: int, *, lock: bool = False) -> Attachment | None:
    """Return a file of an asset."""
    statement = select(Attachment).where(
        Attachment.id == attachment_id, Attachment.asset_id == asset_id
    )
    return db.session.scalar(statement.with_for_update() if lock else statement)
