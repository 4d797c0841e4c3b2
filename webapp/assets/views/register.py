"""The register: the list, its exports."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.access import scopes
from webapp.assets.importing.mapping import EXPORTED
from webapp.assets.models import Status
from webapp.assets.queries import exporting
from webapp.assets.queries import register as queries
from webapp.assets.views.common import bp, me
from webapp.assets.words import STATUS
from webapp.core import files, htmx, trail, workbooks
from webapp.core.guards import page, permission
from webapp.core.paging import Page
from webapp.core.security import limiter
from webapp.organisation.tree import reach_of
from webapp.saved_views import queries as saved_views

EXPORT = "assets.export"


@bp.app_template_filter()
def status_word(status: str) -> str:
    """Say the status of an asset."""
    return str(STATUS[Status(status)])


@bp.get("")
@page("assets")
def index() -> ResponseReturnValue:
    """List the assets that match."""
    filters = queries.filters_from(request.args)
    columns = queries.columns_from(request.args)
    found = queries.list_assets(filters, _tidy(columns), me())
    views = saved_views.views_of(me(), "assets")
    return htmx.render(
        "assets/index.html",
        partial="assets/_table.html",
        page=found,
        filters=filters,
        columns=columns,
        choosable=queries.COLUMNS,
        statuses=[(str(key), word) for key, word in STATUS.items()],
        chosen=_chosen(filters),
        views=views,
        view=_current(views, found),
        doubles=_doubles(found),
    )


def _doubles(found: Page) -> set[str]:
    """Tags that several clients' assets carry: their addresses name the client."""
    times = Counter(row.asset.tag for row in found.rows)
    return {tag for tag, number in times.items() if number > 1}


def _tidy(columns: tuple[str, ...]) -> MultiDict[str, str]:
    """The query string with its columns in one word, none if they are those that show anyway."""
    args = MultiDict(request.args)
    args.poplist("cols")
    if columns != queries.DEFAULT_COLUMNS:
        args["cols"] = ",".join(("tag", *columns))
    return args


def _chosen(filters: queries.Filters) -> dict[str, tuple[str, str]]:
    """What the search boxes hold: the value and its name; one out of sight is just that."""
    kind = queries.type_of(filters.type_id)
    place, holder = queries.key_text(filters.place), queries.key_text(filters.holder)
    seen = reach_of(me(), "assets")
    return {
        "type": (str(filters.type_id or ""), kind.name if kind else f"#{filters.type_id}"),
        "place": (place, scopes.label_of(place, seen=seen) or place),
        "holder": (holder, _holder_name(filters, holder) or holder),
    }


def _holder_name(filters: queries.Filters, holder: str) -> str | None:
    """The name of a person, or of a place in sight."""
    if holder.startswith("location:"):
        return scopes.label_of(holder, seen=reach_of(me(), "assets"))
    return queries.holder_name(filters.holder)


def _current(views: list[Any], found: Page) -> Any:
    """The saved view that the address is, if it is one."""
    here = saved_views.tidy(found.query)
    return next((view for view in views if view.query == here), None)


@bp.get("/export.csv")
@page("assets")
@permission(EXPORT, scoped=True)
@limiter.limit("20 per minute")
def export_csv() -> ResponseReturnValue:
    """Take all that matches away as a CSV file."""
    filters = queries.filters_from(request.args)
    return _send(files.write_csv(*_table(filters)), filters, "text/csv", "csv")


@bp.get("/export.xlsx")
@page("assets")
@permission(EXPORT, scoped=True)
@limiter.limit("20 per minute")
def export_xlsx() -> ResponseReturnValue:
    """Take all that matches away as a workbook."""
    filters = queries.filters_from(request.args)
    done = workbooks.write_xlsx(*_table(filters))
    return _send(done, filters, workbooks.MEDIA_TYPE, "xlsx")


def _send(
    done: files.Export, filters: queries.Filters, media_type: str, ending: str
) -> ResponseReturnValue:
    trail.note(
        "asset.exported",
        category="export",
        object_type="asset",
        changes={
            "filter": filters.as_dict(),
            "rows": done.rows,
            "sha256": done.sha256,
            "format": ending,
        },
    )
    return send_file(
        done.file, mimetype=media_type, as_attachment=True, download_name=f"assets.{ending}"
    )


def _table(filters: queries.Filters) -> tuple[list[str], Iterator[list[Any]]]:
    """The header of an export, and its rows as they are read."""
    fixed = [
        *(_("Tag"), _("Name"), _("Type"), _("Status"), _("Client"), _("Client code")),
        *(_("Location"), _("Project"), _("Lies in"), _("Holder"), _("Due")),
        *(_("Serial number"), _("Manufacturer"), _("Model"), _("Purchased"), _("Cost")),
        *(_("Warranty until"), _("Notes"), _("Updated")),
    ]
    reach = reach_of(me(), EXPORT)
    columns = exporting.columns_of(filters, me(), reach, taken={*fixed, *EXPORTED})
    return fixed + columns.titles, _rows(exporting.lines(filters, me(), reach), columns)


def _rows(lines: Iterator[exporting.Line], columns: exporting.Columns) -> Iterator[list[Any]]:
    words, zone = {key: str(word) for key, word in STATUS.items()}, _zone()
    yes, no = _("yes"), _("no")
    for line in lines:
        row, asset, names = line.row, line.row.asset, line.row.names
        updated = asset.updated_at.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)
        yield [
            *(asset.tag, asset.name, names.type, words[asset.status], names.client),
            *(names.client_code, line.location, names.project, line.container, row.holder),
            *(names.due_on, asset.serial, asset.manufacturer, asset.model, asset.purchased_on),
            *(asset.cost, asset.warranty_until, asset.notes, updated),
            *(
                (yes if value else no) if isinstance(value, bool) else value
                for value in columns.values(row)
            ),
        ]


def _zone() -> ZoneInfo:
    try:
        return ZoneInfo(me().timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
