"""What proves that the log is untouched."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, abort, current_app, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.audit import checkpoints, faults
from webapp.audit.evidence import bundle
from webapp.audit.queries import integrity as queries
from webapp.core import htmx, trail
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.identity import signed_in_person
from webapp.core.language import _, english, format_number, gettext
from webapp.core.typed import number_of
from webapp.jobs import queries as jobs
from webapp.oversight import acknowledging, tasks
from webapp.oversight.integrity_forms import AcknowledgeForm, CheckForm
from webapp.oversight.views.common import bp, sees_everything

LAST_SEALS = 10
SHOWN_FAULTS = 20
MINUTE, HOUR, DAY = 60, 3600, 86400
DESTINATIONS = {"file": _("File"), "mail": _("E-mail"), "webhook": _("Webhook")}
# What a checkpoint keeps of a failure, in words.
FAILURES = {
    "contradicts": _("The file holds another head of seal %(detail)s than the log."),
    "file": _("The file cannot be written: %(detail)s"),
    "no-mail-server": _("There is no mail server: SMTP_URL is not set."),
    "mail": _("The mail server did not take it: %(detail)s"),
    "own-network": _("The address %(detail)s lies in a network that is not public."),
    "unknown-host": _("The name %(detail)s has no address."),
    "redirected": _("The webhook wanted to lead elsewhere (%(detail)s), which is not followed."),
    "answered": _("The webhook answered %(detail)s."),
    "failed": _("The webhook could not be reached: %(detail)s"),
}


@bp.get("/integrity")
@page("audit", sensitive=True)
def integrity() -> ResponseReturnValue:
    """Show how far the log is sealed, what checks found, and where the heads went."""
    trail.note("audit.read", category="read", object_type="audit_check")
    return _page(CheckForm(formdata=None))


@bp.post("/integrity/check")
@page("audit", sensitive=True)
@permission("audit.verify")
def check() -> ResponseReturnValue:
    """Have the log checked by a job."""
    form = CheckForm()
    if not form.validate():
        return _page(form), 422
    here = url_for("audit.integrity")
    job = tasks.defer_check(signed_in_person(), days=form.command.days, url=here)
    return htmx.redirect_to(url_for("audit.integrity", job=job))


@bp.get("/integrity/checks/<id:check_id>")
@page("audit", sensitive=True)
def show_check(check_id: int) -> ResponseReturnValue:
    """Show all that a check found, and who has looked at it."""
    check = queries.find_check(check_id) or abort(404)
    trail.note("audit.read", category="read", object_type="audit_check", object_id=check_id)
    return _check_page(check, AcknowledgeForm(formdata=None))


@bp.post("/integrity/checks/<id:check_id>")
@page("audit", sensitive=True)
@permission("audit.verify")
def acknowledge(check_id: int) -> ResponseReturnValue:
    """Keep who has looked at what a check found, and what they say of it."""
    check = queries.find_check(check_id) or abort(404)
    form = AcknowledgeForm()
    if not form.validate():
        return _check_page(check, form), 422
    try:
        acknowledging.acknowledge(signed_in_person(), check_id, form.command)
    except DomainError as error:
        form.refuse(error)
        return _check_page(queries.find_check(check_id), form), 422
    flash(gettext("Your comment stays with the check."), "success")
    return htmx.redirect_to(url_for("audit.show_check", check_id=check_id))


def _check_page(check: Any, form: AcknowledgeForm) -> str:
    may_check = signed_in_person().can("audit.verify")
    return render_template(
        "audit/check.html", check=check, form=form, may_check=may_check, **_words()
    )


@bp.get("/integrity/progress")
@page("audit", sensitive=True)
@permission("audit.verify")
def check_progress() -> ResponseReturnValue:
    """Show how far a check is; once it is done, the page with what it found."""
    job = _job() or abort(404)
    if job.state == "done":
        return htmx.redirect_to(url_for("audit.integrity"))
    return render_template("audit/_integrity_job.html", job=job, percent=jobs.percent_of(job))


@bp.get("/integrity/heads")
@page("audit", sensitive=True)
@permission("audit.verify")
def heads() -> ResponseReturnValue:
    """Hand out the last head of each day and all lately, as lines of JSON to compare the log with later."""
    lines = [_line(row) for row in queries.heads()]
    body = "".join(lines).encode()
    trail.note(
        "audit.heads_taken",
        category="export",
        object_type="audit_seal",
        changes={"rows": len(lines), "sha256": hashlib.sha256(body).hexdigest()},
    )
    reply = Response(body, mimetype="application/x-ndjson")
    reply.headers["Content-Disposition"] = 'attachment; filename="steward-audit-heads.jsonl"'
    return reply


def _line(row: Any) -> str:
    said = {
        "seal": row.id,
        "hash": row.hash.hex(),
        "signature": row.signature.hex(),
        "public_key": row.public_key.hex(),
        "sealed_at": row.sealed_at.astimezone(UTC).isoformat(),
        "rows": int(row.rows or 0),
    }
    return json.dumps(said) + "\n"


def _page(form: CheckForm) -> str:
    """Render the page; at most eight statements."""
    checks = queries.list_checks(request.args)
    may_check = signed_in_person().can("audit.verify")
    if htmx.wants_partial() and request.method == "GET":
        return render_template(
            "audit/_integrity_checks.html", checks=checks, may_check=may_check, **_words()
        )
    state = queries.standing()
    return render_template(
        "audit/integrity.html",
        form=form,
        state=state,
        news=queries.news(tasks.SEALING, since=_since(state)),
        checks=checks,
        arrivals=queries.arrivals(checkpoints.DESTINATIONS),
        seals=queries.last_seals(limit=LAST_SEALS),
        job=_job() if may_check else None,
        everything=sees_everything(),
        may_check=may_check,
        most=queries.MANY,
        stored=_stored(),
        script=bundle.script_sha256(),
        **_words(),
    )


def _since(state: queries.Standing) -> datetime:
    """From when on trouble counts: it is over with the next seal."""
    seal = state.seal
    return seal.sealed_at if seal else state.now - timedelta(days=1)


def _job() -> Any:
    """The check that the address names, if it is one."""
    job = jobs.find_job(number) if (number := number_of(request.args.get("job"))) else None
    return job if job is not None and job.url == url_for("audit.integrity") else None


def _stored() -> bool:
    """Tell whether the heads lie beside the data of Steward itself, where its operator may write."""
    settings = current_app.extensions["steward"]
    return bool(settings.checkpoints.is_relative_to(settings.data_dir))


def _words() -> dict[str, Any]:
    return {
        "destinations": DESTINATIONS,
        "failure": _failure,
        "told": faults.told,
        "span": _span,
        "exact": format_number,
        "shown_faults": SHOWN_FAULTS,
        "percent_of": jobs.percent_of,
    }


def _failure(error: str) -> str:
    """Say what kept a head from arriving."""
    kind, _colon, detail = error.partition(":")
    words = FAILURES.get(kind)
    return gettext(english(words)) % {"detail": detail} if words else error


def _span(length: timedelta) -> str:
    """Say how long something lasted, roughly."""
    seconds = max(0, round(length.total_seconds()))
    if seconds < MINUTE:
        return gettext("%(s)s s", s=seconds) if seconds else gettext("under 1 s")
    if seconds < HOUR:
        return gettext("%(m)s min %(s)s s", m=seconds // MINUTE, s=seconds % MINUTE)
    if seconds < DAY:
        return gettext("%(h)s h %(m)s min", h=seconds // HOUR, m=seconds % HOUR // MINUTE)
    return gettext("%(d)s d %(h)s h", d=seconds // DAY, h=seconds % DAY // HOUR)
