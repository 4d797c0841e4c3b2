"""Reads for the pages of service levels and business hours."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, literal, select, text

from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT, Listing, Page, paginate
from webapp.jobs.queries import find_job
from webapp.organisation.models import Client
from webapp.tickets.models import (
    BusinessHours,
    BusinessSpan,
    Holiday,
    SlaPolicy,
    SlaTarget,
    Ticket,
)

MAX_WORDS = 8
LISTING = Listing(id=SlaPolicy.id, sorts={"name": SlaPolicy.name}, default="name")
Week = tuple[tuple[tuple[int, int], ...], ...]


# --- service levels -----------------------------------------------------------------------


def list_policies(args: Any, *, q: str, deleted: bool) -> Page:
    """Return one page of the service levels in sight."""
    columns: tuple[Any, ...] = (
        *(SlaPolicy.id, SlaPolicy.name, SlaPolicy.client_id, SlaPolicy.kind, SlaPolicy.hours_id),
        Client.name.label("client"),
        BusinessHours.name.label("hours"),
    )
    statement = (
        select(*columns)
        .outerjoin(Client, Client.id == SlaPolicy.client_id)
        .join(BusinessHours, BusinessHours.id == SlaPolicy.hours_id)
        .where(SlaPolicy.deleted_at.is_not(None) if deleted else SlaPolicy.deleted_at.is_(None))
    )
    for word in q.split()[:MAX_WORDS]:
        named = (SlaPolicy.name, Client.name, BusinessHours.name)
        statement = statement.where(func.concat_ws(" ", *named).icontains(word, autoescape=True))
    return paginate(statement, LISTING, args, counted=True)


def get_policy(policy_id: int, *, lock: bool = False) -> SlaPolicy | None:
    """Find a service level in sight."""
    found: SlaPolicy | None = _get(select(SlaPolicy).where(SlaPolicy.id == policy_id), lock=lock)
    return found


def _get(statement: Select[Any], *, lock: bool) -> Any:
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(fresh if lock else statement)


def targets_of(policy_ids: Iterable[int]) -> dict[int, dict[str, SlaTarget]]:
    """Return the targets of service levels by their priority."""
    found: dict[int, dict[str, SlaTarget]] = {key: {} for key in policy_ids}
    rows = db.session.scalars(select(SlaTarget).where(SlaTarget.policy_id.in_(found)))
    for row in rows:
        found[row.policy_id][row.priority] = row
    return found


def names_in(policy: SlaPolicy) -> Any:
    """Return the names of the hours and the client of a service level."""
    client = select(Client.name).where(Client.id == policy.client_id).scalar_subquery()
    statement = select(BusinessHours.name.label("hours"), client.label("client"))
    return db.session.execute(statement.where(BusinessHours.id == policy.hours_id)).one()


def open_tickets(policy_id: int) -> int:
    """Count the open tickets that a service level counts for (capped)."""
    few = (
        select(literal(1))
        .where(Ticket.sla_policy_id == policy_id, Ticket.is_open)
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(few)) or 0


def client_named(client_id: int | None) -> Any:
    """Return id and name of a client in sight."""
    if client_id is None:
        return None
    statement = select(Client.id, Client.name).where(Client.id == client_id)
    return db.session.execute(statement).one_or_none()


_RUNNING = text(
    "SELECT max(id) FROM procrastinate_jobs WHERE task_name = 'tickets.recalculate' AND status IN ('todo', 'doing')"
)


def recalculation(job_id: int | None = None) -> Any:
    """Return the job that sets due times anew, as the list of jobs has it: this one, or one that is not done."""
    found = job_id or db.session.scalar(_RUNNING)
    job = find_job(found) if found else None
    return (
        job if job and job.url.startswith("/tickets/desk/") else None
    )  # nobody asks here for others


# --- business hours -----------------------------------------------------------------------


def list_hours(q: str = "") -> Sequence[Any]:
    """Return all calendars by name, with how many service levels use each."""
    used = (
        select(func.count())
        .where(SlaPolicy.hours_id == BusinessHours.id, SlaPolicy.deleted_at.is_(None))
        .correlate(BusinessHours)
        .scalar_subquery()
    )
    coming = (
        select(func.count())
        .where(Holiday.hours_id == BusinessHours.id, Holiday.day >= func.current_date())
        .correlate(BusinessHours)
        .scalar_subquery()
    )
    statement = select(
        BusinessHours.id,
        BusinessHours.name,
        BusinessHours.timezone,
        used.label("used"),
        coming.label("holidays"),
    ).order_by(func.lower(BusinessHours.name), BusinessHours.id)
    for word in q.split()[:MAX_WORDS]:
        statement = statement.where(BusinessHours.name.icontains(word, autoescape=True))
    return db.session.execute(statement).all()


def get_hours(hours_id: int, *, lock: bool = False) -> BusinessHours | None:
    """Find a calendar."""
    found: BusinessHours | None = _get(
        select(BusinessHours).where(BusinessHours.id == hours_id), lock=lock
    )
    return found


def weeks_of(hours_ids: Iterable[int]) -> dict[int, Week]:
    """Return the spans of calendars, from Monday on."""
    days: dict[int, list[list[tuple[int, int]]]] = {
        key: [[] for _ in range(7)] for key in hours_ids
    }
    statement = (
        select(BusinessSpan.hours_id, BusinessSpan.weekday, BusinessSpan.opens, BusinessSpan.closes)
        .where(BusinessSpan.hours_id.in_(days))
        .order_by(BusinessSpan.opens)
    )
    for row in db.session.execute(statement):
        days[row.hours_id][row.weekday].append((row.opens, row.closes))
    return {key: tuple(tuple(day) for day in week) for key, week in days.items()}


def holidays_of(hours_id: int) -> Sequence[Any]:
    """Return the holidays of a calendar: rows (id, day, name), the earliest first."""
    statement = (
        select(Holiday.id, Holiday.day, Holiday.name)
        .where(Holiday.hours_id == hours_id)
        .order_by(Holiday.day)
    )
    return db.session.execute(statement).all()


def get_holiday(hours_id: int, holiday_id: int) -> Holiday | None:
    """Find a holiday of a calendar."""
    return db.session.scalar(
        select(Holiday).where(Holiday.id == holiday_id, Holiday.hours_id == hours_id)
    )


def days_named(hours_id: int) -> dict[date, Holiday]:
    """Return the holidays of a calendar by their day."""
    rows = db.session.scalars(select(Holiday).where(Holiday.hours_id == hours_id))
    return {row.day: row for row in rows}


def policies_using(hours_id: int, *, deleted: bool = False) -> Sequence[Any]:
    """Return the service levels that count by a calendar: rows (id, name, client_id, kind)."""
    statement = select(SlaPolicy.id, SlaPolicy.name, SlaPolicy.client_id, SlaPolicy.kind).where(
        SlaPolicy.hours_id == hours_id
    )
    if not deleted:
        statement = statement.where(SlaPolicy.deleted_at.is_(None))
    return db.session.execute(statement.order_by(SlaPolicy.name, SlaPolicy.id)).all()
