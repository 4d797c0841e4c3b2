"""One-use links: their address, their mail, and showing them once when no mail went out."""

from dataclasses import dataclass
from typing import Any, cast

import structlog
from flask import current_app, flash, request, session, url_for
from flask_babel import gettext as _

from webapp.core.identity import signed_in_person
from webapp.users import mail
from webapp.users.models import TokenKind, User

log = structlog.get_logger(__name__)
KEPT = "one_time_link"


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A link that waits to be copied."""

    url: str
    failed: bool


def deliver(user: User, kind: TokenKind, token: str) -> None:
    """Mail a link to a person, or keep it to be shown once on the person's page."""
    settings = current_app.extensions["steward"]
    endpoint = "auth.invitation" if kind == TokenKind.INVITATION else "auth.reset"
    base = settings.base_url or request.url_root.rstrip("/")
    url = base + url_for(endpoint, token=token)
    if settings.smtp_url and _mailed(settings, user, kind, url):
        flash(_("The link was sent to %(email)s.", email=user.email), "success")
        return
    session[KEPT] = {"user": user.id, "url": url, "failed": bool(settings.smtp_url)}


def _mailed(settings: Any, user: User, kind: TokenKind, url: str) -> bool:
    if kind == TokenKind.INVITATION:
        subject, body = mail.invitation(name=user.name, inviter=signed_in_person().name, link=url)
    else:
        subject, body = mail.password_reset(name=user.name, link=url)
    try:
        mail.send(
            smtp_url=settings.smtp_url,
            sender=settings.mail_from,
            to=user.email,
            subject=subject,
            body=body,
        )
    except mail.MailFailed as error:
        log.warning("mail_failed", cause=str(error), user_id=user.id)
        return False
    return True


def take(user_id: int) -> Link | None:
    """Return the link that waits for this page, and forget it."""
    kept = cast("dict[str, Any]", session.get(KEPT) or {})
    if kept.get("user") != user_id:
        return None
    session.pop(KEPT)
    return Link(url=kept["url"], failed=kept["failed"])
