"""What the desk says goes by mail to a contact who asked: replies and how a ticket was resolved, never a note.

The job is deferred in the transaction of the change. Each message knows what became of its mail; the log has it, too.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from flask import current_app

from webapp.attachments.models import Attachment
from webapp.core import smtp, storage, trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, gettext
from webapp.jobs import queue
from webapp.jobs.later import Later, defer_later
from webapp.tickets import mentioning
from webapp.tickets.models import Message, Status, Ticket
from webapp.tickets.models.conversation import MailState
from webapp.tickets.queries import mailing as queries

MOST_BYTES = 10 * 2**20  # of files in one mail; what is beyond is named
ATTEMPTS = 9  # a server that is away is asked again for some two hours
DONE = frozenset({Status.RESOLVED, Status.CLOSED})
_FILE = re.compile(r"!?\[([^\]\n]*)\]\(attachment:\d+\)")


def is_possible() -> bool:
    """Tell whether there is a mail server."""
    return _settings().smtp_url is not None


def _settings() -> Any:
    return current_app.extensions["steward"]


def _is_history() -> bool:
    """Tell whether this happened long ago, elsewhere."""
    return trail.context().get("category") == "import"


# In the transaction of the change


def address(message: Message, email: str | None) -> None:
    """Have a message that is not written yet go to a contact's address, if it is a public one of the desk."""
    if email is None or message.is_note or message.recorded_by_id is not None or _is_history():
        return
    message.mailed_to = email
    message.mail_state = MailState.WAITING if is_possible() else MailState.NO_SERVER


def send(said: Iterable[tuple[Ticket, Message]], *, resolved: bool) -> None:
    """Mail messages that have an address when this transaction commits; ``resolved``: with how it was resolved."""
    defer_later(
        mail_reply,
        [
            _job(f"message:{message.id}", ticket, message_id=message.id, resolved=resolved)
            for ticket, message in said
            if message.mail_state == MailState.WAITING
        ],
    )


def resolved(tickets: Sequence[Ticket]) -> None:
    """Mail how tickets were resolved, where no message says it."""
    if _is_history() or not is_possible():
        return
    emails = queries.addresses(one.requester_contact_id for one in tickets)
    defer_later(
        mail_resolution,
        [
            _job(f"resolution:{one.id}", one, ticket_id=one.id, to=emails[one.requester_contact_id])
            for one in tickets
            if one.requester_contact_id in emails
        ],
    )


def _job(lock: str, ticket: Ticket, **args: Any) -> Later:
    title = gettext("Mail to who asked for #%(number)s", number=ticket.number)
    return Later(lock=f"ticket-mail:{lock}", title=title, at=datetime.now(UTC), args=args)


# The jobs


@queue.task("tickets.mail_reply", attempts=ATTEMPTS, minutes=1)
def mail_reply(progress: queue.Progress, *, message_id: int, resolved: bool) -> None:
    """Mail a reply; what became of it stands on the message."""
    found = queries.to_mail(message_id)
    if found is None or found[0].mail_state == MailState.SENT:
        return
    message, ticket = found
    to = message.mailed_to or ""
    body = _plain(message.body)
    if resolved and ticket.status in DONE:
        solution = _plain(ticket.resolution)
        body += "" if solution in body else f"\n\n{_resolution(solution)}"
    key = f"ticket.{ticket.number}.{message.id}"
    try:
        _deliver(to, ticket, key, body, queries.files_of(message.id))
    except smtp.MailFailed:
        if progress.failures + 1 < ATTEMPTS:
            raise
        with queue.part():  # it stays, though this job fails
            _note(queries.get_message(message_id), MailState.FAILED, "ticket.mail_failed")
        raise DomainError(_("The mail server did not take it.")) from None
    _note(message, MailState.SENT, "ticket.mailed")


def _note(message: Message, state: MailState, action: str) -> None:
    trail.tell(message, action, object_label=message.mailed_to)
    message.mail_state, message.mailed_at = state, datetime.now(UTC)
    db.session.flush()


