"""How a ticket hangs together with others: the part of its page that shows it, and what finds others."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from webapp.core import pickers
from webapp.core.guards import page
from webapp.core.typed import number_of
from webapp.organisation import tree
from webapp.organisation.tree import Place
from webapp.tickets.models import LinkKind, Status, Ticket
from webapp.tickets.queries import common
from webapp.tickets.queries import relations as queries
from webapp.tickets.queries.merging import DAYS
from webapp.tickets.relation_forms import LinkForm
from webapp.tickets.services.linking import PERMISSION
from webapp.tickets.views.common import bp, find, me
from webapp.tickets.words import LINK, LINK_BACK, STATUS

CLOSED = (Status.CLOSED,)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tie:
    """One row of ``tickets/_links.html``; ``merge`` is where to merge the two, ``undo`` where to part them."""

    id: int
    word: str
    number: int
    subject: str
    status: Status
    at: datetime
    further: int | None
    merge: str | None = None
    undo: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Relations:
    """What ``tickets/_links.html`` and the banner of a merged ticket show."""

    number: int
    subject: str
    links: Sequence[Tie]
    came: Sequence[Tie]
    into: Tie | None
    form: LinkForm | None  # while somebody adds a link
    may: bool


def context(ticket: Ticket, place: Place | None = None) -> dict[str, Any]:
    """Return what ``tickets/_links.html`` and ``tickets/_merged.html`` need: one statement, two without ``place``."""
    return {"relations": part_of(ticket, place)}


def part_of(ticket: Ticket, place: Place | None = None, form: LinkForm | None = None) -> Relations:
    """Return how a ticket hangs together with others; ``form`` is one to be filled in, or that was refused."""
    may = me().can(PERMISSION, on=place or tree.place_of(ticket.client_id, ticket.project_id))
    rows = queries.of_ticket(ticket.id)
    into = next((_merged(ticket, row) for row in rows if row.part == "went"), None)
    return Relations(
        number=ticket.number,
        subject=ticket.subject,
        links=[_link(ticket, row, may=may) for row in rows if row.part == "link"],
        came=[_merged(ticket, row) for row in rows if row.part == "came"],
        into=into,
        form=_offered(ticket, form) if form is not None else None,
        may=may,
    )


def _offered(ticket: Ticket, form: LinkForm) -> LinkForm:
    for field in form:  # a ticket's page has other forms, too
        field.id = f"link-{field.name}"
    form.offer(
        url_for("tickets.pick_other", number=ticket.number), present=name_of(form.other.data)
    )
    return form


def name_of(typed: Any) -> str | None:
    """Return what a picker calls the ticket that was chosen."""
    number = number_of(typed)
    found = common.get_by_number(number) if number is not None else None
    return f"#{found.number} {found.subject}" if found else None


def _plain(row: queries.Related) -> dict[str, Any]:
    names = ("id", "number", "subject", "status", "at", "further")
    return {name: getattr(row, name) for name in names}


def _link(ticket: Ticket, row: queries.Related, *, may: bool) -> Tie:
    assert row.kind is not None  # noqa: S101 # nosec B101 - for the type checker
    kind = LinkKind(row.kind)
    return Tie(
        **_plain(row),
        word=str((LINK_BACK if row.back else LINK)[kind]),
        merge=_merge_url(ticket, row) if may and kind == LinkKind.DUPLICATE else None,
    )


def _merge_url(ticket: Ticket, row: queries.Related) -> str | None:
    """Where the duplicate becomes part of what it duplicates, if both still stand."""
    if row.further or ticket.merged_into_id:
        return None
    source, target = (row.number, ticket.number) if row.back else (ticket.number, row.number)
    if (ticket.status if row.back else row.status) in CLOSED:
        return None
    return url_for("tickets.ask_merge", number=source, into=target)


def _merged(ticket: Ticket, row: queries.Related) -> Tie:
    source = row.number if row.back else ticket.number
    young = row.at + timedelta(days=DAYS) > datetime.now(UTC)
    return Tie(
        **(_plain(row) | ({"further": None} if row.back else {})),  # where that went is here
        word="",
        undo=url_for("tickets.ask_unmerge", number=source) if young else None,
    )


@bp.get("/<id:number>/others")
@page("tickets")
def pick_other(number: int) -> ResponseReturnValue:
    """Find other tickets by number or words; with ``merge=1`` those that this one may be merged into."""
    ticket = find(number)
    found = queries.find_others(
        ticket,
        pickers.typed(),
        me(),
        to_merge=request.args.get("merge") == "1",
        limit=pickers.LIMIT + 1,
    )
    return pickers.answer(
        [
            pickers.Option(
                value=str(row.number),
                label=f"#{row.number} {row.subject}",
                hint=str(STATUS[row.status]),
            )
            for row in found
        ]
    )
