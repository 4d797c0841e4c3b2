"""Changing many tickets at once, and undoing it."""

from typing import Any

from flask import abort, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.audit.reasons import why
from webapp.audit.sentences import predicate
from webapp.core import pickers
from webapp.core.bulk import REQUEST, Changed, Outcome
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page
from webapp.core.htmx import redirect_to, wants_json
from webapp.core.language import format_number
from webapp.core.typed import number_of, numbers_of
from webapp.saved_views.queries import narrowed, tidy
from webapp.tickets import bulk_sentences as _sentences  # noqa: F401 - teaches the log
from webapp.tickets import mailing
from webapp.tickets.bulk_forms import CARRIED, BulkForm
from webapp.tickets.bulk_schemas import MAX_IDS, BulkChange
from webapp.tickets.queries import bulk as queries
from webapp.tickets.queries import canned, people
from webapp.tickets.services import bulk as services
from webapp.tickets.services import bulk_jobs, bulk_saying
from webapp.tickets.views.bulk_words import shown
from webapp.tickets.views.common import bp, me

ANY = ("tickets.edit", "tickets.assign", "tickets.reply")


def _require_some() -> None:
    """Refuse who could change nothing about any ticket; each ticket is judged by itself."""
    if not any(me().holds(permission) for permission in ANY):
        raise Denied(_("You may not change tickets."), key="tickets.edit")


@bp.get("/bulk")
@page("tickets")
def bulk() -> ResponseReturnValue:
    """Ask what to change about the tickets that were chosen."""
    _require_some()
    ids = numbers_of(request.args.getlist("ids"))[:MAX_IDS]
    matching = request.args.get("matching") or None
    if not ids and matching is None:
        return redirect_to(url_for("tickets.index"))
    data: dict[str, Any] = {"ids": ids, "matching": matching, "back": request.referrer}
    first = request.args.get("field", "")
    if first == "me":
        first, data["assignee"] = "assignee", str(me().id)
    return _ask(BulkForm(formdata=None, data=data), first=first)


def _list(address: str | None) -> str:
    """Return the address of the list as it was narrowed."""
    return narrowed(url_for("tickets.index"), address, host=request.host)


def _back(form: BulkForm) -> str:
    if form.matching.data:
        return url_for("tickets.index") + tidy(form.matching.data)
    return _list(form.back.data)


def _ask(form: BulkForm, *, first: str = "") -> str:
    """Draw the form; the field that is called ``first`` has the focus."""
    form.offer(
        url_for("tickets.pick_person"),
        url_for("tickets.pick_reply"),
        present={"assignee": _person(form.assignee.data), "canned": _reply(form.canned.data)},
        teams=people.live_teams(),
    )
    those, more = services.chosen(me(), form.ids.data or [], form.matching.data)
    form.back.data = _back(form)
    return render_template(
        "tickets/bulk.html",
        form=form,
        first=first,
        count=len(those),
        more=more,
        exact=format_number,
    )


def _person(typed: Any) -> str | None:
    return people.name_of(number_of(typed))


def _reply(typed: Any) -> str | None:
    number = number_of(typed)
    found = canned.get_usable(me().id, number) if number else None
    return found.title if found else None


@bp.get("/bulk/replies")
@page("tickets")
def pick_reply() -> ResponseReturnValue:
    """Find canned replies that the person may use."""
    rows = canned.find(me().id, pickers.typed())
    return pickers.answer(
        [
            pickers.Option(value=str(row.id), label=row.title, hint=f"::{row.shortcut}")
            for row in rows
        ]
    )


@bp.post("/bulk")
@page("tickets")
def preview_bulk() -> ResponseReturnValue:
    """Show each change, and what is refused and why; with ``edit=1`` the form again, as it is filled in."""
    _require_some()
    form = BulkForm()
    if request.args.get("edit") == "1":
        form.make_writable()
        return _ask(form)
    if not form.validate():
        return _ask(form), 422
    try:
        return _preview(form, bulk_saying.text_of(me(), form.command))
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _ask(form), 422


