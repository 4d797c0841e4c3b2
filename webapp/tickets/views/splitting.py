"""Splitting messages of a ticket off into a new one."""

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.tickets.models import Ticket
from webapp.tickets.queries import merging as queries
from webapp.tickets.queries import ticket as ticket_queries
from webapp.tickets.relation_forms import SplitForm
from webapp.tickets.services import base
from webapp.tickets.services import splitting as services
from webapp.tickets.services.splitting import PERMISSION
from webapp.tickets.views.common import bp, find, me, ticket_url


@bp.get("/<id:number>/split")
@page("tickets")
@permission(PERMISSION, scoped=True)
def ask_split(number: int) -> ResponseReturnValue:
    """Ask which messages go; ``message=<id>`` marks one from the start."""
    ticket = find(number)
    base.require_on(me(), PERMISSION, ticket)
    marked = request.args.getlist("message", type=int)
    form = SplitForm(formdata=None, data={"messages": marked, "subject": ticket.subject})
    return _ask(ticket, form)


def _ask(ticket: Ticket, form: SplitForm) -> str:
    return render_template(
        "tickets/split.html",
        record=ticket,
        form=form,
        chosen=set(form.messages.data or []),
        around=ticket_queries.around_of(ticket),
        messages=queries.conversation(ticket.id),
    )


@bp.post("/<id:number>/split")
@page("tickets")
@permission(PERMISSION, scoped=True)
def split(number: int) -> ResponseReturnValue:
    """Split them off."""
    ticket, form = find(number), SplitForm()
    if not form.validate():
        return _ask(ticket, form), 422
    command = form.command
    try:
        made = services.split(
            me(),
            ticket,
            message_ids=command.messages,
            subject=command.subject,
            note=command.note,
        )
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _ask(ticket, form), 422
    flash(_("#%(number)s has the messages now.", number=made.number), "success")
    return redirect_to(ticket_url(made))
