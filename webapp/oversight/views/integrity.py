"""What proves that the log is untouched."""

from flask import abort
from flask.typing import ResponseReturnValue

from webapp.core.guards import page, permission
from webapp.oversight.views.common import bp


@bp.get("/integrity")
@page("audit", sensitive=True)
def integrity() -> ResponseReturnValue:
    """Integrity."""
    abort(404)


@bp.post("/integrity/check")
@page("audit", sensitive=True)
@permission("audit.verify")
def check() -> ResponseReturnValue:
    """Check."""
    abort(404)
