"""Reads of what is said on a ticket, oldest first; of very much the middle is left out at first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, literal_column, or_, select, tuple_, union
from sqlalchemy.orm import aliased

from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT
from webapp.tickets.models import Contact, Message, Ticket
from webapp.users.models import User

READ_IN = timedelta(seconds=10)  # nobody has read in less what came in while they wrote
FIRST, LAST = 1, 15  # of how many a page shows
AT_ONCE = 50  # and how many more it then gets at once


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversation:
    """Some messages of a ticket. ``hidden`` of ``total`` are left out just before ``rows[gap]``."""

    rows: Sequence[Any]
    total: int
    hidden: int = 0
    gap: int = 0

    @property
    def last_id(self) -> int:
        """The newest of the messages here, 0 if there are none: what whoever looks has seen."""
        return max((row.id for row in self.rows), default=0)


TICKET = bindparam("ticket", type_=BigInteger)


@cache
def _columns() -> Any:
    origin, recorder = aliased(Ticket), aliased(User)
    return (
        select(
            Message.id,
            Message.is_note,
            Message.author_id,
            Message.contact_id,
            Message.body,
            Message.via,
            Message.sent_at,
            Message.origin_id,
            origin.number.label("origin_number"),
            func.coalesce(User.name, Contact.name).label("author"),
            recorder.name.label("recorder"),
            Message.mail_state,
            Message.mailed_to,
            Message.mailed_at,
        )
        .outerjoin(User, User.id == Message.author_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .outerjoin(origin, origin.id == Message.origin_id)
        .outerjoin(recorder, recorder.id == Message.recorded_by_id)
        .order_by(Message.sent_at, Message.id)
    )


def _count(*more: Any) -> Any:
    few: Any = select(literal_column("1")).select_from(Message).where(Message.ticket_id == TICKET)
    few_more = few.where(*more).limit(COUNT_LIMIT).subquery()
    return select(func.count()).select_from(few_more).scalar_subquery().label("total")


@cache
def _ends() -> Any:
    mine = select(Message.id).where(Message.ticket_id == TICKET)
    ends = union(
        mine.order_by(Message.sent_at, Message.id).limit(FIRST).subquery().select(),
        mine.order_by(Message.sent_at.desc(), Message.id.desc()).limit(LAST).subquery().select(),
    )
    return _columns().add_columns(_count()).where(Message.id.in_(ends))


def of_ticket(ticket_id: int) -> Conversation:
    """Return the first message and the last ones, in one statement."""
    rows = db.session.execute(_ends(), {"ticket": ticket_id}).all()
    total = rows[0].total if rows else 0
    return Conversation(rows=rows, total=total, hidden=total - len(rows), gap=FIRST)


def before(ticket_id: int, message_id: int) -> Conversation:
    """Return those just before a message, but not the first ones, which are shown anyway."""
    mark = (
        select(Message.sent_at, Message.id)
        .where(Message.id == message_id, Message.ticket_id == ticket_id)
        .subquery()
    )
    earlier = (
        tuple_(Message.sent_at, Message.id) < select(mark.c.sent_at, mark.c.id).scalar_subquery()
    )
    found = (
        _columns()
        .add_columns(_count(earlier))
        .where(Message.ticket_id == ticket_id, earlier)
        .order_by(None)
        .order_by(Message.sent_at.desc(), Message.id.desc())
        .limit(AT_ONCE + FIRST)
    )
    rows = list(reversed(db.session.execute(found, {"ticket": ticket_id}).all()))
    total = rows[0].total if rows else 0
    shown = rows[FIRST:] if len(rows) == total else rows[-AT_ONCE:]
    return Conversation(rows=shown, total=total, hidden=max(0, total - FIRST - len(shown)))


def after(ticket_id: int, message_id: int) -> Conversation:
    """Return those that came after a message, and how many there are altogether."""
    found = (
        _columns()
        .add_columns(_count())
        .where(Message.ticket_id == ticket_id, Message.id > message_id)
        .limit(AT_ONCE)
    )
    rows = db.session.execute(found, {"ticket": ticket_id}).all()
    return Conversation(rows=rows, total=rows[0].total if rows else count_of(ticket_id))


def count_of(ticket_id: int) -> int:
    """Return how many messages a ticket has."""
    return db.session.scalar(select(_count()), {"ticket": ticket_id}) or 0


def first_unseen(ticket_id: int, *, seen: int, viewed: int) -> int | None:
    """Return the first message after ``seen`` that was not ``viewed``, or came too lately to have been read."""
    lately = Message.sent_at > func.now() - READ_IN
    return db.session.scalar(
        select(func.min(Message.id)).where(
            Message.ticket_id == ticket_id,
            Message.id > seen,
            or_(Message.id > viewed, lately),
        )
    )


def get(ticket_id: int, message_id: int) -> Message | None:
    """Find a message of a ticket."""
    return db.session.scalar(
        select(Message).where(Message.id == message_id, Message.ticket_id == ticket_id)
    )


def lock(ticket: Ticket) -> None:
    """Hold a ticket until the transaction ends: what is said meanwhile waits, and what was said is seen."""
    db.session.refresh(ticket, with_for_update=True)


def waiting(ticket_id: int, user_id: int, ids: Sequence[int]) -> Sequence[Attachment]:
    """Return those of the files that this person uploaded to be sent, and hold them."""
    return db.session.scalars(
        select(Attachment)
        .where(
            Attachment.id.in_(ids),
            Attachment.ticket_id == ticket_id,
            Attachment.message_id.is_(None),
            Attachment.uploaded_by_id == user_id,
            Attachment.deleted_at.is_(None),
        )
        .order_by(Attachment.id)
        .with_for_update()
    ).all()
