"""Page, fragment or JSON: the one place that knows how htmx asks."""

from typing import Any

from flask import Response, get_flashed_messages, jsonify, redirect, render_template, request
from flask.typing import ResponseReturnValue

TO_TOASTS = {"HX-Retarget": "#toasts", "HX-Reswap": "beforeend"}  # on every error but 422


def wants_partial() -> bool:
    """Tell whether htmx will swap a fragment; a restored or whole page is not one."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Request-Type", "partial") == "partial"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def wants_json() -> bool:
    """Tell whether the caller reads JSON: the API, or a client that says so."""
    if request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json" and bool(request.accept_mimetypes)


def render(whole: str, /, *, partial: str, **context: object) -> str:
    """Render ``partial`` for a swap, else the page ``whole``, which includes it."""
    return render_template(partial if wants_partial() else whole, **context)


def redirect_to(url: str) -> ResponseReturnValue:
    """Send the browser on; htmx would swap a 303's body, so it is told apart, as is who reads JSON after a change."""
    if wants_partial():
        return "", 204, {"HX-Redirect": url}
    if request.method == "POST" and wants_json():
        return _done(url)
    return redirect(url, code=303)


def _done(url: str) -> Response:
    """Say in JSON where what was done is to be seen, and what the next page would have said about it."""
    told: Any = get_flashed_messages(with_categories=True)
    said = [
        {"kind": kind, "text": str(text["text"] if isinstance(text, dict) else text)}
        for kind, text in told
    ]
    response = jsonify({"success": True, "data": {"url": url, "messages": said}})
    response.vary.add("Accept")
    return response


def vary(response: Response) -> Response:
    """Keep caches from showing a fragment as a page."""
    response.vary.add("HX-Request")
    return response
