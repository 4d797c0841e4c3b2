"""Types of assets and their attributes."""

from functools import partial
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.assets import type_forms
from webapp.assets.models import AssetType
from webapp.assets.queries import types as queries
from webapp.assets.schemas import MAX_ATTRIBUTES
from webapp.assets.services import types as services
from webapp.assets.services.types import PERMISSION, WouldBreak, WouldHide
from webapp.assets.type_forms import TypeForm
from webapp.assets.views.common import bp, me
from webapp.audit.timeline import timeline_of
from webapp.core import htmx
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.unit_of_work import mark_failed


def may_configure() -> bool:
    """Tell whether the person may change types: they count everywhere, so only who may do so everywhere."""
    return me().can(PERMISSION) and me().sees_every_client("assets.types")


def _get(type_id: int) -> AssetType:
    return queries.get_type(type_id) or abort(404)


def _url(type_id: int) -> str:
    return url_for("assets.show_type", type_id=type_id)


@bp.get("/types")
@page("assets.types")
def types() -> ResponseReturnValue:
    """List the types."""
    deleted = request.args.get("deleted", "")
    if deleted not in ("", "1"):
        raise UnknownFilter
    q = cleaned(request.args.get("q"))
    return htmx.render(
        "assets/types.html",
        partial="assets/_types.html",
        page=queries.list_types(request.args, q=q, deleted=deleted == "1"),
        q=q,
        deleted=deleted,
        may_edit=may_configure(),
    )


@bp.get("/types/<id:type_id>")
@page("assets.types")
def show_type(type_id: int) -> ResponseReturnValue:
    """Show a type, its attributes and its history."""
    return _show(_get(type_id))


def _show(kind: AssetType, problem: str | None = None) -> str:
    return render_template(
        "assets/type.html",
        record=kind,
        kinds=type_forms.KINDS,
        count=queries.asset_count(kind.id),
        problem=problem,
        may_edit=may_configure(),
        history=timeline_of("asset_type", kind.id),
    )


# --- the form --------------------------------------------------------------------


def _draw(form: TypeForm, record: AssetType | None = None, **context: Any) -> str:
    name = record.name if record else gettext("New type")
    here = [(name, _url(record.id)), (gettext("Edit"), None)] if record else [(name, None)]
    values = {
        "form": form,
        "record": record,
        "title": gettext("Edit %(name)s", name=name) if record else name,
        "crumbs": [(gettext("Asset types"), url_for("assets.types")), *here],
        "action": url_for("assets.save_type", type_id=record.id)
        if record
        else url_for("assets.create_type"),
        "back": _url(record.id) if record else url_for("assets.types"),
        "version": record.version if record else None,
        "conflict": None,
        "breakage": None,
        "hidden": None,
        "focus": None,
        "most": MAX_ATTRIBUTES,
    }
    return render_template("assets/type_form.html", **(values | context))


def _sent() -> TypeForm:
    names = (request.get_json(silent=True) or {}) if request.is_json else request.form
    return type_forms.type_form(type_forms.rows_sent(names))()


def _reordered(record: AssetType | None) -> ResponseReturnValue:
    """Draw the rows again after one was added, moved or removed; nothing is saved, so the form's key stays good."""
    sent = _sent()
    rows, focus = type_forms.change_rows(sent.all_rows(), request.args["do"])
    form = type_forms.filled_in(rows, name=sent.name.data, description=sent.description.data)
    mark_failed()
    if htmx.wants_partial():
        return render_template(
            "assets/_type_rows.html",
            form=form,
            action=request.path,
            focus=focus,
            most=MAX_ATTRIBUTES,
            wish=request.args["do"].partition("-")[0],
        )
    seen = request.form.get("version", type=int)
    return _draw(form, record, version=seen, focus=focus)


@bp.get("/types/new")
@page("assets.types")
@permission(PERMISSION)
def new_type() -> ResponseReturnValue:
    """Ask for a new type."""
    return _draw(type_forms.filled_in([{"kind": "text"}]))


