"""The mails: one for all that gathered, without what was read meanwhile or is out of sight now."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

import structlog
from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from webapp.core import smtp
from webapp.core.language import gettext, ngettext, speaking
from webapp.jobs import purge, queue
from webapp.jobs.later import Later, defer_later
from webapp.notifications import queries, sights
from webapp.notifications.kinds import KINDS, kind_of
from webapp.notifications.quiet import end_of_quiet

log = structlog.get_logger(__name__)
ALL = "*"
SALT = "notifications.unsubscribe"
LINK_AGE = 60 * 86400  # seconds; who asks for mail again is not cut off by an old one
purge.ALSO["notifications"] = queries.forget_old


def is_possible() -> bool:
    """Tell whether there is a mail server."""
    return _settings().smtp_url is not None


def _settings() -> Any:
    return current_app.extensions["steward"]


def job(user_id: int, name: str, at: datetime) -> Later:
    """Describe the job that mails a person what gathered until then."""
    title = gettext("Mail what is new to %(name)s", name=name)
    return Later(lock=f"mail:{user_id}", title=title, at=at, args={"user_id": user_id})


# A server that is away is asked again for some two hours.
@queue.task("notifications.mail", attempts=9, minutes=1)
def mail(progress: queue.Progress, *, user_id: int) -> None:
    """Mail a person what is unread and due; a server that does not take it is asked again by the queue."""
    person = queries.addressee(user_id)
    if person is None or not is_possible():
        return
    quiet = end_of_quiet(
        datetime.now(UTC),
        quiet_from=person.quiet_from,
        quiet_until=person.quiet_until,
        zone=person.timezone,
    )
    if quiet is not None:  # the hours were changed, or the server came back in the night
        defer_later(mail, [job(person.id, person.name, quiet)])
        return
    rows = queries.to_mail(user_id)
    unwanted = {row.id for row in rows if not _wants_mail(person, row.kind)}
    hidden = sights.out_of_sight(user_id, rows)
    queries.no_mail_for(sorted(unwanted | hidden))
    rows = [row for row in rows if row.id not in unwanted | hidden]
    if rows:
        with speaking(person.locale):
            message = compose(person, rows)
        smtp.deliver(_settings().smtp_url, message)
        queries.note_mailed(rows)
        log.info("notices_mailed", user_id=user_id, count=len(rows))


def _wants_mail(person: Any, kind: str) -> bool:
    chosen = person.chosen.get(kind)
    return bool(chosen[1] if chosen else kind_of(kind).email)


def compose(person: Any, rows: Sequence[Any]) -> EmailMessage:
    """Write one mail about some notices, in the language that is spoken now."""
    settings = _settings()
    base: str = settings.public_url
    kinds = sorted({row.kind for row in rows})
    message = EmailMessage()
    message["From"] = settings.mail_from
    message["To"] = Address(display_name=person.name, addr_spec=person.email)
    message["Subject"] = _subject(rows)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = _message_id(person.id, rows, settings.mail_from)
    message["Auto-Submitted"] = "auto-generated"
    whole = unsubscribe_url(base, person.id, kinds[0] if len(kinds) == 1 else ALL)
    message["List-Unsubscribe"] = f"<{whole}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    values = {
        "rows": [(row, f"{base}{row.url}" if row.url else "") for row in rows],
        "base": base,
        "stops": [
            (gettext(kind_of(kind).title), unsubscribe_url(base, person.id, kind)) for kind in kinds
        ],
        "stop_all": unsubscribe_url(base, person.id, ALL),
        "name": person.name,
        "locale": person.locale,
    }
    for subtype in ("txt", "html"):
        template = current_app.jinja_env.get_template(f"notifications/mail.{subtype}")
        if subtype == "txt":
            message.set_content(template.render(values))
        else:
            message.add_alternative(template.render(values), subtype="html")
    return message


def _subject(rows: Sequence[Any]) -> str:
    if len(rows) > 1:
        return str(ngettext("%(num)s notification", "%(num)s notifications", len(rows)))
    (row,) = rows
    times = f" ({row.count})" if row.count > 1 else ""
    return " ".join(row.title.split()) + times


def _message_id(user_id: int, rows: Sequence[Any], sender: str) -> str:
    """The same for the same notices: who gets a mail twice, after a lost connection, sees it once."""
    newest = max(rows, key=lambda row: (row.told_at, row.id))
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    return f"<steward.{user_id}.{newest.id}.{newest.told_at.timestamp():.0f}.{len(rows)}@{domain}>"


# Unsubscribing


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt=SALT)


def unsubscribe_url(base: str, user_id: int, kind: str) -> str:
    """Return the link that ends mails of a kind (or all) to a person, without signing in."""
    return f"{base}/notifications/unsubscribe/{_signer().dumps([user_id, kind])}"


def read_unsubscribe(token: str) -> tuple[int, str] | None:
    """Return whom and which kind a link is for; None if we did not write it."""
    try:
        user_id, kind = _signer().loads(token, max_age=LINK_AGE)
    except (BadSignature, ValueError, TypeError):
        return None
    return (int(user_id), str(kind)) if kind == ALL or kind in KINDS else None
