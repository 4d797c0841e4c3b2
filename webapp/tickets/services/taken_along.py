"""Tickets of a project that goes to another client: the database takes them along, and the log is told of each."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select

from webapp.core import trail
from webapp.core.db import db
from webapp.organisation import services as organisation
from webapp.organisation.models import Project
from webapp.tickets.models import Ticket


@contextmanager
def take_along(project: Project, client_id: int) -> Iterator[None]:
    """Note for each ticket that its client is another one now; the key of its project has changed the row."""
    before = project.client_id
    columns = (Ticket.id, Ticket.number, Ticket.subject)
    found = select(*columns).where(Ticket.project_id == project.id).order_by(Ticket.id)
    rows = db.session.execute(found).all()
    yield
    for row in rows:
        trail.note(
            "ticket.updated",
            object_type=Ticket.audit_type,
            object_id=row.id,
            object_label=f"#{row.number} {row.subject}"[:300],
            client_id=client_id,
            changes={"client_id": [before, client_id]},
        )


organisation.ON_PROJECT_MOVE.append(take_along)
