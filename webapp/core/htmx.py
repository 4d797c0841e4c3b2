"""Page or fragment: the one place that knows how htmx asks."""

from flask import Response, redirect, render_template, request
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
    """Send the browser on; htmx would swap a 303's body, so it is told apart."""
    if wants_partial():
        return "", 204, {"HX-Redirect": url}
    return redirect(url, code=303)


def vary(response: Response) -> Response:
    """Keep caches from showing a fragment as a page."""
    response.vary.add("HX-Request")
    return response
