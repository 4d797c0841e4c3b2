"""Labels with QR and bar codes."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.assets import labels
from webapp.assets.label_forms import SheetForm, chosen_ids
from webapp.assets.queries import labels as queries
from webapp.assets.queries import register
from webapp.assets.views.common import bp, find, me
from webapp.core import bulk, trail
from webapp.core.guards import page
from webapp.core.threads import aside


@bp.get("/<tag>/label.pdf")
@page("assets")
def label(tag: str) -> ResponseReturnValue:
    """Print the label of one asset."""
    asset = find(tag)
    layout = labels.LAYOUTS.get(request.args.get("layout", labels.SINGLE)) or abort(404)
    start = request.args.get("start", default=1, type=int)
    if not 1 <= start <= layout.each:
        abort(404)
    rows = queries.for_labels([asset.id])
    return _pdf(rows, layout, start=start, name=f"label-{asset.tag}.pdf")


@bp.get("/labels", endpoint="labels")
@page("assets")
def ask_labels() -> ResponseReturnValue:
    """Ask what to print the labels of the chosen assets on."""
    asked = {
        "ids": chosen_ids(request.args.getlist("ids")),
        "matching": request.args.get("matching") or None,
    }
    return _ask(SheetForm(formdata=None, data=asked))


@bp.post("/labels")
@page("assets")
def print_labels() -> ResponseReturnValue:
    """Print them. Changes nothing; a POST, because two thousand ids fit into no address."""
    form = SheetForm()
    if not form.validate():
        return _ask(form), 422
    sheet = form.command
    rows, _more = _chosen(sheet.ids, sheet.matching)
    if not rows:
        return _ask(form), 422
    trail.note(
        "asset.labelled",
        category="export",
        object_type="asset",
        changes={"rows": len(rows), "layout": sheet.layout},
    )
    return _pdf(rows, labels.LAYOUTS[sheet.layout], start=sheet.start, name="labels.pdf")


def _ask(form: SheetForm) -> str:
    known = [number for number in form.ids.data or [] if 0 < number < 2**63][: labels.MOST]
    rows, more = _chosen(known, form.matching.data or None)
    return render_template(
        "assets/labels.html",
        form=form,
        rows=rows,
        more=more,
        named=bulk.NAMED,
        most=labels.MOST,
        matching=form.matching.data or None,
    )


def _chosen(ids: Sequence[int], matching: str | None) -> tuple[Sequence[Any], bool]:
    """Return the assets of a selection or, where given, of a filter; and whether more match than one print takes."""
    if matching is None:
        return queries.for_labels(ids), False
    filters = register.filters_from(bulk.args_of(matching))
    found = register.matching_ids(filters, me(), limit=labels.MOST + 1)
    return queries.for_labels(found[: labels.MOST]), len(found) > labels.MOST


def _pdf(rows: Sequence[Any], layout: labels.Layout, *, start: int, name: str) -> Response:
    shared = queries.shared_tags([row.tag_key for row in rows])
    made = [
        labels.Label(
            tag=row.tag,
            name=row.name,
            client=row.client or "",
            url=_address(row, row.code if row.tag_key in shared else None),
        )
        for row in rows
    ]
    title = _("Labels")

    def drawn() -> Iterator[bytes]:
        # Asked for once the transaction has ended: two thousand take longer than one may stand idle.
        yield aside(labels.draw, made, layout, start=start, title=title)

    response = Response(drawn(), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "inline", filename=name)
    return response


def _address(row: Any, client: str | None) -> str:
    """Return the whole address of a record, for who scans it with a phone."""
    path = url_for("assets.show", tag=row.tag, client=client)
    base = current_app.extensions["steward"].base_url
    root = urlsplit(base or request.host_url)
    return f"{root.scheme}://{root.netloc}{path}"
