"""What is done to a ticket in place: who has it, its status, priority and tags.

A GET draws the form, for the dialog or as a page; a POST answers with ``common.done``, or with the form again.
"""

from collections.abc import Callable
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import wants_partial
from webapp.core.language import gettext
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.tickets import forms, words
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import people as people_queries
from webapp.tickets.queries import workflow
from webapp.tickets.services import base, people, records
from webapp.tickets.services import status as statuses
from webapp.tickets.views.common import bp, done, find, me, ticket_url
from webapp.tickets.views.editing import locked, priority_shown

EDIT, ASSIGN = "tickets.edit", "tickets.assign"

# What a person saw when the dialog opened, by action: if that has changed meanwhile, they see it first and choose.
SEEN: dict[str, Callable[[Ticket], str]] = {
    "assign": lambda ticket: f"{ticket.assignee_id or ''}:{ticket.team_id or ''}",
    "hand_over": lambda ticket: f"{ticket.assignee_id or ''}:{ticket.team_id or ''}",
    "status": lambda ticket: ticket.status.value,
    "resolve": lambda ticket: ticket.status.value,
    "reopen": lambda ticket: ticket.status.value,
    "priority": lambda ticket: f"{ticket.impact}:{ticket.urgency}:{ticket.priority}",
    "tags": lambda ticket: " ".join(ticket.tags),
}


def draw_action(action: str, ticket: Ticket, form: Any, **context: Any) -> str:
    """Draw the form of an action: in the dialog, or as a page."""
    in_dialog = wants_partial()
    values = {
        "frame": "tickets/_act_frame.html" if in_dialog else "tickets/_act_page.html",
        "in_dialog": in_dialog,
        "ticket": ticket,
        "form": form,
        "action": ticket_url(ticket, f"tickets.{action}"),
        "meanwhile": None,
        "words": words,
    }
    return render_template(f"tickets/_act_{action}.html", **(values | context))


def _act(
    action: str,
    ticket: Ticket,
    form: Any,
    change: Callable[[Any], str],
    draw: Callable[..., str],
) -> ResponseReturnValue:
    """Do what a form says: refused, it comes back as it was typed; overtaken, it says by what."""
    if not form.validate():
        return draw(ticket, form), 422
    now = SEEN[action](ticket)
    if form.was.data and form.was.data != now:
        form.was.data = now
        return draw(ticket, form, meanwhile=_meanwhile(ticket)), 409
    try:
        said = change(form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return draw(ticket, form), 422
    return done(ticket, said)


def _meanwhile(ticket: Ticket) -> dict[str, Any]:
    last = next(iter(timeline_of("ticket", ticket.id, limit=1)), None)
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "sentence": last.sentence if last else "",
        "when": last.at if last else ticket.updated_at,
    }


def _reached(number: int, permission_key: str) -> Ticket:
    ticket = find(number)
    base.require_on(me(), permission_key, ticket)
    return ticket


# --- who has it -------------------------------------------------------------------


@bp.get("/<id:number>/take")
@page("tickets")
def ask_take(number: int) -> ResponseReturnValue:
    """Ask before a ticket is taken that somebody else has."""
    ticket = find(number)
    people.require_may_take(me(), ticket)
    form = forms.TakeForm(formdata=None, data={"was": ticket.assignee_id or ""})
    return draw_action("take", ticket, form, whose=people_queries.name_of(ticket.assignee_id))


@bp.post("/<id:number>/take")
@page("tickets")
def take(number: int) -> ResponseReturnValue:
    """Assign a ticket to oneself; ``was`` is who had it when the person looked, empty for nobody."""
    ticket = locked(number)
    was = request.form.get("was")
    people.take(me(), ticket, seen=-1 if was is None else number_of(was))
    return done(ticket, gettext("You have #%(number)s.", number=ticket.number))


def _draw_people(action: str) -> Callable[..., str]:
    def draw(ticket: Ticket, form: Any, **context: Any) -> str:
        who = me()
        form.team_id.choices = forms.choose(people_queries.live_teams(), gettext("No team"))
        form.assignee_id.offer(
            url_for("tickets.pick_person", ticket=ticket.number),
            present=people_queries.name_of(number_of(form.assignee_id.data)),
            fixed=[("", gettext("Nobody")), (str(who.id), gettext("Me (%(name)s)", name=who.name))],
        )
        return draw_action(action, ticket, form, **context)

    return draw