@queue.task("tickets.mail_resolution", attempts=ATTEMPTS, minutes=1)
def mail_resolution(progress: queue.Progress, *, ticket_id: int, to: str) -> None:
    """Mail how a ticket was resolved, if it still is."""
    ticket = queries.get_ticket(ticket_id)
    if ticket is None or ticket.status not in DONE or ticket.resolved_at is None:
        return
    key = f"ticket.{ticket.number}.resolved.{ticket.resolved_at.timestamp():.0f}"
    try:
        _deliver(to, ticket, key, _resolution(_plain(ticket.resolution)), ())
    except smtp.MailFailed:
        if progress.failures + 1 < ATTEMPTS:
            raise
        with queue.part():
            _tell(ticket, "ticket.resolution_not_mailed", to)
        raise DomainError(_("The mail server did not take it.")) from None
    _tell(ticket, "ticket.resolution_mailed", to)


def _tell(ticket: Ticket, action: str, to: str) -> None:
    trail.note(
        action,
        object_type="ticket",
        object_id=ticket.id,
        object_label=ticket.audit_label,
        client_id=ticket.client_id,
        changes={"mailed_to": [None, to]},
    )


# The mail


def _plain(body: str) -> str:
    """Return a text as it is read: people and files by their names."""
    return _FILE.sub(r"[\1]", mentioning.plain(body)).strip()


def _resolution(text: str) -> str:
    return gettext("How it was resolved:") + f"\n\n{text}"


def _deliver(to: str, ticket: Ticket, key: str, body: str, files: Sequence[Attachment]) -> None:
    """Hand one mail to the server.

    Raises:
        MailFailed: if it did not take it, or the address is none.
    """
    settings = _settings()
    if settings.smtp_url is None:
        raise smtp.MailFailed("no server")
    try:
        message = compose(to, ticket, key, body, files)
    except (ValueError, IndexError, MessageError) as error:
        raise smtp.MailFailed(type(error).__name__) from error
    smtp.deliver(settings.smtp_url, message)


def compose(
    to: str, ticket: Ticket, key: str, body: str, files: Sequence[Attachment]
) -> EmailMessage:
    """Write a mail about a ticket: all of one ticket hang on the same thread, by a message that was never sent."""
    settings = _settings()
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"
    root = f"<ticket.{ticket.number}@{domain}>"
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = to
    if settings.mail_reply_to:
        message["Reply-To"] = settings.mail_reply_to
    message["Subject"] = f"[#{ticket.number}] {' '.join(ticket.subject.split())}"
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = (
        f"<{key}@{domain}>"  # the same if it is sent twice after a lost connection
    )
    message["In-Reply-To"] = message["References"] = root
    message["Auto-Submitted"] = "auto-generated"
    fitting, left = _fitting(files)
    names = ", ".join(row.name for row in left)
    parts = [body]
    if names:
        parts.append(gettext("Too large for a mail, so ask us for them: %(names)s", names=names))
    foot = gettext(
        "When you answer, please leave [#%(number)s] in the subject.", number=ticket.number
    )
    message.set_content("\n\n".join(parts) + f"\n\n-- \n{foot}\n")
    for row in fitting:
        with storage.files().open(row.sha256) as file:
            kind, _slash, subtype = row.media_type.partition("/")
            message.add_attachment(
                file.read(), maintype=kind, subtype=subtype or "octet-stream", filename=row.name
            )
    return message


def _fitting(files: Sequence[Attachment]) -> tuple[list[Attachment], list[Attachment]]:
    """Return the files that go along, and those that are too large for it."""
    fitting: list[Attachment] = []
    left: list[Attachment] = []
    room = MOST_BYTES
    for row in files:
        fits = row.size <= room and storage.files().exists(row.sha256)
        (fitting if fits else left).append(row)
        room -= row.size if fits else 0
    return fitting, left
