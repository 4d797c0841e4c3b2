"""Every error becomes a page, a toast or JSON here, and nowhere else."""

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, jsonify, render_template
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, get_locale
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import LanguageAccept
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as BaseResponse

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, MaybeSaved, NotSaved
from webapp.core.htmx import TO_TOASTS, wants_json, wants_partial
from webapp.core.identity import person
from webapp.core.language import LANGUAGES, Text, _
from webapp.core.refusals import constraint_of
from webapp.core.unit_of_work import mark_failed
from webapp.core.unread import read_rest

log = structlog.get_logger(__name__)

MESSAGES = {
    400: _("The request could not be understood. Nothing was changed."),
    401: _("Sign in first."),
    403: _("You may not do this."),
    404: _("There is nothing here, or nothing that you may see."),
    405: _("This address does not do that."),
    409: _("Somebody else was faster. Nothing was changed."),
    413: _("That is too large. Nothing was changed."),
    415: _("This kind of content is not understood here. Nothing was changed."),
    422: _("Something in the form needs another look. Nothing was changed."),
    429: _("That was too often. Wait a little and try again."),
    500: _("Something went wrong on our side. Nothing was saved."),
    503: _("The database does not answer just now. Nothing was saved. Try again in a moment."),
}
TITLES = {
    400: _("Not understood"),
    401: _("Not signed in"),
    403: _("You may not do this"),
    404: _("Page not found"),
    405: _("Not possible here"),
    409: _("Not saved"),
    413: _("Too large"),
    415: _("Not understood"),
    422: _("Not accepted"),
    429: _("Too often"),
    500: _("Something went wrong"),
    503: _("Not available just now"),
}
CODES = {409: "stale", 422: "invalid"}  # of a form that is shown again
# What a constraint of the database means to the person who ran into it.
CONSTRAINTS = {
    "last_administrator": _(
        "The last person who may edit roles everywhere, or who holds everything, must keep that."
    ),
    "own_roles": _("Nobody edits their own roles."),
    "location_cycle": _("A location cannot lie inside itself."),
    "parent_deleted": _("What it would belong to is deleted."),
    "still_occupied": _("Something still belongs to it. Move or delete that first."),
}


def init_app(app: Flask) -> None:
    """Register the handlers and the last resort."""
    app.register_error_handler(DomainError, _on_domain_error)
    app.register_error_handler(CSRFError, _on_csrf_error)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(StaleDataError, _on_stale)
    app.register_error_handler(IntegrityError, _on_integrity_error)
    app.register_error_handler(SQLAlchemyError, _on_database_error)
    app.register_error_handler(Exception, _on_anything)
    app.after_request(_as_json)
    app.wsgi_app = LastResort(app, app.wsgi_app)  # type: ignore[method-assign]


def _as_json(response: Response) -> Response:
    """Say the same in JSON to whom reads JSON, where a view refused with a page: a form, with what is wrong in it."""
    if response.status_code < HTTPStatus.BAD_REQUEST or response.mimetype != "text/html":
        return response
    if not wants_json():
        return response
    status = HTTPStatus(response.status_code)
    form = g.get("refused_form")
    fields = {name: [str(text) for text in texts] for name, texts in _faults(form) if name}
    said = " ".join(str(text) for text in form.form_errors) if form is not None else ""
    code = CODES.get(status, status.phrase.lower().replace(" ", "_"))
    if status == HTTPStatus.CONFLICT and said:  # a rule refused it, not an old version
        code = "conflict"
    message = said or str(MESSAGES.get(status, status.phrase))
    response.set_data(current_app.json.dumps(_envelope(code, message, fields)))
    response.mimetype = "application/json"
    response.vary.add("Accept")
    return response


def _faults(form: Any) -> Iterable[tuple[str, Sequence[str]]]:
    return () if form is None else ((field.name, field.errors) for field in form if field.errors)


def _envelope(code: str, message: str, fields: Any) -> dict[str, Any]:
    return {"success": False, "error": {"code": code, "message": message, "fields": fields}}


