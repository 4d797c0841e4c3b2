"""How the desk works: an overview, and the teams."""

from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.tickets.views.common import bp


@bp.get("/desk")
@page("tickets.desk")
def desk() -> ResponseReturnValue:
    """Show how the desk works."""
    return ""


@bp.get("/desk/teams/<id:team_id>")
@page("tickets.desk")
def show_team(team_id: int) -> ResponseReturnValue:
    """Show a team."""
    return str(team_id)
