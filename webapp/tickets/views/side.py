"""What stands beside a ticket: who has it, its clocks, its client and asset, who asks and who follows."""

from datetime import UTC, datetime
from typing import Any

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.assets.queries.custody import today_of
from webapp.core.guards import page
from webapp.core.language import gettext
from webapp.tickets import clocks, words
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import side as queries
from webapp.tickets.queries import ticket as ticket_queries
from webapp.tickets.queries.people import watchers_of
from webapp.tickets.queries.workflow import next_statuses, roles_at
from webapp.tickets.views.common import bp, find, me


def context(ticket: Ticket, around: ticket_queries.Around) -> dict[str, Any]:
    """Return what ``tickets/_side.html`` needs, in four statements at most."""
    who = me()
    place = around.place
    edits, assigns = who.can("tickets.edit", on=place), who.can("tickets.assign", on=place)
    changeable = ticket.status != Status.CLOSED
    following = next_statuses(ticket, roles_at(who, place)) if edits else []
    watchers = watchers_of(ticket.id)
    standing = clocks.clocks_of(ticket, datetime.now(UTC))
    others = queries.others_of(ticket)
    return {
        "ticket": ticket,
        "around": around,
        "side": {
            "me": who.id,
            "edits": edits,
            "changes": edits and changeable,
            "assigns": assigns and changeable,
            "takes": (edits or assigns) and changeable and ticket.assignee_id != who.id,
            "follows": following,
            "moves": bool(following),
            "resolves": Status.RESOLVED in following,
            "reopens": not ticket.is_open and Status.OPEN in following,
            "clocks": [_shown(one) for one in (standing.response, standing.resolution) if one.due],
            "watchers": watchers,
            "watches": any(row.id == who.id for row in watchers),
            "faults": others.faults,
            "others": others.asked,
            "open_others": others.open_asked,
            "warranty_over": around.asset_warranty_until is not None
            and around.asset_warranty_until < today_of(who),
        },
        "words": words,
    }


def _shown(clock: clocks.Clock) -> dict[str, Any]:
    """Say how a clock stands; the page lets the time tick where it does."""
    labels = {"response": gettext("First response"), "resolution": gettext("Resolution")}
    left = "" if clock.seconds is None else clocks.time_left(clock.seconds)
    if clock.ended_at is not None:
        text = _ended(clock)
    elif clock.seconds is not None and clock.seconds < 0:
        text = gettext("%(time)s over", time=left)
    elif clock.stands:
        text = (
            gettext("Stands still, %(time)s left", time=left) if left else gettext("Stands still")
        )
    else:
        text = gettext("%(time)s left", time=left)
    ended = {"response": gettext("answered on"), "resolution": gettext("resolved on")}
    return {
        "label": labels[clock.what],
        "clock": clock,
        "text": text,
        "ended": ended[clock.what],
    }


def _ended(clock: clocks.Clock) -> str:
    """Say by how much a target was met or missed, by the clock on the wall."""
    spare = 0.0
    if clock.due is not None and clock.ended_at is not None:
        spare = (clock.due - clock.ended_at).total_seconds()
    time = clocks.time_left(int(spare))
    if clock.state == "met":
        return gettext("Met with %(time)s left", time=time) if spare > 0 else gettext("Met")
    return gettext("Missed by %(time)s", time=time) if spare < 0 else gettext("Missed")


@bp.get("/<id:number>/side")
@page("tickets")
def side(number: int) -> ResponseReturnValue:
    """Draw what stands beside a ticket again, after a change."""
    ticket = find(number)
    around = ticket_queries.around_of(ticket)
    return render_template("tickets/_side.html", **context(ticket, around))