def _on_domain_error(error: DomainError) -> ResponseReturnValue:
    if isinstance(error, Denied):
        return denied(error.message, key=error.key)
    return reply(error.status, error.message, code=error.code)


def denied(message: str, *, key: str | None) -> ResponseReturnValue:
    """Refuse, keep the refusal in the log, and explain it to the person."""
    trail.note_denied(message, key=key)
    return reply(HTTPStatus.FORBIDDEN, message, code="forbidden", key=key)


def _on_csrf_error(error: CSRFError) -> ResponseReturnValue:
    message = _(
        "This form has expired. Go back, reload it, and send it again. Nothing was changed."
    )
    trail.note("access.denied", category="access", outcome="denied", reason=str(error.description))
    return reply(HTTPStatus.BAD_REQUEST, message, code="csrf")


def _on_http_error(error: HTTPException) -> ResponseReturnValue | BaseResponse:
    if error.response is not None:  # a redirect, or a reply handed to abort()
        return error.response
    status = HTTPStatus(error.code or 500)
    # What libraries say of themselves is English, and for programmers.
    said = error.description
    message = said if isinstance(said, Text) else MESSAGES.get(status, status.phrase)
    response = reply(status, message)
    for name in ("Retry-After", "Allow"):
        value = dict(error.get_headers()).get(name)
        if value:
            response.headers[name] = value
    return response


def _on_stale(_error: StaleDataError) -> ResponseReturnValue:
    return reply(HTTPStatus.CONFLICT, MESSAGES[409], code="stale")


def _on_integrity_error(error: IntegrityError) -> ResponseReturnValue:
    name = constraint_of(error)
    log.warning("integrity_error", constraint=name)
    return reply(HTTPStatus.CONFLICT, CONSTRAINTS.get(name, MESSAGES[409]))


def _on_database_error(error: SQLAlchemyError) -> ResponseReturnValue:
    log.error("database_error", error=str(error).splitlines()[0])
    if isinstance(error, DBAPIError) and _is_passing(error):
        return reply(HTTPStatus.SERVICE_UNAVAILABLE, MESSAGES[503], code="unavailable")
    return _on_anything(error)


def _is_passing(error: DBAPIError) -> bool:
    """A lost connection, a full disk, a lock or a limit: trying again can help."""
    state = getattr(error.orig, "sqlstate", None)
    return state is None or state.startswith(("08", "53", "57", "55P03", "40", "42501", "23514"))


def _on_anything(error: Exception) -> ResponseReturnValue:
    log.error("unexpected_error", exc_info=error)
    return reply(HTTPStatus.INTERNAL_SERVER_ERROR, MESSAGES[500])


def reply(
    status: int,
    message: str,
    *,
    code: str | None = None,
    key: str | None = None,
    fields: Any = None,
) -> Response:
    """Answer in the shape the caller can show: JSON, a toast, or a page."""
    mark_failed()
    notes = [note for note in db.session.info.get(trail.NOTES, []) if note.outcome != "ok"]
    read_only = db.session.info.get("read_only")
    db.session.rollback()
    db.session.info.clear()
    db.session.info[trail.NOTES] = notes
    db.session.info["read_only"] = read_only
    status = HTTPStatus(status)
    code = code or status.phrase.lower().replace(" ", "_")
    if wants_json():
        response = jsonify(_envelope(code, str(message), fields or {}))
    elif wants_partial():
        _find_person()
        html = _toast(message, g.get("request_id", ""))
        response = Response(html, headers=TO_TOASTS)
    else:
        response = Response(_page(status, message, key))
    response.status_code = status
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = "3"
    return response


def _page(status: HTTPStatus, message: str, key: str | None) -> str:
    if not _find_person():
        return standalone(status, message, request_id=g.get("request_id", ""))
    denied = status == HTTPStatus.FORBIDDEN
    return render_template(
        "errors/denied.html" if denied else "errors/error.html",
        status=int(status),
        title=TITLES.get(status, status.phrase),
        message=message,
        missing_key=key,
        grants=_named_grants() if denied else (),
    )


def _find_person() -> bool:
    """Tell whether it can be found out who asks; if not, the language is the browser's."""
    try:
        person()
    except SQLAlchemyError:
        db.session.rollback()
        g.person_known = False
        return False
    return True


