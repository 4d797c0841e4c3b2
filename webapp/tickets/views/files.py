"""Files of a ticket: they wait below the composer until they are sent with a message."""

from functools import partial

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue

from webapp.attachments import images, sending
from webapp.attachments import queries as file_queries
from webapp.attachments import services as file_services
from webapp.attachments.models import Attachment
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.core.language import gettext, ngettext
from webapp.tickets.models import Ticket
from webapp.tickets.services import base
from webapp.tickets.views.common import bp, find, me, ticket_url
from webapp.tickets.views.messages import REPLY


@bp.get("/<id:number>/files/waiting")
@page("tickets")
def waiting_files(number: int) -> ResponseReturnValue:
    """Show what one uploaded and did not send yet."""
    return _waiting(find(number))


def _waiting(ticket: Ticket) -> str:
    rows = file_queries.of_messages(ticket.id, [], waiting_for=me().id)
    return render_template("tickets/_waiting.html", number=ticket.number, waiting=rows)


@bp.post("/<id:number>/files")
@page("tickets")
@permission(REPLY, scoped=True)
def upload_file(number: int) -> ResponseReturnValue:
    """Take files: all of them, or none."""
    ticket = find(number)
    base.require_on(me(), REPLY, ticket)
    if ticket.merged_into_id is not None:
        raise DomainError(gettext("This ticket was merged into another one. Answer there."))
    sent = [(file.filename or "", file.stream) for file in request.files.getlist("files") if file]
    keep = partial(
        file_services.add_to_ticket,
        client_id=ticket.client_id,
        ticket_id=ticket.id,
        user_id=me().id,
    )
    rows = file_services.add_all(sent, keep)
    if wants_json():
        added = [_told(row) for row in rows]
        return {"success": True, "data": {"files": added}}, 201
    said = ngettext("%(num)s file was added.", "%(num)s files were added.", len(rows))
    flash(str(said), "success")
    return redirect_to(ticket_url(ticket, _anchor="composer"))


def _told(row: Attachment) -> dict[str, object]:
    return {"id": row.id, "name": row.name, "is_image": row.thumb_sha256 is not None}


@bp.post("/<id:number>/files/<id:attachment_id>/remove")
@page("tickets")
@permission(REPLY, scoped=True)
def remove_file(number: int, attachment_id: int) -> ResponseReturnValue:
    """Take away a file that was not sent yet."""
    ticket = find(number)
    row = file_queries.get_of_ticket(ticket.id, attachment_id, user_id=me().id, waiting=True)
    file_services.delete(row or abort(404))
    if wants_partial():
        return _waiting(ticket)
    flash(gettext("The file was removed."), "success")
    return redirect_to(ticket_url(ticket, _anchor="composer"))


@bp.get("/<id:number>/files/<id:attachment_id>")
@page("tickets")
def download_file(number: int, attachment_id: int) -> ResponseReturnValue:
    """Send a file as it was uploaded, to be saved and never to be shown."""
    ticket = find(number)
    return sending.send_whole(_file(ticket, attachment_id), ticket=ticket.audit_label)


@bp.get("/<id:number>/files/<id:attachment_id>/preview")
@page("tickets")
def preview_file(number: int, attachment_id: int) -> ResponseReturnValue:
    """Show an image as we encoded it."""
    row = _file(find(number), attachment_id)
    return sending.send(row.preview_sha256 or abort(404), images.MEDIA_TYPE)


@bp.get("/<id:number>/files/<id:attachment_id>/thumb")
@page("tickets")
def thumb_file(number: int, attachment_id: int) -> ResponseReturnValue:
    """Show an image as we encoded it, small."""
    row = _file(find(number), attachment_id)
    return sending.send(row.thumb_sha256 or abort(404), images.MEDIA_TYPE)


def _file(ticket: Ticket, attachment_id: int) -> Attachment:
    row = file_queries.get_of_ticket(ticket.id, attachment_id, user_id=me().id)
    return row or abort(404)
