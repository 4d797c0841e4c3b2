"""The conversation of a ticket: what was said, and saying something."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from webapp.attachments import queries as file_queries
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.core.language import _, gettext
from webapp.core.typed import number_in
from webapp.organisation import tree
from webapp.tickets import markdown
from webapp.tickets.message_forms import DraftForm, SayingForm
from webapp.tickets.message_schemas import Saying
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import messages as queries
from webapp.tickets.queries import ticket as ticket_queries
from webapp.tickets.queries import workflow
from webapp.tickets.services import base
from webapp.tickets.services import drafts as draft_services
from webapp.tickets.services import messages as services
from webapp.tickets.views import reach as reaching
from webapp.tickets.views.common import bp, find, me, ticket_url
from webapp.tickets.words import HEARD

REPLY = services.PERMISSION
EDIT = "tickets.edit"
SPLIT = "tickets.merge"


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """One message as the page shows it. ``kind``: note, desk, asker or system."""

    id: int
    kind: str
    author: str
    html: Markup
    sent_at: datetime
    origin_number: int | None
    files: Sequence[Any]
    is_new: bool
    recorder: str | None = None
    heard: str = ""
    mail: str = ""
    mail_state: str | None = None
    mailed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What ``tickets/_talk.html`` shows: the conversation, and the composer below it."""

    number: int
    messages: Sequence[Said]
    total: int
    hidden: int
    gap: int
    last_id: int
    may_reply: bool
    may_split: bool = False
    merged: bool = False
    form: SayingForm | None = None
    waiting: Sequence[Any] = ()
    people: Sequence[Any] = ()
    arrived: int = 0  # how many came since the person looked
    problem: str | None = None
    may_set: bool = False
    reach: reaching.Reach | None = None


def talk_of(
    ticket: Ticket,
    place: Any,
    *,
    follows: Sequence[Status] | None = None,
    around: ticket_queries.Around | None = None,
    form: SayingForm | None = None,
    seen: int | None = None,
    problem: str | None = None,
) -> Talk:
    """Read a conversation and all that its composer needs. What came after ``seen`` is marked.

    ``follows`` are the states that may be set, and ``around`` what the page names, if somebody has read them already.
    """
    who = me()
    may_reply = _may(REPLY, ticket, place)
    told = queries.of_ticket(ticket.id)
    files = file_queries.of_messages(
        ticket.id, [row.id for row in told.rows], waiting_for=who.id if may_reply else None
    )
    said = said_of(ticket, told.rows, files, seen=seen)
    beside = ticket_queries.beside(ticket.id, who.id)
    may_set = may_reply and who.can(EDIT, on=place)
    states: Any = ()
    if may_set:
        states = follows or workflow.next_statuses(ticket, workflow.roles_at(who, place))
    return Talk(
        number=ticket.number,
        messages=said,
        total=told.total,
        hidden=told.hidden,
        gap=told.gap,
        last_id=told.last_id,
        may_reply=may_reply,
        may_split=_may(SPLIT, ticket, place),
        merged=ticket.merged_into_id is not None,
        form=_composer(form, told, beside, states) if may_reply else None,
        waiting=[row for row in files if row.message_id is None],
        people=beside.people,
        arrived=sum(one.is_new for one in said),
        problem=problem,
        may_set=may_set,
        reach=reaching.of(ticket, around) if may_reply else None,
    )


def said_of(
    ticket: Ticket, rows: Sequence[Any], files: Sequence[Any], *, seen: int | None = None
) -> list[Said]:
    """Draw messages."""
    start = ticket_url(ticket)
    pictures = tuple((row.id, f"{start}/files/{row.id}/preview") for row in files if row.is_image)
    person = url_for("users.index") + "/" if me().opens("users") else None
    return [
        Said(
            id=row.id,
            kind=_kind_of(ticket, row),
            author=row.author or gettext("Steward"),
            html=_html(row.body, person, pictures),
            sent_at=row.sent_at,
            origin_number=row.origin_number,
            files=[file for file in files if file.message_id == row.id],
            is_new=seen is not None and row.id > seen,
            recorder=row.recorder,
            heard=gettext(HEARD[row.via]) if row.recorder and row.via in HEARD else "",
            mail=reaching.of_mail(row),
            mail_state=row.mail_state,
            mailed_at=row.mailed_at,
        )
        for row in rows
    ]


def _html(body: str, person: str | None, pictures: tuple[tuple[int, str], ...]) -> Markup:
    shown = pictures if markdown.FILE in body else ()  # else a cached one would do for any ticket
    return markdown.render(body, markdown.Links(person=person, files=shown))


def _kind_of(ticket: Ticket, row: Any) -> str:
    if row.is_note:
        return "note"
    if (
        row.contact_id
        or row.recorder
        or (row.author_id and row.author_id == ticket.requester_user_id)
    ):
        return "asker"
    return "system" if row.author_id is None else "desk"


def _composer(
    form: SayingForm | None,
    told: queries.Conversation,
    beside: ticket_queries.Beside,
    states: Sequence[Status],
) -> SayingForm:
    """Return the form as it was sent, or with the drafts; from now on the person has seen all this."""
    if form is None:
        mode = "note" if beside.note_is_newest else "reply"
        form = SayingForm(
            formdata=None, data={"mode": mode, "body": beside.reply, "note": beside.note}
        )
    form.seen.data = str(told.last_id)
    form.offer(one for one in states if one != Status.CLOSED)
    return form


