"""Types of assets and their attributes."""

from flask.typing import ResponseReturnValue

from webapp.assets.views.common import bp
from webapp.core.guards import page


@bp.get("/types")
@page("assets.types")
def types() -> ResponseReturnValue:
    """Not there yet."""
    return "", 404
