"""One-use links: mailed once the change stands, or shown once on the person's page."""

from dataclasses import dataclass
from typing import Any, cast

import structlog
from flask import current_app, flash, request, session, url_for
from flask_babel import gettext as _

from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.identity import signed_in_person
from webapp.core.language import speaking
from webapp.core.unit_of_work import after_commit
from webapp.users import mail, queries
from webapp.users.models import TokenKind, User

log = structlog.get_logger(__name__)
KEPT = "one_time_link"


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A mail to a person; it outlives the transaction that made its link."""

    user_id: int
    name: str
    to: str
    kind: TokenKind
    subject: str
    body: str


def deliver(user: User, kind: TokenKind, token: str, *, to_copy: bool = False) -> None:
    """Have a link mailed to a person after the commit, or keep it to be shown once on the person's page.

    ``to_copy`` asks for the latter; without a mail server there is no other way.
    """
    settings: Settings = current_app.extensions["steward"]
    endpoint = "auth.invitation" if kind == TokenKind.INVITATION else "auth.reset"
    path = url_for(endpoint, token=token)
    if to_copy or not settings.smtp_url:
        base = settings.base_url or request.url_root.rstrip("/")
        session[KEPT] = {"user": user.id, "url": base + path}
        return
    # A mail never believes the request: whoever forges its Host would receive the link.
    url = settings.public_url + path
    with speaking(user.locale):
        letter = _letter(user, kind, url)
    after_commit(lambda: _send(settings, letter))
    session[KEPT] = {"user": user.id, "to": user.email}  # the next page knows how it went


def may_copy(user_id: int) -> bool:
    """Tell whether a link to copy is the only way left: no mail server, or it took the last mail not."""
    settings: Settings = current_app.extensions["steward"]
    return not settings.smtp_url or queries.mail_failed(user_id)


def _letter(user: User, kind: TokenKind, url: str) -> Letter:
    if kind == TokenKind.INVITATION:
        subject, body = mail.invitation(name=user.name, inviter=signed_in_person().name, link=url)
    else:
        subject, body = mail.password_reset(name=user.name, link=url)
    return Letter(
        user_id=user.id, name=user.name, to=user.email, kind=kind, subject=subject, body=body
    )


def _send(settings: Settings, letter: Letter) -> None:
    """Hand the mail over, and keep in the log whether the server took it."""
    failed: mail.MailFailed | None = None
    try:
        mail.send(
            smtp_url=settings.smtp_url or "",
            sender=settings.mail_from,
            to=letter.to,
            subject=letter.subject,
            body=letter.body,
        )
    except mail.MailFailed as error:
        failed = error
        log.warning("mail_failed", cause=str(error), user_id=letter.user_id)
    trail.note(
        "mail.failed" if failed else "mail.sent",
        category="access",
        outcome="failed" if failed else "ok",
        object_type="user",
        object_id=letter.user_id,
        object_label=letter.name,
        changes={"kind": [None, letter.kind.value], "to": [None, letter.to]},
        reason=str(failed) if failed else None,
    )


def take(user_id: int, *, mail_failed: bool) -> str | None:
    """Return the link that waits for this page, and forget it; of one that was mailed only say so."""
    kept = cast("dict[str, Any]", session.get(KEPT) or {})
    if kept.get("user") != user_id:
        return None
    session.pop(KEPT)
    if "to" in kept and not mail_failed:
        flash(_("The link goes to %(email)s by mail.", email=kept["to"]), "success")
    return kept.get("url")
