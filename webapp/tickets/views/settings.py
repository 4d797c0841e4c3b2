"""What the pages of the desk's settings share: how their forms are answered."""

from collections.abc import Callable
from typing import Any

from flask import flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.forms import SchemaForm
from webapp.core.htmx import redirect_to
from webapp.tickets.views.common import me

PERMISSION = "tickets.configure"


def may_configure() -> bool:
    """Tell whether the person may change how the desk works: it counts everywhere, so only who may everywhere."""
    return me().can(PERMISSION)


def version() -> int:
    """The version that the person saw; without one nothing is saved."""
    return request.form.get("version", default=-1, type=int)


def draw_form(form: SchemaForm[Any], **context: Any) -> str:
    """Draw a form of the desk on a page of its own."""
    values = {
        "form": form,
        "conflict": None,
        "version": None,
        "intro": None,
        "action": request.path,
    }
    return render_template("layouts/form.html", **(values | context))


def answer(
    form: SchemaForm[Any],
    *,
    draw: Callable[..., str],
    work: Callable[[Any], Any],
    there: Callable[[Any], str],
    said: str | Callable[[Any], str],
    compare: Callable[[Any], dict[str, Any]] | None = None,
) -> ResponseReturnValue:
    """Validate, do the work and go on; or show the form again with what is wrong."""
    if not form.validate():
        return draw(form), 422
    try:
        made = work(form.command)
    except Denied:
        raise
    except StaleVersion as stale:
        both = compare(stale.current) if compare else None
        return draw(form, version=stale.current.version, conflict=both), 409
    except DomainError as error:
        form.refuse(error)
        return draw(form), 422
    flash(said if isinstance(said, str) else said(made), "success")
    return redirect_to(there(made))


def settle(
    work: Callable[[], Any], *, url: str, show: Callable[[str], str], said: str
) -> ResponseReturnValue:
    """Do what a button asks for; a refusal is shown on the record's own page."""
    try:
        work()
    except Denied:
        raise
    except DomainError as error:
        return show(str(error)), 409
    flash(said, "success")
    return redirect_to(url)


def conflict(kind: str, current: Any, rows: list[tuple[str, Any, Any]]) -> dict[str, Any]:
    """Both versions side by side: rows of a label, what was typed, what is there; those that differ."""
    last = next(iter(timeline_of(kind, current.id, limit=1)), None)
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": [row for row in rows if row[1] != row[2]],
    }
