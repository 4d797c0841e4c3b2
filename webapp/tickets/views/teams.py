"""Teams: the list, a team's page, its members."""

from functools import partial
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.audit.timeline import timeline_of
from webapp.core import htmx, pickers
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import number_of
from webapp.organisation.tree import reach_of
from webapp.tickets.desk_forms import MemberForm, TeamForm
from webapp.tickets.models import Team, TeamMember
from webapp.tickets.queries import teams as queries
from webapp.tickets.services import teams as services
from webapp.tickets.views import settings
from webapp.tickets.views.common import bp, me
from webapp.tickets.views.settings import PERMISSION, may_configure


def get_team(team_id: int) -> Team:
    """Return a team, or end the request."""
    return queries.get_team(team_id) or abort(404)


def team_url(team_id: int) -> str:
    """Return the address of a team's page."""
    return url_for("tickets.show_team", team_id=team_id)


def crumbs(*more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    """Breadcrumbs from the desk by the list of teams to ``more``."""
    return [
        (gettext("Support desk"), url_for("tickets.desk")),
        (gettext("Teams"), url_for("tickets.teams")),
        *more,
    ]


@bp.get("/desk/teams")
@page("tickets.desk")
def teams() -> ResponseReturnValue:
    """List the teams."""
    deleted = request.args.get("deleted", "")
    if deleted not in ("", "1"):
        raise UnknownFilter
    q = cleaned(request.args.get("q"))
    counted = me().opens("tickets")
    reach = reach_of(me(), "tickets") if counted else None
    return htmx.render(
        "tickets/teams.html",
        partial="tickets/_teams.html",
        rows=queries.list_teams(reach=reach, q=q, deleted=deleted == "1"),
        counted=counted,
        q=q,
        deleted=deleted,
        may_edit=may_configure(),
    )


@bp.get("/desk/teams/<id:team_id>")
@page("tickets.desk")
def show_team(team_id: int) -> ResponseReturnValue:
    """Show a team: members, rota, what it has to do, its history."""
    return show(get_team(team_id))


def show(team: Team, problem: str | None = None, form: MemberForm | None = None) -> str:
    """Draw the page of a team."""
    counted = me().opens("tickets")
    rows = queries.list_teams(
        reach=reach_of(me(), "tickets") if counted else None,
        team_id=team.id,
        deleted=team.deleted_at is not None,
    )
    form = form or MemberForm(formdata=None)
    form.user_id.offer(
        url_for("tickets.pick_member", team=team.id),
        present=queries.name_of(number_of(form.user_id.data)),
    )
    return render_template(
        "tickets/team.html",
        record=team,
        load=rows[0] if rows and counted else None,
        members=queries.members_of(team.id),
        rota=queries.rota_of(team.id),
        form=form,
        crumbs=crumbs((team.name, None)),
        problem=problem,
        may_edit=may_configure(),
        history=timeline_of("team", team.id),
    )


# --- the form ---------------------------------------------------------------------


def _draw(form: TeamForm, *, record: Team | None = None, **context: Any) -> str:
    if record is None:
        title, back, here = gettext("New team"), url_for("tickets.teams"), []
    else:
        title, back = gettext("Edit %(name)s", name=record.name), team_url(record.id)
        here = [(record.name, back)]
    last = (gettext("Edit") if record else title, None)
    return settings.draw_form(form, title=title, back=back, crumbs=crumbs(*here, last), **context)


@bp.get("/desk/teams/new")
@page("tickets.desk")
@permission(PERMISSION)
def new_team() -> ResponseReturnValue:
    """Ask for a new team."""
    return _draw(TeamForm(formdata=None))


@bp.post("/desk/teams/new")
@page("tickets.desk")
@permission(PERMISSION)
def create_team() -> ResponseReturnValue:
    """Add a team."""
    return settings.answer(
        TeamForm(),
        draw=_draw,
        work=lambda command: services.create(me(), command),
        there=lambda team: team_url(team.id),
        said=gettext("The team was added."),
    )


@bp.get("/desk/teams/<id:team_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def edit_team(team_id: int) -> ResponseReturnValue:
    """Ask what to change about a team."""
    team = get_team(team_id)
    return _draw(TeamForm(formdata=None, obj=team), record=team, version=team.version)


@bp.post("/desk/teams/<id:team_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def save_team(team_id: int) -> ResponseReturnValue:
    """Change a team."""
    team, form, seen = get_team(team_id), TeamForm(), settings.version()

    def compare(current: Team) -> dict[str, Any]:
        rows = [
            (gettext("Name"), form.command.name, current.name),
            (gettext("What it looks after"), form.command.description, current.description),
        ]
        return settings.conflict("team", current, rows)

    def draw(form: TeamForm, **context: Any) -> str:
        return _draw(form, record=team, **({"version": seen} | context))

    return settings.answer(
        form,
        draw=draw,
        work=lambda command: services.save(me(), team, command, version=seen),
        compare=compare,
        there=lambda _: team_url(team_id),
        said=gettext("The team was saved."),
    )


@bp.post("/desk/teams/<id:team_id>/delete")
@page("tickets.desk")
@permission(PERMISSION)
def delete_team(team_id: int) -> ResponseReturnValue:
    """Hide a team that has no open tickets."""
    team = get_team(team_id)
    return settings.settle(
        lambda: services.delete(me(), team, version=settings.version()),
        url=team_url(team_id),
        show=partial(show, team),
        said=gettext("The team was deleted."),
    )


@bp.post("/desk/teams/<id:team_id>/restore")
@page("tickets.desk")
@permission(PERMISSION)
def restore_team(team_id: int) -> ResponseReturnValue:
    """Bring a deleted team back."""
    team = get_team(team_id)
    return settings.settle(
        lambda: services.restore(me(), team),
        url=team_url(team_id),
        show=partial(show, team),
        said=gettext("The team was restored."),
    )


# --- members ----------------------------------------------------------------------


@bp.get("/desk/pickers/members")
@page("tickets.desk")
@permission(PERMISSION)
def pick_member() -> ResponseReturnValue:
    """Find people who may open tickets and are not in the team yet."""
    team_id = number_of(request.args.get("team"))
    if team_id is None:
        raise UnknownFilter
    return pickers.answer(queries.people_like(pickers.typed(), outside=team_id))


@bp.post("/desk/teams/<id:team_id>/members")
@page("tickets.desk")
@permission(PERMISSION)
def add_member(team_id: int) -> ResponseReturnValue:
    """Take a person into a team."""
    team, form = get_team(team_id), MemberForm()
    if not form.validate():
        return show(team, form=form), 422
    try:
        services.add_member(me(), team, form.command)
    except DomainError as error:
        form.refuse(error)
        return show(team, form=form), 422
    flash(gettext("The person is in the team now."), "success")
    return htmx.redirect_to(team_url(team_id))


@bp.post("/desk/teams/<id:team_id>/members/<id:user_id>/lead")
@page("tickets.desk")
@permission(PERMISSION)
def lead_team(team_id: int, user_id: int) -> ResponseReturnValue:
    """Have a member lead the team, or with ``lead=0`` not any more."""
    team, member = _member(team_id, user_id)
    lead = request.form.get("lead") != "0"
    said = gettext("Leads the team now.") if lead else gettext("Leads the team no more.")
    return settings.settle(
        lambda: services.set_lead(me(), team, member, lead=lead),
        url=team_url(team_id),
        show=partial(show, team),
        said=said,
    )


@bp.post("/desk/teams/<id:team_id>/members/<id:user_id>/remove")
@page("tickets.desk")
@permission(PERMISSION)
def remove_member(team_id: int, user_id: int) -> ResponseReturnValue:
    """Take a person out of a team, and off its rota."""
    team, member = _member(team_id, user_id)
    count = services.remove_member(me(), team, member)
    said = gettext("The person is no more in the team.")
    if count:
        said += " " + str(
            ngettext(
                "%(num)s shift was taken out of the rota.",
                "%(num)s shifts were taken out of the rota.",
                count,
            )
        )
    flash(said, "success")
    return htmx.redirect_to(team_url(team_id))


def _member(team_id: int, user_id: int) -> tuple[Team, TeamMember]:
    return get_team(team_id), queries.get_member(team_id, user_id) or abort(404)
