"""Taking back what the log shows."""

from flask import abort
from flask.typing import ResponseReturnValue

from webapp.core.guards import page, permission
from webapp.oversight.views.common import bp


@bp.get("/<id:event_id>/undo")
@page("audit", sensitive=True)
@permission("audit.undo", scoped=True)
def preview_undo(event_id: int) -> ResponseReturnValue:
    """preview_undo."""
    abort(404)


@bp.post("/<id:event_id>/undo")
@page("audit", sensitive=True)
@permission("audit.undo", scoped=True)
def undo(event_id: int) -> ResponseReturnValue:
    """Undo."""
    abort(404)


@bp.get("/request/<request_id>/undo")
@page("audit", sensitive=True)
@permission("audit.undo", scoped=True)
def preview_undo_request(request_id: str) -> ResponseReturnValue:
    """preview_undo_request."""
    abort(404)


@bp.post("/request/<request_id>/undo")
@page("audit", sensitive=True)
@permission("audit.undo", scoped=True)
def undo_request(request_id: str) -> ResponseReturnValue:
    """undo_request."""
    abort(404)
