"""Taking back what the log shows: a look at what would become of it, then a reason, then the change."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access.identity import SignedIn
from webapp.audit import queries, sentences
from webapp.audit.timeline import sentences_of
from webapp.core import trail
from webapp.core.bulk import REQUEST
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.core.identity import signed_in_person
from webapp.core.language import gettext
from webapp.oversight.masking import mask_of
from webapp.oversight.undo_forms import UndoForm
from webapp.oversight.undoing import applying, jobs, planning, reading, wording
from webapp.oversight.undoing.kinds import Context
from webapp.oversight.undoing.steps import Changed, NotWhole, Plan
from webapp.oversight.views.common import bp, sees_everything

PERMISSION = "audit.undo"
# What is undone elsewhere as well, one's own within a day: the page of that.
BULK = {"asset.bulk_changed": "assets.ask_undo", "ticket.bulk_changed": "tickets.ask_undo"}


@bp.get("/<id:event_id>/undo")
@page("audit", sensitive=True)
@permission(PERMISSION, scoped=True)
def preview_undo(event_id: int) -> ResponseReturnValue:
    """Show what undoing one row would do."""
    row = _row(event_id)
    trail.note("audit.read", category="read", object_type="audit_event", object_id=event_id)
    return _show(planning.plan_row(_context(row.request_id), row), row=row)


@bp.post("/<id:event_id>/undo")
@page("audit", sensitive=True)
@permission(PERMISSION, scoped=True)
def undo(event_id: int) -> ResponseReturnValue:
    """Undo one row."""
    row = _row(event_id)
    ctx = _context(row.request_id)
    return _undo(ctx, lambda **lock: planning.plan_row(ctx, row, **lock), row=row)


@bp.get("/request/<request_id>/undo")
@page("audit", sensitive=True)
@permission(PERMISSION, scoped=True)
def preview_undo_request(request_id: str) -> ResponseReturnValue:
    """Show what undoing all of a request would do."""
    plan = planning.plan_request(_context(_known(request_id)))
    trail.note("audit.read", category="read", changes={"request": request_id})
    return _show(plan)


@bp.post("/request/<request_id>/undo")
@page("audit", sensitive=True)
@permission(PERMISSION, scoped=True)
def undo_request(request_id: str) -> ResponseReturnValue:
    """Undo all of a request, or the part of it that can be."""
    ctx = _context(_known(request_id))
    return _undo(ctx, lambda **lock: planning.plan_request(ctx, **lock))


def _me() -> SignedIn:
    who = signed_in_person()
    assert isinstance(who, SignedIn)  # noqa: S101 # nosec B101 - for the type checker
    return who


def _context(request_id: str | None) -> Context:
    return Context(actor=_me(), request_id=request_id)


def _known(request_id: str) -> str:
    return request_id if REQUEST.fullmatch(request_id) else abort(404)


def _row(event_id: int) -> Any:
    text = request.args.get("at", "").replace(" ", "+")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        abort(404)
    at = at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
    return queries.find_event(event_id, at=at, everything=sees_everything()) or abort(404)


def _undo(ctx: Context, planned: Callable[..., Plan], *, row: Any = None) -> ResponseReturnValue:
    form = UndoForm()
    if not form.validate():
        return _show(planned(), row=row, form=form), 422
    command = form.command
    ctx.reason = command.reason
    if row is None and (job := jobs.start(_me(), planned(), command, url=_done(None))) is not None:
        return redirect_to(url_for("jobs.show", job_id=job))
    consent = applying.Consent(seen=command.seen, part=command.part, agreed=command.agreed)
    try:
        applying.undo(ctx, lambda: planned(lock=True), consent, event_id=row.id if row else None)
    except (Changed, NotWhole) as error:
        form.refuse(error)
        return _show(error.plan, row=row, form=form), 409
    flash(gettext("It was undone. That can be undone in turn."), "success")
    return redirect_to(_done(g.request_id))


def _done(request_id: str | None) -> str:
    return url_for("audit.index", request=request_id) if request_id else url_for("audit.index")


def _show(plan: Plan, *, row: Any = None, form: UndoForm | None = None) -> str:
    if row is None and not (plan.steps or plan.left or plan.more):
        abort(404)
    form = form or UndoForm(formdata=None)
    form.show(plan)
    mask = mask_of(_me())
    first = row or _first(plan)
    before = _undone(plan, first, row)
    return render_template(
        "audit/undo.html",
        plan=plan,
        form=form,
        row=mask.seen(row) if row else None,
        said=_said(mask.seen(row)) if row else None,
        steps=wording.tell(plan.steps),
        blocking=wording.tell_left(plan.blocking, mask),
        staying=wording.tell_left(plan.staying, mask),
        first=first,
        who=sentences.who,
        before=before,
        by=_undone_by(plan, before),
        elsewhere=_elsewhere(plan),
        most=reading.MOST,
        shown=wording.SHOWN,
    )


def _said(row: Any) -> str:
    """The entry as its own page has it."""
    (line,) = sentences_of([row])
    return f"{line.who} {line.sentence}"


def _first(plan: Plan) -> Any:
    rows = [step.rows[0] for step in plan.steps] + [one.row for one in plan.left]
    return min(rows, key=lambda row: (row.recorded_at, row.id), default=None)


def _undone(plan: Plan, first: Any, row: Any) -> reading.Undone | None:
    """How the same request, or this row of it, was undone before, and whether that stands."""
    if plan.request_id is None or first is None:
        return None
    everything = planning.everything_for(_me())
    after, event_id = first.recorded_at, row.id if row else None
    return reading.undone(plan.request_id, after=after, everything=everything, event_id=event_id)


def _undone_by(plan: Plan, before: reading.Undone | None) -> str | None:
    """Who undid it, where nothing but that happened to it since: then there is no more to say."""
    if before is None or before.taken_back or plan.ready or plan.more:
        return None
    since = {step.later.request_id if step.later else None for step in plan.refused}
    return sentences.who(before.note) if since == {before.note.request_id} else None


def _elsewhere(plan: Plan) -> str | None:
    """Where one's own change of many things is undone as well."""
    me = _me()
    for one in plan.left:
        fits = one.row.actor_id == me.id and Context(actor=me, request_id=None).is_own(one.row)
        if fits and one.row.action in BULK:
            return url_for(BULK[one.row.action], request_id=plan.request_id)
    return None
