"""One ticket: its page."""

from flask import abort, redirect
from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.tickets.queries import common as queries
from webapp.tickets.views.common import bp, find, ticket_url


@bp.get("/<id:number>")
@page("tickets")
def show(number: int) -> ResponseReturnValue:
    """Show a ticket."""
    return str(find(number).number)


@bp.get("/by-id/<id:ticket_id>")
@page("tickets")
def by_id(ticket_id: int) -> ResponseReturnValue:
    """Go to the page of the ticket with this id, from the log for example."""
    ticket = queries.get_by_id(ticket_id)
    if ticket is None:
        abort(404)
    return redirect(ticket_url(ticket))
