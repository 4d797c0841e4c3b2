"""What runs beside the requests, and what became of it."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from webapp.core.guards import page

bp = Blueprint("jobs", __name__, url_prefix="/jobs")


@bp.get("")
@page("jobs")
def index() -> ResponseReturnValue:
    """Not there yet."""
    return "", 404
