"""Locations."""

from functools import partial
from typing import Any

from flask import abort, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core import guards
from webapp.core.errors import Denied
from webapp.core.guards import page, permission
from webapp.core.language import _
from webapp.organisation import choices, queries, services, tree
from webapp.organisation.forms import LocationForm
from webapp.organisation.models import Location
from webapp.organisation.tree import Place, Reach
from webapp.organisation.views import common
from webapp.organisation.views.common import DELETE, EDIT, bp, my_reach


def _get(location_id: int, reach: Reach) -> Location:
    return queries.find_location(location_id, reach) or abort(404)


def _url(location_id: int) -> str:
    return url_for("organisation.show_location", location_id=location_id)


def _destination(parent_id: int | None) -> Place | None:
    """Where a location would lie; the top is everywhere."""
    return Place(location_id=parent_id) if parent_id else None


def _draw(form: LocationForm, record: Location | None = None, **context: Any) -> str:
    within = common.may_edit()
    top = within.everywhere or (record is not None and record.parent_id is None)
    if record is None and not common.may_add("location"):
        raise Denied(_("Your permission reaches no location."), key=EDIT)
    form.parent_id.offer(
        url_for("organisation.pick_home", moved=record.id if record else None),
        present=common.name_of("location", form.parent_id.data),
        fixed=[("", gettext("At the top"))] if top else (),
    )
    name = record.name if record else gettext("New location")
    return common.draw_form(
        form,
        title=gettext("Edit %(name)s", name=name) if record else name,
        crumbs=common.crumbs(
            tree.path_to(record.id if record else None), (gettext("Edit") if record else name, None)
        ),
        action=url_for("organisation.save_location", location_id=record.id)
        if record
        else url_for("organisation.create_location"),
        back=_url(record.id) if record else url_for("organisation.index"),
        **({"version": record.version if record else None} | context),
    )


@bp.get("/locations/new")
@page("organisation")
@permission(EDIT, scoped=True)
def new_location() -> ResponseReturnValue:
    """Ask for a new location."""
    parent = common.asked("parent") or common.first_home()
    return _draw(LocationForm(formdata=None, data={"parent_id": parent}))


@bp.post("/locations/new")
@page("organisation")
@permission(EDIT, scoped=True)
def create_location() -> ResponseReturnValue:
    """Add a location."""

    def work(command: Any) -> Location:
        guards.require(EDIT, on=_destination(command.parent_id))
        return services.create_location(command)

    return common.answer(
        LocationForm(),
        draw=_draw,
        work=work,
        there=lambda record: _url(record.id),
        said=gettext("The location was added."),
    )


@bp.get("/locations/<id:location_id>")
@page("organisation")
def show_location(location_id: int) -> ResponseReturnValue:
    """Show a location, what lies in it, and its history."""
    return _show(location_id)


def _show(location_id: int, problem: str | None = None) -> str:
    reach = my_reach()
    record = _get(location_id, reach)
    path = tree.path_to(location_id)
    clients = queries.clients_in(location_id)
    return render_template(
        "organisation/location.html",
        record=record,
        place=Place(location_id=location_id),
        problem=problem,
        crumbs=common.crumbs(path[:-1], (record.name, None)),
        parent=path[-2] if len(path) > 1 else None,
        inside=queries.sub_locations(location_id, reach),
        clients=clients[: queries.CHILDREN],
        more=len(clients) > queries.CHILDREN,
        history=timeline_of("location", location_id),
    )


@bp.get("/locations/<id:location_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def edit_location(location_id: int) -> ResponseReturnValue:
    """Ask what to change about a location."""
    record = _get(location_id, my_reach())
    guards.require(EDIT, on=Place(location_id=location_id))
    return _draw(LocationForm(formdata=None, obj=record), record)


@bp.post("/locations/<id:location_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def save_location(location_id: int) -> ResponseReturnValue:
    """Change a location, or move it."""
    record = _get(location_id, my_reach())
    guards.require(EDIT, on=Place(location_id=location_id))
    form = LocationForm()
    before = record.parent_id

    def work(command: Any) -> Location:
        if command.parent_id != before:
            guards.require(EDIT, on=_destination(command.parent_id))
        return services.save(Location, location_id, command, version=common.version())

    def draw(form: LocationForm, current: Location | None = None, **context: Any) -> str:
        seen = current.version if current else common.version()
        return _draw(form, current or record, version=seen, **context)

    def compare(current: Location) -> dict[str, Any]:
        both = (form.command.parent_id, current.parent_id)
        names = choices.labels("location", both, seen=my_reach())
        return common.conflict("location", current, form, {"parent_id": names})

    return common.answer(
        form,
        draw=draw,
        work=work,
        compare=compare,
        there=lambda _: _url(location_id),
        said=gettext("The location was saved."),
    )


@bp.post("/locations/<id:location_id>/delete")
@page("organisation")
@permission(DELETE, scoped=True)
def delete_location(location_id: int) -> ResponseReturnValue:
    """Delete a location that nothing lies in."""
    _get(location_id, my_reach())
    guards.require(DELETE, on=Place(location_id=location_id))
    return common.settle(
        lambda: services.delete(Location, location_id, version=common.version()),
        url=_url(location_id),
        show=partial(_show, location_id),
        said=gettext("The location was deleted."),
    )


@bp.post("/locations/<id:location_id>/restore")
@page("organisation")
@permission(DELETE, scoped=True)
def restore_location(location_id: int) -> ResponseReturnValue:
    """Bring a deleted location back."""
    _get(location_id, my_reach())
    guards.require(DELETE, on=Place(location_id=location_id))
    return common.settle(
        lambda: services.restore(Location, location_id),
        url=_url(location_id),
        show=partial(_show, location_id),
        said=gettext("The location was restored."),
    )
