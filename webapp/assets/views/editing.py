"""Adding and changing an asset: the form follows the type that is chosen."""

from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.assets import forms
from webapp.assets.models import Asset, Status
from webapp.assets.queries import record as queries
from webapp.assets.schemas import attributes_of
from webapp.assets.services import records
from webapp.assets.views.common import asset_url, bp, find, link, link_anew, me
from webapp.assets.views.record import EDIT
from webapp.audit.timeline import timeline_of
from webapp.core.errors import Denied, DomainError, StaleVersion
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.core.typed import number_of

PLAIN = ("name", "manufacturer", "model", "purchased_on", "cost", "warranty_until", "notes")


def _number(text: Any) -> int | None:
    """Read an id from a form or an address; what is none is left to the schema."""
    return number_of(text) or None


# --- building the form ------------------------------------------------------------


def _blank(base: type[forms.Form], data: dict[str, Any]) -> forms.Form:
    """A form to fill in, for the type in ``data``."""
    kinds = queries.types_by_id([_number(data.get("type_id"))])
    kind = next(iter(kinds.values()), None)
    made = forms.asset_form(base, list(kind.attributes) if kind else [])
    form = made(formdata=None, data=data | {"type_was": data.get("type_id")})
    _name(form, kind)
    return form


def _sent(base: type[forms.Form]) -> forms.Form:
    """The form that was sent, with the fields of its type; those of a type that was just left are dropped."""
    plain = base()
    now, was = _number(plain.type_id.data), _number(plain.type_was.data)
    kinds = queries.types_by_id([now, was])
    rules = list(kinds[now].attributes) if now in kinds else []
    left = [rule["key"] for rule in kinds[was].attributes] if was in kinds else []
    form = forms.asset_form(base, rules, left=left)()
    _name(form, kinds.get(now or 0))
    return form


def _name(form: Any, kind: Any) -> None:
    """Resolve what the search boxes hold, and give it its name; an asset inside another is where that one is."""
    parent = queries.find_parent(_number(form.parent_id.data) or 0)
    home = queries.find_home(str(form.place.data or ""))
    if not form.place.data and parent is not None:
        form.place.data = queries.place_value(parent.client_id, parent.project_id)
        home = queries.find_home(form.place.data)
    form.home = (home.client_id, home.project_id) if home else (None, None)
    form.type_id.offer(url_for("assets.pick_type"), present=kind.name if kind else None)
    form.place.offer(url_for("assets.pick_home"), present=home.label if home else None)
    form.parent_id.offer(
        url_for("assets.pick_asset"),
        present=f"{parent.tag} {parent.name}" if parent else None,
        fixed=[("", gettext("Nothing: it stands by itself"))],
    )


def _draw(form: Any, asset: Asset | None = None, **context: Any) -> str:
    form.type_was.data = form.type_id.data
    name = f"{asset.tag} {asset.name}" if asset else gettext("New asset")
    crumbs: list[tuple[str, str | None]] = [(gettext("Assets"), url_for("assets.index"))]
    if asset is not None:
        crumbs += [(asset.tag, link(asset)), (gettext("Edit"), None)]
    else:
        crumbs += [(name, None)]
    values = {
        "form": form,
        "record": asset,
        "title": gettext("Edit %(name)s", name=name) if asset else name,
        "crumbs": crumbs,
        "action": link(asset, "assets.save") if asset else url_for("assets.create"),
        "back": link(asset) if asset else url_for("assets.index"),
        "version": asset.version if asset else None,
        "conflict": None,
        "copied": None,
    }
    return render_template("assets/form.html", **(values | context))


@bp.get("/new/attributes")
@page("assets")
@permission(EDIT, scoped=True)
def attribute_fields() -> ResponseReturnValue:
    """Draw the fields of a type's attributes; what was typed into fields of the same name stays."""
    kind = queries.types_by_id([_number(request.args.get("type_id"))])
    rules = [rule for row in kind.values() for rule in row.attributes]
    form = forms.asset_form(forms.AssetForm, rules)(formdata=None, data=request.args.to_dict())
    form.type_was.data = request.args.get("type_id", "")
    return render_template("assets/_attributes.html", form=form)


# --- adding -------------------------------------------------------------------------


@bp.get("/new")
@page("assets")
@permission(EDIT, scoped=True)
def new() -> ResponseReturnValue:
    """Ask for a new asset, perhaps one like another (``?from=TAG``) or in a place (``?place=client:4``)."""
    source = request.args.get("from")
    if source:
        asset = find(source)
        return _draw(_blank(forms.NewAssetForm, _copy(asset)), copied=asset)
    given = {
        "type_id": request.args.get("type", ""),
        "place": request.args.get("place", ""),
        "parent_id": request.args.get("parent", ""),
    }
    return _draw(_blank(forms.NewAssetForm, given))


