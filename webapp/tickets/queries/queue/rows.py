"""Rows of the queue: light columns, then with one statement the names of what they belong to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, and_, any_, bindparam, func, select
from sqlalchemy.orm import aliased

from webapp.assets.models import Asset
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.organisation.models import Client, Project
from webapp.tickets import clocks
from webapp.tickets.models import Contact, Team, Ticket
from webapp.users.models import User

# Put together once: for each page that takes as long as to read it.
_ASSIGNEE, _REQUESTER = aliased(User), aliased(User)
_HELD = (
    select(Attachment.id)
    .where(
        Attachment.ticket_id == Ticket.id,
        Attachment.message_id.is_not(None),
        Attachment.deleted_at.is_(None),
    )
    .exists()
)
ROWS: Any = select(
    Ticket.id,
    Ticket.number,
    Ticket.subject,
    Ticket.kind,
    Ticket.priority,
    Ticket.client_id,
    Ticket.assignee_id,
    Ticket.requester_user_id,
    Ticket.tags,
    Ticket.opened_at,
    Ticket.updated_at,
    Ticket.due_at,
    Ticket.merged_into_id,
    *(getattr(Ticket, name) for name in clocks.COLUMNS),
)
NAMES = (
    select(
        Ticket.id,
        Client.name.label("client"),
        Project.name.label("project"),
        Asset.tag.label("asset_tag"),
        Asset.name.label("asset"),
        Team.name.label("team"),
        _ASSIGNEE.name.label("assignee"),
        func.coalesce(_REQUESTER.name, Contact.name).label("requester"),
        _HELD.label("files"),
    )
    .outerjoin(Client, Client.id == Ticket.client_id)
    .outerjoin(Project, Project.id == Ticket.project_id)
    .outerjoin(Asset, and_(Asset.id == Ticket.asset_id, Asset.deleted_at.is_(None)))
    .outerjoin(Team, Team.id == Ticket.team_id)
    .outerjoin(_ASSIGNEE, _ASSIGNEE.id == Ticket.assignee_id)
    .outerjoin(_REQUESTER, _REQUESTER.id == Ticket.requester_user_id)
    .outerjoin(Contact, Contact.id == Ticket.requester_contact_id)
    .where(Ticket.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
)
AT_ONCE = 500  # rows of a file that are in memory; other requests get their turn between two lots


@dataclass(slots=True)
class Row:
    """A ticket in the list, with the names of what it belongs to and the clock that runs.

    ``stale``: it does not match the filters any more. ``here``: who has it open, and whether they type.
    """

    ticket: Any
    names: Any
    clock: clocks.Clock | None
    stale: bool = False
    here: Sequence[tuple[str, bool]] = ()


def with_names(rows: Sequence[Any], *, moment: datetime | None = None) -> list[Row]:
    """Add the names, with one statement for all rows."""
    if not rows:
        return []
    now = moment or datetime.now(UTC)
    found = db.session.execute(NAMES, {"ids": [row.id for row in rows]})
    names = {row.id: row for row in found}
    return [
        Row(row, names[row.id], clocks.clocks_of(row, now).next) for row in rows if row.id in names
    ]


def lots(statement: Any) -> Iterator[list[Row]]:
    """Return all rows of a statement in lots: a cursor of the server hands over a few hundred at a time."""
    found = db.session.execute(statement.execution_options(yield_per=AT_ONCE))
    for rows in found.partitions():
        yield with_names(rows)
