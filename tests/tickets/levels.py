"""Service levels for tests: each function commits what it makes."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import (
    BusinessHours,
    BusinessSpan,
    SlaPolicy,
    SlaTarget,
    Ticket,
)
from webapp.tickets.queries import sla as queries
from webapp.tickets.services import sla

NOW = datetime.now(UTC).replace(microsecond=0)
Targets = Mapping[str, tuple[int | None, int | None]]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def make_hours(*spans: tuple[int, int, int], zone: str = "UTC", name: str | None = None) -> int:
    """Hours; without spans they never close."""
    with factories.work():
        row = BusinessHours(name=name or f"Hours {next(factories._numbers)}", timezone=zone)
        db.session.add(row)
        db.session.flush()
        for weekday, opens, closes in spans:
            db.session.add(
                BusinessSpan(hours_id=row.id, weekday=weekday, opens=opens, closes=closes)
            )
        db.session.flush()
        return row.id


def make_policy(
    targets: Targets, *, hours_id: int | None = None, name: str | None = None, **values: Any
) -> SlaPolicy:
    """A policy with (response, resolution) by priority."""
    hours_id = hours_id or make_hours()
    with factories.work():
        row = SlaPolicy(
            name=name or f"Policy {next(factories._numbers)}", hours_id=hours_id, **values
        )
        db.session.add(row)
        db.session.flush()
        for priority, (response, resolution) in targets.items():
            db.session.add(
                SlaTarget(
                    policy_id=row.id, priority=priority, response=response, resolution=resolution
                )
            )
        return factories._made(row)  # type: ignore[no-any-return]


def make_clocked(opened: float = 0, **values: Any) -> Ticket:
    """A ticket that was opened so many minutes ago, with the times that its policy gives."""
    values.setdefault("opened_at", NOW - minutes(opened))
    ticket = factories.make_ticket(**values)
    with factories.work():
        row = db.session.get_one(Ticket, ticket.id)
        sla.begin(row)
        db.session.flush()
        queries.forget()
        return factories._made(row)  # type: ignore[no-any-return]
