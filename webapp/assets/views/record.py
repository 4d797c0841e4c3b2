"""One asset: its page and history, change of status, archive."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_decimal, gettext

from webapp.assets import nodes
from webapp.assets.forms import ArchiveForm, StatusForm
from webapp.assets.models import Asset, Status
from webapp.assets.queries import custody as custody_queries
from webapp.assets.queries import record as queries
from webapp.assets.queries.tree import Spot
from webapp.assets.services import records
from webapp.assets.views.common import asked_client, asset_url, bp, find, link, me
from webapp.assets.words import OUT_OF_SIGHT
from webapp.attachments import queries as files
from webapp.audit.sentences import Event
from webapp.audit.timeline import Telling, timeline_of, veiled
from webapp.core.bulk import REPEATING, UNDOING
from webapp.core.errors import Denied, DomainError
from webapp.core.forms import SchemaForm
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.organisation import related
from webapp.organisation.tree import reach_of

EDIT, ARCHIVE = "assets.edit", "assets.archive"
HISTORY = 100
UNDO_FOR = timedelta(days=1)


def below(asset: Any, path: str) -> str:
    """Return the address of a page of another module below the asset's own."""
    start, _, query = link(asset).partition("?")
    return f"{start}/{path}" + (f"?{query}" if query else "")


def draw(asset: Asset, tab: str = "overview", **context: Any) -> str:
    """Draw the page of an asset. Every tab stands below the same head."""
    around = queries.surroundings_of(asset)
    values: dict[str, Any] = {
        "record": asset,
        "around": around,
        "place": around.place,
        "tab": tab,
        "link": link,
        "below": below,
        "near": asked_client() or around.client.code,  # those around it belong to the same client
        "problem": None,
        "status_form": _status_form(around),
        "archive_form": ArchiveForm(formdata=None),
        "custody": custody_queries.of_asset(
            asset.id, seen=reach_of(me(), "assets"), today=custody_queries.today_of(me())
        ),
    }
    return render_template(
        f"assets/show_{tab}.html", **(values | _TABS[tab](asset, around) | context)
    )


def _status_form(around: queries.Surroundings, form: StatusForm | None = None) -> StatusForm:
    form = form or StatusForm(formdata=None)
    form.offer(state for state in Status if state in around.next_states)
    return form


def _overview(asset: Asset, around: queries.Surroundings) -> dict[str, Any]:
    inside, count = queries.inside(asset)
    return {
        "crumbs": _crumbs(asset, around),
        "inside": inside,
        "inside_count": count,
        "photo": files.photo_of(asset.id),
        "values": attribute_values(around.kind.attributes, asset.attributes),
        "cost": None if asset.cost is None else format_decimal(asset.cost, "#,##0.00"),
        "last": next(iter(timeline_of("asset", asset.id, limit=1, named=False)), None),
        "related": related.cards("asset", asset.id),
    }


def _crumbs(asset: Asset, around: queries.Surroundings) -> list[tuple[str, str]]:
    """Return the way from the top down to the asset: names and addresses."""
    places = [("location", row.id, row.name) for row in queries.path_of(around)]
    places.append(("client", around.client.id, around.client.name))
    if around.project:
        places.append(("project", around.project.id, around.project.name))
    urls, near = nodes.Urls(me()), asked_client() or around.client.code
    return [
        *((name, urls.page(Spot(kind=kind, id=key), "")) for kind, key, name in places),
        *((f"{row.tag} {row.name}", asset_url(row, client=near)) for row in queries.above(asset)),
    ]


