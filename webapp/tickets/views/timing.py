"""Time spent on a ticket: the part of its page that shows it and takes it down."""

from dataclasses import dataclass
from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.assets.queries.custody import today_of
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, render, wants_partial
from webapp.organisation import tree
from webapp.organisation.tree import Place
from webapp.tickets import durations
from webapp.tickets.desk_forms import TimeForm
from webapp.tickets.models import Ticket, TimeEntry
from webapp.tickets.queries import timing as queries
from webapp.tickets.services import timing as services
from webapp.tickets.services.timing import PERMISSION
from webapp.tickets.views.common import bp, find, me, ticket_url


@dataclass(frozen=True, kw_only=True, slots=True)
class TimePart:
    """What ``tickets/_time.html`` shows. ``editing`` is the entry that the form changes; None: a new one."""

    number: int
    subject: str
    spent: queries.Spent
    total: str
    form: TimeForm | None  # while somebody writes down or corrects
    may_add: bool
    editing: int | None


def context(ticket: Ticket, place: Place | None = None) -> dict[str, Any]:
    """Return what ``tickets/_time.html`` needs: one statement, two without ``place``."""
    return {"time": _part(ticket, place=place)}


def _part(
    ticket: Ticket,
    form: TimeForm | None = None,
    editing: int | None = None,
    *,
    adding: bool = False,
    place: Place | None = None,
) -> TimePart:
    spent = queries.of_ticket(ticket.id)
    if form is None and (adding or editing):
        form = _form(next((row for row in spent.rows if row.id == editing), None))
    for field in form or ():  # a ticket's page has other forms, too
        field.id = f"time-{field.name}"
    return TimePart(
        number=ticket.number,
        subject=ticket.subject,
        spent=spent,
        total=durations.said(spent.minutes),
        form=form,
        may_add=me().can(
            PERMISSION, on=place or tree.place_of(ticket.client_id, ticket.project_id)
        ),
        editing=editing,
    )


def _form(entry: Any | None = None) -> TimeForm:
    if entry is None:
        return TimeForm(formdata=None, data={"spent_on": today_of(me()).isoformat()})
    values = {"note": entry.note, "spent_on": entry.spent_on.isoformat()}
    return TimeForm(formdata=None, data={"minutes": durations.typed(entry.minutes), **values})


@bp.app_template_filter("duration")
def duration(minutes: int) -> str:
    """Say minutes as people do, in a template."""
    return durations.said(minutes)


@bp.get("/<id:number>/time")
@page("tickets")
def show_time(number: int) -> ResponseReturnValue:
    """Show the time spent on a ticket; with ``edit=<id>`` that entry can be changed, with ``add=1`` one be added."""
    adding = request.args.get("add") == "1"
    part = _part(find(number), editing=request.args.get("edit", type=int), adding=adding)
    return render("tickets/time.html", partial="tickets/_time.html", time=part)


@bp.post("/<id:number>/time")
@page("tickets")
@permission(PERMISSION, scoped=True)
def add_time(number: int) -> ResponseReturnValue:
    """Write down time."""
    ticket = find(number)
    return _settle(ticket, None, said=gettext("The time was written down."))


@bp.post("/<id:number>/time/<id:entry_id>")
@page("tickets")
@permission(PERMISSION, scoped=True)
def save_time(number: int, entry_id: int) -> ResponseReturnValue:
    """Correct what one wrote down."""
    ticket = find(number)
    return _settle(ticket, _entry(ticket, entry_id), said=gettext("The time was corrected."))


@bp.post("/<id:number>/time/<id:entry_id>/delete")
@page("tickets")
@permission(PERMISSION, scoped=True)
def delete_time(number: int, entry_id: int) -> ResponseReturnValue:
    """Take away what one wrote down."""
    ticket = find(number)
    services.delete(me(), ticket, _entry(ticket, entry_id))
    return _done(ticket, gettext("The time was taken away."))


def _entry(ticket: Ticket, entry_id: int) -> TimeEntry:
    return queries.get_entry(entry_id, ticket_id=ticket.id) or abort(404)


def _settle(ticket: Ticket, entry: TimeEntry | None, *, said: str) -> ResponseReturnValue:
    form = TimeForm()
    if not form.validate():
        return _again(ticket, form, entry)
    try:
        if entry is None:
            services.add(me(), ticket, form.command)
        else:
            services.change(me(), ticket, entry, form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _again(ticket, form, entry)
    return _done(ticket, said)


def _again(ticket: Ticket, form: TimeForm, entry: TimeEntry | None) -> ResponseReturnValue:
    part = _part(ticket, form, entry.id if entry else None)
    return render("tickets/time.html", partial="tickets/_time.html", time=part), 422


def _done(ticket: Ticket, said: str) -> ResponseReturnValue:
    if wants_partial():
        return render_template("tickets/_time.html", time=_part(ticket))
    flash(said, "success")
    return redirect_to(ticket_url(ticket))
