"""Pages that shut people out, and let them in again."""

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.access import queries as access_queries
from webapp.core import bulk, panels
from webapp.core.guards import page, permission, require
from webapp.core.htmx import redirect_to
from webapp.users import presenting, queries, schemas, services
from webapp.users.forms import DeactivateManyForm, ReasonForm, RestoreForm, RoleForm
from webapp.users.models import User
from webapp.users.views import bp, me, person_or_404, role_page


@bp.get("/<id:user_id>/deactivate")
@page("users")
@permission("users.deactivate")
def ask_deactivate(user_id: int) -> ResponseReturnValue:
    """Show what a person still holds before shutting them out."""
    require("users.deactivate")
    return _deactivate_page(person_or_404(user_id), ReasonForm(formdata=None))


@bp.post("/<id:user_id>/deactivate")
@page("users")
@permission("users.deactivate")
def deactivate(user_id: int) -> ResponseReturnValue:
    """Shut a person out at once."""
    require("users.deactivate")
    user, form = person_or_404(user_id, lock=True), ReasonForm()
    if not form.validate():
        return _deactivate_page(user, form), 422
    services.deactivate(me(), user, reason=form.command.reason)
    flash(_("%(name)s was deactivated and signed out everywhere.", name=user.name), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


def _deactivate_page(user: User, form: ReasonForm) -> str:
    grants = access_queries.grants_of([user.id])[user.id]
    return render_template(
        "users/deactivate.html",
        user=user,
        form=form,
        grants=[(grant, presenting.where(grant)) for grant in grants],
        holdings=panels.holdings(me(), user.id),
        sessions=len(queries.open_sessions(user.id)),
        problem=services.why_not_deactivate(me(), user, grants),
    )


@bp.get("/deactivate")
@page("users")
@permission("users.deactivate")
def ask_deactivate_many() -> ResponseReturnValue:
    """Show who of those chosen would be shut out, and who not and why."""
    require("users.deactivate")
    ids = queries.ids_from(request.args.getlist("ids"))
    asked = {"ids": ids[: schemas.MAX_BULK], "matching": request.args.get("matching")}
    form = DeactivateManyForm(formdata=None, data=asked)
    return _deactivate_many_page(form)


@bp.post("/deactivate")
@page("users")
@permission("users.deactivate")
def deactivate_many() -> ResponseReturnValue:
    """Shut out those who may be."""
    require("users.deactivate")
    form = DeactivateManyForm()
    if not form.validate():
        return _deactivate_many_page(form), 422
    try:
        done, refused = services.deactivate_many(me(), form.command)
    except bulk.SeenOther as error:
        form.refuse(error)
        return _deactivate_many_page(form), 409
    if done:
        text = ngettext("%(num)s person was deactivated.", "%(num)s people were deactivated.", done)
        flash(text, "success")
    if refused:
        flash(
            ngettext("%(num)s was left as before.", "%(num)s were left as before.", refused),
            "warning",
        )
    return redirect_to(url_for("users.index"))


def _deactivate_many_page(form: DeactivateManyForm) -> str:
    known = [x for x in form.ids.data or [] if 0 < x < 2**63][: schemas.MAX_BULK]
    matching = form.matching.data or None
    people, more = services.chosen(known, matching)
    people.sort(key=lambda user: user.name.casefold())
    grants = access_queries.grants_of(user.id for user in people)
    verdicts = [(u, services.why_not_deactivate(me(), u, grants[u.id])) for u in people]
    return render_template(
        "users/deactivate_many.html",
        form=form,
        matching=matching,
        seen=bulk.seal(user.id for user in people),
        held=panels.counted(me(), [user.id for user in people]),
        limits={"named": bulk.NAMED, "most": bulk.MOST, "reached": more},
        fine=[user for user, problem in verdicts if problem is None],
        refused=[(user, problem) for user, problem in verdicts if problem],
    )


@bp.post("/<id:user_id>/restore")
@page("users")
@permission("users.deactivate")
def restore(user_id: int) -> ResponseReturnValue:
    """Let a person in again."""
    require("users.deactivate")
    user, form = person_or_404(user_id, lock=True), RestoreForm()
    if not form.validate():
        return role_page(user, RoleForm(formdata=None), restoring=form), 422
    services.restore(me(), user, reason=form.command.reason)
    flash(_("%(name)s may sign in again.", name=user.name), "success")
    return redirect_to(url_for("users.show", user_id=user.id))


@bp.post("/<id:user_id>/sessions/<id:session_id>/end")
@page("users")
@permission("users.end_sessions")
def end_session(user_id: int, session_id: int) -> ResponseReturnValue:
    """Sign a person out of one browser."""
    require("users.end_sessions")
    if not queries.owns_session(user_id, session_id):
        abort(404)
    services.end_sessions(me(), person_or_404(user_id), session_id=session_id)
    flash(_("The session was ended."), "success")
    return redirect_to(url_for("users.show_sessions", user_id=user_id))


@bp.post("/<id:user_id>/sessions/end")
@page("users")
@permission("users.end_sessions")
def end_sessions(user_id: int) -> ResponseReturnValue:
    """Sign a person out everywhere."""
    require("users.end_sessions")
    user = person_or_404(user_id)
    ended = services.end_sessions(me(), user)
    flash(ngettext("%(num)s session was ended.", "%(num)s sessions were ended.", ended), "success")
    return redirect_to(url_for("users.show_sessions", user_id=user_id))
