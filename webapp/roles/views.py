"""Pages of roles."""

from itertools import groupby
from operator import attrgetter
from typing import Any, cast

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.access import queries as access_queries
from webapp.access.identity import SignedIn
from webapp.access.models import Role
from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission, require
from webapp.core.htmx import redirect_to
from webapp.core.identity import signed_in_person
from webapp.core.registry import find_entry
from webapp.roles import queries, services
from webapp.roles.forms import DeleteRoleForm, EditRoleForm, RoleForm, matrix

bp = Blueprint("roles", __name__)


def _actor() -> SignedIn:
    return cast("SignedIn", signed_in_person())


def _found(role_id: int, *, lock: bool = False) -> Role:
    role = access_queries.get_role(role_id, lock=lock)
    if role is None:
        abort(404)
    return role


def _held_keys() -> frozenset[str]:
    """What the person may put into a role: all that they hold everywhere."""
    everywhere = [grant for grant in _actor().grants if grant.everywhere]
    return frozenset[str]().union(*(grant.pages | grant.permissions for grant in everywhere))


@bp.get("/roles")
@page("roles")
def index() -> ResponseReturnValue:
    """Show every role, and all of them against all pages and permissions."""
    contents = {one.id: one.pages | one.permissions for one in access_queries.contents_of()}
    return render_template(
        "roles/index.html", roles=queries.list_roles(), contents=contents, matrix=matrix()
    )


@bp.get("/roles/<id:role_id>")
@page("roles")
def show(role_id: int) -> ResponseReturnValue:
    """Show what a role gives, who holds it, and what happened to it."""
    role = _found(role_id)
    (contents,) = access_queries.contents_of([role_id])
    return render_template(
        "roles/show.html",
        role=role,
        keys=contents.pages | contents.permissions,
        matrix=matrix(),
        holders=[
            list(rows) for _, rows in groupby(queries.holders_of(role_id), key=attrgetter("id"))
        ],
        holder_count=queries.count_holders(role_id),
        history=timeline_of("role", role_id),
    )


@bp.get("/roles/new")
@page("roles")
@permission("roles.edit")
def new() -> ResponseReturnValue:
    """Show an empty form, or one filled from the role to copy."""
    form = RoleForm(formdata=None)
    source = request.args.get("copy", type=int)
    if source is not None and 0 < source < 2**63:
        role = _found(source)
        (contents,) = access_queries.contents_of([source])
        form.name.data = gettext("Copy of %(name)s", name=role.name)[:200]
        form.description.data = role.description
        form.keys.data = sorted((contents.pages | contents.permissions) & _held_keys())
    return _new_page(form)


@bp.post("/roles/new")
@page("roles")
@permission("roles.edit")
def create() -> ResponseReturnValue:
    """Make a role."""
    form = RoleForm()
    if not form.validate():
        return _new_page(form), 422
    try:
        role = services.create_role(_actor(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _new_page(form), 422
    flash(gettext("The role “%(name)s” was created.", name=role.name), "success")
    return redirect_to(url_for("roles.show", role_id=role.id))


def _new_page(form: RoleForm) -> str:
    return render_template(
        "roles/form.html", role=None, form=form, matrix=matrix(), held=_held_keys(), conflict=None
    )


@bp.get("/roles/<id:role_id>/edit")
@page("roles")
@permission("roles.edit")
def edit(role_id: int) -> ResponseReturnValue:
    """Show the form that changes a role."""
    role = _found(role_id)
    require("roles.edit")
    (contents,) = access_queries.contents_of([role_id])
    form = EditRoleForm(
        formdata=None,
        data={
            "name": role.name,
            "description": role.description,
            "keys": sorted(contents.pages | contents.permissions),
            "version": role.version,
            "step": "preview",
        },
    )
    return _edit_page(form, role)


@bp.post("/roles/<id:role_id>/edit")
@page("roles")
@permission("roles.edit")
def update(role_id: int) -> ResponseReturnValue:
    """Show first what the change means to whom, then apply it."""
    role = _found(role_id, lock=True)
    form = EditRoleForm()
    if not form.validate():
        return _edit_page(form, role), 422
    if form.command.step == "edit":
        return _edit_page(form, role)
    try:
        if form.command.step == "preview":
            services.check_change(_actor(), role=role, command=form.command)
            return _preview(form, role)
        services.change_role(_actor(), role=role, command=form.command)
    except Denied:
        raise
    except StaleVersion:
        return _edit_page(form, role, conflict=_conflict(form, role)), 409
    except DomainError as error:
        form.refuse(error)
        shown = _preview(form, role) if error.field == "reason" else _edit_page(form, role)
        return shown, 422
    flash(gettext("The role “%(name)s” was saved.", name=role.name), "success")
    return redirect_to(url_for("roles.show", role_id=role_id))


@bp.get("/roles/<id:role_id>/delete")
@page("roles")
@permission("roles.edit")
def ask_delete(role_id: int) -> ResponseReturnValue:
    """Ask why a role goes, or say why it cannot."""
    role = _found(role_id)
    require("roles.edit")
    return _delete_page(DeleteRoleForm(formdata=None), role)


@bp.post("/roles/<id:role_id>/delete")
@page("roles")
@permission("roles.edit")
def delete(role_id: int) -> ResponseReturnValue:
    """Delete a role that nobody has."""
    role, form = _found(role_id, lock=True), DeleteRoleForm()
    name = role.name
    if not form.validate():
        return _delete_page(form, role), 422
    try:
        services.delete_role(_actor(), role=role, reason=form.command.reason)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _delete_page(form, role), 409
    flash(gettext("The role “%(name)s” was deleted.", name=name), "success")
    return redirect_to(url_for("roles.index"))


def _delete_page(form: DeleteRoleForm, role: Role) -> str:
    return render_template(
        "roles/delete.html", form=form, role=role, problem=services.why_not_delete(role)
    )


def _edit_page(form: EditRoleForm, role: Role, *, conflict: dict[str, Any] | None = None) -> str:
    (contents,) = access_queries.contents_of([role.id])
    form.step.data = "preview"
    return render_template(
        "roles/form.html",
        form=form,
        role=role,
        matrix=matrix(),
        held=_held_keys() | contents.pages | contents.permissions,
        conflict=conflict,
    )


def _preview(form: EditRoleForm, role: Role) -> str:
    (before,) = access_queries.contents_of([role.id])
    held, wanted = before.pages | before.permissions, form.command.keys
    return render_template(
        "roles/preview.html",
        form=form,
        role=role,
        gains=queries.effects(role.id, sorted(wanted - held)),
        losses=queries.effects(role.id, sorted(held - wanted)),
    )


def _conflict(form: EditRoleForm, role: Role) -> dict[str, Any]:
    """Lay the two versions side by side; the form then carries the newer one's number."""
    (contents,) = access_queries.contents_of([role.id])
    yours, theirs = form.command, contents.pages | contents.permissions
    form.version.data = str(role.version)
    last = timeline_of("role", role.id, limit=1)
    rows = [
        (gettext("Name"), yours.name, role.name),
        (gettext("Description"), yours.description, role.description),
        (gettext("Pages and permissions"), _titles(yours.keys), _titles(theirs)),
    ]
    return {
        "who": last[0].who if last else gettext("Somebody"),
        "when": role.updated_at,
        "rows": [row for row in rows if row[1] != row[2]],
    }


def _titles(keys: frozenset[str]) -> str:
    return ", ".join(
        sorted(str(entry.title) if (entry := find_entry(key)) else key for key in keys)
    )