def attribute_values(rules: list[dict[str, Any]], values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the attributes of an asset in the order of its type, ready to be shown."""
    return [rule | {"value": _shown(rule["kind"], values.get(rule["key"]))} for rule in rules]


def _shown(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "yesno":
        return gettext("Yes") if value else gettext("No")
    if kind == "number":
        return format_decimal(value, "#,##0.#########")
    if kind == "date":
        return _day(value)
    return value


def _day(value: str) -> date | str:
    try:
        return date.fromisoformat(value)
    except ValueError:
        return value


def _inside(asset: Asset, _around: Any) -> dict[str, Any]:
    return {"page": queries.list_inside(asset, request.args)}


def _history(asset: Asset, around: queries.Surroundings) -> dict[str, Any]:
    return {
        "history": timeline_of(
            "asset",
            asset.id,
            limit=HISTORY,
            also=queries.related(asset),
            told=_without(custody_queries.hidden_places(asset.id, seen=reach_of(me(), "assets"))),
            telling=Telling(
                unseen=str(OUT_OF_SIGHT),
                titles={rule["key"]: rule["label"] for rule in around.kind.attributes},
                undo=_last_changes(asset),
            ),
        ),
        "most": HISTORY,
    }


def _last_changes(asset: Asset) -> Callable[[Any], str | None]:
    """Return what finds where a change can be undone; it is asked for the newest row of the log first.

    A change that another request changed again, be it by undoing, is not offered any more.
    """
    last: dict[str, str | None] = {}

    def undo(row: Any) -> str | None:
        if (row.object_type, row.object_id, row.outcome) != ("asset", asset.id, "ok"):
            return None
        fields = [name for name, pair in row.changes.items() if isinstance(pair, list)]
        for name in fields:
            last.setdefault(name, row.request_id)
        newest = all(last[name] == row.request_id for name in fields)
        return _undo_of(row) if newest else None

    return undo


def _undo_of(row: Any) -> str | None:
    """Where the reader can undo this change, if it was one of theirs of many assets and not long ago."""
    many = (
        row.path == url_for("assets.apply_bulk")
        or (str(row.via).startswith("job:") and row.page == "assets")
        or row.reason == REPEATING
    )
    recent = datetime.now(UTC) - row.recorded_at < UNDO_FOR
    mine = row.actor_id == me().id and row.action == "asset.updated"
    if not (many and recent and mine) or row.reason == UNDOING:
        return None
    return url_for("assets.ask_undo", request_id=row.request_id)


def _without(names: set[str]) -> Callable[[Event], Event]:
    """The log keeps the names of all places; a reader who does not see one is not told."""

    def told(event: Event) -> Event:
        holder = event.changes.get("holder")
        if not isinstance(holder, list) or names.isdisjoint(map(str, holder)):
            return event
        said = [str(OUT_OF_SIGHT) if name in names else name for name in holder]
        return veiled(event, holder=said)

    return told


_TABS: dict[str, Callable[[Asset, queries.Surroundings], dict[str, Any]]] = {
    "overview": _overview,
    "custody": lambda _asset, _around: {},
    "files": lambda _asset, _around: {},  # views/files.py gives them
    "inside": _inside,
    "history": _history,
}


@bp.get("/<tag>")
@page("assets")
def show(tag: str) -> ResponseReturnValue:
    """Show an asset."""
    return draw(find(tag), "custody" if request.args.get("tab") == "custody" else "overview")


@bp.get("/<tag>/inside")
@page("assets")
def inside(tag: str) -> ResponseReturnValue:
    """List all that lies inside an asset."""
    return draw(find(tag), "inside")


@bp.get("/<tag>/history")
@page("assets")
def history(tag: str) -> ResponseReturnValue:
    """Show what happened to an asset, to those who had it and to its files."""
    return draw(find(tag), "history")


@bp.get("/by-id/<id:asset_id>")
@page("assets")
def by_id(asset_id: int) -> ResponseReturnValue:
    """Lead to the page of an asset, for links that know only its number."""
    row = queries.tag_of(asset_id) or abort(404)
    return redirect(asset_url(row, client=row.code), code=303)


@bp.post("/<tag>/status")
@page("assets")
@permission(EDIT, scoped=True)
def change_status(tag: str) -> ResponseReturnValue:
    """Take an asset to another status."""
    asset = find(tag)
    records.require_on(me(), EDIT, asset)
    around = queries.surroundings_of(asset)
    form = _status_form(around, StatusForm())
    return _act(
        asset,
        form,
        work=lambda: records.change_status(
            me(), asset, form.command.status, reason=form.command.reason
        ),
        show={"status_form": form},
        said=gettext("The status was changed."),
    )


@bp.post("/<tag>/archive")
@page("assets")
@permission(ARCHIVE, scoped=True)
def archive(tag: str) -> ResponseReturnValue:
    """Take an asset out of sight."""
    asset = find(tag)
    records.require_on(me(), ARCHIVE, asset)
    form = ArchiveForm()
    return _act(
        asset,
        form,
        work=lambda: records.archive(me(), asset, reason=form.command.reason),
        show={"archive_form": form},
        said=gettext("The asset was archived."),
    )


@bp.post("/<tag>/restore")
@page("assets")
@permission(ARCHIVE, scoped=True)
def restore(tag: str) -> ResponseReturnValue:
    """Bring an archived asset back."""
    asset = find(tag)
    try:
        records.restore(me(), asset)
    except Denied:
        raise
    except DomainError as error:
        return draw(asset, problem=str(error)), 409
    flash(gettext("The asset was restored."), "success")
    return redirect_to(link(asset))


def _act(
    asset: Asset,
    form: SchemaForm[Any],
    *,
    work: Callable[[], None],
    show: dict[str, Any],
    said: str,
) -> ResponseReturnValue:
    """Do what a small form in the head asks for; a refusal is said there, and above the page."""
    if not form.validate():
        return draw(asset, **show), 422
    try:
        work()
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return draw(asset, problem=str(error), **show), 409
    flash(said, "success")
    return redirect_to(link(asset))
