"""Signing in and out, and the links of people who are not signed in."""

from http import HTTPStatus

from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    g,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import login_user, logout_user

from webapp.access import identity
from webapp.core import registry, trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.guards import public, signed_in
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.core.identity import person, signed_in_person
from webapp.core.security import limiter, local_path
from webapp.core.unit_of_work import after_response
from webapp.users import queries, services, sessions
from webapp.users.auth_forms import NewPasswordForm, SignInForm
from webapp.users.models import TokenKind

bp = Blueprint("auth", __name__)


@bp.after_app_request
def remember_use(response: Response) -> Response:
    """Note that the session was used: within the change, or after a read or a refusal."""
    seen: int | None = g.get("seen_session")
    if seen is None:
        return response
    failed = response.status_code >= HTTPStatus.BAD_REQUEST or g.get("failed")
    if failed or db.session.info.get("read_only"):
        after_response(lambda: sessions.touch(seen))
    else:
        sessions.touch(seen)
    return response


@bp.get("/login")
@public
def login() -> ResponseReturnValue:
    """Show the form to sign in."""
    if person() is not None:
        return redirect(_next(), code=303)
    return _login_page(SignInForm(formdata=None))


@bp.post("/login")
@public
@limiter.limit("60 per minute")
def sign_in() -> ResponseReturnValue:
    """Open a session, or say with the same words for every cause that it failed."""
    form, ip = SignInForm(), address()
    if not form.validate():
        return _login_page(form), 422
    email = form.command.email
    try:
        opened = sessions.sign_in(
            email=email,
            password=form.command.password,
            ip=ip,
            user_agent=request.user_agent.string,
            demo=current_app.config["DEMO"],
        )
    except DomainError as error:
        trail.note("session.refused", category="sign-in", outcome="denied", object_label=email)
        form.refuse(error)
        if isinstance(error, sessions.TooManyAttempts):
            return Response(_login_page(form), 429, {"Retry-After": str(error.seconds)})
        return Response(_login_page(form), 422)
    start(opened)
    return redirect_to(_next())


def _login_page(form: SignInForm) -> str:
    return render_template("auth/login.html", form=form)


@bp.post("/logout")
@signed_in
def logout() -> ResponseReturnValue:
    """End the session and forget everything the browser kept."""
    sessions.end_session(signed_in_person().session_id)
    logout_user()
    session.clear()
    response = current_app.make_response(redirect_to(url_for("auth.login")))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.route("/invitation/<token>", methods=["GET", "POST"])
@public
@limiter.limit("60 per minute")
def invitation(token: str) -> ResponseReturnValue:
    """Let a new colleague choose a password, and sign them in."""
    return _choose(token, TokenKind.INVITATION)


@bp.route("/reset/<token>", methods=["GET", "POST"])
@public
@limiter.limit("60 per minute")
def reset(token: str) -> ResponseReturnValue:
    """Let somebody choose a new password, and sign them in."""
    return _choose(token, TokenKind.PASSWORD_RESET)


def _choose(token: str, kind: TokenKind) -> ResponseReturnValue:
    found = queries.usable_token(identity.token_hash(token), kind, lock=False)
    if found is None:
        return _dead_link(token, kind)
    user = found[1]
    name, email = user.name, user.email
    form = NewPasswordForm() if request.method == "POST" else NewPasswordForm(formdata=None)
    shown = {"kind": kind, "form": form, "name": name, "email": email}
    if request.method == "GET":
        return render_template("auth/choose_password.html", **shown)
    if not form.validate():
        return render_template("auth/choose_password.html", **shown), 422
    try:
        user = services.use_link(token, kind, form.command)
    except services.DeadLink:  # sent twice at once, perhaps
        return _dead_link(token, kind)
    except DomainError as error:
        form.refuse(error)
        return render_template("auth/choose_password.html", **shown), 422
    start(sessions.open_session(user, ip=address(), user_agent=request.user_agent.string))
    flash(_("Welcome, %(name)s. Your password is set.", name=user.name), "success")
    return redirect_to(landing())


def _dead_link(token: str, kind: TokenKind) -> ResponseReturnValue:
    """Say that a link does not work; to whom sent it twice, that the first time did.

    The first reply is not repeated: it carried the session's cookie.
    """
    used = queries.just_used(identity.token_hash(token), kind)
    return render_template("auth/dead_link.html", kind=kind, just_used=used), HTTPStatus.GONE


def address() -> str:
    """Return where the request comes from."""
    return request.remote_addr or "0.0.0.0"  # noqa: S104 - no address to bind to # nosec B104


def start(opened: sessions.Opened) -> None:
    """Put a new session's token into a fresh cookie: nothing from before sign-in survives."""
    session.clear()
    g.pop("_login_user", None)
    g.pop("seen_session", None)
    who = identity.load(opened.token)
    if who is None:
        raise RuntimeError("the session was not opened")
    login_user(who)
    for name in ("_fresh", "_id"):
        session.pop(name, None)


def ask_to_sign_in() -> ResponseReturnValue:
    """Send a stranger to the sign-in page, and back to where they wanted to go afterwards."""
    if wants_json():
        error = {"code": "unauthorized", "message": "Sign in first.", "fields": {}}
        return {"success": False, "error": error}, 401
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    if wants_partial() or wanted == "/":
        wanted = None
    return redirect_to(url_for("auth.login", next=wanted) if wanted else url_for("auth.login"))


def _next() -> str:
    return local_path(request.args.get("next")) or landing()


def landing() -> str:
    """Where somebody begins who named no page: the first one that a role of theirs opens, or their account."""
    who = signed_in_person()
    pages = [entry for entries in registry.sections(registry.PAGES).values() for entry in entries]
    mine = [entry.endpoint for entry in pages if entry.endpoint and who.opens(entry.key)]
    if not mine:
        flash(_("You have no role yet. Ask an administrator to give you one."), "warning")
        return url_for("account.index")
    return url_for("dashboard.index" if "dashboard.index" in mine else mine[0])