def _people_of(action: str, ticket: Ticket) -> dict[str, Any]:
    return {
        "assignee_id": ticket.assignee_id,
        "team_id": str(ticket.team_id or ""),
        "was": SEEN[action](ticket),
    }


@bp.get("/<id:number>/assign")
@page("tickets")
@permission(ASSIGN, scoped=True)
def assign(number: int) -> ResponseReturnValue:
    """Ask who gets a ticket."""
    ticket = _reached(number, ASSIGN)
    form = forms.AssignForm(formdata=None, data=_people_of("assign", ticket))
    return _draw_people("assign")(ticket, form)


@bp.post("/<id:number>/assign")
@page("tickets")
@permission(ASSIGN, scoped=True)
def do_assign(number: int) -> ResponseReturnValue:
    """Give a ticket to a person and a team."""
    return _assign("assign", number, forms.AssignForm())


@bp.get("/<id:number>/hand-over")
@page("tickets")
@permission(ASSIGN, scoped=True)
def hand_over(number: int) -> ResponseReturnValue:
    """Ask who gets a ticket, and what they should know."""
    ticket = _reached(number, ASSIGN)
    values = _people_of("hand_over", ticket) | {"assignee_id": None}
    form = forms.HandOverForm(formdata=None, data=values)
    return _draw_people("hand_over")(ticket, form)


@bp.post("/<id:number>/hand-over")
@page("tickets")
@permission(ASSIGN, scoped=True)
def do_hand_over(number: int) -> ResponseReturnValue:
    """Give a ticket to somebody else, with a note."""
    return _assign("hand_over", number, forms.HandOverForm())


def _assign(action: str, number: int, form: Any) -> ResponseReturnValue:
    ticket = locked(number)
    base.require_on(me(), ASSIGN, ticket)

    def change(command: Any) -> str:
        people.assign(
            me(),
            ticket,
            assignee_id=command.assignee_id,
            team_id=command.team_id,
            note=command.note,
        )
        name = people_queries.name_of(command.assignee_id)
        if name:
            return gettext("%(name)s has #%(number)s.", name=name, number=ticket.number)
        return gettext("Nobody has #%(number)s.", number=ticket.number)

    return _act(action, ticket, form, change, _draw_people(action))


# --- status -----------------------------------------------------------------------


def _draw_status(ticket: Ticket, form: Any, **context: Any) -> str:
    place = tree.place_of(ticket.client_id, ticket.project_id)
    following = workflow.next_statuses(ticket, workflow.roles_at(me(), place))
    form.offer(following)
    return draw_action("status", ticket, form, following=following, **context)


@bp.get("/<id:number>/status")
@page("tickets")
@permission(EDIT, scoped=True)
def status(number: int) -> ResponseReturnValue:
    """Ask for another status; ``?to=pending`` proposes one."""
    ticket = _reached(number, EDIT)
    values = {"status": request.args.get("to", ""), "was": SEEN["status"](ticket)}
    return _draw_status(ticket, forms.StatusForm(formdata=None, data=values))


