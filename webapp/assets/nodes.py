"""Nodes of the tree as pages show them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from flask import url_for

from webapp.access.identity import SignedIn
from webapp.assets.queries import tree
from webapp.assets.queries.tree import COUNTERS, Counter, Edge, Level, Spot
from webapp.assets.queries.tree_paths import Step
from webapp.core.paging import count_text
from webapp.core.urls import row_urls
from webapp.organisation.tree import Place, reach_of

RIGHTS = {
    "location": "organisation.edit",
    "client": "organisation.edit",
    "project": "organisation.edit",
    "asset": "assets.edit",
}
_PAGES = {
    "location": "organisation.show_location",
    "client": "organisation.show_client",
    "project": "organisation.show_project",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """A figure beside a node, and what it means."""

    key: str
    text: str
    words: str
    icon: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A node and, where it is open, what lies in it."""

    spot: Spot
    name: str
    hint: str
    status: str
    url: str
    register_url: str
    move_url: str
    holds: bool
    level: int
    counts: Sequence[Count]
    assets: int
    branch: "Branch | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Branch:
    """What is shown of a node's children: the nodes, where to go on, and one from further down."""

    nodes: Sequence[Node]
    more: str | None
    beyond: Node | None


class Urls:
    """The addresses of nodes, for one person."""

    def __init__(self, who: SignedIn) -> None:
        """Find out once how each kind's look."""
        self._who = who
        self._page = {"asset": row_urls("assets.show", "tag")}
        self._move = {"asset": row_urls("assets.move_asset", "asset_id")}
        self._register = url_for("assets.index")
        for kind, endpoint in _PAGES.items():
            self._move[kind] = row_urls("assets.move_place", "node_id", kind=kind)
            if who.opens("organisation"):
                self._page[kind] = row_urls(endpoint, f"{kind}_id")

    def page(self, spot: Spot, tag: str) -> str:
        """Return the page of a node; of a place, for whom the organisation is closed, the assets there."""
        if spot.kind not in self._page:
            return self.register(spot)
        return self._page[spot.kind](tag if spot.kind == "asset" else spot.id)

    def register(self, spot: Spot) -> str:
        """Return the list of the assets that lie in a place."""
        return f"{self._register}?place={spot}"

    def move(self, spot: Spot, place: Place) -> str:
        """Return where a node that lies in ``place`` is moved, if the person may."""
        if not self._who.can(RIGHTS[spot.kind], on=place):
            return ""
        return self._move[spot.kind](spot.id)


def grow(
    who: SignedIn, parents: Sequence[Spot], *, level: int = 1, after: Edge | None = None
) -> Branch:
    """Return what lies in the first of ``parents``, with the others, each in the one before it, open."""
    path = dict(pairwise(parents))
    found = tree.levels(parents, seen=reach_of(who, "assets"), after=after, path=path)
    return _branch(Urls(who), parents[0], found, _counted_in(who, found), level)


def grow_each(who: SignedIn, parents: Sequence[Spot], *, level: int) -> dict[Spot, Branch]:
    """Return what lies in each of ``parents``, which stand beside each other."""
    found = tree.levels(parents, seen=reach_of(who, "assets"))
    urls, counts = Urls(who), _counted_in(who, found)
    return {
        parent: _branch(urls, parent, {parent: found[parent]}, counts, level) for parent in parents
    }


def _counted_in(who: SignedIn, found: Mapping[Spot, Level]) -> dict[Spot, dict[str, int]]:
    rows = [row for one in found.values() for row in (*one.rows, one.beyond) if row is not None]
    return counts_of(who, {Spot(kind=row.kind, id=row.id) for row in rows})


def _branch(
    urls: Urls,
    parent: Spot,
    found: Mapping[Spot, Level],
    counts: Mapping[Spot, dict[str, int]],
    level: int,
) -> Branch:
    def node(row: Any) -> Node:
        spot = Spot(kind=row.kind, id=row.id)
        inner = _branch(urls, spot, found, counts, level + 1) if spot in found else None
        return _node(urls, row, counts.get(spot, {}), level, inner)

    here = found[parent]
    return Branch(
        nodes=[node(row) for row in here.rows],
        more=more_url(parent, here.more, level) if here.more else None,
        beyond=node(here.beyond) if here.beyond is not None else None,
    )


def _node(
    urls: Urls, row: Any, counts: Mapping[str, int], level: int, branch: Branch | None
) -> Node:
    spot = Spot(kind=row.kind, id=row.id)
    place = Place(location_id=row.location_id, client_id=row.client_id, project_id=row.project_id)
    return Node(
        spot=spot,
        name=row.sort,
        hint=row.hint,
        status=row.status,
        url=urls.page(spot, row.sort),
        register_url="" if row.kind == "asset" else urls.register(spot),
        move_url=urls.move(spot, place),
        holds=row.holds,
        level=level,
        counts=counted(counts),
        assets=counts.get("assets", 0),
        branch=branch,
    )


def counts_of(who: SignedIn, spots: Iterable[Spot]) -> dict[Spot, dict[str, int]]:
    """Return what lies in each node and below, as far as the person sees it."""
    counters = [one for one in COUNTERS if _may_be_told(who, one)]
    return tree.counts(spots, everything=who.sees_every_client("assets"), counters=counters)


def _may_be_told(who: SignedIn, counter: Counter) -> bool:
    """The database counts within the scope of the tree, so what counts there must reach as far."""
    if counter.page == "assets":
        return True
    here, there = reach_of(who, "assets"), reach_of(who, counter.page)
    return there.everywhere or (
        not here.everywhere
        and here.location_ids <= there.location_ids
        and here.client_ids <= there.client_ids
        and here.project_ids <= there.project_ids
    )


def counted(counts: Mapping[str, int]) -> list[Count]:
    """Return what there is to say of a node, by the list of counters; nothing of none."""
    return [
        Count(key=one.key, text=count_text(n), words=str(one.words(n)), icon=one.icon)
        for one in COUNTERS
        if (n := counts.get(one.key, 0))
    ]


def more_url(parent: Spot, edge: Edge, level: int) -> str:
    """Return the address of the next nodes of a level."""
    return url_for(
        "assets.tree_children",
        node=str(parent) or None,
        level=level,
        after=f"{edge.kind}:{edge.id}:{edge.name}",
    )


def crumbs(steps: Iterable[Step]) -> list[tuple[str, str | None]]:
    """Return a path as links into the tree."""
    return [(one.name, url_for("assets.tree", open=str(one.spot))) for one in steps]
