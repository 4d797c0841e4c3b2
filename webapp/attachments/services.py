"""Adding, renaming, deleting and restoring files. Who calls has checked the rights on what they hang on."""

import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import IO

from sqlalchemy import func, or_, select

from webapp.attachments import images, media, queries
from webapp.attachments.models import Attachment
from webapp.core import storage, trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, listed

MOST = 200  # live files of one asset
MOST_OF_TICKET = 2000  # and of one ticket, where every message may have some
MOST_WAITING = 50  # files that one person uploaded to one ticket and did not send yet
AT_ONCE = 200  # rows that one transaction of a purge takes


class NotAdded(DomainError):
    """Some of the files cannot be taken, so none was."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    code = "invalid"

    def __init__(self, refused: list[tuple[str, str]], message: str | None = None) -> None:
        """Keep the pairs of name and reason."""
        said = [_("%(name)s: %(reason)s", name=name, reason=reason) for name, reason in refused]
        super().__init__(message or listed(said))
        self.refused = refused


def add(
    *,
    client_id: int,
    asset_id: int,
    file: IO[bytes],
    name: str | None,
    user_id: int | None,
    limit: int = storage.MAX_BYTES,
) -> Attachment:
    """Keep a file for an asset; of an image also a preview and a thumbnail.

    If the transaction fails later, the bytes stay behind without a row until the next purge.

    Raises:
        DomainError: if it is empty, too large, or of no kind that is taken.
    """
    if queries.count_of(asset_id) >= MOST:
        raise DomainError(_("There are %(most)s files here, which is the most.", most=MOST))
    row = Attachment(client_id=client_id, asset_id=asset_id, uploaded_by_id=user_id)
    return _receive(row, file, name, limit=limit)


def add_to_ticket(
    *,
    client_id: int,
    ticket_id: int,
    file: IO[bytes],
    name: str | None,
    user_id: int,
    limit: int = storage.MAX_BYTES,
) -> Attachment:
    """Keep a file for a ticket; it waits to be sent with the next message of who uploaded it.

    Raises:
        DomainError: if there are too many, or if it is empty, too large, or of no kind that is taken.
    """
    _refuse_more(queries.count_of_ticket(ticket_id, waiting_for=user_id))
    if queries.count_of_ticket(ticket_id) >= MOST_OF_TICKET:
        raise DomainError(
            _("There are %(most)s files here, which is the most.", most=MOST_OF_TICKET)
        )
    row = Attachment(client_id=client_id, ticket_id=ticket_id, uploaded_by_id=user_id)
    return _receive(row, file, name, limit=limit)


def add_to_draft(
    *,
    draft_id: int,
    file: IO[bytes],
    name: str | None,
    user_id: int,
    limit: int = storage.MAX_BYTES,
) -> Attachment:
    """Keep a file for a ticket that is being written; it gets its client with the ticket.

    Raises:
        DomainError: if there are too many, or if it is empty, too large, or of no kind that is taken.
    """
    _refuse_more(queries.count_of_draft(draft_id))
    row = Attachment(draft_id=draft_id, uploaded_by_id=user_id)
    return _receive(row, file, name, limit=limit)


def _refuse_more(waiting: int) -> None:
    if waiting >= MOST_WAITING:
        raise DomainError(
            _("%(most)s files wait to be sent, which is the most.", most=MOST_WAITING)
        )


def _receive(row: Attachment, file: IO[bytes], name: str | None, *, limit: int) -> Attachment:
    """Keep the bytes, find out what they are, and add the row that says whose they are."""
    shown: images.Shown | None = None
    called = media.clean_name(name)
    with storage.files().receive(file, limit=limit) as draft:
        if draft.size == 0:
            raise DomainError(_("It is empty."))
        with draft.open() as content:
            kind = media.identify(content, called)
        if kind.is_image:
            with draft.open() as content:
                shown = images.make(content)
        hold(draft.sha256)
        draft.keep()
    row.name = media.named(called, kind)
    row.sha256 = draft.sha256
    row.size = draft.size
    row.media_type = kind.media_type
    row.preview_sha256 = _keep(shown.preview) if shown else None
    row.thumb_sha256 = _keep(shown.thumb) if shown else None
    db.session.add(row)
    db.session.flush()
    return row


def add_all(
    files: Iterable[tuple[str, IO[bytes]]], keep: Callable[..., Attachment]
) -> list[Attachment]:
    """Keep all of several files, or none; ``keep`` takes one: one of the above with whose it is.

    Raises:
        NotAdded: naming each that is refused.
        StorageFull: if the disk is.
    """
    rows: list[Attachment] = []
    refused: list[tuple[str, str]] = []
    with db.session.begin_nested():
        for name, file in files:
            try:
                rows.append(keep(file=file, name=name))
            except storage.StorageFull:
                raise
            except DomainError as error:
                refused.append((media.clean_name(name), error.message))
        if refused:
            raise NotAdded(refused)
        if not rows:
            raise NotAdded([], _("Choose a file first."))
    return rows


def _keep(content: bytes) -> str:
    with storage.files().receive(io.BytesIO(content)) as draft:
        hold(draft.sha256)
        draft.keep()
        return draft.sha256


def hold(sha256: str) -> None:
    """Keep a purge away from these bytes until this transaction ends, and wait for one that has them in hand."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_lock_of(sha256))))


