"""Contacts of clients: people who ask by e-mail and have no account."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access import queries as access
from webapp.audit.timeline import timeline_of
from webapp.core import htmx
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission, require
from webapp.core.language import gettext
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.tree import reach_of
from webapp.tickets import forms, words
from webapp.tickets.models import Contact
from webapp.tickets.queries import contacts as queries
from webapp.tickets.queries import records
from webapp.tickets.services import contacts
from webapp.tickets.views.common import bp, me

CREATE, EDIT = "tickets.create", "tickets.edit"


def _find(contact_id: int) -> Contact:
    contact = queries.get_contact(contact_id)
    if contact is None:
        abort(404)
    return contact


def _place(contact: Contact) -> Any:
    return access.place_of(client_id=contact.client_id)


@bp.get("/contacts")
@page("tickets")
def contacts_list() -> ResponseReturnValue:
    """List contacts in sight."""
    chosen = queries.Filters.of(request.args)
    found = queries.list_contacts(chosen, request.args)
    client = choices.label_of("client", chosen.client_id, seen=reach_of(me(), "tickets"))
    return htmx.render(
        "tickets/contacts.html",
        partial="tickets/_contacts.html",
        page=found,
        chosen=chosen,
        client=client,
    )


@bp.get("/contacts/<id:contact_id>")
@page("tickets")
def show_contact(contact_id: int) -> ResponseReturnValue:
    """Show a contact with the latest tickets."""
    contact = _find(contact_id)
    return render_template(
        "tickets/contact.html",
        contact=contact,
        client=records.find_client(contact.client_id),
        place=_place(contact),
        tickets=queries.tickets_of(contact.id),
        words=words,
    )


def _draw(form: forms.ContactForm, contact: Contact | None = None, **context: Any) -> str:
    client = records.find_client(number_of(form.client_id.data))
    form.client_id.offer(
        url_for("tickets.pick_client", may="create"),
        present=f"{client.name} ({client.code})" if client else None,
    )
    shown = url_for("tickets.show_contact", contact_id=contact.id) if contact else None
    values = {
        "form": form,
        "contact": contact,
        "version": contact.version if contact else None,
        "back": shown or url_for("tickets.contacts_list"),
        "conflict": None,
    }
    return render_template("tickets/contact_form.html", **(values | context))


@bp.get("/contacts/new")
@page("tickets")
@permission(CREATE, scoped=True)
def new_contact() -> ResponseReturnValue:
    """Ask for a new contact, perhaps of a client (``?client=4``)."""
    data = {"client_id": number_of(request.args.get("client"))}
    return _draw(forms.ContactForm(formdata=None, data=data))


@bp.post("/contacts/new")
@page("tickets")
@permission(CREATE, scoped=True)
def create_contact() -> ResponseReturnValue:
    """Write a contact down."""
    form = forms.ContactForm()
    if not form.validate():
        return _draw(form), 422
    try:
        contact = contacts.create(me(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw(form), 422
    flash(gettext("%(name)s was added.", name=contact.name), "success")
    return htmx.redirect_to(url_for("tickets.show_contact", contact_id=contact.id))


@bp.get("/contacts/<id:contact_id>/edit")
@page("tickets")
@permission(EDIT, scoped=True)
def edit_contact(contact_id: int) -> ResponseReturnValue:
    """Ask what to change about a contact."""
    contact = _find(contact_id)
    require(EDIT, on=_place(contact))
    names = ("client_id", "name", "email", "phone")
    data = {name: getattr(contact, name) for name in names}
    return _draw(forms.ContactForm(formdata=None, data=data), contact)


@bp.post("/contacts/<id:contact_id>/edit")
@page("tickets")
@permission(EDIT, scoped=True)
def save_contact(contact_id: int) -> ResponseReturnValue:
    """Change a contact."""
    contact = _find(contact_id)
    require(EDIT, on=_place(contact))
    form = forms.ContactForm()
    seen = request.form.get("version", default=-1, type=int)
    if not form.validate():
        return _draw(form, contact, version=seen), 422
    try:
        contacts.save(me(), contact, form.command, version=seen)
    except Denied:
        raise
    except StaleVersion as stale:
        both = _compare(stale.current, form)
        return _draw(form, contact, version=stale.current.version, conflict=both), 409
    except DomainError as error:
        form.refuse(error)
        return _draw(form, contact, version=seen), 422
    flash(gettext("The contact was saved."), "success")
    return htmx.redirect_to(url_for("tickets.show_contact", contact_id=contact.id))


def _compare(current: Contact, form: forms.ContactForm) -> dict[str, Any]:
    last = next(iter(timeline_of("contact", current.id, limit=1)), None)
    rows = [
        (gettext(form[name].label.text), form[name].data or "", getattr(current, name))
        for name in ("name", "email", "phone")
        if (form[name].data or "").strip() != getattr(current, name)
    ]
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": rows,
    }
