"""What the pages of tickets share: which ticket an address means, who acts."""

import json
from typing import Any

from flask import Blueprint, abort, flash, url_for
from flask.typing import ResponseReturnValue

from webapp.access.identity import SignedIn
from webapp.core.htmx import redirect_to, wants_partial
from webapp.core.identity import signed_in_person
from webapp.tickets import words
from webapp.tickets.models import Kind, Level, LinkKind, Priority, Status, Ticket
from webapp.tickets.queries import common as queries

bp = Blueprint("tickets", __name__, url_prefix="/tickets")


def me() -> SignedIn:
    """Return who acts, with what they hold."""
    who = signed_in_person()
    assert isinstance(who, SignedIn)  # noqa: S101 # nosec B101 - for the type checker
    return who


def find(number: int) -> Ticket:
    """Return the ticket with this number, if it is in sight; else end the request."""
    ticket = queries.get_by_number(number)
    if ticket is None:
        abort(404)
    return ticket


def ticket_url(ticket: Any, endpoint: str = "tickets.show", **values: Any) -> str:
    """Return the address of a page of a ticket (anything with a ``number``)."""
    return url_for(endpoint, number=ticket.number, **values)


def done(ticket: Any, said: str) -> ResponseReturnValue:
    """Answer a change that was made in place: the page hears of it and draws again what shows the ticket.

    Without htmx: back to the ticket's page.
    """
    if wants_partial():
        told = {"ticketchanged": {"id": ticket.id, "number": ticket.number, "said": said}}
        return "", 204, {"HX-Trigger": json.dumps(told)}
    flash(said, "success")
    return redirect_to(ticket_url(ticket))


_WORDS: dict[type, Any] = {
    Status: words.STATUS,
    Priority: words.PRIORITY,
    Kind: words.KIND,
    Level: words.LEVEL,
    LinkKind: words.LINK,
}


@bp.app_template_filter()
def ticket_word(value: Any) -> str:
    """Say a status, priority, kind, level or kind of link in words, in a template."""
    return str(_WORDS[type(value)][value])
