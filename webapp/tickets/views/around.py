"""Tickets on other pages: cards of places and assets, a tab of a person, a figure in the tree."""

from typing import Any

from flask import abort, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from webapp.assets.queries.custody import today_of
from webapp.assets.queries.tree import COUNTERS, Counter
from webapp.core import trail
from webapp.core.guards import page
from webapp.core.language import _, ngettext
from webapp.core.paging import count_text
from webapp.organisation.related import RELATED, Related
from webapp.organisation.tree import Place, reach_of
from webapp.tickets import panels as _panels  # noqa: F401 - registers the tab
from webapp.tickets import sentences as _sentences  # noqa: F401 - teaches the log
from webapp.tickets.queries import around as queries
from webapp.tickets.rota import zone_of
from webapp.tickets.views.common import bp, me
from webapp.users.queries import get_user

CREATE = "tickets.create"
KINDS = frozenset({"location", "client", "project", "asset"})


@bp.get("/about/<kind>/<id:key>")
@page("tickets")
def about(kind: str, key: int) -> ResponseReturnValue:
    """Show the first tickets of a place or an asset, within the card on its own page."""
    if kind not in KINDS:
        abort(404)
    new_url = None
    query: dict[str, Any]
    if kind == "asset":
        found, query = queries.of_asset(key), {"asset": key, "all": 1}
        row = queries.asset_named(key)
        if row is not None and me().can(
            CREATE,
            on=Place(
                location_id=row.location_id, client_id=row.client_id, project_id=row.project_id
            ),
        ):
            new_url = url_for("tickets.new", asset=row.tag, client=row.code)
    else:
        found, query = queries.of_place(kind, key), {"place": f"{kind}:{key}"}
    return render_template(
        "tickets/_about.html",
        found=found,
        kind=kind,
        all_url=url_for("tickets.index", **query),
        new_url=new_url,
    )


@bp.get("/people/<id:user_id>")
@page("tickets")
def worked_by(user_id: int) -> ResponseReturnValue:
    """Show what a person works on, on their page; who may not open that gets the list."""
    who = me()
    if not who.opens("users"):
        return redirect(url_for("tickets.index", assignee=user_id))
    user = get_user(user_id) or abort(404)
    trail.note(
        "user.viewed",
        category="read",
        object_type="user",
        object_id=user.id,
        object_label=user.name,
    )
    reach = reach_of(who, "tickets")
    return render_template(
        "tickets/worked_by.html",
        user=user,
        tab="tickets",
        rows=queries.held_by(user.id, reach=reach, most=50),
        count=queries.held_counts([user.id], reach=reach).get(user.id, 0),
        teams=queries.teams_of(user.id),
    )


@bp.get("/flow")
@page("tickets")
def flow() -> ResponseReturnValue:
    """Show how many tickets came and went on the last days, within the card of the first page."""
    who = me()
    days = queries.flow(today_of(who), zone_of(who.timezone).key)
    return render_template(
        "tickets/_flow.html",
        days=days,
        top=max(1, *(max(one.opened, one.resolved) for one in days)),
        opened=sum(one.opened for one in days),
        resolved=sum(one.resolved for one in days),
    )


def _url(kind: str, key: int) -> str:
    return url_for("tickets.about", kind=kind, key=key)


RELATED.append(
    Related(
        page="tickets",
        title=_("Tickets"),
        url=_url,
        kinds=KINDS,
    )
)
COUNTERS.append(
    Counter(
        key="tickets",
        words=lambda n: ngettext("%(n)s open ticket", "%(n)s open tickets", n, n=count_text(n)),
        table="tickets",
        where="is_open",
        scoped="steward_count_tickets",
        page="tickets",
        icon="ticket",
    )
)