def _lock_of(sha256: str) -> int:
    return int.from_bytes(bytes.fromhex(sha256[:16]), signed=True)


def rename(row: Attachment, name: str) -> None:
    """Call a file something else; its ending stays.

    Raises:
        DomainError: if nothing is left of the name.
    """
    called = media.clean_name(name, otherwise="")
    if not called:
        raise DomainError(_("Type a name."), field="name")
    called = media.with_ending_of(row.name, called)
    if called != row.name:
        trail.tell(row, "attachment.renamed")
        row.name = called
        db.session.flush()


def delete(row: Attachment) -> None:
    """Hide a file; its bytes stay until a purge."""
    if row.deleted_at is None:
        trail.tell(row, "attachment.deleted")
        row.deleted_at = datetime.now(UTC)
        row.is_main = False
        row.draft_id = None  # the draft may go
        db.session.flush()


def restore(row: Attachment) -> None:
    """Show a deleted file again."""
    if row.deleted_at is not None:
        trail.tell(row, "attachment.restored")
        row.deleted_at = None
        db.session.flush()


def make_main(row: Attachment) -> None:
    """Let an image stand for its asset.

    Raises:
        DomainError: if it is deleted, or no image.
    """
    if row.deleted_at is not None or row.thumb_sha256 is None:
        raise DomainError(_("Only an image can be the main photo."))
    before = db.session.scalars(
        select(Attachment)
        .where(Attachment.asset_id == row.asset_id, Attachment.is_main, Attachment.id != row.id)
        .with_for_update()
    )
    for other in before:
        other.is_main = False
    db.session.flush()  # first, or both would be for a moment
    if not row.is_main:
        trail.tell(row, "attachment.made_main")
        row.is_main = True
        db.session.flush()


def purge_rows(*, days: int) -> int:
    """Remove some of the rows that were deleted longer than ``days`` ago; return how many."""
    before = datetime.now(UTC) - timedelta(days=days)
    rows = db.session.scalars(
        select(Attachment)
        .where(Attachment.deleted_at < before)
        .order_by(Attachment.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        trail.tell(row, "attachment.purged")
        db.session.delete(row)
    db.session.flush()
    return len(rows)


def unreferenced(names: list[str]) -> set[str]:
    """Return those of the hashes that no row needs, deleted rows included."""
    columns = (Attachment.sha256, Attachment.preview_sha256, Attachment.thumb_sha256)
    rows = db.session.execute(select(*columns).where(or_(*(c.in_(names) for c in columns))))
    return set(names) - {name for row in rows for name in row}


def drop(sha256: str) -> bool:
    """Remove bytes that no row needs; tell whether it was done.

    The lock is held until the transaction ends. Whoever uploads the same bytes meanwhile waits for it, and then
    writes them anew; whoever did so before has it, and the bytes stay.
    """
    if not db.session.scalar(select(func.pg_try_advisory_xact_lock(_lock_of(sha256)))):
        return False
    if not unreferenced([sha256]):
        return False
    return storage.files().delete(sha256)
