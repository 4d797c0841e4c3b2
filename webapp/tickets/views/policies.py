"""Service levels."""

from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.tickets.views.common import bp


@bp.get("/desk/service-levels/<id:policy_id>")
@page("tickets.desk")
def show_policy(policy_id: int) -> ResponseReturnValue:
    """Show a service level."""
    return str(policy_id)
