"""How a record was."""

from flask import abort
from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.oversight.views.common import bp


@bp.get("/record/<kind>/<id:record_id>")
@page("audit", sensitive=True)
def record(kind: str, record_id: int) -> ResponseReturnValue:
    """Record."""
    abort(404)