@bp.post("/<id:number>/messages")
@page("tickets")
@permission(REPLY, scoped=True)
def say(number: int) -> ResponseReturnValue:
    """Send a reply or a note."""
    ticket = find(number)
    base.require_on(me(), REPLY, ticket)
    form = SayingForm()
    if not form.validate():
        return _again(ticket, form, gettext("Nothing was sent. Please check the marked fields."))
    command = form.command
    if not command.said:
        form.refuse(DomainError(_("Write something first."), field=command.field))
        return _again(ticket, form, None)
    try:
        message = services.post(
            me(),
            ticket,
            body=command.said,
            is_note=command.is_note,
            file_ids=command.files,
            seen=None if command.anyway else command.seen,
            viewed=command.viewed,
            status=command.status,
            resolution=command.resolution,
            heard=command.via,
        )
    except Denied:
        raise
    except services.Arrived as error:
        if wants_json():
            raise
        return _again(ticket, form, str(error), seen=error.seen, status=409)
    except DomainError as error:
        form.refuse(error)
        return _again(ticket, form, str(error))
    _keep_others(ticket, command)
    return _sent(ticket, message.id, mode=command.mode)


def _keep_others(ticket: Ticket, command: Saying) -> None:
    """Keep what was typed beside what was sent; an empty one may be of another window, which keeps it."""
    for is_note, name in ((False, "body"), (True, "note")):
        other = "" if name == command.field else getattr(command, name)
        if other.strip():
            draft_services.save(me(), ticket, is_note=is_note, body=other)


SENT = {
    "reply": _("The reply was sent."),
    "note": _("The note was added."),
    "asker": _("It was written down as the requester's."),
}


def _sent(ticket: Ticket, message_id: int, *, mode: str) -> ResponseReturnValue:
    said = gettext(SENT[mode])
    if not wants_partial():
        flash(said, "success")
        return redirect_to(ticket_url(ticket, _anchor=f"message-{message_id}"))
    told = {"ticketchanged": {"id": ticket.id, "number": ticket.number, "said": said}}
    talk = talk_of(ticket, tree.place_of(ticket.client_id, ticket.project_id))
    if talk.form is not None:
        # The next one is of the same kind; what a requester says is answered.
        talk.form.mode.data = "note" if mode == "note" else "reply"
    return (
        render_template("tickets/_talk.html", talk=talk, record=ticket),
        200,
        {"HX-Trigger": json.dumps(told)},
    )


def _again(
    ticket: Ticket,
    form: SayingForm,
    problem: str | None,
    *,
    seen: int | None = None,
    status: int = 422,
) -> ResponseReturnValue:
    """Show the conversation with what was typed; what came meanwhile is marked."""
    if wants_partial():
        place = tree.place_of(ticket.client_id, ticket.project_id)
        talk = talk_of(ticket, place, form=form, seen=seen, problem=problem)
        return render_template("tickets/_talk.html", talk=talk, record=ticket), status
    from webapp.tickets.views import ticket as whole

    return whole.draw(ticket, form=form, seen=seen, problem=problem), status


@bp.get("/<id:number>/messages")
@page("tickets")
def read_messages(number: int) -> ResponseReturnValue:
    """Show some more: those before one message, or those that came after it."""
    ticket = find(number)
    after, before = (number_in(request.args.get(name, "")) for name in ("after", "before"))
    if after is not None:
        told = queries.after(ticket.id, after)
    elif before is not None:
        told = queries.before(ticket.id, before)
    else:
        abort(404)
    files = file_queries.of_messages(ticket.id, [row.id for row in told.rows], waiting_for=None)
    return render_template(
        "tickets/_messages.html",
        number=ticket.number,
        messages=said_of(ticket, told.rows, files, seen=after),
        total=told.total,
        hidden=told.hidden if after is None else 0,
        **_rights(ticket),
    )


@bp.get("/<id:number>/conversation")
@page("tickets")
def conversation(number: int) -> ResponseReturnValue:
    """Show the conversation anew, without the composer."""
    ticket = find(number)
    told = queries.of_ticket(ticket.id)
    files = file_queries.of_messages(ticket.id, [row.id for row in told.rows], waiting_for=None)
    return render_template(
        "tickets/_conversation.html",
        number=ticket.number,
        messages=said_of(ticket, told.rows, files),
        total=told.total,
        hidden=told.hidden,
        gap=told.gap,
        **_rights(ticket),
    )


def _rights(ticket: Ticket) -> dict[str, bool]:
    place = tree.place_of(ticket.client_id, ticket.project_id)
    return {
        "may_reply": _may(REPLY, ticket, place),
        "may_split": _may(SPLIT, ticket, place),
    }


def _may(permission_key: str, ticket: Ticket, place: Any) -> bool:
    return ticket.merged_into_id is None and me().can(permission_key, on=place)


@bp.get("/<id:number>/messages/<id:message_id>/quote")
@page("tickets")
def quote(number: int, message_id: int) -> ResponseReturnValue:
    """Give a message as a quote, to be answered below."""
    row = queries.get(find(number).id, message_id) or abort(404)
    return {"text": markdown.plain_quote(row.body)}


@bp.post("/<id:number>/preview")
@page("tickets")
def preview(number: int) -> ResponseReturnValue:
    """Show how a text will look."""
    ticket = find(number)
    form = DraftForm()
    if not form.validate():
        return render_template("tickets/_preview.html", html=None), 422
    files = file_queries.of_messages(ticket.id, [], waiting_for=me().id)
    start = ticket_url(ticket)
    links = markdown.Links(
        files=tuple((row.id, f"{start}/files/{row.id}/preview") for row in files if row.is_image)
    )
    return render_template("tickets/_preview.html", html=markdown.render(form.command.body, links))
