"""Files taken out of the log: asked for here, made by a job, fetched until they expire."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.access.identity import SignedIn
from webapp.attachments import sending
from webapp.audit.queries import Filter, count_upto, some_of
from webapp.core import htmx, trail
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.identity import signed_in_person
from webapp.core.language import format_number, gettext
from webapp.core.paging import COUNT_LIMIT, count_text
from webapp.core.security import limiter
from webapp.jobs import queries as jobs
from webapp.oversight import export_sentences as _sentences  # noqa: F401 - teaches the log
from webapp.oversight import export_tasks, exporting
from webapp.oversight.asking import filter_of, form_of, words_of
from webapp.oversight.export_forms import ExportForm
from webapp.oversight.export_schemas import MAX_QUERY
from webapp.oversight.exporting import ENDINGS, EXPORT, FORMATS
from webapp.oversight.masking import mask_of
from webapp.oversight.models import AuditExport
from webapp.oversight.queries import exports as queries
from webapp.oversight.views.common import bp, sees_everything

MEDIA_TYPES = {"csv": "text/csv", "jsonl": "application/x-ndjson", "bundle": "application/zip"}
KINDS = {
    "waiting": "secondary",
    "running": "primary",
    "later": "warning",
    "failed": "danger",
    "cancelled": "secondary",
}


@bp.get("/exports")
@page("audit", sensitive=True)
def exports() -> ResponseReturnValue:
    """Show one's exports, and offer to take the search in ``query`` away."""
    if htmx.wants_partial():
        return render_template("audit/_exports.html", **_list())
    query = request.args.get("query", "")[:MAX_QUERY]
    asked = form_of(query)
    used = asked.used() if asked.validate() else {}
    trail.note("audit.read", category="read", object_type="audit_export", changes=used)
    return _page(ExportForm(formdata=None, data={"query": query}), query)


@bp.post("/exports")
@page("audit", sensitive=True)
@permission(EXPORT, scoped=True)
@limiter.limit("20 per minute")
def export() -> ResponseReturnValue:
    """Have a search made into a file."""
    form = ExportForm()
    query = str(form.query.data or "")[:MAX_QUERY]
    if not form.validate():
        return _page(form, query), 422
    here = url_for("audit.exports")
    try:
        words = _words(query)
        exporting.ask(
            export_tasks.export,
            who=_me(),
            kind=form.command.format,
            query=query,
            words=words,
            url=here,
        )
    except DomainError as error:
        form.refuse(error)
        return _page(form, query), 422
    flash(gettext("The file is being made. You find it below when it is ready."), "success")
    return htmx.redirect_to(here)


@bp.get("/exports/<id:export_id>/file")
@page("audit", sensitive=True)
def download(export_id: int) -> ResponseReturnValue:
    """Hand out a finished file, until it expires."""
    row = queries.find_own(export_id, user_id=_me().id)
    if row is None or row.sha256 is None or row.expires_at < datetime.now(UTC):
        abort(404)
    if not _me().holds(EXPORT):
        abort(403)
    if queries.lost_a_role(_me().id, since=row.finished_at):
        flash(gettext("Your roles changed since; make it again."), "danger")
        return htmx.redirect_to(url_for("audit.exports"))
    response = sending.send(
        row.sha256, MEDIA_TYPES[row.format], name=_file_name(row), kept=exporting.storage()
    )
    exporting.note_download(row)
    return response


@bp.post("/exports/<id:export_id>/delete")
@page("audit", sensitive=True)
@permission(EXPORT, scoped=True)
def delete_export(export_id: int) -> ResponseReturnValue:
    """Remove an export with its file before its time."""
    row = queries.find_own(export_id, user_id=_me().id, lock=True)
    if row is None:
        abort(404)
    exporting.forget(row)
    flash(gettext("The export was deleted."), "success")
    return htmx.redirect_to(url_for("audit.exports"))


@bp.post("/exports/<id:export_id>/revoke")
@page("audit", sensitive=True)
@permission(EXPORT)
def revoke_export(export_id: int) -> ResponseReturnValue:
    """Remove an export of somebody else, so that nobody can fetch it any more."""
    row = queries.find_any(export_id) if sees_everything() else None
    if row is None:
        abort(404)
    exporting.forget(row)
    flash(gettext("The export was revoked: its file is gone."), "success")
    return htmx.redirect_to(url_for("audit.exports"))


def _others() -> dict[str, Any]:
    """What others took out, for those who may take out everything; fetching stays with them."""
    if not (sees_everything() and _me().can(EXPORT)):
        return {"others": [], "other_jobs": {}}
    rows = queries.list_others(user_id=_me().id)
    reports = jobs.reports_of(row.job_id for row in rows if row.job_id) if rows else {}
    return {"others": rows, "other_jobs": reports}


def _me() -> SignedIn:
    who = signed_in_person()
    assert isinstance(who, SignedIn)  # noqa: S101 # nosec B101 - for the type checker
    return who


def _words(query: str) -> str:
    """Say what a search asks for, in one line; refuses one that makes no sense."""
    said = words_of(query, _seen(_filter(query)))
    return ", ".join(f"{title}: {value}" for title, value in said)


def _seen(asked: Filter) -> Sequence[Any] | None:
    """Some of what a search finds, so that no more is named than occurs there; None for who sees everything."""
    return None if sees_everything() else some_of(asked)


def _filter(query: str) -> Filter:
    who = _me()
    return filter_of(
        query, timezone=who.timezone, now=datetime.now(UTC), covered=mask_of(who).covers_any
    )


def _page(form: ExportForm, query: str) -> str:
    listed = _list()
    return render_template(
        "audit/exports.html",
        form=form,
        query=query,
        asked=_asked(query) if listed["may_export"] else {},
        days=exporting.settings().keep_exports_days,
        proven=queries.head() is not None,
        **listed,
        **_others(),
    )


def _asked(query: str) -> dict[str, Any]:
    """What the search is in words and how much it finds, or why it makes no sense.

    What is refused is not recorded, so it does not tell how much there is either.
    """
    try:
        asked = _filter(query)
    except DomainError as error:
        return {"problem": str(error)}
    said: dict[str, Any] = {"words": words_of(query, _seen(asked)), "count": None}
    if request.method == "GET":
        count = count_upto(asked, COUNT_LIMIT + 1, everything=sees_everything())
        said["count"] = count_text(count)
    return said


def _list() -> dict[str, Any]:
    page = queries.list_own(request.args, user_id=_me().id)
    made = page.extra["jobs"]
    return {
        "page": page,
        "may_export": _me().holds(EXPORT),
        "jobs": made,
        "polls": jobs.something_runs(made[row.job_id] for row in page.rows if row.job_id in made),
        "formats": {key: gettext(title) for key, title in FORMATS.items()},
        "states": {key: gettext(title) for key, title in jobs.STATES.items()},
        "kinds": KINDS,
        "percent_of": jobs.percent_of,
        "exact": format_number,
    }


def _file_name(row: AuditExport) -> str:
    return f"steward-audit-{row.created_at:%Y-%m-%d}-{row.id}.{ENDINGS[row.format]}"
