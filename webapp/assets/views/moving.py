"""Moving a node of the tree, with what lies in it."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.assets import nodes
from webapp.assets.models import Asset
from webapp.assets.moving_forms import MoveForm
from webapp.assets.queries import tree as tree_queries
from webapp.assets.queries import tree_paths
from webapp.assets.queries.tree import Spot
from webapp.assets.queries.tree_paths import Step
from webapp.assets.services import moving
from webapp.assets.views.common import bp, find, link, link_anew, me
from webapp.assets.views.tree import path_to, read_spot
from webapp.core import pickers
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission, require
from webapp.core.htmx import redirect_to
from webapp.core.language import _
from webapp.core.pickers import Option
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.tree import Place, reach_of

# What each kind may be put into.
TARGETS = {
    "location": ("location",),
    "client": ("location",),
    "project": ("client",),
    "asset": ("client", "project", "asset"),
}
PLACES = ("location", "client", "project")
HEADINGS = {
    "location": _("Locations"),
    "client": _("Clients"),
    "project": _("Projects"),
    "asset": _("Assets"),
}


@bp.get("/<tag>/move")
@page("assets")
@permission("assets.edit", scoped=True)
def move(tag: str) -> ResponseReturnValue:
    """Ask where an asset shall lie."""
    found = find(tag)
    node = _Node(Spot(kind="asset", id=found.id))
    return _page(node, MoveForm(formdata=None), back=link(found))


@bp.post("/<tag>/move")
@page("assets")
@permission("assets.edit", scoped=True)
def save_move(tag: str) -> ResponseReturnValue:
    """Move an asset, and go back to it."""
    found = find(tag)
    return _save(_Node(Spot(kind="asset", id=found.id)), found)


@bp.get("/tree/asset/<id:asset_id>/move")
@page("assets")
@permission("assets.edit", scoped=True)
def move_asset(asset_id: int) -> ResponseReturnValue:
    """Ask where an asset of the tree shall lie."""
    return _page(_Node(Spot(kind="asset", id=asset_id)), MoveForm(formdata=None))


@bp.post("/tree/asset/<id:asset_id>/move")
@page("assets")
@permission("assets.edit", scoped=True)
def save_move_asset(asset_id: int) -> ResponseReturnValue:
    """Move an asset within the tree."""
    return _save(_Node(Spot(kind="asset", id=asset_id)))


@bp.get("/tree/<kind>/<id:node_id>/move")
@page("assets")
@permission("organisation.edit", scoped=True)
def move_place(kind: str, node_id: int) -> ResponseReturnValue:
    """Ask where a location, client or project shall lie."""
    return _page(_place(kind, node_id), MoveForm(formdata=None))


@bp.post("/tree/<kind>/<id:node_id>/move")
@page("assets")
@permission("organisation.edit", scoped=True)
def save_move_place(kind: str, node_id: int) -> ResponseReturnValue:
    """Move a location, client or project within the tree."""
    return _save(_place(kind, node_id))


@bp.get("/pickers/targets")
@page("assets")
def move_targets() -> ResponseReturnValue:
    """Find what a node may be put into, where the person may do so."""
    spot = read_spot(request.args.get("node", ""))
    within = reach_of(me(), nodes.RIGHTS[spot.kind])
    places, more = choices.find_places(
        pickers.typed(),
        kinds=[kind for kind in TARGETS[spot.kind] if kind != "asset"],
        seen=reach_of(me(), "assets"),
        within=within,
        outside=spot.id if spot.kind == "location" else None,
    )
    found = [
        Option(
            value=f"{row.kind}:{row.id}",
            label=row.name,
            hint=row.hint,
            group=str(HEADINGS[row.kind]),
        )
        for row in places
    ]
    if spot.kind == "asset":
        rows = tree_paths.containers(pickers.typed(), me(), within=within, outside=spot.id)
        heading = str(HEADINGS["asset"])
        found += [
            Option(
                value=f"asset:{row.id}",
                label=f"{row.tag} {row.name}",
                hint=row.client,
                group=heading,
            )
            for row in rows
        ]
    return pickers.answer(found, more=more or None)


class _Node:
    """What moves: its record, where it lies, and what comes along."""

    def __init__(self, spot: Spot) -> None:
        self.spot = spot
        self.steps: list[Step] = path_to(spot)
        self.record: Any = tree_queries.record_of(spot) if self.steps else None
        if self.record is None or self.record.deleted_at is not None:
            abort(404)
        ids = {f"{step.spot.kind}_id": step.spot.id for step in self.steps}
        self.place = Place(
            **{name: ids.get(name) for name in ("location_id", "client_id", "project_id")}
        )
        require(nodes.RIGHTS[spot.kind], on=self.place)

    @property
    def above(self) -> Spot | None:
        """What it lies in; None at the top."""
        return self.steps[-2].spot if len(self.steps) > 1 else None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.steps[-1].name

    def put(self, target: str, version: int | None) -> None:
        """Move it.

        Raises:
            DomainError: if the target is none for this kind, or a rule refuses it.
        """
        kind, _colon, number = target.partition(":")
        key = int(number) if number else None
        top = kind == "top" and self.spot.kind == "location"
        if kind not in TARGETS[self.spot.kind] and not top:
            raise DomainError(_("Choose one of the list."), field="target")
        if (str(self.above) if self.above else "top") == target:
            raise DomainError(_("It lies there already."), field="target")
        if isinstance(self.record, Asset):
            moving.move_to(me(), self.record, kind=kind, key=key or 0, version=version)
        else:
            moving.move_place(me(), self.record, under=key, version=version)


def _place(kind: str, node_id: int) -> _Node:
    if kind not in PLACES:
        abort(404)
    return _Node(Spot(kind=kind, id=node_id))


def _page(node: _Node, form: MoveForm, back: str | None = None) -> str:
    spot = node.spot
    within = reach_of(me(), nodes.RIGHTS[spot.kind])
    top = [("top", gettext("At the top"))] if spot.kind == "location" and within.everywhere else []
    form.target.offer(
        url_for("assets.move_targets", node=str(spot)), present=_present(form), fixed=top
    )
    form.version.data = node.record.version
    return render_template(
        "assets/move.html",
        form=form,
        node=node,
        step=node.steps[-1],
        crumbs=nodes.crumbs(node.steps[:-1]),
        along=nodes.counts_of(me(), [spot]).get(spot, {}).get("assets", 0),
        first=tree_paths.first_below(spot),
        action=request.full_path.rstrip("?"),
        back=back or url_for("assets.tree", open=str(spot)),
    )


def _present(form: MoveForm) -> str | None:
    kind, _colon, number = str(form.target.data or "").partition(":")
    known = number_of(number)
    if known is None:
        return None
    spot = Spot(kind=kind, id=known)
    return path_to(spot)[-1].name if kind in HEADINGS and path_to(spot) else None


def _save(node: _Node, asset: Asset | None = None) -> ResponseReturnValue:
    """Move it, and go back to the asset whose page asked, or else to the tree."""
    form, back = MoveForm(), link(asset) if asset else None
    if not form.validate():
        return _page(node, form, back), 422
    along = nodes.counts_of(me(), [node.spot]).get(node.spot, {}).get("assets", 0)
    version = request.form.get("version", type=int)  # a drag has seen none
    try:
        node.put(form.command.target, version)
    except Denied:
        raise
    except StaleVersion as error:
        form.refuse(error)
        return _page(node, form, back), 409
    except DomainError as error:
        form.refuse(error)
        return _page(node, form, back), 422
    flash(_said(node, along), "success")
    return redirect_to(link_anew(asset) if asset else url_for("assets.tree", open=str(node.spot)))


def _said(node: _Node, along: int) -> str:
    if not along:
        return str(_("%(name)s was moved.", name=node.name))
    return str(
        ngettext(
            "%(name)s was moved, and %(num)s asset with it.",
            "%(name)s was moved, and %(num)s assets with it.",
            along,
            name=node.name,
        )
    )
