"""What keeps the queue as it is now: single rows drawn again, and how much is new; what its search boxes offer."""

from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.access import scopes
from webapp.core import pickers
from webapp.core.guards import page
from webapp.core.paging import MAX_LIMIT
from webapp.core.search import UnknownFilter
from webapp.core.templating import when_text
from webapp.core.typed import numbers_of
from webapp.organisation.tree import reach_of
from webapp.saved_views.queries import tidy
from webapp.tickets.clocks import Clock, time_left
from webapp.tickets.queries import filtering
from webapp.tickets.queries import queue as queries
from webapp.tickets.views.common import bp, me
from webapp.tickets.views.queue import words


@bp.app_template_filter()
def seconds_left(clock: Clock, late: str) -> str:
    """Say how much time is left, or with the words of ``late`` by how much a ticket is late."""
    seconds = clock.seconds or 0
    return late.replace("%s", time_left(seconds)) if seconds < 0 else time_left(seconds)


@bp.app_template_filter()
def moment_text(moment: datetime) -> str:
    """Say a moment in the reader's zone, for a title."""
    return when_text(moment)


@bp.get("/rows")
@page("tickets")
def rows() -> ResponseReturnValue:
    """Draw some rows of the list again; what is out of sight, or the filter leaves out, says so."""
    filters = queries.filters_from(request.args)
    ids = _ids(request.args.getlist("id"))
    found = queries.rows_by_id(ids, filters, me())
    gone = sorted(set(ids) - {row.ticket.id for row in found})
    return render_template(
        "tickets/_rows.html",
        rows=found,
        gone=gone,
        columns=queries.columns_from(request.args),
        words=words(),
    )


@bp.get("/news")
@page("tickets")
def news() -> ResponseReturnValue:
    """Say how many tickets of the list are new or changed and do not show."""
    filters = queries.filters_from(request.args)
    seen = _ids(request.args.get("seen", "").split(","))
    found = queries.news(filters, request.args, me(), since=_since(), seen=seen)
    return render_template("tickets/_news.html", news=found, url=_list(here=found.here))


def _list(*, here: bool) -> str:
    """The address of the list that shows what is new: as it is sorted, or else the latest first."""
    args = MultiDict(request.args)
    for name in ("since", "seen", "after", "before"):
        args.poplist(name)
    if not here:
        args["sort"] = "-updated"
    return url_for("tickets.index") + tidy(urlencode(list(args.items(multi=True))))


def _ids(typed: list[str]) -> list[int]:
    return numbers_of(typed)[:MAX_LIMIT]


def _since() -> datetime:
    try:
        since = datetime.fromisoformat(request.args.get("since", "").replace(" ", "+"))
    except ValueError:
        raise UnknownFilter from None
    return since if since.tzinfo else since.replace(tzinfo=UTC)


@bp.get("/filters/<what>")
@page("tickets")
def pick(what: str) -> ResponseReturnValue:
    """Find what a filter of the list can be set to, in sight."""
    if what == "place":
        return scopes.answer(seen=reach_of(me(), "tickets"))
    typed = pickers.typed()
    if what == "requester":
        return pickers.answer(
            filtering.find_requesters(typed, titles={"contact": _("Contacts"), "user": _("People")})
        )
    find = {
        "assignee": filtering.find_assignees,
        "team": filtering.find_teams,
        "asset": filtering.find_assets,
        "tag": filtering.find_tags,
    }.get(what)
    if find is None:
        abort(404)
    return pickers.answer(find(typed, me()))
