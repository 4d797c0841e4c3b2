"""Reads of what hangs on a ticket, for merging, splitting and undoing that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select

from webapp.attachments.models import Attachment
from webapp.audit.models import AuditEvent
from webapp.core.db import db
from webapp.tickets.models import (
    Contact,
    Link,
    Merge,
    Message,
    Ticket,
    TimeEntry,
    Watcher,
)
from webapp.users.models import User

DAYS = 7  # for which a merge can be undone
MERGES = 7_130_400  # the advisory lock of merges; the second key is the client


@dataclass(frozen=True, kw_only=True, slots=True)
class Amounts:
    """How much hangs on a ticket; ``both`` of its watchers watch the other one, too."""

    replies: int
    notes: int
    files: int
    watchers: int
    both: int
    entries: int
    minutes: int
    links: int
    waiting: int


def amounts_of(ticket_id: int, other_id: int) -> Amounts:
    """Count what a merge of one ticket into another would move, in one statement."""
    theirs = select(Watcher.user_id).where(Watcher.ticket_id == other_id)

    def count(model: Any, *where: Any) -> Any:
        return select(func.count()).select_from(model).where(*where).scalar_subquery()

    messages = Message.ticket_id == ticket_id
    files = Attachment.ticket_id == ticket_id, Attachment.deleted_at.is_(None)
    spent = select(func.coalesce(func.sum(TimeEntry.minutes), 0))
    row = db.session.execute(
        select(
            count(Message, messages, Message.is_note.is_(False)).label("replies"),
            count(Message, messages, Message.is_note).label("notes"),
            count(Attachment, *files, Attachment.message_id.is_not(None)).label("files"),
            count(Attachment, *files, Attachment.message_id.is_(None)).label("waiting"),
            count(Watcher, Watcher.ticket_id == ticket_id).label("watchers"),
            count(Watcher, Watcher.ticket_id == ticket_id, Watcher.user_id.in_(theirs)).label(
                "both"
            ),
            count(TimeEntry, TimeEntry.ticket_id == ticket_id).label("entries"),
            spent.where(TimeEntry.ticket_id == ticket_id).scalar_subquery().label("minutes"),
            count(Link, or_(Link.ticket_id == ticket_id, Link.other_id == ticket_id)).label(
                "links"
            ),
        )
    ).one()
    return Amounts(**row._mapping)  # noqa: SLF001 - the public name of a row's values


def lock_tickets(ids: Iterable[int]) -> dict[int, Ticket]:
    """Hold tickets until the transaction ends, in the order of their ids, as they stand now."""
    statement = select(Ticket).where(Ticket.id.in_(list(ids))).order_by(Ticket.id)
    statement = statement.with_for_update().execution_options(populate_existing=True)
    return {ticket.id: ticket for ticket in db.session.scalars(statement)}


def rows_of(model: Any, ticket_id: int) -> list[Any]:
    """Return the messages, watchers or time entries of a ticket."""
    statement = select(model).where(model.ticket_id == ticket_id).order_by(model.id)
    return list(db.session.scalars(statement))


def rows_by_id(model: Any, ids: Iterable[int]) -> list[Any]:
    """Return rows that are still there, in the order of their ids."""
    wanted = list(ids)
    if not wanted:
        return []
    statement = select(model).where(model.id.in_(wanted)).order_by(model.id)
    return list(db.session.scalars(statement))


def files_of(message_ids: Iterable[int]) -> list[Attachment]:
    """Return the files of messages, deleted ones, too."""
    wanted = list(message_ids)
    if not wanted:
        return []
    statement = select(Attachment).where(Attachment.message_id.in_(wanted)).order_by(Attachment.id)
    return list(db.session.scalars(statement))


def links_of(*ticket_ids: int) -> list[Link]:
    """Return the links that begin or end at some of the tickets, as far as they are in sight."""
    here = or_(Link.ticket_id.in_(ticket_ids), Link.other_id.in_(ticket_ids))
    return list(db.session.scalars(select(Link).where(here).order_by(Link.id)))


def merge_of(source_id: int, *, lock: bool = False) -> Merge | None:
    """Find the merge by which a ticket became part of another, unless it is undone."""
    statement = select(Merge).where(Merge.source_id == source_id, Merge.undone_at.is_(None))
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(statement)


def merges_since(merge: Merge, tickets: Iterable[int]) -> list[Merge]:
    """Return the merges of some tickets that came after this one and are not undone."""
    wanted = list(tickets)
    statement = select(Merge).where(
        Merge.id > merge.id,
        Merge.undone_at.is_(None),
        or_(Merge.source_id.in_(wanted), Merge.target_id.in_(wanted)),
    )
    return list(db.session.scalars(statement.order_by(Merge.id).with_for_update()))


def watchers_of(ticket_ids: Iterable[int]) -> list[Watcher]:
    """Return who watches some of the tickets."""
    statement = select(Watcher).where(Watcher.ticket_id.in_(list(ticket_ids)))
    return list(db.session.scalars(statement.order_by(Watcher.id)))


def take_turns(client_id: int) -> None:
    """Wait until nobody else merges tickets of this client: each merge is recorded against the ones before."""
    db.session.execute(select(func.pg_advisory_xact_lock(MERGES, client_id % 2**31)))


def ended(merge: Merge) -> bool:
    """Tell by the database's clock whether it is too late to undo a merge."""
    return now() > merge.merged_at + timedelta(days=DAYS)


def now() -> datetime:
    """Return when this transaction began."""
    return db.session.scalars(select(func.now())).one()


def removed_links(ids: Iterable[int], *, since: datetime) -> set[int]:
    """Return those of the links that somebody took away, as the log tells."""
    statement = select(AuditEvent.object_id).where(
        AuditEvent.object_type == "ticket_link",
        AuditEvent.action == "ticket_link.deleted",
        AuditEvent.object_id.in_(list(ids)),
        AuditEvent.recorded_at >= since,
    )
    return {found for found in db.session.scalars(statement) if found is not None}


def numbers_of(ids: Iterable[int]) -> list[int]:
    """Return the numbers of tickets in sight."""
    return list(
        db.session.scalars(
            select(Ticket.number).where(Ticket.id.in_(list(ids))).order_by(Ticket.number)
        )
    )


def conversation(ticket_id: int) -> Sequence[Any]:
    """Return the messages of a ticket as one chooses among them: who, when, how it begins, how many files."""
    files = (
        select(func.count())
        .select_from(Attachment)
        .where(Attachment.message_id == Message.id, Attachment.deleted_at.is_(None))
        .scalar_subquery()
    )
    statement = (
        select(
            Message.id,
            Message.is_note,
            Message.via,
            Message.sent_at,
            func.left(Message.body, 400).label("body"),
            func.coalesce(User.name, Contact.name).label("who"),
            files.label("files"),
        )
        .outerjoin(User, User.id == Message.author_id)
        .outerjoin(Contact, Contact.id == Message.contact_id)
        .where(Message.ticket_id == ticket_id)
        .order_by(Message.sent_at, Message.id)
    )
    return db.session.execute(statement).all()