def _preview(form: BulkForm, command: BulkChange) -> str:
    outcome = services.preview(me(), command)
    form.back.data, form.body.data = _back(form), command.body
    said = None
    if command.body is not None and outcome.changed:
        said = bulk_saying.example_of(me(), outcome.changed[0].id, command.body)
    return render_template(
        "tickets/bulk_preview.html",
        form=form,
        command=command,
        carried=CARRIED,
        outcome=outcome,
        said=said,
        fine=shown(outcome.changed, command),
        refused=shown(outcome.refused),
        mails=mailing.is_possible(),
        most=services.MOST,
        exact=format_number,
    )


@bp.post("/bulk/apply")
@page("tickets")
def apply_bulk() -> ResponseReturnValue:
    """Change them, as one transaction."""
    _require_some()
    form = BulkForm()
    if not form.validate():
        return _ask(form), 422
    try:
        command = bulk_saying.text_of(me(), form.command)
        job = bulk_jobs.start_change(me(), command, url=url_for("tickets.recent_changes"))
        if job is not None:
            return redirect_to(url_for("jobs.show", job_id=job))
        outcome = services.apply(me(), command)
    except Denied:
        raise
    except Changed as error:
        form.refuse(error)
        return _preview(form, command), 409
    except DomainError as error:
        form.refuse(error)
        return _ask(form), 422
    fields = any(name != "message" for one in outcome.changed for name in one.changes)
    _say(outcome, undo=fields)
    return redirect_to(_back(form))


def _say(outcome: Outcome, *, undo: bool = True, undone: bool = False) -> None:
    """Say what was done, and offer the opposite; ``undone`` if it was set back."""
    done, refused = len(outcome.changed), len(outcome.refused)
    if done:
        n = format_number(done)
        if undone:
            text = ngettext("%(n)s ticket was set back.", "%(n)s tickets were set back.", done, n=n)
        else:
            text = ngettext("%(n)s ticket was changed.", "%(n)s tickets were changed.", done, n=n)
        # The toast draws it: a button that undoes at once, and a link to what that would do.
        said: Any = {
            "text": str(text),
            "post": url_for("tickets.undo", request_id=g.request_id),
            "label": _("Redo") if undone else _("Undo"),
            "look": url_for("tickets.ask_undo", request_id=g.request_id),
        }
        flash(said if undo else str(text), "success")
    if refused:
        n = format_number(refused)
        text = ngettext("%(n)s was left as before.", "%(n)s were left as before.", refused, n=n)
        flash(text, "warning")


@bp.get("/undo")
@page("tickets")
def recent_changes() -> ResponseReturnValue:
    """List one's own changes of many tickets that can still be undone."""
    rows = queries.LOG.recent_changes(me().id)
    return render_template("tickets/bulk_recent.html", rows=rows, told=predicate, why=why)


@bp.get("/undo/<request_id>")
@page("tickets")
def ask_undo(request_id: str) -> ResponseReturnValue:
    """Show what would be set back."""
    outcome = services.preview_undo(me(), _known(request_id))
    return _undo_page(request_id, outcome)


def _undo_page(request_id: str, outcome: Outcome) -> str:
    if not outcome.verdicts:
        abort(404)
    return render_template(
        "tickets/bulk_undo.html",
        request_id_undone=request_id,
        exact=format_number,
        outcome=outcome,
        fine=shown(outcome.changed),
        refused=shown(outcome.refused),
    )


@bp.post("/undo/<request_id>")
@page("tickets")
def undo(request_id: str) -> ResponseReturnValue:
    """Set back what is still as the request left it."""
    _require_some()
    here = url_for("tickets.recent_changes")
    job = bulk_jobs.start_undo(me(), _known(request_id), url=here)
    if job is not None:
        return redirect_to(url_for("jobs.show", job_id=job))
    outcome = services.undo(me(), request_id)
    if not outcome.changed:
        if outcome.verdicts and wants_json():
            raise DomainError(str(_("Everything is as it was before, or changed since.")))
        return _undo_page(request_id, outcome), 409
    _say(outcome, undone=not outcome.again)
    return redirect_to(_list(request.referrer))


def _known(request_id: str) -> str:
    return request_id if REQUEST.fullmatch(request_id) else abort(404)
