"""Changing what tickets say; what the forms of new ones and of others share."""

import hashlib
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.core.language import gettext
from webapp.core.typed import number_of
from webapp.tickets import forms, words
from webapp.tickets.models import Priority, Status, Ticket
from webapp.tickets.queries import common, workflow
from webapp.tickets.queries import records as queries
from webapp.tickets.services import base, records
from webapp.tickets.views.common import bp, find, me, ticket_url

EDIT = "tickets.edit"


# --- the form ---------------------------------------------------------------------


def name_choices(form: Any) -> Any:
    """Resolve what the search boxes hold and name it."""
    find_client(form)
    asset = queries.find_asset(number_of(form.asset_id.data))
    client = queries.find_client(number_of(form.client_id.data))
    only = {"client": client.id} if client else {}
    project, requester = queries.names_of(
        project_id=number_of(form.project_id.data),
        requester=str(form.requester.data or ""),
        client_id=client.id if client else None,
    )
    form.client_id.offer(
        url_for("tickets.pick_client", may="create"),
        present=f"{client.name} ({client.code})" if client else None,
    )
    form.project_id.offer(
        url_for("tickets.pick_project", **only),
        present=project,
        fixed=[("", gettext("No project"))],
    )
    form.asset_id.offer(
        url_for("tickets.pick_asset", **only),
        present=f"{asset.tag} {asset.name}" if asset else None,
        fixed=[("", gettext("No asset"))],
    )
    form.requester.offer(
        url_for("tickets.pick_requester", **only),
        present=requester,
        fixed=[("", gettext("Nobody"))],
    )
    return client


def priority_shown(form: Any) -> dict[str, Any]:
    """What the impact and urgency in a form give, and whether the form says something else."""
    rules = workflow.priority_rules()
    chosen = (str(form.impact.data or ""), str(form.urgency.data or ""))
    given = rules.get(chosen)
    other = str(form.priority.data or "")
    return {
        "given": given,
        "overrides": bool(other) and given is not None and other != given.value,
        "levels": {Priority.URGENT: "danger", Priority.HIGH: "warning", Priority.NORMAL: "primary"},
        "words": words,
    }


def find_client(form: Any) -> None:
    """Take the client from the asset or the contact where only that was chosen."""
    if form.client_id.data:
        return
    if asset := queries.find_asset(number_of(form.asset_id.data)):
        form.client_id.data = str(asset.client_id)
        form.project_id.data = form.project_id.data or asset.project_id
        return
    kind, _, number = str(form.requester.data or "").partition(":")
    if kind == "contact" and (client_id := queries.client_of_contact(number_of(number))):
        form.client_id.data = str(client_id)


# --- changing ---------------------------------------------------------------------


@bp.get("/<id:number>/edit")
@page("tickets")
@permission(EDIT, scoped=True)
def edit(number: int) -> ResponseReturnValue:
    """Ask what to change about a ticket."""
    ticket = find(number)
    base.require_on(me(), EDIT, ticket)
    form = forms.TicketForm(formdata=None, data=_data(ticket))
    return _draw_edit(form, ticket)


def _data(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as its form holds it."""
    names = ("subject", "client_id", "project_id", "asset_id", "external_ref", "priority_reason")
    requester = (
        f"user:{ticket.requester_user_id}"
        if ticket.requester_user_id
        else f"contact:{ticket.requester_contact_id}"
        if ticket.requester_contact_id
        else ""
    )
    return {name: getattr(ticket, name) for name in names} | {
        "kind": ticket.kind.value,
        "impact": ticket.impact.value,
        "urgency": ticket.urgency.value,
        "priority": ticket.priority.value if ticket.priority_reason else "",
        "requester": requester,
        "tags": " ".join(ticket.tags),
        "was": _seal(ticket),
    }


def _seal(ticket: Ticket) -> str:
    """Return a short sum of what the form can change, which no other change touches."""
    fields = [getattr(ticket, name) for name in (*records.FIELDS, "external_ref", "priority")]
    said = repr([*map(str, fields), ticket.priority_reason, *ticket.tags])
    return hashlib.sha256(said.encode()).hexdigest()[:16]


@bp.post("/<id:number>/edit")
@page("tickets")
@permission(EDIT, scoped=True)
def save(number: int) -> ResponseReturnValue:
    """Change a ticket."""
    ticket = locked(number)
    base.require_on(me(), EDIT, ticket)
    form = forms.TicketForm()
    find_client(form)
    seen = request.form.get("version", default=-1, type=int)
    if not form.validate():
        return _draw_edit(form, ticket, version=seen), 422
    # A new status or assignee makes nothing in this form stale.
    version = ticket.version if form.was.data == _seal(ticket) else seen
    try:
        records.save(me(), ticket, form.command, version=version)
    except Denied:
        raise
    except StaleVersion as stale:
        both = _compare(stale.current, form)
        form.was.data = _seal(stale.current)
        return _draw_edit(form, ticket, version=stale.current.version, conflict=both), 409
    except DomainError as error:
        form.refuse(error)
        return _draw_edit(form, ticket, version=seen), 422
    flash(gettext("The ticket was saved."), "success")
    return redirect_to(ticket_url(ticket))


def locked(number: int) -> Ticket:
    """Return the ticket, held until the change is made: two at once are made one after the other."""
    return common.get_by_number(number, lock=True) or find(number)


def _draw_edit(form: forms.TicketForm, ticket: Ticket, **context: Any) -> str:
    name_choices(form)
    values = {
        "form": form,
        "ticket": ticket,
        "action": ticket_url(ticket, "tickets.edit"),
        "back": ticket_url(ticket),
        "version": ticket.version,
        "conflict": None,
        "closed": ticket.status == Status.CLOSED,
        **priority_shown(form),
    }
    return render_template("tickets/edit.html", **(values | context))


def _compare(current: Ticket, form: forms.TicketForm) -> dict[str, Any]:
    """Both versions side by side, field by field, with the names of what they point at."""
    last = next(iter(timeline_of("ticket", current.id, limit=1)), None)
    theirs_form = forms.TicketForm(formdata=None, data=_data(current))
    mine, theirs = _comparable(form), _comparable(theirs_form)
    rows = [
        (gettext(field.label.text), mine[name], theirs[name])
        for name, field in form._fields.items()
        if name in mine and mine[name] != theirs[name]
    ]
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": rows,
    }


def _comparable(form: forms.TicketForm) -> dict[str, str]:
    name_choices(form)
    picked = ("client_id", "project_id", "asset_id", "requester")
    named: dict[str, Any] = {name: form[name].present or "" for name in picked}
    shown = {
        "kind": dict(words.KIND),
        "impact": dict(words.LEVEL),
        "urgency": dict(words.LEVEL),
        "priority": dict(words.PRIORITY),
    }
    for name, texts in shown.items():
        named[name] = str(texts.get(form[name].data, ""))  # type: ignore[attr-defined]
    named["tags"] = " ".join(sorted(str(form.tags.data or "").replace(",", " ").split()))
    plain = ("subject", "priority_reason", "external_ref")
    return named | {name: str(form[name].data or "").strip() for name in plain}
