"""Bringing assets in from a file."""

from flask.typing import ResponseReturnValue

from webapp.assets.views.common import bp
from webapp.core.guards import page


@bp.get("/import")
@page("assets.import")
def imports() -> ResponseReturnValue:
    """Not there yet."""
    return "", 404
