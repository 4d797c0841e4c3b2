"""One ticket: its page, with the conversation or its history."""

from functools import partial
from typing import Any

from flask import abort, redirect, render_template
from flask.typing import ResponseReturnValue

from webapp.audit.timeline import Telling, timeline_of
from webapp.core.guards import page
from webapp.core.unit_of_work import after_response
from webapp.notifications.services import mark_seen
from webapp.tickets.models import Ticket
from webapp.tickets.queries import common as queries
from webapp.tickets.queries import ticket as ticket_queries
from webapp.tickets.views import messages, relations, side, timing
from webapp.tickets.views.common import bp, find, me, ticket_url

HISTORY = 200


def draw(ticket: Ticket, tab: str = "conversation", **said: Any) -> str:
    """Draw the page of a ticket. ``said`` is what the conversation has to show besides: a form that was refused."""
    around = ticket_queries.around_of(ticket)
    values: dict[str, Any] = {
        "record": ticket,
        "around": around,
        "place": around.place,
        "tab": tab,
    }
    values |= side.context(ticket, around) | relations.context(ticket, around.place)
    values |= timing.context(ticket, around.place)
    if tab == "conversation":
        follows = values["side"]["follows"]
        values["talk"] = messages.talk_of(
            ticket, around.place, follows=follows, around=around, **said
        )
    else:
        values |= {"history": _history(ticket), "most": HISTORY}
    return render_template(f"tickets/show_{tab}.html", **values)


def _history(ticket: Ticket) -> list[Any]:
    return timeline_of(
        "ticket",
        ticket.id,
        limit=HISTORY,
        also=ticket_queries.related(ticket),
        telling=Telling(unseen="", named=True),
    )


@bp.get("/<id:number>")
@page("tickets")
def show(number: int) -> ResponseReturnValue:
    """Show a ticket; what the bell said about it is read then."""
    ticket = find(number)
    if me().unread:
        # In a transaction of its own: this one only reads, and is over by then.
        after_response(partial(mark_seen, me().id, "ticket", ticket.id))
    return draw(ticket)


@bp.get("/<id:number>/history")
@page("tickets")
def history(number: int) -> ResponseReturnValue:
    """Show what happened to a ticket, and to what hangs on it."""
    return draw(find(number), "history")


@bp.get("/<id:number>/head")
@page("tickets")
def head(number: int) -> ResponseReturnValue:
    """Show what stands above the tabs, anew."""
    ticket = find(number)
    around = ticket_queries.around_of(ticket)
    return render_template("tickets/_head.html", record=ticket, around=around, place=around.place)


@bp.get("/by-id/<id:ticket_id>")
@page("tickets")
def by_id(ticket_id: int) -> ResponseReturnValue:
    """Go to the page of the ticket with this id, from the log for example."""
    ticket = queries.get_by_id(ticket_id)
    if ticket is None:
        abort(404)
    return redirect(ticket_url(ticket))
