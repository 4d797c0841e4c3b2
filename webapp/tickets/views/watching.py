"""Who follows a ticket."""

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page
from webapp.core.language import _, gettext
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.tickets import forms
from webapp.tickets.models import Ticket
from webapp.tickets.queries import people as people_queries
from webapp.tickets.services import people
from webapp.tickets.views.acting import EDIT, draw_action
from webapp.tickets.views.common import bp, done, find, me


def _draw_watchers(ticket: Ticket, form: Any) -> str:
    form.user_id.offer(
        url_for("tickets.pick_person", ticket=ticket.number),
        present=people_queries.name_of(number_of(form.user_id.data)),
    )
    who, place = me(), tree.place_of(ticket.client_id, ticket.project_id)
    return draw_action(
        "watch",
        ticket,
        form,
        watchers=people_queries.watchers_of(ticket.id),
        my_id=who.id,
        edits=who.can(EDIT, on=place),
    )


@bp.get("/<id:number>/watch")
@page("tickets")
def watch(number: int) -> ResponseReturnValue:
    """Show who follows a ticket, to add others."""
    return _draw_watchers(find(number), forms.WatchForm(formdata=None))


@bp.post("/<id:number>/watch")
@page("tickets")
def do_watch(number: int) -> ResponseReturnValue:
    """Have somebody follow a ticket, or not any more: oneself where no person is asked for; ``on`` is 1 or 0."""
    ticket = find(number)
    form = forms.WatchForm()
    if not form.validate():
        return _draw_watchers(ticket, form), 422
    who, command = me(), form.command
    if command.user_id is None and "user_id" in request.form:
        form.refuse(DomainError(_("Choose one of the list."), field="user_id"))
        return _draw_watchers(ticket, form), 422
    try:
        people.watch(who, ticket, user_id=command.user_id or who.id, on=command.on)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw_watchers(ticket, form), 422
    said = gettext("Who follows #%(number)s was changed.", number=ticket.number)
    if command.user_id in (None, who.id):
        said = (
            gettext("You follow #%(number)s.", number=ticket.number)
            if command.on
            else gettext("You do not follow #%(number)s any more.", number=ticket.number)
        )
    return done(ticket, said)
