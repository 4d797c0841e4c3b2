"""Files taken out of the log."""

from flask import abort
from flask.typing import ResponseReturnValue

from webapp.core.guards import page, permission
from webapp.oversight.views.common import bp


@bp.get("/exports")
@page("audit", sensitive=True)
def exports() -> ResponseReturnValue:
    """Exports."""
    abort(404)


@bp.post("/exports")
@page("audit", sensitive=True)
@permission("audit.export", scoped=True)
def export() -> ResponseReturnValue:
    """Export."""
    abort(404)


@bp.get("/exports/<id:export_id>/file")
@page("audit", sensitive=True)
def download(export_id: int) -> ResponseReturnValue:
    """Download."""
    abort(404)


@bp.post("/exports/<id:export_id>/delete")
@page("audit", sensitive=True)
@permission("audit.export", scoped=True)
def delete_export(export_id: int) -> ResponseReturnValue:
    """delete_export."""
    abort(404)
