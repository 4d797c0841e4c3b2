"""Whom a message can mention."""

from flask import jsonify
from flask.typing import ResponseReturnValue

from webapp.core import pickers
from webapp.core.guards import page
from webapp.tickets import mentioning
from webapp.tickets.queries import mentions as queries
from webapp.tickets.views.common import bp, find

SHOWN = 8


@bp.get("/<id:number>/mentions")
@page("tickets")
def find_mentions(number: int) -> ResponseReturnValue:
    """Offer people who can see the ticket, as JSON: ``{"options": [{"label", "hint", "text"}]}``."""
    rows = queries.who_see(find(number), q=pickers.typed(), limit=SHOWN)
    return jsonify(
        options=[
            {"label": row.name, "hint": row.email, "text": mentioning.written(row.id, row.name)}
            for row in rows
        ]
    )
