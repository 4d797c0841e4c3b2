"""Reads of changes to many tickets."""

from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.audit.many import ManyLog
from webapp.core.bulk import MAX_QUERY
from webapp.core.db import db
from webapp.core.search import UnknownFilter
from webapp.organisation.models import Client
from webapp.tickets.models import Team, Ticket, Transition, TransitionRole, Watcher
from webapp.tickets.queries import queue
from webapp.users.models import User

# What the log says beside a row for each ticket; what was only said cannot be undone.
CHANGED, UNDONE, SAID = "ticket.bulk_changed", "ticket.bulk_undone", "ticket.bulk_said"
LOG = ManyLog(kind="ticket", model=Ticket, changed=CHANGED, undone=UNDONE)
EVERYTHING = "?"  # the list that nothing narrows
NAMES = frozenset(
    (
        *("q", "view", "status", "priority", "kind", "team", "assignee", "requester", "place"),
        *("asset", "tag", "due", "created_from", "created_to", "files", "watching", "all"),
        *("sort", "cols", "limit"),
    )
)


def get_tickets(ids: Iterable[int], *, lock: bool) -> list[Ticket]:
    """Find tickets by their ids, in the order of their ids, so that two changes do not wait for each other.

    With ``lock``, as they stand now.
    """
    statement = select(Ticket).where(Ticket.id.in_(list(ids))).order_by(Ticket.id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return list(db.session.scalars(statement))


def versions_of(ids: Sequence[int]) -> list[Any]:
    """Return the versions of tickets: rows (id, version, last_message_at)."""
    statement = select(Ticket.id, Ticket.version, Ticket.last_message_at)
    return list(db.session.execute(statement.where(Ticket.id.in_(ids))))


def matching_ids(matching: str, who: SignedIn, *, limit: int) -> list[int]:
    """Return the ids of the tickets that match a filter as the list sends it, the first by time left.

    Raises:
        UnknownFilter: if it is none that the list makes; else this would change more than was asked.
    """
    asked = parse_qsl(matching.removeprefix("?"), keep_blank_values=True)
    known = bool(asked) and all(name in NAMES for name, _value in asked)
    if len(matching) > MAX_QUERY or not (known or matching == EVERYTHING):
        raise UnknownFilter
    return queue.matching_ids(matching, who, limit=limit)


def locations_of(client_ids: Iterable[int]) -> dict[int, int]:
    """Return the location of each client."""
    statement = select(Client.id, Client.location_id).where(Client.id.in_(list(client_ids)))
    return {row.id: row.location_id for row in db.session.execute(statement)}


def transitions() -> dict[tuple[str, str], frozenset[int]]:
    """Return which status may follow which, with the roles of which one is needed; none: anybody makes that change."""
    statement = (
        select(Transition.from_status, Transition.to_status, TransitionRole.role_id)
        .outerjoin(TransitionRole, TransitionRole.transition_id == Transition.id)
        .where(Transition.is_allowed)
    )
    found: dict[tuple[str, str], frozenset[int]] = {}
    for row in db.session.execute(statement):
        pair = row.from_status, row.to_status
        found[pair] = found.get(pair, frozenset()) | ({row.role_id} - {None})
    return found


def watched_by(user_id: int, ticket_ids: Sequence[int]) -> set[int]:
    """Return those of the tickets that a person follows."""
    found = select(Watcher.ticket_id).where(
        Watcher.user_id == user_id, Watcher.ticket_id.in_(ticket_ids)
    )
    return set(db.session.scalars(found))


def names_of(user_ids: Iterable[Any], team_ids: Iterable[Any]) -> dict[str, dict[int, str]]:
    """Return the names of what a preview mentions, by field and id."""
    return {
        "assignee_id": _names(select(User.id, User.name), User.id, user_ids),
        "team_id": _names(select(Team.id, Team.name), Team.id, team_ids),
    }


def _names(statement: Any, number: Any, ids: Iterable[Any]) -> dict[int, str]:
    wanted = {one for one in ids if one is not None}
    rows = db.session.execute(statement.where(number.in_(wanted))) if wanted else ()
    return {row[0]: row[1] for row in rows}
