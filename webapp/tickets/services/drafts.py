"""What a person has typed and not sent yet: replies and notes, and tickets that are not there yet."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from webapp.access.identity import SignedIn
from webapp.attachments import queries as files
from webapp.attachments import services as file_services
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.jobs.purge import ALSO
from webapp.tickets.models import Draft, Message, Ticket
from webapp.tickets.queries import drafts as queries

MOST = 20  # tickets that one person may be writing; the oldest gives way
KEEP_DAYS = 30
AT_ONCE = 200  # drafts that one purge takes; the next hour takes the rest
# Without one of these the fields of a new ticket are as the form opened: nothing to keep.
TYPED = (
    *("subject", "tags", "priority_reason"),
    *("contact_name", "contact_email", "contact_phone"),
)
GONE = _("A file is not there any more, or was sent already. Look at the list below.")


def save(actor: SignedIn, ticket: Ticket, *, is_note: bool, body: str) -> None:
    """Keep what was typed, instead of what was before; nothing but blanks is no draft."""
    if not body.strip():
        discard(actor, ticket, is_note=is_note)
        return
    values = {"body": body, "saved_at": func.now()}
    typed = insert(Draft).values(ticket_id=ticket.id, user_id=actor.id, is_note=is_note, **values)
    db.session.execute(
        typed.on_conflict_do_update(index_elements=["ticket_id", "user_id", "is_note"], set_=values)
    )


def discard(actor: SignedIn, ticket: Ticket, *, is_note: bool) -> None:
    """Forget a draft: it was sent, or emptied."""
    db.session.execute(
        delete(Draft).where(
            Draft.ticket_id == ticket.id, Draft.user_id == actor.id, Draft.is_note.is_(is_note)
        )
    )


# --- a ticket that is not there yet ---------------------------------------------------


def save_new(actor: SignedIn, key: str, *, body: str, fields: Mapping[str, str]) -> bool:
    """Keep a ticket that somebody writes, by the key of its form; tell whether there is something to keep."""
    if body.strip() or any(fields.get(name, "").strip() for name in TYPED):
        _put(actor, key, body=body, fields=dict(fields))
        return True
    draft = queries.find(actor.id, key, lock=True)
    if draft is None:
        return False
    if files.count_of_draft(draft.id):
        _put(actor, key, body="", fields={})
        return True
    _forget(draft)
    return False


def hold_new(actor: SignedIn, key: str) -> int:
    """Return the id of the draft with this key, which gets a file; it is begun if there is none."""
    return _put(actor, key)


def _put(
    actor: SignedIn, key: str, *, body: str | None = None, fields: dict[str, str] | None = None
) -> int:
    first = {"body": body or "", "fields": fields or {}}
    later = {"saved_at": func.now()} | ({} if body is None else first)
    typed = insert(Draft).values(user_id=actor.id, key=key, is_note=False, **first)
    added = typed.on_conflict_do_update(index_elements=["user_id", "key"], set_=later)
    kept = db.session.execute(added.returning(Draft.id)).scalar_one()
    for draft in queries.surplus(actor.id, MOST):
        _forget(draft)
    return kept


def discard_new(actor: SignedIn, key: str) -> None:
    """Forget a ticket that somebody was writing, with the files that wait for it."""
    draft = queries.find(actor.id, key, lock=True)
    if draft is not None:
        _forget(draft)


def _forget(draft: Draft) -> None:
    for row in files.of_draft(draft.id):
        file_services.delete(row)
    db.session.delete(draft)
    db.session.flush()


def send_new(
    actor: SignedIn, key: str | None, message: Message, *, file_ids: Sequence[int] = ()
) -> None:
    """Hang the files of a draft on the first message of its ticket; the draft is done with.

    Raises:
        DomainError: if one of the files is not there.
    """
    draft = queries.find(actor.id, key, lock=True)
    rows = files.of_draft(draft.id, file_ids) if draft and file_ids else ()
    if len(rows) < len(set(file_ids)):
        raise DomainError(GONE, field="files")
    for row in rows:
        trail.tell(row, "attachment.sent")
        row.client_id, row.ticket_id, row.message_id = (
            message.client_id,
            message.ticket_id,
            message.id,
        )
        row.draft_id = None
    db.session.flush()
    if draft is not None:
        _forget(draft)


def forget_old() -> int:
    """Forget some of the new tickets that nobody went on with; return how many."""
    found = queries.old(KEEP_DAYS, AT_ONCE)
    for draft in found:
        _forget(draft)
    return len(found)


ALSO["ticket_drafts"] = forget_old
