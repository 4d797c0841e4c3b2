"""The queue: the list of tickets."""

from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.tickets.views.common import bp


@bp.get("")
@page("tickets")
def index() -> ResponseReturnValue:
    """List the tickets that match."""
    return ""