def _copy(asset: Asset) -> dict[str, Any]:
    kind = queries.types_by_id([asset.type_id])[asset.type_id]
    shared = {rule["key"] for rule in kind.attributes if not rule["unique"]}
    shared_values = {key: value for key, value in asset.attributes.items() if key in shared}
    status = asset.status if asset.status in (Status.PLANNED, Status.IN_STOCK) else Status.IN_STOCK
    data = _data(asset) | {"tag": "", "serial": "", "status": status.value}
    own = [name for name in data if name.startswith("attribute-")]
    return {k: v for k, v in data.items() if k not in own} | forms.as_typed(shared_values)


def _data(asset: Asset) -> dict[str, Any]:
    """Return an asset as its form holds it."""
    plain = {name: getattr(asset, name) for name in (*PLAIN, "tag", "serial", "parent_id")}
    place = queries.place_value(asset.client_id, asset.project_id)
    return (
        plain | {"type_id": str(asset.type_id), "place": place} | forms.as_typed(asset.attributes)
    )


@bp.post("/new")
@page("assets")
@permission(EDIT, scoped=True)
def create() -> ResponseReturnValue:
    """Add an asset."""
    form = _sent(forms.NewAssetForm)
    if not form.validate():
        return _draw(form), 422
    try:
        asset = records.create(me(), form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _draw(form), 422
    flash(gettext("%(tag)s was added.", tag=asset.tag), "success")
    if form.then.data == "another":
        return redirect_to(_another(asset))
    return redirect_to(asset_url(asset))


def _another(asset: Asset) -> str:
    return url_for(
        "assets.new",
        type=asset.type_id,
        place=queries.place_value(asset.client_id, asset.project_id),
        parent=asset.parent_id,
    )


# --- changing -----------------------------------------------------------------------


@bp.get("/<tag>/edit")
@page("assets")
@permission(EDIT, scoped=True)
def edit(tag: str) -> ResponseReturnValue:
    """Ask what to change about an asset."""
    asset = find(tag)
    records.require_on(me(), EDIT, asset)
    return _draw(_blank(forms.AssetForm, _data(asset)), asset)


@bp.post("/<tag>/edit")
@page("assets")
@permission(EDIT, scoped=True)
def save(tag: str) -> ResponseReturnValue:
    """Change an asset."""
    asset = find(tag)
    records.require_on(me(), EDIT, asset)
    form = _sent(forms.AssetForm)
    seen = request.form.get("version", default=-1, type=int)
    if not form.validate():
        return _draw(form, asset, version=seen), 422
    try:
        saved = records.save(me(), asset, form.command, version=seen)
    except Denied:
        raise
    except StaleVersion as stale:
        both = _compare(stale.current, form)
        return _draw(form, asset, version=stale.current.version, conflict=both), 409
    except DomainError as error:
        form.refuse(error)
        return _draw(form, asset, version=seen), 422
    flash(gettext("The asset was saved."), "success")
    return redirect_to(link_anew(saved))


def _compare(current: Asset, form: Any) -> dict[str, Any]:
    """Both versions side by side, field by field, with the names of what they point at."""
    last = next(iter(timeline_of("asset", current.id, limit=1)), None)
    mine, theirs = _comparable(form.command), _comparable(current)
    rows = [
        (gettext(_label(form, name)), mine.get(name) or "", theirs.get(name) or "")
        for name in {**theirs, **mine}
        if (mine.get(name) or "") != (theirs.get(name) or "")
    ]
    return {
        "who": (last and last.who) or gettext("Somebody else"),
        "when": last.at if last else current.updated_at,
        "rows": rows,
    }


def _label(form: Any, name: str) -> str:
    field = form._fields.get(name)
    return str(field.label.text) if field else name.removeprefix("attribute-")


def _comparable(record: Any) -> dict[str, str]:
    """What can differ, as text, by the names of the fields."""
    kind = queries.types_by_id([record.type_id]).get(record.type_id)
    parent = queries.find_parent(record.parent_id) if record.parent_id else None
    home = queries.find_home(queries.place_value(record.client_id, record.project_id))
    plain = {name: str(getattr(record, name) or "") for name in (*PLAIN, "tag", "serial")}
    named = {
        "type_id": kind.name if kind else "",
        "place": home.label if home else "",
        "parent_id": f"{parent.tag} {parent.name}" if parent else "",
    }
    rules = kind.attributes if kind else []
    stored, _wrong = attributes_of(rules, dict(record.attributes))
    return plain | named | forms.as_typed(stored)
