"""Opening a ticket: its form, the draft of it that is kept as one types, and the files that wait with that."""

import secrets
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.attachments import images, sending
from webapp.attachments import queries as file_queries
from webapp.attachments import services as file_services
from webapp.attachments.models import Attachment
from webapp.core.error_pages import MESSAGES, reply
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.core.language import gettext, ngettext
from webapp.core.typed import number_of
from webapp.tickets import forms, markdown
from webapp.tickets.life_schemas import ContactEdit, NewTicket
from webapp.tickets.message_forms import DraftForm
from webapp.tickets.queries import drafts as draft_queries
from webapp.tickets.queries import people
from webapp.tickets.queries import records as queries
from webapp.tickets.schemas import TicketDraft
from webapp.tickets.services import contacts, drafts, records
from webapp.tickets.views.common import bp, me, ticket_url
from webapp.tickets.views.editing import find_client, name_choices, priority_shown

CREATE = "tickets.create"
CONTACT = ("contact_name", "contact_email", "contact_phone")
OF_DRAFT = ("draft", "files")
NONE = "none"  # ?draft=none: an empty form, whatever drafts there are
SHOWN = 5  # drafts that the form names


# --- the form ---------------------------------------------------------------------


@bp.get("/new")
@page("tickets")
@permission(CREATE, scoped=True)
def new() -> ResponseReturnValue:
    """Ask for a new ticket, perhaps about an asset (``?asset=TAG&client=``) or for a client (``?client=``).

    The client is given by its number or code; ``?requester=contact:4`` names who asks. Without any of these the
    last draft is back; ``?draft=KEY`` asks for one, ``?draft=none`` for an empty form. With ``check`` it says what
    is still wrong with it.
    """
    kept = draft_queries.of_person(me().id)
    asked = any(request.args.get(name) for name in ("client", "asset", "requester"))
    key = request.args.get("draft", NONE if asked else "")
    draft = next((row for row in kept if key in ("", row.key)), None)
    if draft is None:
        form = forms.NewTicketForm(formdata=None, data=_given())
    else:
        form = forms.NewTicketForm(formdata=None, data=draft.fields | {"body": draft.body})
    form.draft.data = draft.key if draft else secrets.token_hex(16)
    if draft and request.args.get("check"):
        form.check()
    return _draw(form, kept=kept, restored=draft)


def _given() -> dict[str, Any]:
    """What the address says about the new ticket."""
    client = request.args.get("client", "")
    client_id = number_of(client) or (queries.client_by_code(client) if client else None)
    given = {"client_id": client_id, "requester": request.args.get("requester", "")}
    if tag := request.args.get("asset"):
        asset = queries.find_asset_by_tag(tag, client_id=client_id)
        if asset is not None:
            given |= {
                "asset_id": asset.id,
                "client_id": asset.client_id,
                "project_id": asset.project_id,
            }
    return given


def _draw(form: forms.NewTicketForm, *, kept: Any = None, restored: Any = None, **more: Any) -> str:
    """Draw the form with the files that wait for it, and name the other drafts."""
    client = name_choices(form)
    _staff(form, client)
    kept = draft_queries.of_person(me().id) if kept is None else kept
    mine = next((row for row in kept if row.key == form.draft.data), None)
    values = {
        "form": form,
        "draft": mine,
        "restored": restored,
        "others": [row for row in kept if row is not mine][:SHOWN],
        "waiting": (mine.files if mine else None) or [],
        "preview": None,
        **priority_shown(form),
    }
    return render_template("tickets/new.html", **(values | more))


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
    if queries.requester_name(str(form.requester.data or ""), chosen) is None:
        form.requester.data = None
    name_choices(form)
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
    """Show how the description of a new ticket will look; without scripts below the form, as it is filled."""
    if not wants_partial():
        whole = forms.NewTicketForm()
        whole.make_writable()
        return _draw(whole, preview=_shown(str(whole.body.data or ""), whole.draft.data))
    form = DraftForm()
    if not form.validate():
        return render_template("tickets/_preview.html", html=None), 422
    html = _shown(form.command.body, request.args.get("draft"))
    return render_template("tickets/_preview.html", html=html)


def _shown(body: str, key: str | None) -> Any:
    """Draw a description with the pictures that wait for it."""
    start = url_for("tickets.waiting_for_new").removesuffix("/waiting")
    files = _waiting(key) if markdown.FILE in body else []
    pictures = tuple(
        (file["id"], f"{start}/{file['id']}/preview") for file in files if file["is_image"]
    )
    return markdown.render(body, markdown.Links(files=pictures))


# --- sending ----------------------------------------------------------------------


@bp.post("/new")
@page("tickets")
@permission(CREATE, scoped=True)
def create() -> ResponseReturnValue:
    """Open a ticket, with a new contact if one was written down."""
    form = forms.NewTicketForm()
    find_client(form)
    if not form.validate():
        return _again(form)
    try:
        file_ids = list(form.command.files) + _take(form.command.draft, "upload")
        draft = _with_contact(form.command)
        ticket = records.create(me(), draft, draft=form.command.draft, file_ids=file_ids)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        if _sent("upload"):
            text = gettext("The files that came along were not kept. Choose them again.")
            form.files.errors = [*form.files.errors, text]
        return _draw(form), 422
    flash(gettext("Ticket #%(number)s was opened.", number=ticket.number), "success")
    return redirect_to(ticket_url(ticket))


