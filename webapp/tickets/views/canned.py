"""Canned replies: what the composer of a ticket offers."""

from typing import Any

from flask import abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.core.guards import page
from webapp.core.search import cleaned
from webapp.tickets import filling
from webapp.tickets.queries import canned as queries
from webapp.tickets.views.common import bp, find, me

MAX_DIGITS = 18


@bp.get("/replies")
@page("tickets")
def replies() -> ResponseReturnValue:
    """Offer replies that match ``q``, filled in for the ticket with the number ``ticket``, as JSON.

    ``{"replies": [{"id", "shortcut", "title", "whose", "text", "missing": [names]}]}``
    """
    number = request.args.get("ticket", "")
    if number and not (number.isascii() and number.isdigit() and len(number) <= MAX_DIGITS):
        abort(404)
    values: dict[str, str] | None = None
    if number:
        ticket = find(int(number))
        values = queries.values_of([ticket.id], agent=me().name)[ticket.id]
    rows = queries.find(me().id, cleaned(request.args.get("q"), at_most=100))
    return jsonify(replies=[_offer(row, values) for row in rows])


def _offer(row: Any, values: dict[str, str] | None) -> dict[str, Any]:
    filled = filling.fill(row.body, values) if values is not None else None
    return {
        "id": row.id,
        "shortcut": row.shortcut,
        "title": row.title,
        "whose": whose(row),
        "text": filled.text if filled else row.body,
        "missing": list(filled.missing) if filled else [],
    }


def whose(row: Any) -> str:
    """Say whose a reply is."""
    if row.owner_id is not None:
        return gettext("Yours")
    return row.team or gettext("Everybody's")
