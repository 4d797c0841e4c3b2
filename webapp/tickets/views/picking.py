"""What the search boxes of tickets offer."""

from typing import Any

from flask import abort, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.access import scopes
from webapp.assets.queries import choices as of_assets
from webapp.core import pickers
from webapp.core.guards import page
from webapp.core.pickers import Option
from webapp.core.typed import number_in
from webapp.organisation import choices
from webapp.organisation.tree import reach_of
from webapp.tickets.queries import common, people, records
from webapp.tickets.views.common import bp, me


@bp.get("/pickers/places")
@page("tickets")
def pick_place() -> ResponseReturnValue:
    """Find locations, clients and projects in sight."""
    return scopes.answer(seen=reach_of(me(), "tickets"))


@bp.get("/pickers/clients")
@page("tickets")
def pick_client() -> ResponseReturnValue:
    """Find clients in sight; with ``may=create`` those where the person may open tickets."""
    who = me()
    seen = reach_of(who, "tickets")
    within = reach_of(who, "tickets.create") if request.args.get("may") == "create" else None
    rows, more = choices.find_places(pickers.typed(), kinds=("client",), seen=seen, within=within)
    if within is not None and within.project_ids:
        rows += records.clients_of_projects(
            pickers.typed(), within.project_ids, besides=[row.id for row in rows]
        )
    return pickers.answer(choices.options(rows), more=more)


@bp.get("/pickers/projects")
@page("tickets")
def pick_project() -> ResponseReturnValue:
    """Find projects of the client in the address; without one, none."""
    client = number_in(request.args.get("client", ""))
    found = records.find_projects(pickers.typed(), client_id=client) if client else []
    return pickers.answer(found)


@bp.get("/pickers/assets")
@page("tickets")
def pick_asset() -> ResponseReturnValue:
    """Find assets in sight; ``client=4`` narrows them to a client's."""
    return pickers.answer(
        of_assets.find_assets(
            pickers.typed(), me(), client_id=number_in(request.args.get("client", ""))
        )
    )


@bp.get("/pickers/requesters")
@page("tickets")
def pick_requester() -> ResponseReturnValue:
    """Find contacts, of a client if ``client=4`` says so, and people with an account."""
    titles = {"contact": _("Contacts"), "user": _("People with an account")}
    found = people.find_requesters(
        pickers.typed(), client_id=number_in(request.args.get("client", "")), titles=titles
    )
    return pickers.answer(found)


@bp.get("/pickers/people")
@page("tickets")
def pick_person() -> ResponseReturnValue:
    """Find people who work on tickets: those who see ``ticket=1234``, or what lies at ``client=4&project=5``."""
    number, client = (
        number_in(request.args.get("ticket", "")),
        number_in(request.args.get("client", "")),
    )
    team = number_in(request.args.get("team", ""))
    if number is not None:
        ticket = common.get_by_number(number)
        if ticket is None:
            abort(404)
        among, team = people.who_can_see(ticket), team or ticket.team_id
    elif client is not None:
        if records.find_client(client) is None:  # who works for a client is of no concern to others
            abort(404)
        project = number_in(request.args.get("project", ""))
        known = project if records.project_name(project, client) is not None else None
        among = people.who_can_see(people.Spot(client, known))
    else:
        everything = me().sees_every_client("tickets")
        among = people.who_opens_tickets() if everything else people.who_works_in_sight()
    rows = people.find_people(pickers.typed(), among=among, team_id=team)
    return pickers.answer([_person(row) for row in rows])


def _person(row: Any) -> Option:
    group = _("In the team") if row.in_team else _("Others")
    return Option(value=str(row.id), label=row.name, hint=row.email, group=group)


@bp.get("/pickers/teams")
@page("tickets")
def pick_team() -> ResponseReturnValue:
    """Find teams that tickets can be given to."""
    wanted = pickers.typed().lower()
    rows = [row for row in people.live_teams() if wanted in row.name.lower()]
    return pickers.answer([Option(value=str(row.id), label=row.name) for row in rows])
