"""What the search boxes of the forms and filters offer."""

from flask import request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.access import scopes
from webapp.assets.queries import choices
from webapp.assets.views.common import bp, me
from webapp.core import pickers
from webapp.core.guards import page, permission
from webapp.core.typed import number_in
from webapp.organisation.tree import reach_of


@bp.get("/pickers/places")
@page("assets")
def pick_place() -> ResponseReturnValue:
    """Find locations, clients and projects in sight."""
    return scopes.answer(seen=reach_of(me(), "assets"))


@bp.get("/pickers/homes")
@page("assets")
@permission("assets.edit", scoped=True)
def pick_home() -> ResponseReturnValue:
    """Find clients and projects that the person may put assets into."""
    within = reach_of(me(), "assets.edit")
    return scopes.answer(seen=reach_of(me(), "assets"), within=within, kinds=("client", "project"))


@bp.get("/pickers/holders")
@page("assets")
def pick_holder() -> ResponseReturnValue:
    """Find people and places that can have an asset; with ``gone=1`` people who left and still have one, too."""
    found = choices.find_holders(
        pickers.typed(),
        seen=reach_of(me(), "assets"),
        titles={"user": _("People"), "location": _("Locations")},
        gone=request.args.get("gone") == "1",
    )
    return pickers.answer(found)


@bp.get("/pickers/types")
@page("assets")
def pick_type() -> ResponseReturnValue:
    """Find types of assets."""
    return pickers.answer(choices.find_types(pickers.typed()))


@bp.get("/pickers/assets")
@page("assets")
def pick_asset() -> ResponseReturnValue:
    """Find assets in sight; ``client=4`` narrows them to a client's."""
    client = number_in(request.args.get("client", ""))
    found = choices.find_assets(pickers.typed(), me(), client_id=client)
    return pickers.answer(found)
