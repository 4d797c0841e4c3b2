"""The queue: the list of tickets, its left column, its file."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import render_template, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core import bulk, files, htmx, trail
from webapp.core.guards import page, permission
from webapp.core.search import UnknownFilter
from webapp.core.security import limiter
from webapp.organisation.tree import reach_of
from webapp.saved_views import queries as saved_views
from webapp.tickets.queries import queue as queries
from webapp.tickets.views.common import bp, me
from webapp.tickets.words import KIND, PRIORITY, STATUS

EXPORT = "tickets.export"
SKEW = timedelta(seconds=2)  # what was changed while the list was read counts as new


@bp.get("")
@page("tickets")
def index() -> ResponseReturnValue:
    """List the tickets that match."""
    filters = queries.filters_from(request.args)
    columns = queries.columns_from(request.args)
    found = queries.list_tickets(filters, _tidy(columns), me())
    return htmx.render(
        "tickets/index.html",
        partial="tickets/_table.html",
        page=found,
        filters=filters,
        default_sort=queries.listing_of(filters).default,
        columns=columns,
        choosable=queries.COLUMNS,
        chips=() if htmx.wants_partial() else list(_chips(filters)),
        view=_view(filters),
        views=_ready_made(),
        words=words(),
        drawn_at=(datetime.now(UTC) - SKEW).isoformat(timespec="seconds"),
    )


def words() -> dict[str, dict[Any, str]]:
    """What the states, priorities and kinds are called, by the field that has them."""
    said: dict[str, dict[Any, Any]] = {"status": STATUS, "priority": PRIORITY, "kind": KIND}
    return {field: {key: str(word) for key, word in of.items()} for field, of in said.items()}


def _tidy(columns: tuple[str, ...]) -> MultiDict[str, str]:
    """The query string with its columns in one word, none if they are those that show anyway."""
    args = MultiDict(request.args)
    args.poplist("cols")
    if columns != queries.DEFAULT_COLUMNS:
        args["cols"] = ",".join(("number", *columns))
    return args


def _view(filters: queries.Filters) -> str:
    """The ready-made view that shows, perhaps narrowed; without any it is the one of all open tickets."""
    return filters.view or ("" if filters.narrowed else "open")


def _ready_made() -> list[tuple[str, str, str, str]]:
    """The ready-made views: key, title, picture, query string."""
    told = {
        "mine": (_("My tickets"), "user-check"),
        "unassigned": (_("Unassigned in my teams"), "inbox"),
        "risk": (_("SLA at risk"), "alert-triangle"),
        "recent": (_("Recently updated"), "history"),
        "open": (_("All open"), "list"),
    }
    return [(key, *told[key], "" if key == "open" else f"?view={key}") for key in queries.VIEWS]


def _chips(filters: queries.Filters) -> Iterable[tuple[str, str, str, str]]:
    """The values that were picked for a filter: its name in the address, its title, the value, what that is called."""
    names = queries.names_of(filters, me())

    def named(kind: str, key: int) -> str:
        return names.get((kind, key), f"#{key}")

    for value in filters.assignees:
        fixed = {"me": _("Me"), "none": _("Nobody")}
        shown = fixed.get(value) or named("user", int(value))
        yield "assignee", _("Assignee"), value, shown
    for value in filters.teams:
        yield (
            "team",
            _("Team"),
            value,
            named("team", int(value)) if value != "none" else _("No team"),
        )
    for key in filters.requesters:
        yield "requester", _("Requester"), queries.key_text(key), named(*key)
    for key in filters.places:
        yield "place", _("Place"), queries.key_text(key), named(*key)
    for number in filters.assets:
        yield "asset", _("Asset"), str(number), named("asset", number)
    for value in filters.tags:
        yield "tag", _("Tag"), value, value


@bp.get("/views")
@page("tickets")
def views() -> ResponseReturnValue:
    """Draw the left column: the views, ready-made and saved, with how many tickets they hold."""
    here = _here()
    filters = queries.filters_from(here)
    saved = saved_views.views_of(me(), "tickets")
    ready_made, kept = queries.view_counts(saved, me())
    query = saved_views.tidy(request.args.get("here", "")[:2000])
    return render_template(
        "tickets/_views.html",
        views=_ready_made(),
        view="" if any(query and one.query == query for one in saved) else _view(filters),
        saved=saved,
        query=query,
        counts=ready_made,
        kept=kept,
    )


def _here() -> Any:
    """The filters of the list beside the left column; an address that makes no sense is the plain list."""
    args = bulk.args_of(request.args.get("here", ""))
    try:
        queries.filters_from(args)
    except UnknownFilter:
        return MultiDict()
    return args


@bp.get("/export.csv")
@page("tickets")
@permission(EXPORT, scoped=True)
@limiter.limit("20 per minute")
def export_csv() -> ResponseReturnValue:
    """Take all that matches away as a CSV file."""
    filters = queries.filters_from(request.args)
    done = files.write_csv(_header(), _lines(filters))
    trail.note(
        "ticket.exported",
        category="export",
        object_type="ticket",
        changes={
            "filter": filters.as_dict(),
            "rows": done.rows,
            "sha256": done.sha256,
            "format": "csv",
        },
    )
    return send_file(
        done.file, mimetype="text/csv", as_attachment=True, download_name="tickets.csv"
    )


def _header() -> list[str]:
    return [
        *(_("Number"), _("Subject"), _("Kind"), _("Status"), _("Priority"), _("Client")),
        *(_("Project"), _("Asset"), _("Requester"), _("Assignee"), _("Team"), _("Tags")),
        *(_("Opened"), _("Updated"), _("First reply"), _("Due"), _("Resolved")),
    ]


def _lines(filters: queries.Filters) -> Iterator[list[Any]]:
    said, zone = words(), queries.zone_of(me())
    for lot in queries.all_rows(filters, me(), reach_of(me(), EXPORT)):
        for row in lot:
            ticket, names = row.ticket, row.names
            yield [
                *(ticket.number, ticket.subject, said["kind"][ticket.kind]),
                *(said["status"][ticket.status], said["priority"][ticket.priority]),
                *(names.client, names.project, names.asset_tag, names.requester, names.assignee),
                *(names.team, " ".join(ticket.tags)),
                *(
                    _local(moment, zone)
                    for moment in (
                        *(ticket.opened_at, ticket.updated_at, ticket.responded_at),
                        *(ticket.due_at, ticket.resolved_at),
                    )
                ),
            ]


def _local(moment: Any, zone: ZoneInfo) -> Any:
    """A moment as the reader's clocks show it, to the minute."""
    if moment is None:
        return None
    return moment.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
