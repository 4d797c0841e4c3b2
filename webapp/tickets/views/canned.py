"""Canned replies: the pages that look after them, and what the composer of a ticket offers."""

from functools import partial
from typing import Any

from flask import abort, jsonify, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core import htmx
from webapp.core.guards import page
from webapp.core.language import listed
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import number_of
from webapp.core.unit_of_work import mark_failed
from webapp.tickets import filling
from webapp.tickets.desk_forms import ReplyForm
from webapp.tickets.models import CannedReply
from webapp.tickets.queries import canned as queries
from webapp.tickets.services import canned as services
from webapp.tickets.views import settings
from webapp.tickets.views.common import bp, find, me
from webapp.tickets.views.settings import may_configure

WHOSE = ("", "mine", "team", "all")


def _get(reply_id: int) -> CannedReply:
    found = queries.get_reply(reply_id, user_id=me().id, everything=may_configure())
    return found or abort(404)


def _url(reply_id: int) -> str:
    return url_for("tickets.show_reply", reply_id=reply_id)


def _crumbs(*more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [
        (gettext("Support desk"), url_for("tickets.desk")),
        (gettext("Canned replies"), url_for("tickets.canned")),
        *more,
    ]


def whose(row: Any) -> str:
    """Say whose a reply is."""
    if row.owner_id is not None:
        return str(gettext("Yours"))
    return str(row.team) if row.team else str(gettext("Everybody's"))


@bp.get("/desk/replies")
@page("tickets.desk")
def canned() -> ResponseReturnValue:
    """List the replies that the person may use; who runs the desk sees each team's."""
    deleted, chosen = request.args.get("deleted", ""), request.args.get("whose", "")
    if deleted not in ("", "1") or chosen not in WHOSE:
        raise UnknownFilter
    q = cleaned(request.args.get("q"))
    return htmx.render(
        "tickets/canned.html",
        partial="tickets/_canned.html",
        page=queries.list_replies(
            request.args,
            user_id=me().id,
            everything=may_configure(),
            q=q,
            whose=chosen,
            deleted=deleted == "1",
        ),
        whose=whose,
        q=q,
        chosen=chosen,
        deleted=deleted,
    )


@bp.get("/desk/replies/<id:reply_id>")
@page("tickets.desk")
def show_reply(reply_id: int) -> ResponseReturnValue:
    """Show a reply as it is written and as it would be sent."""
    return _show(_get(reply_id))


def _show(reply: CannedReply, problem: str | None = None) -> str:
    team = queries.team_name(reply.team_id)
    return render_template(
        "tickets/canned_reply.html",
        record=reply,
        team=team,
        crumbs=_crumbs((reply.title, None)),
        preview=_preview(reply.body),
        problem=problem,
        may_edit=services.may_change(me(), reply),
        history=timeline_of("canned_reply", reply.id),
    )


def _preview(body: str) -> str:
    """Fill a text in as for some ticket."""
    sample = {
        "ticket.number": "#1234",
        "ticket.subject": gettext("The printer on the second floor is jammed"),
        "requester.name": "Ana Ruiz",
        "requester.first_name": "Ana",
        "agent.name": me().name,
        "client.name": "Harbour Logistics",
        "asset.tag": "PRN-0042",
    }
    return filling.fill(body, sample).text


# --- the form ---------------------------------------------------------------------


def _form(record: CannedReply | None = None, **given: Any) -> ReplyForm:
    form = ReplyForm(**given)
    shared = may_configure()
    teams = queries.team_names() if shared else {}
    if record is not None and record.team_id is not None and record.team_id not in teams:
        teams |= {record.team_id: queries.team_name(record.team_id) or ""}
    form.offer(teams, shared=shared)
    return form


def _draw(form: ReplyForm, *, record: CannedReply | None = None, **context: Any) -> str:
    if record is None:
        title, back, here = gettext("New canned reply"), url_for("tickets.canned"), []
    else:
        title, back = gettext("Edit %(name)s", name=record.title), _url(record.id)
        here = [(record.title, back)]
    values = {"conflict": None, "version": None, "action": request.path}
    last = (gettext("Edit") if record else title, None)
    return render_template(
        "tickets/canned_form.html",
        form=form,
        title=title,
        back=back,
        crumbs=_crumbs(*here, last),
        variables=filling.VARIABLES,
        preview=_preview(form.body.data or ""),
        **(values | context),
    )


def _whose_of(reply: CannedReply) -> str:
    if reply.owner_id is not None:
        return "mine"
    return f"team:{reply.team_id}" if reply.team_id else "all"


@bp.get("/desk/replies/new")
@page("tickets.desk")
def new_reply() -> ResponseReturnValue:
    """Ask for a new reply."""
    return _draw(_form(formdata=None, data={"whose": "mine"}))


@bp.post("/desk/replies/new")
@page("tickets.desk")
def create_reply() -> ResponseReturnValue:
    """Add a reply: one's own, or for who may run the desk, one that many share."""
    return settings.answer(
        _form(),
        draw=_draw,
        work=lambda command: services.create(me(), command),
        there=lambda reply: _url(reply.id),
        said=gettext("The reply was added."),
    )


@bp.post("/desk/replies/preview")
@page("tickets.desk")
def preview_reply() -> ResponseReturnValue:
    """Show a text filled in, while it is written; nothing is saved, so the form's key stays good."""
    mark_failed()
    return render_template(
        "tickets/_canned_preview.html", preview=_preview(request.form.get("body", ""))
    )


@bp.get("/desk/replies/<id:reply_id>/edit")
@page("tickets.desk")
def edit_reply(reply_id: int) -> ResponseReturnValue:
    """Ask what to change about a reply."""
    reply = _get(reply_id)
    services.require(me(), reply)
    form = _form(reply, formdata=None, obj=reply, data={"whose": _whose_of(reply)})
    return _draw(form, record=reply, version=reply.version)


@bp.post("/desk/replies/<id:reply_id>/edit")
@page("tickets.desk")
def save_reply(reply_id: int) -> ResponseReturnValue:
    """Change a reply."""
    reply, seen = _get(reply_id), settings.version()
    form = _form(reply)

    def compare(current: CannedReply) -> dict[str, Any]:
        names = {value: str(label) for value, label, *_ in form.whose.iter_choices()}
        rows = [
            (gettext("Title"), form.command.title, current.title),
            (gettext("Shortcut"), form.command.shortcut, current.shortcut),
            (
                gettext("Whose"),
                names.get(form.command.whose, ""),
                names.get(_whose_of(current), ""),
            ),
            (gettext("Text"), form.command.body, current.body),
        ]
        return settings.conflict("canned_reply", current, rows)

    def draw(form: ReplyForm, **context: Any) -> str:
        return _draw(form, record=reply, **({"version": seen} | context))

    return settings.answer(
        form,
        draw=draw,
        work=lambda command: services.save(me(), reply, command, version=seen),
        compare=compare,
        there=lambda _: _url(reply_id),
        said=gettext("The reply was saved."),
    )


@bp.post("/desk/replies/<id:reply_id>/delete")
@page("tickets.desk")
def delete_reply(reply_id: int) -> ResponseReturnValue:
    """Hide a reply."""
    reply = _get(reply_id)
    return settings.settle(
        lambda: services.delete(me(), reply, version=settings.version()),
        url=_url(reply_id),
        show=partial(_show, reply),
        said=gettext("The reply was deleted."),
    )


@bp.post("/desk/replies/<id:reply_id>/restore")
@page("tickets.desk")
def restore_reply(reply_id: int) -> ResponseReturnValue:
    """Bring a deleted reply back."""
    reply = _get(reply_id)
    return settings.settle(
        lambda: services.restore(me(), reply),
        url=_url(reply_id),
        show=partial(_show, reply),
        said=gettext("The reply was restored."),
    )


# --- for the composer ---------------------------------------------------------------


@bp.get("/replies")
@page("tickets")
def replies() -> ResponseReturnValue:
    """Offer replies that match ``q``, filled in for the ticket with the number ``ticket``, as JSON.

    ``{"replies": [{"id", "shortcut", "title", "whose", "text", "missing": [names], "note"}]}``; the note is for people.
    """
    asked = request.args.get("ticket", "")
    number = number_of(asked)
    if asked and number is None:
        abort(404)
    values: dict[str, str] | None = None
    if number is not None:
        ticket = find(number)
        values = queries.values_of([ticket.id], agent=me().name)[ticket.id]
    rows = queries.find(me().id, cleaned(request.args.get("q"), at_most=100))
    return jsonify(replies=[_offer(row, values) for row in rows])


def _offer(row: Any, values: dict[str, str] | None) -> dict[str, Any]:
    filled = filling.fill(row.body, values) if values is not None else None
    missing = list(filled.missing) if filled else []
    holes = listed(f"{{{{{name}}}}}" for name in missing)
    return {
        "id": row.id,
        "shortcut": row.shortcut,
        "title": row.title,
        "whose": whose(row),
        "text": filled.text if filled else row.body,
        "missing": missing,
        "note": gettext("nothing stands for %(names)s", names=holes) if missing else "",
    }
