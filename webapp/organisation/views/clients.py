"""Clients."""

from functools import partial
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core import guards, htmx
from webapp.core.errors import Denied
from webapp.core.guards import page, permission
from webapp.core.language import _
from webapp.organisation import choices, queries, services, tree
from webapp.organisation.forms import ClientForm
from webapp.organisation.models import Client
from webapp.organisation.tree import Place
from webapp.organisation.views import common
from webapp.organisation.views.common import DELETE, EDIT, bp, my_reach


def _get(client_id: int) -> Client:
    return queries.find_client(client_id) or abort(404)


def _place(record: Client) -> Place:
    return Place(location_id=record.location_id, client_id=record.id)


def _url(client_id: int) -> str:
    return url_for("organisation.show_client", client_id=client_id)


def _draw(form: ClientForm, record: Client | None = None, **context: Any) -> str:
    if record is None and not common.may_add("client"):
        raise Denied(_("Your permission reaches no location."), key=EDIT)
    form.location_id.offer(
        url_for("organisation.pick_home"),
        present=common.name_of("location", form.location_id.data),
    )
    name = record.name if record else gettext("New client")
    path = tree.path_to(record.location_id) if record else []
    here = [(name, _url(record.id)), (gettext("Edit"), None)] if record else [(name, None)]
    return common.draw_form(
        form,
        title=gettext("Edit %(name)s", name=name) if record else name,
        crumbs=common.crumbs(path, *here),
        action=url_for("organisation.save_client", client_id=record.id)
        if record
        else url_for("organisation.create_client"),
        back=_url(record.id) if record else url_for("organisation.clients"),
        **({"version": record.version if record else None} | context),
    )


@bp.get("/clients")
@page("organisation")
def clients() -> ResponseReturnValue:
    """List the clients within the person's scope."""
    chosen = common.filters()
    return htmx.render(
        "organisation/clients.html",
        partial="organisation/_clients.html",
        page=queries.list_clients(request.args, chosen),
        chosen=chosen,
        location=common.name_filter(chosen, "location"),
    )


@bp.get("/clients/new")
@page("organisation")
@permission(EDIT, scoped=True)
def new_client() -> ResponseReturnValue:
    """Ask for a new client."""
    return _draw(ClientForm(formdata=None, data={"location_id": common.asked("location")}))


@bp.post("/clients/new")
@page("organisation")
@permission(EDIT, scoped=True)
def create_client() -> ResponseReturnValue:
    """Add a client."""

    def work(command: Any) -> Client:
        guards.require(EDIT, on=Place(location_id=command.location_id))
        return services.create_client(command)

    return common.answer(
        ClientForm(),
        draw=_draw,
        work=work,
        there=lambda record: _url(record.id),
        said=gettext("The client was added."),
    )


@bp.get("/clients/<id:client_id>")
@page("organisation")
def show_client(client_id: int) -> ResponseReturnValue:
    """Show a client, its projects and its history."""
    return _show(client_id)


def _show(client_id: int, problem: str | None = None) -> str:
    record = _get(client_id)
    path = tree.path_to(record.location_id)
    projects = queries.projects_of(client_id)
    return render_template(
        "organisation/client.html",
        record=record,
        place=_place(record),
        problem=problem,
        crumbs=common.crumbs(path, (record.name, None)),
        home=path[-1],
        projects=projects[: queries.CHILDREN],
        more=len(projects) > queries.CHILDREN,
        span=common.span,
        history=timeline_of("client", client_id),
    )


@bp.get("/clients/<id:client_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def edit_client(client_id: int) -> ResponseReturnValue:
    """Ask what to change about a client."""
    record = _get(client_id)
    guards.require(EDIT, on=_place(record))
    return _draw(ClientForm(formdata=None, obj=record), record)


@bp.post("/clients/<id:client_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def save_client(client_id: int) -> ResponseReturnValue:
    """Change a client, or move it to another location."""
    record = _get(client_id)
    guards.require(EDIT, on=_place(record))
    form = ClientForm()
    before = record.location_id

    def work(command: Any) -> Client:
        if command.location_id != before:
            guards.require(EDIT, on=Place(location_id=command.location_id))
        return services.save(Client, client_id, command, version=common.version())

    def draw(form: ClientForm, current: Client | None = None, **context: Any) -> str:
        seen = current.version if current else common.version()
        return _draw(form, current or record, version=seen, **context)

    def compare(current: Client) -> dict[str, Any]:
        both = (form.command.location_id, current.location_id)
        names = choices.labels("location", both, seen=my_reach())
        return common.conflict("client", current, form, {"location_id": names})

    return common.answer(
        form,
        draw=draw,
        work=work,
        compare=compare,
        there=lambda _: _url(client_id),
        said=gettext("The client was saved."),
    )


@bp.post("/clients/<id:client_id>/delete")
@page("organisation")
@permission(DELETE, scoped=True)
def delete_client(client_id: int) -> ResponseReturnValue:
    """Delete a client that has no projects."""
    guards.require(DELETE, on=_place(_get(client_id)))
    return common.settle(
        lambda: services.delete(Client, client_id, version=common.version()),
        url=_url(client_id),
        show=partial(_show, client_id),
        said=gettext("The client was deleted."),
    )


@bp.post("/clients/<id:client_id>/restore")
@page("organisation")
@permission(DELETE, scoped=True)
def restore_client(client_id: int) -> ResponseReturnValue:
    """Bring a deleted client back."""
    guards.require(DELETE, on=_place(_get(client_id)))
    return common.settle(
        lambda: services.restore(Client, client_id),
        url=_url(client_id),
        show=partial(_show, client_id),
        said=gettext("The client was restored."),
    )