@bp.post("/types/new")
@page("assets.types")
@permission(PERMISSION)
def create_type() -> ResponseReturnValue:
    """Add a type."""
    if "do" in request.args:
        return _reordered(None)
    form = _sent()
    if not form.validate():
        return _draw(form), 422
    try:
        kind = services.create(me(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw(form), 422
    flash(gettext("The type was added."), "success")
    return htmx.redirect_to(_url(kind.id))


@bp.get("/types/<id:type_id>/edit")
@page("assets.types")
@permission(PERMISSION)
def edit_type(type_id: int) -> ResponseReturnValue:
    """Ask what to change about a type."""
    kind = _get(type_id)
    form = type_forms.filled_in(kind.attributes, name=kind.name, description=kind.description)
    return _draw(form, kind)


@bp.post("/types/<id:type_id>/edit")
@page("assets.types")
@permission(PERMISSION)
def save_type(type_id: int) -> ResponseReturnValue:
    """Change a type; what it would break or hide is shown before it is saved."""
    kind = _get(type_id)
    if "do" in request.args:
        return _reordered(kind)
    form = _sent()
    if not form.validate():
        return _draw(form, kind, version=_seen()), 422
    try:
        services.save(me(), kind, form.command, version=_seen(), hide=bool(form.hide.data))
    except DomainError as error:
        return _refused(kind, form, error)
    flash(gettext("The type was saved."), "success")
    return htmx.redirect_to(_url(type_id))


def _seen() -> int:
    return request.form.get("version", default=-1, type=int)


def _refused(kind: AssetType, form: TypeForm, error: DomainError) -> ResponseReturnValue:
    """Draw the form again with what stands against saving it."""
    if isinstance(error, Denied):
        raise error
    if isinstance(error, StaleVersion):
        both = _compare(error.current, form)
        return _draw(form, kind, version=error.current.version, conflict=both), 409
    form.refuse(error)
    more: dict[str, Any] = {}
    if isinstance(error, WouldBreak):
        more["breakage"] = error.breakage
    elif isinstance(error, WouldHide):
        more["hidden"] = error.counts
    return _draw(form, kind, version=_seen(), **more), 422


def _compare(current: AssetType, form: TypeForm) -> dict[str, Any]:
    """Both versions side by side; an attribute is told in a line."""
    last = next(iter(timeline_of("asset_type", current.id, limit=1)), None)
    mine = {"name": form.command.name, "description": form.command.description}
    theirs = {"name": current.name, "description": current.description}
    titles = {"name": gettext("Name"), "description": gettext("Description")}
    for one in form.command.attributes:
        mine[f"={one.key}"] = _told(one.model_dump(mode="json"))
    for rule in current.attributes:
        theirs[f"={rule['key']}"] = _told(rule)
    rows = [
        (titles.get(name) or name.removeprefix("="), mine.get(name, ""), theirs.get(name, ""))
        for name in {**theirs, **mine}
        if mine.get(name, "") != theirs.get(name, "")
    ]
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": rows,
    }


def _told(rule: dict[str, Any]) -> str:
    parts = [rule["label"], str(type_forms.KINDS[rule["kind"]])]
    parts += [rule["unit"]] if rule["unit"] else []
    parts += rule["choices"]
    parts += [gettext("Required")] if rule["required"] else []
    parts += [gettext("Unique")] if rule["unique"] else []
    return ", ".join(parts)


# --- deleting ---------------------------------------------------------------------


@bp.post("/types/<id:type_id>/delete")
@page("assets.types")
@permission(PERMISSION)
def delete_type(type_id: int) -> ResponseReturnValue:
    """Hide a type that has no assets."""
    kind = _get(type_id)
    return _settle(
        kind,
        partial(services.delete, me(), kind, version=_seen()),
        said=gettext("The type was deleted."),
    )


@bp.post("/types/<id:type_id>/restore")
@page("assets.types")
@permission(PERMISSION)
def restore_type(type_id: int) -> ResponseReturnValue:
    """Bring a deleted type back."""
    kind = _get(type_id)
    return _settle(
        kind, partial(services.restore, me(), kind), said=gettext("The type was restored.")
    )


def _settle(kind: AssetType, work: Any, *, said: str) -> ResponseReturnValue:
    try:
        work()
    except Denied:
        raise
    except DomainError as error:
        return _show(kind, problem=str(error)), 409
    flash(said, "success")
    return htmx.redirect_to(_url(kind.id))
