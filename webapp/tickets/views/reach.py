"""Whom a public reply reaches: said before it is sent, and of each message what became of its mail."""

from dataclasses import dataclass
from typing import Any

from webapp.core.language import gettext
from webapp.tickets import mailing
from webapp.tickets.models import Ticket
from webapp.tickets.models.conversation import MailState
from webapp.tickets.queries import mailing as queries
from webapp.tickets.queries.ticket import Around
from webapp.tickets.views.common import me


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """``asker`` is the name of whoever asked, if somebody else did; ``reached``: a reply gets to them."""

    text: str
    reached: bool
    asker: str | None = None


def of(ticket: Ticket, around: Around | None = None) -> Reach:
    """Say whom a reply on a ticket reaches; ``around`` if somebody has read it already."""
    if ticket.requester_user_id is not None:
        return _of_person(ticket, ticket.requester_user_id)
    if ticket.requester_contact_id is None:
        said = gettext("Public, but nobody is told: the ticket has no requester.")
        return Reach(text=said, reached=False)
    if around is not None and around.requester_name and around.requester_email:
        name, email = around.requester_name, around.requester_email
    else:
        row = queries.contact(ticket.requester_contact_id)
        if row is None:  # the ticket came from another client, whose people stay out of sight
            said = gettext("Public, but nobody is mailed: who asked is out of your sight.")
            return Reach(text=said, reached=False)
        name, email = row
    if not mailing.is_possible():
        said = gettext("Public, but nobody is mailed: no mail server is set up.")
        return Reach(text=said, reached=False, asker=name)
    return Reach(text=gettext("Public. Mailed to %(to)s.", to=email), reached=True, asker=name)


def _of_person(ticket: Ticket, user_id: int) -> Reach:
    if user_id == me().id:
        return Reach(text=gettext("Public. Whoever works on it is told."), reached=True)
    row = queries.person(ticket, user_id)
    if not row.is_active:
        said = gettext("Public, but %(name)s is not told: the account is closed.", name=row.name)
    elif not row.sees:
        said = gettext("Public, but %(name)s is not told and cannot open it.", name=row.name)
    else:
        said = gettext("Public. %(name)s is told.", name=row.name)
    return Reach(text=said, reached=row.is_active and row.sees, asker=row.name)


def of_mail(row: Any) -> str:
    """Say what became of the mail of a message; empty if there is none."""
    if row.mail_state is None:
        return ""
    return {
        MailState.WAITING: gettext("On its way to %(to)s", to=row.mailed_to),
        MailState.SENT: gettext("Mailed to %(to)s", to=row.mailed_to),
        MailState.FAILED: gettext(
            "Not mailed to %(to)s: the mail server did not take it", to=row.mailed_to
        ),
        MailState.NO_SERVER: gettext("Not mailed: no mail server is set up"),
    }[row.mail_state]
