"""A person's own account."""

from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.core import pickers
from webapp.core.errors import DomainError
from webapp.core.guards import signed_in
from webapp.core.htmx import redirect_to
from webapp.core.identity import signed_in_person
from webapp.core.pickers import Option
from webapp.core.security import limiter, local_path
from webapp.users import presenting, queries, schemas, services, sessions
from webapp.users.auth_views import address, start
from webapp.users.forms import PasswordForm, ProfileForm, ThemeForm
from webapp.users.models import User

bp = Blueprint("account", __name__, url_prefix="/account")


def _mine() -> User:
    return queries.get_user(signed_in_person().id) or abort(404)


@bp.get("")
@signed_in
def index() -> ResponseReturnValue:
    """Show what the person says about themselves."""
    user = _mine()
    form = ProfileForm(formdata=None, obj=user)
    return render_template("account/index.html", tab="profile", form=form)


@bp.post("")
@signed_in
def update() -> ResponseReturnValue:
    """Change what the person says about themselves."""
    form = ProfileForm()
    if not form.validate():
        return render_template("account/index.html", tab="profile", form=form), 422
    services.edit_profile(_mine(), form.command)
    flash(_("Your profile was saved."), "success")
    return redirect_to(url_for("account.index"))


@bp.get("/pickers/zones")
@signed_in
def pick_zone() -> ResponseReturnValue:
    """Find time zones whose name holds what was typed."""
    wanted = pickers.typed().casefold()
    named = ((zone, schemas.zone_name(zone)) for zone in schemas.timezones())
    found = [Option(value=zone, label=name) for zone, name in named if wanted in name.casefold()]
    # Cities that begin as typed come first: "lis" is Lisbon before Tbilisi.
    found.sort(key=lambda one: not one.label.casefold().rpartition("/")[2].startswith(wanted))
    return pickers.answer(found)


@bp.get("/password")
@signed_in
def password() -> ResponseReturnValue:
    """Show the form to change the password."""
    form = PasswordForm(formdata=None)
    return render_template("account/password.html", tab="password", form=form)


@bp.post("/password")
@signed_in
@limiter.limit("10 per minute; 60 per hour")
def change_password() -> ResponseReturnValue:
    """Change the password; this browser gets a new session, the others end if wanted."""
    form, user, session_id = PasswordForm(), _mine(), signed_in_person().session_id
    if not form.validate():
        return render_template("account/password.html", tab="password", form=form), 422
    try:
        services.change_password(user, form.command)
    except DomainError as error:
        form.refuse(error)
        return render_template("account/password.html", tab="password", form=form), 422
    if form.command.end_others:
        sessions.end_all_sessions(user, but=session_id, reason="password changed")
    start(
        sessions.replace_session(
            user,
            session_id=session_id,
            ip=address(),
            user_agent=request.user_agent.string,
        )
    )
    flash(_("Your password was changed."), "success")
    return redirect_to(url_for("account.index"))


@bp.get("/sessions")
@signed_in
def show_sessions() -> ResponseReturnValue:
    """Show where the person is signed in."""
    found = queries.open_sessions(signed_in_person().id)
    rows = [(row, presenting.device(row.user_agent)) for row in found]
    return render_template("account/sessions.html", tab="sessions", rows=rows)


@bp.post("/sessions/end-others")
@signed_in
def end_others() -> ResponseReturnValue:
    """Sign out everywhere but here."""
    me = signed_in_person()
    ended = sessions.end_all_sessions(
        _mine(), but=me.session_id, reason="signed out everywhere else"
    )
    flash(
        ngettext("%(num)s other session was ended.", "%(num)s other sessions were ended.", ended),
        "success",
    )
    return redirect_to(url_for("account.show_sessions"))


@bp.post("/sessions/<id:session_id>/end")
@signed_in
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign out of one other browser."""
    me = signed_in_person()
    if session_id == me.session_id or not queries.owns_session(me.id, session_id):
        abort(404)
    sessions.end_session(session_id, action="session.ended")
    flash(_("The session was ended."), "success")
    return redirect_to(url_for("account.show_sessions"))


@bp.post("/theme")
@signed_in
def theme() -> ResponseReturnValue:
    """Choose light, dark, or what the system shows; then back to the page it was asked from."""
    form = ThemeForm()
    if not form.validate():
        abort(422)
    services.choose_theme(_mine(), form.command.theme)
    return redirect_to(_back())


def _back() -> str:
    came_from = urlsplit(request.referrer or "")
    if came_from.netloc != request.host:
        return url_for("account.index")
    query = f"?{came_from.query}" if came_from.query else ""
    return local_path(came_from.path + query) or url_for("account.index")
