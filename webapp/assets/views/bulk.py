"""Changing many assets at once, and undoing it."""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access import scopes
from webapp.assets.bulk_forms import BulkForm
from webapp.assets.bulk_schemas import MAX_IDS
from webapp.assets.models import Status
from webapp.assets.queries import bulk as queries
from webapp.assets.services import bulk as services
from webapp.assets.services import bulk_jobs
from webapp.assets.views.common import bp, me
from webapp.assets.words import STATUS
from webapp.audit.reasons import why
from webapp.audit.sentences import predicate
from webapp.core.bulk import NAMED, REQUEST, Changed, Outcome, Verdict
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_json
from webapp.core.language import format_day, format_number
from webapp.core.typed import numbers_of
from webapp.organisation.tree import reach_of
from webapp.saved_views.queries import narrowed, tidy

EDIT = "assets.edit"


@bp.get("/bulk")
@page("assets")
@permission(EDIT, scoped=True)
def bulk() -> ResponseReturnValue:
    """Ask what to change about the assets that were chosen."""
    ids = numbers_of(request.args.getlist("ids"))[:MAX_IDS]
    matching = request.args.get("matching") or None
    if not ids and matching is None:
        return redirect_to(url_for("assets.index"))
    data = {"ids": ids, "matching": matching, "back": request.referrer}
    return _ask(BulkForm(formdata=None, data=data))


def _list(address: str | None) -> str:
    """Return the address of the list as it was narrowed."""
    return narrowed(url_for("assets.index"), address, host=request.host)


def _back(form: BulkForm) -> str:
    if form.matching.data:
        return url_for("assets.index") + tidy(form.matching.data)
    return _list(form.back.data)


def _ask(form: BulkForm) -> str:
    seen = reach_of(me(), "assets")
    form.offer(
        url_for("assets.pick_home"), present=scopes.label_of(form.place.data or None, seen=seen)
    )
    those, more = services.chosen(me(), form.ids.data or [], form.matching.data)
    form.back.data = _back(form)
    return render_template(
        "assets/bulk.html", form=form, count=len(those), more=more, exact=format_number
    )


@bp.post("/bulk")
@page("assets")
@permission(EDIT, scoped=True)
def preview_bulk() -> ResponseReturnValue:
    """Show each change, and what is refused and why."""
    form = BulkForm()
    if not form.validate():
        return _ask(form), 422
    try:
        return _preview(form)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _ask(form), 422


def _preview(form: BulkForm) -> str:
    outcome = services.preview(me(), form.command)
    form.back.data = _back(form)
    return render_template(
        "assets/bulk_preview.html",
        form=form,
        outcome=outcome,
        fine=_shown(outcome.changed),
        refused=_shown(outcome.refused),
        most=services.MOST,
        exact=format_number,
    )


@bp.post("/bulk/apply")
@page("assets")
@permission(EDIT, scoped=True)
def apply_bulk() -> ResponseReturnValue:
    """Change them, as one transaction."""
    form = BulkForm()
    if not form.validate():
        return _ask(form), 422
    try:
        job = bulk_jobs.start_change(me(), form.command, url=url_for("assets.recent_changes"))
        if job is not None:
            return redirect_to(url_for("jobs.show", job_id=job))
        outcome = services.apply(me(), form.command)
    except Denied:
        raise
    except Changed as error:
        form.refuse(error)
        return _preview(form), 409
    except DomainError as error:
        form.refuse(error)
        return _ask(form), 422
    _say(outcome)
    return redirect_to(_back(form))


def _say(outcome: Outcome, *, undone: bool = False) -> None:
    """Say what was done, and offer the opposite; ``undone`` if it was set back."""
    done, refused = len(outcome.changed), len(outcome.refused)
    if done:
        n = format_number(done)
        if undone:
            text = ngettext("%(n)s asset was set back.", "%(n)s assets were set back.", done, n=n)
        else:
            text = ngettext("%(n)s asset was changed.", "%(n)s assets were changed.", done, n=n)
        undo_it = url_for("assets.undo", request_id=g.request_id)
        look = url_for("assets.ask_undo", request_id=g.request_id)
        # The toast draws it: a button that undoes at once, and a link to what that would do.
        label = _("Redo") if undone else _("Undo")
        said: Any = {"text": str(text), "post": undo_it, "label": label, "look": look}
        flash(said, "success")
    if refused:
        n = format_number(refused)
        text = ngettext("%(n)s was left as before.", "%(n)s were left as before.", refused, n=n)
        flash(text, "warning")


@bp.get("/undo")
@page("assets")
@permission(EDIT, scoped=True)
def recent_changes() -> ResponseReturnValue:
    """List one's own changes of many assets that can still be undone."""
    rows = queries.recent_changes(me().id)
    return render_template("assets/bulk_recent.html", rows=rows, told=predicate, why=why)


@bp.get("/undo/<request_id>")
@page("assets")
@permission(EDIT, scoped=True)
def ask_undo(request_id: str) -> ResponseReturnValue:
    """Show what would be set back."""
    outcome = services.preview_undo(me(), _known(request_id))
    return _undo_page(request_id, outcome)


def _undo_page(request_id: str, outcome: Outcome) -> str:
    if not outcome.verdicts:
        abort(404)
    return render_template(
        "assets/bulk_undo.html",
        request_id_undone=request_id,
        exact=format_number,
        outcome=outcome,
        fine=_shown(outcome.changed),
        refused=_shown(outcome.refused),
    )


@bp.post("/undo/<request_id>")
@page("assets")
@permission(EDIT, scoped=True)
def undo(request_id: str) -> ResponseReturnValue:
    """Set back what is still as the request left it."""
    here = url_for("assets.recent_changes")
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


def _shown(verdicts: Sequence[Verdict]) -> list[dict[str, Any]]:
    """The first few verdicts as people read them."""
    few = verdicts[:NAMED]
    pairs = [(name, one.changes[name]) for one in few for name in one.changes]

    def ids(field: str) -> list[Any]:
        return [value for name, pair in pairs if name == field for value in pair]

    names = queries.names_of(ids("client_id"), ids("project_id"), ids("parent_id"))
    return [
        {
            "label": one.label,
            "name": one.name,
            "why": one.why,
            "changes": [
                (services.TITLES[field], *(_word(field, value, names) for value in pair))
                for field, pair in one.changes.items()
            ],
        }
        for one in few
    ]


def _word(field: str, value: Any, names: dict[str, dict[int, str]]) -> str:
    if value is None or value == "":
        return "\u2013"
    if field in names:
        return names[field].get(value, f"#{value}")
    if field == "status":
        return str(STATUS[Status(value)])
    return format_day(value) if field in services.DAYS else str(value)
