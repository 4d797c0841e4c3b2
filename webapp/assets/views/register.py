"""The register: the list, its exports."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from flask import request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.access import scopes
from webapp.assets.models import Status
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
    return _send(files.write_csv(_header(filters), _rows(filters)), filters, "text/csv", "csv")


@bp.get("/export.xlsx")
@page("assets")
@permission(EXPORT, scoped=True)
@limiter.limit("20 per minute")
def export_xlsx() -> ResponseReturnValue:
    """Take all that matches away as a workbook."""
    filters = queries.filters_from(request.args)
    return _send(
        workbooks.write_xlsx(_header(filters), _rows(filters)),
        filters,
        workbooks.MEDIA_TYPE,
        "xlsx",
    )


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


def _header(filters: queries.Filters) -> list[str]:
    fixed = [
        *(_("Tag"), _("Name"), _("Type"), _("Status"), _("Client"), _("Client code")),
        *(_("Project"), _("Holder"), _("Due"), _("Serial number"), _("Manufacturer")),
        *(_("Model"), _("Purchased"), _("Cost"), _("Warranty until"), _("Notes"), _("Updated")),
    ]
    return fixed + [
        f"{rule['label']} ({rule['unit']})" if rule.get("unit") else rule["label"]
        for rule in _attributes(filters)
    ]


def _rows(filters: queries.Filters) -> Iterator[list[Any]]:
    keys = [rule["key"] for rule in _attributes(filters)]
    words = {key: str(word) for key, word in STATUS.items()}
    yes, no = _("yes"), _("no")
    for row in queries.all_assets(filters, me(), reach_of(me(), EXPORT)):
        asset, names = row.asset, row.names
        values = [asset.attributes.get(key) for key in keys]
        yield [
            *(asset.tag, asset.name, names.type, words[asset.status], names.client),
            *(names.client_code, names.project, row.holder, names.due_on, asset.serial),
            *(asset.manufacturer, asset.model, asset.purchased_on, asset.cost),
            *(asset.warranty_until, asset.notes, asset.updated_at),
            *((yes if value else no) if isinstance(value, bool) else value for value in values),
        ]


def _attributes(filters: queries.Filters) -> list[dict[str, Any]]:
    """The attributes that all rows have: those of the type, where one is asked for."""
    kind = queries.type_of(filters.type_id)
    return list(kind.attributes) if kind else []
