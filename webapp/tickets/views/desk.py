"""How the desk works: an overview."""

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.organisation.tree import reach_of
from webapp.tickets.queries import teams as queries
from webapp.tickets.views.common import bp, me
from webapp.tickets.views.settings import may_configure


@bp.get("/desk")
@page("tickets.desk")
def desk() -> ResponseReturnValue:
    """Show how the desk works: teams with their load, and what else can be set."""
    who = me()
    counted = who.opens("tickets")
    return render_template(
        "tickets/desk.html",
        teams=queries.list_teams(reach=reach_of(who, "tickets") if counted else None),
        counted=counted,
        figures=queries.desk_figures(who.id),
        may_edit=may_configure(),
    )
