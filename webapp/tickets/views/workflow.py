"""The workflow: which status may follow which, and who may do it."""

import hashlib
from typing import Any

from flask import flash, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.core.language import gettext
from webapp.tickets import forms, words
from webapp.tickets.models import Status
from webapp.tickets.queries import workflow as queries
from webapp.tickets.services import workflow
from webapp.tickets.views.common import bp, me


def _stored() -> dict[str, Any]:
    """Return the workflow as its form holds it."""
    allowed = [str(pair.id) for pair in queries.transitions() if pair.is_allowed]
    who = [f"{row.transition_id}:{row.role_id}" for row in queries.transition_roles()]
    return {"allowed": sorted(allowed), "who": sorted(who)}


def _seal(stored: dict[str, Any]) -> str:
    return hashlib.sha256(repr(stored).encode()).hexdigest()[:16]


def _draw(form: forms.WorkflowForm, *, meanwhile: bool = False) -> str:
    pairs = {(pair.from_status, pair.to_status): pair for pair in queries.transitions()}
    return render_template(
        "tickets/workflow.html",
        form=form,
        pairs=pairs,
        states=list(Status),
        roles=queries.roles(),
        allowed=set(form.allowed.data or ()),
        who=set(form.who.data or ()),
        meanwhile=meanwhile,
        words=words,
    )


@bp.get("/desk/workflow")
@page("tickets.desk")
def show_workflow() -> ResponseReturnValue:
    """Show which status may follow which."""
    stored = _stored()
    form = forms.WorkflowForm(formdata=None, data=stored | {"was": _seal(stored)})
    return _draw(form)


@bp.post("/desk/workflow")
@page("tickets.desk")
@permission("tickets.configure")
def save_workflow() -> ResponseReturnValue:
    """Change which status may follow which, and who may do it."""
    form = forms.WorkflowForm()
    if not form.validate():
        return _draw(form), 422
    now = _seal(_stored())
    if form.was.data != now:
        form.was.data = now
        return _draw(form, meanwhile=True), 409
    try:
        workflow.save(me(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw(form), 422
    flash(gettext("The workflow was saved."), "success")
    return redirect_to(url_for("tickets.show_workflow"))
