"""What the search boxes of the forms and filters offer."""

from flask.typing import ResponseReturnValue

from webapp.core import pickers
from webapp.core.guards import page, permission
from webapp.organisation import choices
from webapp.organisation.tree import Reach
from webapp.organisation.views import common
from webapp.organisation.views.common import EDIT, bp


def _answer(
    kind: str, within: Reach | None = None, outside: int | None = None
) -> ResponseReturnValue:
    rows, more = choices.find_places(
        pickers.typed(), kinds=(kind,), seen=common.my_reach(), within=within, outside=outside
    )
    return pickers.answer(choices.options(rows), more=more)


@bp.get("/pickers/locations")
@page("organisation")
def pick_location() -> ResponseReturnValue:
    """Find locations in sight, for a filter."""
    return _answer("location")


@bp.get("/pickers/clients")
@page("organisation")
def pick_client() -> ResponseReturnValue:
    """Find clients in sight, for a filter."""
    return _answer("client")


@bp.get("/pickers/homes")
@page("organisation")
@permission(EDIT, scoped=True)
def pick_home() -> ResponseReturnValue:
    """Find locations that the person may put something into, but for what lies in the one that moves."""
    moved = common.asked("moved")
    return _answer("location", common.may_edit(), int(moved) if moved else None)


@bp.get("/pickers/owners")
@page("organisation")
@permission(EDIT, scoped=True)
def pick_owner() -> ResponseReturnValue:
    """Find clients that the person may give a project to."""
    return _answer("client", common.may_edit())