def _named_grants() -> Sequence[Any]:
    """What the person holds, with the names of the places, as far as the database still answers."""
    who = person()
    if who is None:
        return ()
    try:
        return who.named_grants()
    except SQLAlchemyError:
        db.session.rollback()
        return who.grants


def _toast(message: str, request_id: str) -> str:
    """Render a toast without finding out who asks."""
    template = current_app.jinja_env.get_template("partials/toast.html")
    return template.render(kind="danger", message=message, request_id=request_id)


def standalone(status: int, message: str, *, known: bool = True, request_id: str = "") -> str:
    """Render a page that needs no database, no person and no request."""
    template = current_app.jinja_env.get_template("errors/standalone.html")
    return template.render(
        status=int(status),
        title=TITLES.get(status, HTTPStatus(status).phrase),
        message=message,
        request_id=request_id,
        retry=True,
        known=known,
        locale=str(get_locale() or "en"),
    )


NOT_SAVED = _("Nothing was saved: the database refused the change. Try again in a moment.")
MAYBE_SAVED = _(
    "We lost the database just as it was saving, so we do not know whether your change was saved. "
    "Send the same form again: if it was saved, nothing happens twice."
)


def _language_of(environ: dict[str, Any]) -> str:
    """The language that the browser prefers, where there is no request any more to ask."""
    accepted = environ.get("HTTP_ACCEPT_LANGUAGE", "")
    wanted = parse_accept_header(accepted, LanguageAccept)
    return wanted.best_match(LANGUAGES) or "en"


def _no_write(_body: bytes) -> None:
    """Stand in for PEP 3333's imperative write(), which Flask never uses."""
    raise NotImplementedError


class LastResort:
    """Hold the status line back until teardown has committed; what teardown raises becomes our own 503."""

    def __init__(self, app: Flask, wsgi_app: Callable[..., Iterable[bytes]]) -> None:
        """Wrap ``wsgi_app`` of ``app``."""
        self.app = app
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Serve a request; what escapes becomes a page that says whether it was saved."""
        held: list[Any] = []

        def hold(*started: Any) -> Callable[[bytes], object]:
            held[:] = started
            return _no_write

        try:
            body = self.wsgi_app(environ, hold)
        except Exception as error:  # the last resort
            if not isinstance(error, NotSaved | MaybeSaved):
                log.exception("escaped_the_application")
            known = not isinstance(error, MaybeSaved)
            read_rest(environ)
            return self._answer(environ, start_response, known=known)
        read_rest(environ)
        start_response(*held)
        return body

    def _answer(self, environ: dict[str, Any], start_response: Any, *, known: bool) -> list[bytes]:
        request_id = environ.get("steward.request_id", "")
        message = NOT_SAVED if known else MAYBE_SAVED
        headers = [
            ("Cache-Control", "no-store"),
            ("Retry-After", "3"),
            ("X-Request-ID", request_id),
            ("X-Content-Type-Options", "nosniff"),
        ]
        with self.app.app_context(), force_locale(_language_of(environ)):
            kind, body = self._body(environ, message, request_id, known=known)
        if environ.get("HTTP_HX_REQUEST") == "true":
            headers += TO_TOASTS.items()
        headers += [("Content-Type", kind), ("Content-Length", str(len(body)))]
        start_response("503 Service Unavailable", headers)
        return [body]

    def _body(
        self, environ: dict[str, Any], message: str, request_id: str, *, known: bool
    ) -> tuple[str, bytes]:
        if environ.get("PATH_INFO", "").startswith("/api/") or environ.get(
            "HTTP_ACCEPT", ""
        ).startswith("application/json"):
            code = "not_saved" if known else "maybe_saved"
            error = _envelope(code, str(message), {})
            return "application/json", self.app.json.dumps(error).encode()
        if environ.get("HTTP_HX_REQUEST") == "true":
            html = _toast(message, request_id)
        else:
            html = standalone(503, message, known=known, request_id=request_id)
        return "text/html; charset=utf-8", html.encode()
