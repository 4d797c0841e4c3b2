"""The rota of a team: shifts, one by one or for many weeks."""

from functools import partial
from typing import Any

from flask import abort, flash, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.assets.queries.custody import today_of
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.tickets import rota
from webapp.tickets.desk_forms import RotationForm, ShiftForm, rotation_form
from webapp.tickets.models import Team
from webapp.tickets.queries import teams as queries
from webapp.tickets.services import teams as services
from webapp.tickets.views import settings
from webapp.tickets.views.common import bp, me
from webapp.tickets.views.settings import PERMISSION
from webapp.tickets.views.teams import crumbs, get_team, team_url


def _shift_form(team: Team, **given: Any) -> ShiftForm:
    form = ShiftForm(**given)
    form.offer(queries.members_of(team.id))
    return form


def _draw_shift(team: Team, form: ShiftForm, **context: Any) -> str:
    return settings.draw_form(
        form,
        title=gettext("New shift"),
        intro=gettext(
            "By the clocks of %(zone)s, your time zone.", zone=me().timezone.replace("_", " ")
        ),
        back=team_url(team.id),
        crumbs=crumbs((team.name, team_url(team.id)), (gettext("New shift"), None)),
        **context,
    )


@bp.get("/desk/teams/<id:team_id>/shifts/new")
@page("tickets.desk")
@permission(PERMISSION)
def new_shift(team_id: int) -> ResponseReturnValue:
    """Ask who is on duty from when to when; after the last shift there is."""
    team = get_team(team_id)
    values = {}
    if ends := queries.rota_ends(team_id):
        values["starts_at"] = f"{ends.astimezone(rota.zone_of(me().timezone)):%Y-%m-%dT%H:%M}"
    return _draw_shift(team, _shift_form(team, formdata=None, data=values))


@bp.post("/desk/teams/<id:team_id>/shifts/new")
@page("tickets.desk")
@permission(PERMISSION)
def create_shift(team_id: int) -> ResponseReturnValue:
    """Put a member on duty."""
    team = get_team(team_id)
    return settings.answer(
        _shift_form(team),
        draw=partial(_draw_shift, team),
        work=lambda command: services.add_shift(me(), team, command),
        there=lambda _: _rota_url(team_id),
        said=gettext("The shift was added."),
    )


@bp.post("/desk/teams/<id:team_id>/shifts/<id:shift_id>/delete")
@page("tickets.desk")
@permission(PERMISSION)
def delete_shift(team_id: int, shift_id: int) -> ResponseReturnValue:
    """Take a shift out of the rota; one that runs ends now."""
    team = get_team(team_id)
    shift = queries.get_shift(team_id, shift_id) or abort(404)
    services.remove_shift(me(), team, shift)
    flash(gettext("The shift was taken out of the rota."), "success")
    return redirect_to(_rota_url(team_id))


def _draw_rotation(team: Team, form: RotationForm, **context: Any) -> str:
    title = gettext("Weekly rotation")
    return render_template(
        "tickets/rotation.html",
        form=form,
        title=title,
        record=team,
        back=team_url(team.id),
        crumbs=crumbs((team.name, team_url(team.id)), (title, None)),
        **context,
    )


@bp.get("/desk/teams/<id:team_id>/rotation")
@page("tickets.desk")
@permission(PERMISSION)
def new_rotation(team_id: int) -> ResponseReturnValue:
    """Ask in which order members follow each other; after the last shift there is."""
    team = get_team(team_id)
    zone = rota.zone_of(me().timezone)
    ends = queries.rota_ends(team_id)
    since = ends.astimezone(zone).date() if ends else today_of(me())
    values: dict[str, Any] = {"since": since.isoformat(), "timezone": zone.key}
    if ends:
        local = ends.astimezone(zone)
        values |= {"weekday": str(local.weekday()), "at": f"{local:%H:%M}"}
    form = rotation_form(queries.members_of(team_id))(formdata=None, data=values)
    return _draw_rotation(team, form)


@bp.post("/desk/teams/<id:team_id>/rotation")
@page("tickets.desk")
@permission(PERMISSION)
def create_rotation(team_id: int) -> ResponseReturnValue:
    """Fill the rota for many weeks."""
    team = get_team(team_id)

    def said(count: int) -> str:
        return str(ngettext("%(num)s shift was added.", "%(num)s shifts were added.", count))

    return settings.answer(
        rotation_form(queries.members_of(team_id))(),
        draw=partial(_draw_rotation, team),
        work=lambda command: services.rotate(me(), team, command),
        there=lambda _: _rota_url(team_id),
        said=said,
    )


def _rota_url(team_id: int) -> str:
    return url_for("tickets.show_team", team_id=team_id, _anchor="rota")
