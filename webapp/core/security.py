"""Headers, addresses and limits: what a browser and a stranger may do."""

import re
import secrets
import time
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from webapp.core.config import Settings
from webapp.core.forms import unwritable
from webapp.core.language import _
from webapp.core.unit_of_work import SAFE_METHODS

csrf = CSRFProtect()

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
WRITES = "120 per minute"
REDIS_TIMEOUT = 0.5  # seconds; a page does not wait longer for its counter


def is_write() -> bool:
    """Tell whether the request may change something."""
    return request.method not in SAFE_METHODS


def _who() -> str:
    """Count by session where there is one, else by address; the cookie is signed, so nobody picks theirs."""
    return str(session.get("_user_id") or get_remote_address())


limiter = Limiter(_who, default_limits=[WRITES], default_limits_exempt_when=lambda: not is_write())


def rate_limit_config(settings: Settings) -> dict[str, object]:
    """Count in Redis if there is one; while it is away each process counts on its own."""
    if settings.redis_url is None:
        return {"RATELIMIT_STORAGE_URI": "memory://"}
    return {
        # The counters' library has its own word for a socket.
        "RATELIMIT_STORAGE_URI": re.sub(r"^unix:", "redis+unix:", settings.redis_url),
        "RATELIMIT_STORAGE_OPTIONS": {
            "socket_connect_timeout": REDIS_TIMEOUT,
            "socket_timeout": REDIS_TIMEOUT,
        },
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        # What several requests met at the same instant is no error for any of them.
        "RATELIMIT_SWALLOW_ERRORS": True,
    }


class IdConverter(IntegerConverter):
    """A row's id: what PostgreSQL's bigint cannot hold is no id, and so a 404; each has one spelling."""

    regex = "[1-9][0-9]{0,18}"

    def __init__(self, map: object, *args: object, **kwargs: object) -> None:
        """Set the largest id."""
        super().__init__(map, max=2**63 - 1, min=1)  # type: ignore[arg-type]


def init_app(app: Flask, settings: Settings) -> None:
    """Set cookies, headers, limits and the number of proxies whose word is taken."""
    app.url_map.converters["id"] = IdConverter
    app.before_request(_name_request)  # first: what is refused below is quoted by its id, too
    app.config["SERVED_HOSTS"] = _hosts(settings)
    app.before_request(_refuse_strange_host)
    csrf.init_app(app)
    limiter.init_app(app)
    app.before_request(_refuse_unclear)
    app.after_request(_set_headers)
    app.config["HSTS"] = (settings.base_url or "").startswith("https://")
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )


def _name_request() -> None:
    """Give the request an id of our own: what a client sends could forge another's."""
    g.request_id = secrets.token_hex(8)
    request.environ["steward.request_id"] = g.request_id


def _hosts(settings: Settings) -> frozenset[str]:
    """The hosts by whose name we answer; empty: any, as nobody told us ours."""
    if settings.base_url is None:
        return frozenset()
    named = urlsplit(settings.base_url).hostname or ""
    return frozenset({named, settings.host, "localhost", "127.0.0.1", "::1"})


def _refuse_strange_host() -> None:
    """Refuse a request for another host: a link made of its name would lead there.

    Not by Flask's TRUSTED_HOSTS, which knows no IPv6 and leaves no addresses to draw a page with.
    """
    served: frozenset[str] = current_app.config["SERVED_HOSTS"]
    try:
        asked = urlsplit(f"//{request.host}").hostname
    except ValueError:  # brackets that hold no address
        asked = None
    if served and asked not in served:
        raise BadRequest(_("Steward is not served under this name."))


def _refuse_unclear() -> None:
    """Refuse addresses that hold what HTML cannot."""
    typed = [request.path, *(value for _, value in request.args.items(multi=True))]
    if any(unwritable(value) for value in typed):
        raise BadRequest(_("The address holds invisible control characters."))


def _set_headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers[name] = value
    response.headers["X-Request-ID"] = g.get("request_id", "")
    response.vary.add("Cookie")
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
        response.headers.setdefault("Retry-After", str(_seconds_to_wait()))
    if request.is_secure:
        response.headers["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"
    return response


def _seconds_to_wait() -> int:
    """How long until the limit that was met lets somebody through again."""
    limit = limiter.current_limit
    return max(1, int(limit.reset_at - time.time()) + 1) if limit else 60


def local_path(target: str | None) -> str | None:
    """Return ``target`` if it is a path on this site, else None.

    Browsers drop tabs and newlines and read a backslash as a slash, so any of them disqualifies it.
    """
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")):
        return None
    if "\\" in target or not target.isprintable() or " " in target:
        return None
    parts = urlsplit(target)
    return None if parts.scheme or parts.netloc else target
