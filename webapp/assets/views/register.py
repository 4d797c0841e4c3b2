"""The register: the list, its exports."""

from flask.typing import ResponseReturnValue

from webapp.assets.views.common import bp
from webapp.core.guards import page


@bp.get("")
@page("assets")
def index() -> ResponseReturnValue:
    """Not there yet."""
    return "", 404
