"""Opening tickets and changing what they say."""

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
from webapp.tickets import forms, markdown, words
from webapp.tickets.life_schemas import ContactEdit, NewTicket
from webapp.tickets.message_forms import DraftForm
from webapp.tickets.models import Priority, Status, Ticket
from webapp.tickets.queries import common, people, workflow
from webapp.tickets.queries import records as queries
from webapp.tickets.schemas import TicketDraft
from webapp.tickets.services import base, contacts, records
from webapp.tickets.views.common import bp, find, me, ticket_url

CREATE, EDIT = "tickets.create", "tickets.edit"
CONTACT = ("contact_name", "contact_email", "contact_phone")


# --- the form ---------------------------------------------------------------------


def _name(form: Any) -> Any:
    """Resolve what the search boxes hold and name it."""
    _find_client(form)
    asset = queries.find_asset(number_of(form.asset_id.data))
    client = queries.find_client(number_of(form.client_id.data))
    only = {"client": client.id} if client else {}
    form.client_id.offer(
        url_for("tickets.pick_client", may="create"),
        present=f"{client.name} ({client.code})" if client else None,
    )
    form.project_id.offer(
        url_for("tickets.pick_project", **only),
        present=queries.project_name(
            number_of(form.project_id.data), client.id if client else None
        ),
        fixed=[("", gettext("No project"))],
    )
    form.asset_id.offer(
        url_for("tickets.pick_asset", **only),
        present=f"{asset.tag} {asset.name}" if asset else None,
        fixed=[("", gettext("No asset"))],
    )
    requester = _requester(form.requester.data, client.id if client else None)
    form.requester.offer(
        url_for("tickets.pick_requester", **only),
        present=requester,
        fixed=[("", gettext("Nobody"))],
    )
    return client


def _requester(value: Any, client_id: int | None) -> str | None:
    kind, _, number = str(value or "").partition(":")
    known = kind in ("user", "contact") and number_of(number) is not None
    return queries.requester_name(str(value), client_id) if known else None


def _staff(form: forms.NewTicketForm, client: Any) -> None:
    """Offer teams and people; whom the person may choose is checked when it is sent."""
    form.team_id.choices = forms.choose(people.live_teams(), gettext("No team"))
    place = {"client": client.id, "project": number_of(form.project_id.data)} if client else {}
    who = me()
    form.assignee_id.offer(
        url_for("tickets.pick_person", **place),
        present=people.name_of(number_of(form.assignee_id.data)),
        fixed=[("", gettext("Nobody")), (str(who.id), gettext("Me (%(name)s)", name=who.name))],
    )


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


# --- opening ----------------------------------------------------------------------


@bp.get("/new")
@page("tickets")
@permission(CREATE, scoped=True)
def new() -> ResponseReturnValue:
    """Ask for a new ticket, perhaps about an asset (``?asset=TAG&client=``) or for a client (``?client=``).

    The client is given by its number or code; ``?requester=contact:4`` names who asks.
    """
    client = request.args.get("client", "")
    client_id = number_of(client) or (queries.client_by_code(client) if client else None)
    data: dict[str, Any] = {"client_id": client_id}
    if tag := request.args.get("asset"):
        asset = queries.find_asset_by_tag(tag, client_id=client_id)
        if asset is not None:
            data = {
                "asset_id": asset.id,
                "client_id": asset.client_id,
                "project_id": asset.project_id,
            }
    data["requester"] = request.args.get("requester", "")
    form = forms.NewTicketForm(formdata=None, data=data)
    return _draw_new(form)


def _draw_new(form: forms.NewTicketForm) -> str:
    client = _name(form)
    _staff(form, client)
    return render_template("tickets/new.html", form=form, **priority_shown(form))


@bp.get("/new/client")
@page("tickets")
@permission(CREATE, scoped=True)
def of_client() -> ResponseReturnValue:
    """Draw again what depends on the client; what belongs to another one is dropped."""
    form = forms.NewTicketForm(formdata=None, data=request.args.to_dict())
    client = queries.find_client(number_of(form.client_id.data))
    asset = queries.find_asset(number_of(form.asset_id.data))
    if client is not None and asset is not None and asset.client_id != client.id:
        form.asset_id.data = None
    chosen = client.id if client else None
    if queries.project_name(number_of(form.project_id.data), chosen) is None:
        form.project_id.data = None
    if _requester(form.requester.data, chosen) is None:
        form.requester.data = None
    _name(form)
    return render_template("tickets/_of_client.html", form=form)


@bp.get("/new/priority")
@page("tickets")
def priority_given() -> ResponseReturnValue:
    """Say what impact and urgency give, and ask for a reason where another priority is chosen."""
    act = request.args.get("act") == "1"
    made: Any = forms.PriorityForm if act else forms.NewTicketForm
    form = made(formdata=None, data=request.args.to_dict())
    return render_template("tickets/_priority.html", form=form, **priority_shown(form))


@bp.post("/new/preview")
@page("tickets")
@permission(CREATE, scoped=True)
def preview_new() -> ResponseReturnValue:
    """Show how the description of a new ticket will look."""
    form = DraftForm()
    if not form.validate():
        return render_template("tickets/_preview.html", html=None), 422
    return render_template("tickets/_preview.html", html=markdown.render(form.command.body))


@bp.post("/new")
@page("tickets")
@permission(CREATE, scoped=True)
def create() -> ResponseReturnValue:
    """Open a ticket, with a new contact if one was written down."""
    form = forms.NewTicketForm()
    _find_client(form)
    if not form.validate():
        return _draw_new(form), 422
    try:
        ticket = records.create(me(), _with_contact(form.command))
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw_new(form), 422
    flash(gettext("Ticket #%(number)s was opened.", number=ticket.number), "success")
    return redirect_to(ticket_url(ticket))


def _find_client(form: Any) -> None:
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


def _with_contact(command: NewTicket) -> TicketDraft:
    """Write the new contact down and make it the requester."""
    said = {name: value for name, value in command if name not in CONTACT}
    if command.contact_email:
        contact = contacts.find_or_create(
            me(),
            ContactEdit(
                client_id=command.client_id,
                name=command.contact_name or "",
                email=command.contact_email,
                phone=command.contact_phone or "",
            ),
            project_id=command.project_id,
        )
        said |= {"requester_contact_id": contact.id, "requester_user_id": None}
    return TicketDraft(**said)


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
    _find_client(form)
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
    _name(form)
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
    _name(form)
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
