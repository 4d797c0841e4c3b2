"""One asset: show, add, change, status, archive."""

from flask.typing import ResponseReturnValue

from webapp.assets.views.common import asset_or_404, bp
from webapp.core.guards import page


@bp.get("/<tag>")
@page("assets")
def show(tag: str) -> ResponseReturnValue:
    """Not there yet."""
    asset_or_404(tag)
    return "", 404
