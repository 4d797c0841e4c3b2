"""The tree."""

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.organisation import queries
from webapp.organisation.views.common import EDIT, bp, filters, my_reach


@bp.get("")
@page("organisation")
def index() -> ResponseReturnValue:
    """Show the tree of locations with their clients."""
    reach = my_reach()
    deleted = filters().deleted
    return render_template(
        "organisation/index.html",
        deleted=deleted,
        rows=[] if deleted else queries.overview(reach),
        gone=queries.deleted_locations(reach) if deleted else [],
        may_add_top=signed_in_person().can(EDIT),
    )
