"""Projects."""

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
from webapp.organisation.forms import ProjectForm
from webapp.organisation.models import Client, Project
from webapp.organisation.tree import Place
from webapp.organisation.views import common
from webapp.organisation.views.common import DELETE, EDIT, bp, my_reach


def _get(project_id: int) -> tuple[Project, Client]:
    return queries.find_project(project_id) or abort(404)


def _place(record: Project, client: Client) -> Place:
    return Place(location_id=client.location_id, client_id=client.id, project_id=record.id)


def _url(project_id: int) -> str:
    return url_for("organisation.show_project", project_id=project_id)


def _draw(form: ProjectForm, record: Project | None = None, **context: Any) -> str:
    if record is None and not common.may_add("project"):
        raise Denied(_("Your permission reaches no client."), key=EDIT)
    form.client_id.offer(
        url_for("organisation.pick_owner"),
        present=common.name_of("client", form.client_id.data),
    )
    name = record.name if record else gettext("New project")
    here = [(name, _url(record.id)), (gettext("Edit"), None)] if record else [(name, None)]
    return common.draw_form(
        form,
        title=gettext("Edit %(name)s", name=name) if record else name,
        crumbs=common.crumbs([], *here),
        action=url_for("organisation.save_project", project_id=record.id)
        if record
        else url_for("organisation.create_project"),
        back=_url(record.id) if record else url_for("organisation.projects"),
        **({"version": record.version if record else None} | context),
    )


@bp.get("/projects")
@page("organisation")
def projects() -> ResponseReturnValue:
    """List the projects within the person's scope."""
    chosen = common.filters()
    return htmx.render(
        "organisation/projects.html",
        partial="organisation/_projects.html",
        page=queries.list_projects(request.args, chosen),
        chosen=chosen,
        span=common.span,
        location=common.name_filter(chosen, "location"),
        client=common.name_filter(chosen, "client"),
    )


@bp.get("/projects/new")
@page("organisation")
@permission(EDIT, scoped=True)
def new_project() -> ResponseReturnValue:
    """Ask for a new project."""
    return _draw(ProjectForm(formdata=None, data={"client_id": common.asked("client")}))


@bp.post("/projects/new")
@page("organisation")
@permission(EDIT, scoped=True)
def create_project() -> ResponseReturnValue:
    """Add a project."""

    def work(command: Any) -> Project:
        guards.require(EDIT, on=queries.place_of_client(command.client_id))
        return services.create_project(command)

    return common.answer(
        ProjectForm(),
        draw=_draw,
        work=work,
        there=lambda record: _url(record.id),
        said=gettext("The project was added."),
    )


@bp.get("/projects/<id:project_id>")
@page("organisation")
def show_project(project_id: int) -> ResponseReturnValue:
    """Show a project and its history."""
    return _show(project_id)


def _show(project_id: int, problem: str | None = None) -> str:
    record, client = _get(project_id)
    path = tree.path_to(client.location_id)
    client_url = url_for("organisation.show_client", client_id=client.id)
    return render_template(
        "organisation/project.html",
        record=record,
        client=client,
        place=_place(record, client),
        problem=problem,
        crumbs=common.crumbs(path, (client.name, client_url), (record.name, None)),
        home=path[-1],
        history=timeline_of("project", project_id),
    )


@bp.get("/projects/<id:project_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def edit_project(project_id: int) -> ResponseReturnValue:
    """Ask what to change about a project."""
    record, client = _get(project_id)
    guards.require(EDIT, on=_place(record, client))
    return _draw(ProjectForm(formdata=None, obj=record), record)


@bp.post("/projects/<id:project_id>/edit")
@page("organisation")
@permission(EDIT, scoped=True)
def save_project(project_id: int) -> ResponseReturnValue:
    """Change a project, or give it to another client."""
    record, client = _get(project_id)
    guards.require(EDIT, on=_place(record, client))
    form = ProjectForm()
    before = record.client_id

    def work(command: Any) -> Project:
        if command.client_id != before:
            guards.require(EDIT, on=queries.place_of_client(command.client_id))
        return services.save(Project, project_id, command, version=common.version())

    def draw(form: ProjectForm, current: Project | None = None, **context: Any) -> str:
        seen = current.version if current else common.version()
        return _draw(form, current or record, version=seen, **context)

    def compare(current: Project) -> dict[str, Any]:
        both = (form.command.client_id, current.client_id)
        names = choices.labels("client", both, seen=my_reach())
        return common.conflict("project", current, form, {"client_id": names})

    return common.answer(
        form,
        draw=draw,
        work=work,
        compare=compare,
        there=lambda _: _url(project_id),
        said=gettext("The project was saved."),
    )


@bp.post("/projects/<id:project_id>/delete")
@page("organisation")
@permission(DELETE, scoped=True)
def delete_project(project_id: int) -> ResponseReturnValue:
    """Delete a project."""
    guards.require(DELETE, on=_place(*_get(project_id)))
    return common.settle(
        lambda: services.delete(Project, project_id, version=common.version()),
        url=_url(project_id),
        show=partial(_show, project_id),
        said=gettext("The project was deleted."),
    )


@bp.post("/projects/<id:project_id>/restore")
@page("organisation")
@permission(DELETE, scoped=True)
def restore_project(project_id: int) -> ResponseReturnValue:
    """Bring a deleted project back."""
    guards.require(DELETE, on=_place(*_get(project_id)))
    return common.settle(
        lambda: services.restore(Project, project_id),
        url=_url(project_id),
        show=partial(_show, project_id),
        said=gettext("The project was restored."),
    )
