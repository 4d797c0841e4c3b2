"""Who else is at a ticket, so that nobody answers twice."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.tickets.queries import presence as queries
from webapp.tickets.services import presence as services
from webapp.tickets.views.common import bp, find, me


@bp.get("/<id:number>/presence")
@page("tickets")
def show_presence(number: int) -> ResponseReturnValue:
    """Name who else is here."""
    people = queries.of_ticket(find(number).id, but=me().id)
    return render_template("tickets/_presence.html", people=people)


@bp.post("/<id:number>/presence")
@page("tickets")
def be_present(number: int) -> ResponseReturnValue:
    """Say that one looks (``typing=1``: and types, ``leaving=1``: and goes), and hear who else does."""
    ticket = find(number)
    if request.form.get("leaving") == "1":
        services.leave(me(), ticket)
        return "", 204
    services.touch(me(), ticket, typing=request.form.get("typing") == "1")
    people = queries.of_ticket(ticket.id, but=me().id)
    return render_template("tickets/_presence.html", people=people)
