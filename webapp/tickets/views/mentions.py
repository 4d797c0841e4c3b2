"""Whom a message can mention."""

from flask import jsonify, request
from flask.typing import ResponseReturnValue

from webapp.core import pickers
from webapp.core.guards import page, permission
from webapp.core.typed import number_in
from webapp.tickets import mentioning
from webapp.tickets.queries import mentions as queries
from webapp.tickets.queries import people, records
from webapp.tickets.views.common import bp, find

SHOWN = 8


@bp.get("/<id:number>/mentions")
@page("tickets")
def find_mentions(number: int) -> ResponseReturnValue:
    """Offer people who can see the ticket, as JSON: ``{"options": [{"label", "hint", "text"}]}``."""
    return _offered(find(number))


@bp.get("/new/mentions")
@page("tickets")
@permission("tickets.create", scoped=True)
def find_mentions_for_new() -> ResponseReturnValue:
    """The same for a ticket that is being written, at ``?client=4&project=5``."""
    client_id = number_in(request.args.get("client", ""))
    if client_id is None or records.find_client(client_id) is None:
        return jsonify(options=[])
    project_id = number_in(request.args.get("project", ""))
    known = project_id if records.project_name(project_id, client_id) is not None else None
    return _offered(people.Spot(client_id, known))


def _offered(place: people.Lying) -> ResponseReturnValue:
    rows = queries.who_see(place, q=pickers.typed(), limit=SHOWN)
    return jsonify(
        options=[
            {"label": row.name, "hint": row.email, "text": mentioning.written(row.id, row.name)}
            for row in rows
        ]
    )
