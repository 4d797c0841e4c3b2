"""Pages about people: the list, one person, and inviting."""

from typing import Any, cast

from flask import Blueprint, abort, flash, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.access import queries as access_queries
from webapp.access import scopes
from webapp.access import services as access
from webapp.access.identity import SignedIn
from webapp.audit.timeline import timeline_of
from webapp.core import trail
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.files import write_csv
from webapp.core.guards import page, permission, require
from webapp.core.htmx import redirect_to, render
from webapp.core.identity import signed_in_person
from webapp.core.security import limiter
from webapp.organisation.tree import reach_of
from webapp.users import links, presenting, queries, services
from webapp.users.forms import EditForm, InviteForm, ReasonForm, RestoreForm, RoleForm
from webapp.users.models import TokenKind, User

bp = Blueprint("users", __name__, url_prefix="/users")
EDITED = (
    ("name", "Name"),
    ("email", "E-mail address"),
    ("locale", "Language"),
    ("timezone", "Time zone"),
)


def me() -> SignedIn:
    """Return who acts, with what they hold."""
    return cast("SignedIn", signed_in_person())


def person_or_404(user_id: int, *, lock: bool = False) -> User:
    """Return a person, or end the request."""
    return queries.get_user(user_id, lock=lock) or abort(404)


@bp.get("")
@page("users")
def index() -> ResponseReturnValue:
    """List people."""
    filters = queries.filters_from(request.args)
    return render(
        "users/index.html",
        partial="users/_table.html",
        page=queries.list_people(filters, request.args),
        filters=filters,
        roles=queries.role_choices(),
    )


@bp.get("/export.csv")
@page("users")
@permission("users.export")
@limiter.limit("20 per minute")
def export() -> ResponseReturnValue:
    """Take the filtered list away as a file."""
    require("users.export")
    filters = queries.filters_from(request.args)
    rows = (
        (r.id, r.name, r.email, _state(r), ", ".join(r.roles), r.last_seen_at, r.created_at)
        for r in queries.all_people(filters)
    )
    header = (
        _("Id"),
        _("Name"),
        _("E-mail address"),
        _("State"),
        _("Roles"),
        _("Last seen"),
        _("Created"),
    )
    done = write_csv(header, rows)
    trail.note(
        "user.exported",
        category="export",
        changes={"filter": filters.as_dict(), "rows": done.rows, "sha256": done.sha256},
    )
    return send_file(done.file, mimetype="text/csv", as_attachment=True, download_name="people.csv")


def _state(row: Any) -> str:
    if not row.is_active:
        return str(_("deactivated"))
    return str(_("invited") if row.invited else _("active"))


@bp.get("/new")
@page("users")
@permission("users.invite")
def new() -> ResponseReturnValue:
    """Show the form to invite somebody."""
    require("users.invite")
    return _invite_page(InviteForm(formdata=None))


