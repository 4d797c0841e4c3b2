"""Pages of the log. Whoever reads it is recorded in it."""

from datetime import UTC, datetime

from flask import request
from flask.typing import ResponseReturnValue

from webapp.audit import queries
from webapp.core import htmx, trail
from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.oversight import asking
from webapp.oversight.views.common import LOOKS, PARTS, WORDS, bp, sees_everything


@bp.get("")
@page("audit", sensitive=True)
def index() -> ResponseReturnValue:
    """Show the log, newest first."""
    form = asking.form_of(request.args)
    fine = form.validate()
    asked = (
        asking.asked_by(form, now=datetime.now(UTC), timezone=signed_in_person().timezone)
        if fine
        else None
    )
    reader = queries.reader_of(everything=sees_everything())
    events = queries.list_events(asked, request.args, reader=reader) if asked else None
    trail.note("audit.read", category="read", changes=form.used())
    shown = htmx.render(
        "audit/index.html",
        partial="audit/_table.html",
        form=form,
        filtered=bool(form.used()),
        events=events,
        looks=LOOKS,
        words=WORDS,
        **PARTS,
    )
    return shown, 200 if fine else 422
