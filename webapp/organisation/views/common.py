"""What the pages of locations, clients and projects share."""

from collections.abc import Callable, Sequence
from typing import Any

from flask import Blueprint, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.forms import SchemaForm
from webapp.core.htmx import redirect_to
from webapp.core.identity import signed_in_person
from webapp.core.language import format_day
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import number_in, number_of
from webapp.organisation import choices, queries, related, tree
from webapp.organisation.tree import Reach

bp = Blueprint("organisation", __name__, url_prefix="/organisation")

EDIT = "organisation.edit"
DELETE = "organisation.delete"
NOTHING = "\u2013"


@bp.context_processor
def _related() -> dict[str, Any]:
    return {"related": related.cards}


@bp.app_template_global()
def may_add(kind: str) -> bool:
    """Tell whether the person may add a location, client or project somewhere."""
    return tree.reach_of(signed_in_person(), EDIT).holds_new(kind)


def my_reach() -> Reach:
    """What the signed-in person's roles that open this page cover."""
    return tree.reach_of(signed_in_person())


def filters() -> queries.Filters:
    """Read the filters of a list from the address."""
    deleted = request.args.get("deleted", "")
    if deleted not in ("", "1"):
        raise UnknownFilter
    return queries.Filters(
        q=cleaned(request.args.get("q")),
        location_id=_id("location"),
        client_id=_id("client"),
        deleted=deleted == "1",
    )


def _id(name: str) -> int | None:
    return number_in(request.args.get(name, ""))


def asked(name: str) -> str:
    """A prefilled choice of a new record, from the address."""
    found = _id(name)
    return str(found) if found else ""


def version() -> int:
    """The version that the person saw; without one nothing is saved."""
    return request.form.get("version", default=-1, type=int)


def may_edit() -> Reach:
    """Where the signed-in person may edit."""
    return tree.reach_of(signed_in_person(), EDIT)


def first_home() -> str:
    """A location to begin with, for whom the top is out of reach."""
    within = may_edit()
    if within.everywhere:
        return ""
    rows, _more = choices.find_places("", kinds=("location",), seen=my_reach(), within=within)
    return str(rows[0].id) if rows else ""


def name_of(kind: str, text: str | int | None) -> str | None:
    """The name of the place in sight that a form or filter holds the number of."""
    number = number_of(text)
    return None if number is None else choices.label_of(kind, number, seen=my_reach())


def name_filter(chosen: queries.Filters, kind: str) -> str:
    """What the filter by a kind of place shows; one out of sight is just a number."""
    key = chosen.location_id if kind == "location" else chosen.client_id
    return name_of(kind, key) or (f"#{key}" if key else "")


def crumbs(path: Sequence[Any], *last: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """Breadcrumbs from the overview down the tree to ``last``."""
    up = [(row.name, url_for("organisation.show_location", location_id=row.id)) for row in path]
    return [(gettext("Organisation"), url_for("organisation.index")), *up, *last]


def answer(
    form: SchemaForm[Any],
    *,
    draw: Callable[..., str],
    work: Callable[[Any], Any],
    there: Callable[[Any], str],
    compare: Callable[[Any], dict[str, Any]] | None = None,
    said: str,
) -> ResponseReturnValue:
    """Validate, do the work and go on; or show the form again with what is wrong."""
    if not form.validate():
        return draw(form=form), 422
    try:
        record = work(form.command)
    except Denied:
        raise
    except StaleVersion as stale:
        return draw(
            form=form, current=stale.current, conflict=compare and compare(stale.current)
        ), 409
    except DomainError as error:
        form.refuse(error)
        return draw(form=form), 422
    flash(said, "success")
    return redirect_to(there(record))


def settle(
    work: Callable[[], Any], *, url: str, show: Callable[..., str], said: str
) -> ResponseReturnValue:
    """Delete or restore; a refusal is shown on the record's own page."""
    try:
        work()
    except Denied:
        raise
    except DomainError as error:
        return show(problem=str(error)), 409
    flash(said, "success")
    return redirect_to(url)


def conflict(
    kind: str, current: Any, form: SchemaForm[Any], names: dict[str, dict[str, str]]
) -> dict[str, Any]:
    """Both versions side by side; ``names`` has the options of fields that hold an id."""
    last = next(iter(timeline_of(kind, current.id, limit=1)), None)
    rows = []
    for name in form.schema.model_fields:
        field = form._fields[name]
        mine, theirs = getattr(form.command, name), getattr(current, name)
        if mine != theirs:
            known = names.get(name, {})
            rows.append((gettext(field.label.text), _shown(mine, known), _shown(theirs, known)))
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": rows,
    }


def _shown(value: Any, known: dict[str, str]) -> str:
    text = "" if value is None else str(value)
    return known.get(text, text).strip()


def draw_form(form: SchemaForm[Any], **context: Any) -> str:
    """Draw the form of a location, client or project."""
    return render_template(
        "layouts/form.html",
        **{"form": form, "conflict": None, "version": None, "intro": None, **context},
    )


def span(starts_on: Any, ends_on: Any) -> str:
    """Show from when to when."""
    first = format_day(starts_on) if starts_on else "…"
    last = format_day(ends_on) if ends_on else "…"
    return f"{first} {NOTHING} {last}" if starts_on or ends_on else ""
