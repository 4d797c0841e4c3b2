"""What runs beside the requests, and what became of it."""

from typing import Any

from flask import Blueprint, abort, flash, request, url_for
from flask.typing import ResponseReturnValue

from webapp.core import htmx
from webapp.core.errors import DomainError
from webapp.core.guards import page, signed_in
from webapp.core.identity import signed_in_person
from webapp.core.language import format_number, gettext
from webapp.core.language import gettext as _
from webapp.core.security import local_path
from webapp.jobs import queries, services

bp = Blueprint("jobs", __name__, url_prefix="/jobs")
KINDS = {
    "waiting": "secondary",
    "running": "primary",
    "later": "warning",
    "done": "success",
    "failed": "danger",
    "cancelled": "secondary",
}
MINUTE, HOUR = 60, 3600


@bp.get("")
@page("jobs")
def index() -> ResponseReturnValue:
    """Show the jobs, newest first."""
    who, everybody = signed_in_person(), _sees_everything()
    jobs = queries.list_jobs(request.args, user_id=who.id, everybody=everybody)
    return htmx.render(
        "jobs/index.html",
        partial="jobs/_table.html",
        jobs=jobs,
        chosen={name: request.args.get(name, "") for name in ("state", "mine")},
        everybody=everybody,
        polls=queries.something_runs(jobs.rows),
        **_words(),
    )


@bp.get("/<id:job_id>")
@signed_in
def show(job_id: int) -> ResponseReturnValue:
    """Show one job: how far it is, and what became of it."""
    job = _job_or_404(job_id)
    return htmx.render(
        "jobs/show.html",
        partial="jobs/_progress.html",
        job=job,
        result=local_path(job.url),
        polls=job.state in queries.OPEN,
        may_retry=_may_change(job),
        may_list=signed_in_person().opens("jobs"),
        **_words(),
    )


@bp.post("/<id:job_id>/retry")
@signed_in
def retry(job_id: int) -> ResponseReturnValue:
    """Have a failed job tried again."""
    return _change(job_id, services.retry, _("The job is in the queue again."))


@bp.post("/<id:job_id>/cancel")
@signed_in
def cancel(job_id: int) -> ResponseReturnValue:
    """Take a job out of the queue that has not begun."""
    return _change(job_id, services.cancel, _("The job was cancelled."))


def _change(job_id: int, change: Any, said: str) -> ResponseReturnValue:
    job = _job_or_404(job_id)
    if not _may_change(job):
        abort(403)
    try:
        change(job)
        flash(said, "success")
    except DomainError as error:
        flash(str(error), "warning")
    return htmx.redirect_to(url_for("jobs.show", job_id=job_id))


def _job_or_404(job_id: int) -> Any:
    job = queries.find_job(job_id)
    if job is None or not (job.user_id == signed_in_person().id or _sees_everything()):
        abort(404)
    return job


def _may_change(job: Any) -> bool:
    who = signed_in_person()
    return bool(job.user_id == who.id or who.can("jobs.retry"))


def _sees_everything() -> bool:
    """Tell whether a role without a scope opens the page: titles name what others work on."""
    grants = getattr(signed_in_person(), "grants", ())
    return any(grant.everywhere and "jobs" in grant.pages for grant in grants)


def _words() -> dict[str, Any]:
    return {
        "kinds": KINDS,
        "states": {key: gettext(title) for key, title in queries.STATES.items()},
        "percent_of": queries.percent_of,
        "exact": format_number,  # a job knows how many rows it has; no list counts so far
        "duration": lambda row: _duration(queries.seconds_of(row)),
    }


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return ""
    if seconds == 0:
        return _("under 1 s")
    if seconds < MINUTE:
        return _("%(s)s s", s=seconds)
    if seconds < HOUR:
        return _("%(m)s min %(s)s s", m=seconds // MINUTE, s=seconds % MINUTE)
    return _("%(h)s h %(m)s min", h=seconds // HOUR, m=seconds % HOUR // MINUTE)