@bp.post("/new")
@page("users")
@permission("users.invite")
@limiter.limit("60 per minute")
def create() -> ResponseReturnValue:
    """Invite somebody: an account without a password, and a link."""
    require("users.invite")
    form = InviteForm()
    form.offer([], [])
    if not form.validate():
        return _invite_page(form), 422
    try:
        user, token = services.invite(me(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _invite_page(form), 422
    links.deliver(user, TokenKind.INVITATION, token)
    flash(_("%(name)s was invited.", name=user.name), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


def _invite_page(form: InviteForm) -> str:
    may_give = me().holds("roles.assign")
    if may_give:
        _offer(form)
    return render_template("users/new.html", form=form, may_give=may_give)


@bp.get("/<id:user_id>")
@page("users")
def show(user_id: int) -> ResponseReturnValue:
    """Show a person and the roles they hold."""
    return role_page(person_or_404(user_id), RoleForm(formdata=None))


def role_page(user: User, form: RoleForm, *, restoring: RestoreForm | None = None) -> str:
    """Show the roles of a person, with the form to give another; and the one that lets them in again."""
    if request.method == "GET":
        _note_reading(user)
    may_give = me().holds("roles.assign") and user.id != me().id
    if may_give:
        _offer(form)
    grants = access_queries.grants_of([user.id])[user.id]
    mail_failed = _may_send_links() and queries.mail_failed(user.id)
    return render_template(
        "users/show.html",
        user=user,
        tab="roles",
        grants=[(grant, presenting.where(grant)) for grant in grants],
        form=form,
        restoring=restoring or RestoreForm(formdata=None),
        may_give=may_give,
        link=links.take(user.id, mail_failed=mail_failed),
        mail_failed=mail_failed,
    )


def _may_send_links() -> bool:
    return me().holds("users.invite") or me().holds("users.reset_password")


def _offer(form: RoleForm | InviteForm) -> None:
    """Fill in the roles that the signed-in person may give, and where."""
    can, cannot = access.givable(me())
    form.offer([(role.id, role.name) for role in can], [(role.id, role.name) for role in cannot])
    form.scope.offer(
        url_for("users.pick_place"),
        present=scopes.label_of(form.scope.data, seen=reach_of(me(), "users")),
        fixed=[("everywhere", _("Everywhere"))] if me().can("roles.assign") else (),
    )


@bp.get("/pickers/places")
@page("users")
@permission("roles.assign", scoped=True)
def pick_place() -> ResponseReturnValue:
    """Find places where the signed-in person may give roles."""
    return scopes.answer(seen=reach_of(me(), "users"), within=reach_of(me(), "roles.assign"))


def _note_reading(user: User) -> None:
    trail.note(
        "user.viewed",
        category="read",
        object_type="user",
        object_id=user.id,
        object_label=user.name,
    )


@bp.get("/<id:user_id>/access")
@page("users")
def reach(user_id: int) -> ResponseReturnValue:
    """Show what a person may open and do, and why."""
    user = person_or_404(user_id)
    _note_reading(user)
    reached = presenting.reach(access_queries.grants_of([user.id])[user.id])
    return render_template("users/access.html", user=user, tab="access", reached=reached)


@bp.get("/<id:user_id>/sessions")
@page("users")
def show_sessions(user_id: int) -> ResponseReturnValue:
    """Show where a person is signed in."""
    user = person_or_404(user_id)
    _note_reading(user)
    rows = [(row, presenting.device(row.user_agent)) for row in queries.open_sessions(user.id)]
    return render_template("users/sessions.html", user=user, tab="sessions", rows=rows)


@bp.get("/<id:user_id>/history")
@page("users")
def history(user_id: int) -> ResponseReturnValue:
    """Show what happened to an account."""
    user = person_or_404(user_id)
    _note_reading(user)
    rows = timeline_of("user", user.id, limit=100)
    return render_template("users/history.html", user=user, tab="history", rows=rows)


@bp.get("/<id:user_id>/edit")
@page("users")
@permission("users.edit")
def edit(user_id: int) -> ResponseReturnValue:
    """Show the form to change a person."""
    require("users.edit")
    user = person_or_404(user_id)
    return render_template("users/edit.html", user=user, form=EditForm(formdata=None, obj=user))


@bp.post("/<id:user_id>/edit")
@page("users")
@permission("users.edit")
def update(user_id: int) -> ResponseReturnValue:
    """Change a person."""
    require("users.edit")
    user = person_or_404(user_id, lock=True)
    form = EditForm()
    if not form.validate():
        return render_template("users/edit.html", user=user, form=form), 422
    try:
        services.edit(me(), user, form.command)
    except StaleVersion:
        return _both_versions(user, form), 409
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return render_template("users/edit.html", user=user, form=form), 422
    flash(_("The changes were saved."), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


def _both_versions(user: User, form: EditForm) -> str:
    """Show what was typed beside what somebody saved meanwhile; saving again replaces it."""
    who, at = queries.last_saved(user.id) or (_("Somebody"), user.updated_at)
    rows = [
        (_(label), getattr(form.command, name), getattr(user, name))
        for name, label in EDITED
        if getattr(form.command, name) != getattr(user, name)
    ]
    form.version.data, form.version.raw_data = user.version, None
    conflict = {"who": who, "when": at, "rows": rows}
    return render_template("users/edit.html", user=user, form=form, conflict=conflict)


@bp.post("/<id:user_id>/link")
@page("users")
@permission("users.reset_password")
@limiter.limit("30 per minute")
def make_link(user_id: int) -> ResponseReturnValue:
    """Send a link to choose a password; nobody else ever chooses it."""
    require("users.reset_password")
    user = person_or_404(user_id, lock=True)
    to_copy = "copy" in request.form and links.may_copy(user.id)
    kind, token = services.new_link(me(), user)
    links.deliver(user, kind, token, to_copy=to_copy)
    return redirect_to(url_for("users.show", user_id=user.id))


@bp.post("/<id:user_id>/roles")
@page("users")
@permission("roles.assign", scoped=True)
def give_role(user_id: int) -> ResponseReturnValue:
    """Give a person a role."""
    user, form = person_or_404(user_id), RoleForm()
    form.offer([], [])
    if not form.validate():
        return role_page(user, form), 422
    command = form.command
    try:
        services.give_role(
            me(), user=user, role_id=command.role_id, scope=command.scope, reason=command.reason
        )
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return role_page(user, form), 422
    flash(_("The role was given."), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


@bp.route("/<id:user_id>/roles/<id:grant_id>/take", methods=["GET", "POST"])
@page("users")
@permission("roles.assign", scoped=True)
def take_role(user_id: int, grant_id: int) -> ResponseReturnValue:
    """Ask why, then take a role from a person."""
    user = person_or_404(user_id)
    held = {grant.id: grant for grant in access_queries.grants_of([user.id])[user.id]}
    if grant_id not in held:
        abort(404)
    where = presenting.where(held[grant_id])
    form = ReasonForm(formdata=None) if request.method == "GET" else ReasonForm()
    if request.method == "GET" or not form.validate():
        body = render_template(
            "users/take_role.html", user=user, grant=held[grant_id], where=where, form=form
        )
        return body, 200 if request.method == "GET" else 422
    grant = access_queries.find_user_role(grant_id) or abort(404)
    services.take_role(me(), user=user, grant=grant, reason=form.command.reason)
    flash(_("The role was taken away."), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


from webapp.users import leaving_views as _leaving  # noqa: E402, F401 - adds its routes
