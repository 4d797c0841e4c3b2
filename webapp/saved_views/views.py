"""Pages of saved views: keeping one, and looking after one's own."""

from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core import registry
from webapp.core.errors import Denied, DomainError
from webapp.core.guards import signed_in
from webapp.core.htmx import redirect_to
from webapp.core.identity import signed_in_person
from webapp.saved_views import queries, services
from webapp.saved_views.forms import RenameForm, SaveForm
from webapp.saved_views.models import SavedView

bp = Blueprint("saved_views", __name__, url_prefix="/views")


@bp.get("")
@signed_in
def index() -> ResponseReturnValue:
    """List the views of a page: one's own, and what others share."""
    return _list(request.args.get("page", ""))


def _list(page: str, refused: tuple[int, RenameForm] | None = None) -> str:
    me = signed_in_person()
    if page not in registry.PAGE_BY_KEY or not me.opens(page):
        abort(404)
    forms = []
    for view in queries.views_of(me, page):
        form = RenameForm(formdata=None, data={"name": view.name, "shared": view.is_shared})
        if refused and refused[0] == view.id:
            form = refused[1]
        for field in form:
            field.id = f"{field.name}-{view.id}"
        forms.append((view, form))
    return render_template(
        "saved_views/index.html",
        mine=[(view, form) for view, form in forms if view.mine],
        others=[view for view, _form in forms if not view.mine],
        entry=registry.PAGE_BY_KEY[page],
        back=_address(page),
    )


@bp.post("")
@signed_in
def save() -> ResponseReturnValue:
    """Keep the list as it is now."""
    form = SaveForm()
    if not form.validate():
        return _form(form), 422
    try:
        view = services.save(signed_in_person(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _form(form), 422
    flash(_("The view “%(name)s” was saved.", name=view.name), "success")
    return redirect_to(_address(view.page) + view.query)


def _form(form: SaveForm) -> str:
    page = form.page.data or ""
    if page not in registry.PAGE_BY_KEY:
        abort(404)
    return render_template(
        "saved_views/form.html",
        form=form,
        entry=registry.PAGE_BY_KEY[page],
        back=_address(page) + queries.tidy(form.query.data or ""),
    )


@bp.post("/<id:view_id>")
@signed_in
def rename(view_id: int) -> ResponseReturnValue:
    """Call a view otherwise, share it or not."""
    view, form = _view_or_404(view_id), RenameForm()
    if not form.validate():
        return _list(view.page, (view.id, form)), 422
    try:
        services.rename(signed_in_person(), view, form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _list(view.page, (view.id, form)), 422
    flash(_("The view was saved."), "success")
    return redirect_to(url_for("saved_views.index", page=view.page))


@bp.post("/<id:view_id>/delete")
@signed_in
def delete(view_id: int) -> ResponseReturnValue:
    """Drop a view."""
    view = _view_or_404(view_id)
    services.delete(signed_in_person(), view)
    flash(_("The view was deleted."), "success")
    return redirect_to(url_for("saved_views.index", page=view.page))


def _view_or_404(view_id: int) -> SavedView:
    """Return a view in sight: one's own, or a shared one of a page that one opens."""
    view, me = queries.get_view(view_id), signed_in_person()
    seen = view and (view.user_id == me.id or (view.is_shared and me.opens(view.page)))
    return view if view and seen else abort(404)


def _address(page: str) -> str:
    entry: Any = registry.PAGE_BY_KEY[page]
    return url_for(entry.endpoint) if entry.endpoint else abort(404)