@bp.post("/<id:number>/status")
@page("tickets")
@permission(EDIT, scoped=True)
def do_status(number: int) -> ResponseReturnValue:
    """Change the status."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)

    def change(command: Any) -> str:
        to_done = command.status in statuses.DONE
        resolution = command.resolution if to_done else None
        statuses.change(me(), ticket, command.status, resolution=resolution, reason=command.reason)
        return _status_said(ticket)

    return _act("status", ticket, forms.StatusForm(), change, _draw_status)


def _status_said(ticket: Ticket) -> str:
    return gettext(
        "#%(number)s is now: %(status)s.", number=ticket.number, status=words.STATUS[ticket.status]
    )


def _plain(action: str) -> Callable[..., str]:
    def draw(ticket: Ticket, form: Any, **context: Any) -> str:
        return draw_action(action, ticket, form, **context)

    return draw


@bp.get("/<id:number>/resolve")
@page("tickets")
@permission(EDIT, scoped=True)
def resolve(number: int) -> ResponseReturnValue:
    """Ask how a ticket was resolved."""
    ticket = _reached(number, EDIT)
    form = forms.ResolveForm(formdata=None, data={"was": SEEN["resolve"](ticket)})
    return draw_action("resolve", ticket, form)


@bp.post("/<id:number>/resolve")
@page("tickets")
@permission(EDIT, scoped=True)
def do_resolve(number: int) -> ResponseReturnValue:
    """Resolve a ticket."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)

    def change(command: Any) -> str:
        statuses.change(me(), ticket, Status.RESOLVED, resolution=command.resolution)
        return _status_said(ticket)

    return _act("resolve", ticket, forms.ResolveForm(), change, _plain("resolve"))


@bp.get("/<id:number>/reopen")
@page("tickets")
@permission(EDIT, scoped=True)
def reopen(number: int) -> ResponseReturnValue:
    """Ask why a ticket is opened again."""
    ticket = _reached(number, EDIT)
    form = forms.ReopenForm(formdata=None, data={"was": SEEN["reopen"](ticket)})
    return draw_action("reopen", ticket, form)


@bp.post("/<id:number>/reopen")
@page("tickets")
@permission(EDIT, scoped=True)
def do_reopen(number: int) -> ResponseReturnValue:
    """Open a ticket again."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)

    def change(command: Any) -> str:
        statuses.reopen(me(), ticket, reason=command.reason)
        return _status_said(ticket)

    return _act("reopen", ticket, forms.ReopenForm(), change, _plain("reopen"))


# --- priority and tags --------------------------------------------------------------


def _draw_priority(ticket: Ticket, form: Any, **context: Any) -> str:
    return draw_action("priority", ticket, form, **(priority_shown(form) | context))


@bp.get("/<id:number>/priority")
@page("tickets")
@permission(EDIT, scoped=True)
def priority(number: int) -> ResponseReturnValue:
    """Ask how bad it is and how soon it must be solved."""
    ticket = _reached(number, EDIT)
    values = {
        "impact": ticket.impact.value,
        "urgency": ticket.urgency.value,
        "priority": ticket.priority.value if ticket.priority_reason else "",
        "priority_reason": ticket.priority_reason,
        "was": SEEN["priority"](ticket),
    }
    return _draw_priority(ticket, forms.PriorityForm(formdata=None, data=values))


@bp.post("/<id:number>/priority")
@page("tickets")
@permission(EDIT, scoped=True)
def do_priority(number: int) -> ResponseReturnValue:
    """Change impact, urgency and so the priority."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)

    def change(command: Any) -> str:
        records.prioritise(
            me(),
            ticket,
            impact=command.impact,
            urgency=command.urgency,
            priority=command.priority,
            reason=command.priority_reason,
        )
        said = words.PRIORITY[ticket.priority]
        return gettext(
            "The priority of #%(number)s is: %(priority)s.", number=ticket.number, priority=said
        )

    return _act("priority", ticket, forms.PriorityForm(), change, _draw_priority)


@bp.get("/<id:number>/tags")
@page("tickets")
@permission(EDIT, scoped=True)
def tags(number: int) -> ResponseReturnValue:
    """Ask for the tags of a ticket."""
    ticket = _reached(number, EDIT)
    # What is typed comes behind what is there, as a word of its own.
    values = {"tags": "".join(f"{tag} " for tag in ticket.tags), "was": SEEN["tags"](ticket)}
    return draw_action("tags", ticket, forms.TagsForm(formdata=None, data=values))


@bp.post("/<id:number>/tags")
@page("tickets")
@permission(EDIT, scoped=True)
def do_tags(number: int) -> ResponseReturnValue:
    """Give a ticket its tags."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)

    def change(command: Any) -> str:
        records.tag(me(), ticket, command.tags)
        return gettext("The tags of #%(number)s were changed.", number=ticket.number)

    return _act("tags", ticket, forms.TagsForm(), change, _plain("tags"))
