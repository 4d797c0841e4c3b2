"""The stream of events that a page listens to."""

import time

from flask import Blueprint, Response, abort, current_app, g, request
from flask.typing import ResponseReturnValue

from webapp.core.guards import signed_in
from webapp.core.identity import signed_in_person
from webapp.live import queries
from webapp.live.hub import Hub

bp = Blueprint("live", __name__)
EVENTS = "text/event-stream"
LONGEST_NUMBER = 15  # digits of a time in milliseconds, for a long while


def hub() -> Hub:
    """Return the hub of this process."""
    kept: dict[str, Hub] = current_app.extensions.setdefault("steward_live", {})
    if "hub" not in kept:
        url = current_app.extensions["steward"].app_url()
        kept.setdefault("hub", Hub(url.replace("postgresql+psycopg", "postgresql", 1)))
    return kept["hub"]


@bp.get("/live")
@signed_in
def stream() -> ResponseReturnValue:
    """Tell what changes, as it does. The body is made after the transaction ended: it holds no connection."""
    if not any(kind == EVENTS for kind, _ in request.accept_mimetypes):
        abort(406)  # typed into an address bar it would load for ever
    headers = {"X-Accel-Buffering": "no"}
    if request.method == "HEAD":
        return Response(mimetype=EVENTS, headers=headers)
    told = hub().open(queries.reader(signed_in_person()), since=_since())
    return Response(told, mimetype=EVENTS, headers=headers, direct_passthrough=True)


def _since() -> int | None:
    """What the browser knows: the last event it had, or when its page was drawn."""
    given = request.headers.get("Last-Event-ID") or request.args.get("since", "")
    return (
        int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_NUMBER else None
    )


@bp.app_template_global()
def live_since() -> int:
    """When this request began, in milliseconds: what happens later is not on the page."""
    passed = time.perf_counter() - g.began if "began" in g else 0.0
    return int((time.time() - passed) * 1000)
