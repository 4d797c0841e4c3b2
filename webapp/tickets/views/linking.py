"""Links between tickets: adding and removing them, in place or on a page of their own."""

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, render, wants_partial
from webapp.tickets.models import Ticket
from webapp.tickets.relation_forms import LinkForm
from webapp.tickets.services import linking as services
from webapp.tickets.services.linking import PERMISSION
from webapp.tickets.views.common import bp, find, me, ticket_url
from webapp.tickets.views.relations import part_of

PAGE, PART = "tickets/links.html", "tickets/_links.html"


@bp.get("/<id:number>/links")
@page("tickets")
def show_links(number: int) -> ResponseReturnValue:
    """Show what a ticket is linked to and merged with; with ``add=1`` a link can be added."""
    form = LinkForm(formdata=None) if request.args.get("add") == "1" else None
    return render(PAGE, partial=PART, relations=part_of(find(number), form=form))


@bp.post("/<id:number>/links")
@page("tickets")
@permission(PERMISSION, scoped=True)
def add_link(number: int) -> ResponseReturnValue:
    """Link it to another ticket."""
    ticket, form = find(number), LinkForm()
    if not form.validate():
        return _again(ticket, form)
    command = form.command
    try:
        services.add(me(), ticket, kind=command.kind, other=command.other, back=command.back)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _again(ticket, form)
    return _done(ticket, gettext("The tickets are linked."))


@bp.post("/<id:number>/links/<id:link_id>/remove")
@page("tickets")
@permission(PERMISSION, scoped=True)
def remove_link(number: int, link_id: int) -> ResponseReturnValue:
    """Take a link away, at both ends."""
    ticket = find(number)
    services.remove(me(), ticket, link_id)
    return _done(ticket, gettext("The link was taken away."))


def _again(ticket: Ticket, form: LinkForm) -> ResponseReturnValue:
    return render(PAGE, partial=PART, relations=part_of(ticket, form=form)), 422


def _done(ticket: Ticket, said: str) -> ResponseReturnValue:
    if wants_partial():
        return render_template(PART, relations=part_of(ticket))
    flash(said, "success")
    return redirect_to(ticket_url(ticket))