def _again(form: forms.NewTicketForm) -> ResponseReturnValue:
    """Show the form again; files that came along, as they do without scripts, are kept with all the rest."""
    if _sent("upload"):
        typed = forms.TypedTicketForm()
        if typed.validate():
            return _keep_all(typed, check="1")
    return _draw(form), 422


def _with_contact(command: NewTicket) -> TicketDraft:
    """Write the new contact down and make it the requester."""
    said = {name: value for name, value in command if name not in (*CONTACT, *OF_DRAFT)}
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


# --- the draft --------------------------------------------------------------------


@bp.post("/new/draft")
@page("tickets")
@permission(CREATE, scoped=True)
def save_new_draft() -> ResponseReturnValue:
    """Keep what was typed so far; with nothing in it, it is forgotten."""
    form = forms.TypedTicketForm()
    if not form.validate():
        fields = {name: [str(one) for one in said] for name, said in form.errors.items() if name}
        return reply(422, MESSAGES[422], code="invalid", fields=fields)
    command = form.command
    kept = drafts.save_new(me(), command.draft, body=command.body, fields=command.fields)
    told = {"saved_at": datetime.now(UTC).isoformat(), "kept": kept}
    return {"success": True, "data": told}


@bp.post("/new/discard")
@page("tickets")
@permission(CREATE, scoped=True)
def discard_new_draft() -> ResponseReturnValue:
    """Throw away what was typed, with its files."""
    form = forms.DraftKeyForm()
    if not form.validate():
        abort(404)
    drafts.discard_new(me(), form.command.draft)
    flash(gettext("The draft was thrown away."), "success")
    return redirect_to(url_for("tickets.new", draft=NONE))


# --- its files --------------------------------------------------------------------


def _waiting(key: str | None) -> list[Any]:
    kept = draft_queries.of_person(me().id)
    return next((row.files for row in kept if row.key == key), None) or []


def _sent(name: str) -> list[tuple[str, Any]]:
    return [(file.filename or "", file.stream) for file in request.files.getlist(name) if file]


def _take(key: str | None, name: str) -> list[int]:
    """Let the files that came with this request wait with the draft."""
    sent = _sent(name)
    if not sent or key is None:
        return []
    keep = partial(file_services.add_to_draft, draft_id=drafts.hold_new(me(), key), user_id=me().id)
    return [row.id for row in file_services.add_all(sent, keep)]


@bp.get("/new/files/waiting")
@page("tickets")
@permission(CREATE, scoped=True)
def waiting_for_new() -> ResponseReturnValue:
    """Show the files that wait for the new ticket of ``?draft=KEY``."""
    waiting = _waiting(request.args.get("draft"))
    return render_template("tickets/_waiting.html", waiting=waiting, number=None)


@bp.post("/new/files")
@page("tickets")
@permission(CREATE, scoped=True)
def upload_for_new() -> ResponseReturnValue:
    """Take files for a new ticket: all of them, or none. Without scripts the whole form comes along."""
    if not wants_json():
        form = forms.TypedTicketForm()
        if not form.validate():
            abort(404)
        return _keep_all(form)
    which = forms.DraftKeyForm()
    if not which.validate():
        abort(404)
    sent = _sent("files")
    keep = partial(
        file_services.add_to_draft,
        draft_id=drafts.hold_new(me(), which.command.draft),
        user_id=me().id,
    )
    rows = file_services.add_all(sent, keep)
    added = [
        {"id": row.id, "name": row.name, "is_image": row.thumb_sha256 is not None} for row in rows
    ]
    return {"success": True, "data": {"files": added}}, 201


def _keep_all(form: forms.TypedTicketForm, *, check: str | None = None) -> ResponseReturnValue:
    """Keep what was typed and the files that came with it, and come back to it."""
    command = form.command
    drafts.save_new(me(), command.draft, body=command.body, fields=command.fields)
    try:
        taken = _take(command.draft, "upload")
    except DomainError as error:
        flash(str(error), "danger")
    else:
        flash(
            str(ngettext("%(num)s file was added.", "%(num)s files were added.", len(taken))),
            "success",
        )
    return redirect_to(url_for("tickets.new", draft=command.draft, check=check))


@bp.post("/new/files/<id:attachment_id>/remove")
@page("tickets")
@permission(CREATE, scoped=True)
def remove_from_new(attachment_id: int) -> ResponseReturnValue:
    """Take away a file that waits for a new ticket."""
    row = file_queries.get_of_drafts(attachment_id, user_id=me().id, lock=True)
    file_services.delete(row or abort(404))
    return {"success": True}


@bp.get("/new/files/<id:attachment_id>/preview")
@page("tickets")
@permission(CREATE, scoped=True)
def preview_file_of_new(attachment_id: int) -> ResponseReturnValue:
    """Show an image that waits for a new ticket, as we encoded it."""
    return sending.send(_file(attachment_id).preview_sha256 or abort(404), images.MEDIA_TYPE)


@bp.get("/new/files/<id:attachment_id>/thumb")
@page("tickets")
@permission(CREATE, scoped=True)
def thumb_file_of_new(attachment_id: int) -> ResponseReturnValue:
    """Show it small."""
    return sending.send(_file(attachment_id).thumb_sha256 or abort(404), images.MEDIA_TYPE)


def _file(attachment_id: int) -> Attachment:
    return file_queries.get_of_drafts(attachment_id, user_id=me().id) or abort(404)
