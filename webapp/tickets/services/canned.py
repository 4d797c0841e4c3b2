"""Canned replies: one's own, and those that many share."""

from datetime import UTC, datetime

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _
from webapp.tickets.desk_schemas import ReplyEdit
from webapp.tickets.models import CannedReply
from webapp.tickets.queries import canned as queries
from webapp.tickets.services.base import saying

PERMISSION = "tickets.configure"
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_canned_replies_shortcut": (_("Another reply there has this shortcut."), "shortcut"),
}


def may_change(actor: SignedIn | None, reply: CannedReply) -> bool:
    """Tell whether the actor (None: the system) may change a reply: their own, or those of many."""
    if actor is None:
        return True
    if reply.owner_id is not None:
        return reply.owner_id == actor.id
    return actor.can(PERMISSION)


def create(actor: SignedIn | None, command: ReplyEdit) -> CannedReply:
    """Add a reply.

    Raises:
        Denied: if it is for others, and the actor may not run the desk.
        DomainError: if its shortcut is taken there, or there is no such team.
    """
    reply = CannedReply()
    _put(actor, reply, command)
    with saying(REFUSALS):
        db.session.add(reply)
    return reply


def save(
    actor: SignedIn | None, reply: CannedReply, command: ReplyEdit, *, version: int | None
) -> CannedReply:
    """Change a reply.

    Raises:
        Denied: if the actor may not change it, or not for whom it is to be.
        StaleVersion: if it was saved since ``version``.
        DomainError: if its shortcut is taken there, there is no such team, or it is deleted.
    """
    require(actor, reply)
    check_version(reply, version)
    if reply.deleted_at is not None:
        raise DomainError(_("This reply is deleted. Restore it first."))
    with saying(REFUSALS):
        _put(actor, reply, command)
    return reply


def delete(actor: SignedIn | None, reply: CannedReply, *, version: int | None) -> None:
    """Hide a reply.

    Raises:
        Denied: if the actor may not change it.
        StaleVersion: if it was saved since ``version``.
    """
    require(actor, reply)
    check_version(reply, version)
    if reply.deleted_at is None:
        with saying(REFUSALS):
            reply.deleted_at = datetime.now(UTC)


def restore(actor: SignedIn | None, reply: CannedReply) -> None:
    """Bring a deleted reply back.

    Raises:
        Denied: if the actor may not change it.
        DomainError: if its shortcut is taken by now.
    """
    require(actor, reply)
    if reply.deleted_at is not None:
        with saying(REFUSALS):
            reply.deleted_at = None


def _put(actor: SignedIn | None, reply: CannedReply, command: ReplyEdit) -> None:
    if command.whose == "mine" and actor is None:
        raise DomainError(_("Choose one of the list."), field="whose")
    team_id = command.team_id
    owner_id = actor.id if actor is not None and command.whose == "mine" else None
    moved = (reply.owner_id, reply.team_id) != (owner_id, team_id)
    if team_id is not None and moved and team_id not in queries.team_names():
        raise DomainError(_("Choose one of the list."), field="whose")
    values = {"shortcut": command.shortcut, "title": command.title, "body": command.body}
    for name, value in {**values, "owner_id": owner_id, "team_id": team_id}.items():
        if getattr(reply, name) != value:
            setattr(reply, name, value)
    require(actor, reply)


def require(actor: SignedIn | None, reply: CannedReply) -> None:
    """Refuse unless the actor may change a reply.

    Raises:
        Denied: if it is shared, and the actor may not run the desk.
    """
    if not may_change(actor, reply):
        raise Denied(
            _("Replies that many share are changed by those who may run the desk everywhere."),
            key=PERMISSION,
        )
