"""The tree of places, clients, projects and assets."""

from collections.abc import Sequence
from typing import NoReturn

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from webapp.assets import nodes
from webapp.assets.queries import tree_paths
from webapp.assets.queries.tree import INSIDE, KINDS, TOP, Edge, Spot
from webapp.assets.views.common import bp, me
from webapp.core import htmx
from webapp.core.guards import page
from webapp.core.language import _
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.related import RELATED, Related
from webapp.organisation.tree import reach_of

MAX_LEVEL = 99
TOGETHER = 20  # nodes that one request opens; tree.js asks for no more


@bp.get("/tree")
@page("assets")
def tree() -> ResponseReturnValue:
    """Show the tree, open down to ``open``, or what ``q`` finds in it."""
    typed, wanted = cleaned(request.args.get("q")), request.args.get("open", "")
    if typed:
        found, more = tree_paths.find(
            typed, seen=reach_of(me(), "assets"), everything=me().sees_every_client("assets")
        )
        return htmx.render(
            "assets/tree.html", partial="assets/_tree.html", q=typed, hits=found, more=more, here=""
        )
    steps = path_to(read_spot(wanted)) if wanted else []
    if wanted and not steps:
        abort(404)
    spots = [step.spot for step in steps]
    return htmx.render(
        "assets/tree.html",
        partial="assets/_tree.html",
        q="",
        branch=nodes.grow(me(), [TOP, *spots]),
        here=wanted,
    )


@bp.get("/tree/children")
@page("assets")
def tree_children() -> ResponseReturnValue:
    """Return what lies directly in ``node``, as the tree draws it; in each, if it names several."""
    if len(request.args.getlist("node")) > 1:
        return _branches(request.args.getlist("node"))
    node = request.args.get("node", "")
    parent = read_spot(node) if node else TOP
    if parent != TOP and not _in_sight(parent):
        abort(404)
    if not htmx.wants_partial():  # without the script, "more…" at least leads back to the tree
        return redirect(url_for("assets.tree", open=node or None), code=303)
    branch = nodes.grow(me(), [parent], level=_level(), after=_after(parent))
    return render_template("assets/_tree_branch.html", branch=branch)


def _branches(asked: Sequence[str]) -> ResponseReturnValue:
    spots = list(dict.fromkeys(read_spot(one) for one in asked))
    if len(spots) > TOGETHER:
        _damaged()
    if not htmx.wants_partial():
        return redirect(url_for("assets.tree", open=asked[0]), code=303)
    found = nodes.grow_each(me(), _those_in_sight(spots), level=_level())
    return render_template("assets/_tree_branches.html", branches=found)


def _those_in_sight(spots: Sequence[Spot]) -> list[Spot]:
    """Leave out what the person does not see; of any number with four statements."""
    known = tree_paths.paths(spots)
    places = [spot.id for spot in spots if spot.kind == "location"]
    seen = reach_of(me(), "assets")
    named = choices.labels("location", places, seen=seen) if places else {}
    return [
        spot
        for spot in spots
        if spot in known and (spot.kind != "location" or str(spot.id) in named)
    ]


@bp.get("/tree/<kind>/<id:node_id>/summary")
@page("assets")
def tree_summary(kind: str, node_id: int) -> ResponseReturnValue:
    """Say how many assets lie in a place, for its own page."""
    spot = Spot(kind=kind, id=node_id)
    if kind not in KINDS or spot.kind == "asset" or not _in_sight(spot):
        abort(404)
    found = nodes.counted(nodes.counts_of(me(), [spot]).get(spot, {}))
    counts = [one for one in found if one.key == "assets"]  # others have cards of their own
    return render_template("assets/tree_summary.html", spot=spot, counts=counts)


def read_spot(text: str) -> Spot:
    """Read a node as addresses write it.

    Raises:
        UnknownFilter: if it is none.
    """
    kind, _colon, number = text.partition(":")
    known = number_of(number)
    if kind not in KINDS or known is None:
        raise UnknownFilter
    return Spot(kind=kind, id=known)


def path_to(spot: Spot) -> list[tree_paths.Step]:
    """Return the way to a node that the person sees; nothing of any other."""
    if spot.kind == "location" and not _in_sight(spot):
        return []
    return tree_paths.paths([spot]).get(spot, [])


def _in_sight(spot: Spot) -> bool:
    if spot.kind == "asset":
        return bool(tree_paths.paths([spot]))
    return choices.label_of(spot.kind, spot.id, seen=reach_of(me(), "assets")) is not None


def _level() -> int:
    level = number_of(request.args.get("level", "1"))
    return max(1, min(level, MAX_LEVEL)) if level is not None else _damaged()


def _after(parent: Spot) -> Edge | None:
    text = request.args.get("after", "")
    if not text:
        return None
    kind, number, name = (*text.split(":", 2), "", "")[:3]
    if kind not in INSIDE[parent.kind] or number_of(number) is None or not name.isprintable():
        _damaged()
    return Edge(kind=kind, id=int(number), name=name)


def _damaged() -> NoReturn:
    raise BadRequest(_("This link to a page is damaged. Start again from the first page."))


def _summary_url(kind: str, number: int) -> str:
    return url_for("assets.tree_summary", kind=kind, node_id=number)


RELATED.append(Related(page="assets", title=_("Assets"), url=_summary_url))
