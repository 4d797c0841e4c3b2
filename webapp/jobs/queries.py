"""Reads about jobs: the report that people read, beside what the queue knows of it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    select,
    table,
)

from webapp.core import paging
from webapp.core.db import db
from webapp.core.language import N_
from webapp.core.search import UnknownFilter
from webapp.jobs.models import JobReport

STATES = {
    "waiting": N_("Waiting"),
    "running": N_("Running"),
    "later": N_("To be tried again"),
    "done": N_("Done"),
    "failed": N_("Failed"),
    "cancelled": N_("Cancelled"),
}
OPEN = frozenset({"waiting", "running", "later"})

# The queue's own tables, of which we only read.
_jobs = table(
    "procrastinate_jobs",
    column("id", BigInteger),
    column("status", Text),
    column("attempts", Integer),
    column("scheduled_at", DateTime(timezone=True)),
)
_events = table(
    "procrastinate_events",
    column("job_id", BigInteger),
    column("type", Text),
    column("at", DateTime(timezone=True)),
)
_users = table("users", column("id", BigInteger), column("name", Text))


def _state() -> ColumnElement[str]:
    status = cast(_jobs.c.status, Text)
    return case(
        (JobReport.finished_at.is_not(None), "done"),
        (status == "doing", "running"),
        (and_(status == "todo", _jobs.c.scheduled_at > func.now()), "later"),
        (status == "todo", "waiting"),
        (status == "succeeded", "done"),
        (status == "cancelled", "cancelled"),
        else_="failed",
    )


def _last(*kinds: str) -> ColumnElement[Any]:
    return (
        select(func.max(_events.c.at))
        .where(_events.c.job_id == _jobs.c.id, cast(_events.c.type, Text).in_(kinds))
        .scalar_subquery()
    )


STATE = _state()
LISTING = paging.Listing(id=JobReport.job_id, sorts={"id": JobReport.job_id}, default="-id")


def _rows() -> Select[Any]:
    return (
        select(
            JobReport.job_id,
            JobReport.title,
            JobReport.url,
            JobReport.user_id,
            JobReport.done,
            JobReport.total,
            JobReport.error,
            JobReport.created_at,
            _users.c.name.label("who"),
            # The queue counts an attempt when it ends.
            (_jobs.c.attempts + case((STATE == "running", 1), else_=0)).label("attempts"),
            _jobs.c.scheduled_at,
            STATE.label("state"),
            func.now().label("now"),
            _last("started").label("started_at"),
            func.coalesce(JobReport.finished_at, _last("succeeded", "failed", "aborted")).label(
                "ended_at"
            ),
        )
        .join(_jobs, _jobs.c.id == JobReport.job_id)
        .outerjoin(_users, _users.c.id == JobReport.user_id)
    )


def list_jobs(args: Any, *, user_id: int, everybody: bool) -> paging.Page:
    """Return a page of jobs, newest first: of everybody, or one's own; by state, if one is asked for.

    Raises:
        UnknownFilter: if there is no such state.
    """
    statement = _rows()
    if not everybody or args.get("mine") == "1":
        statement = statement.where(JobReport.user_id == user_id)
    if state := args.get("state"):
        if state not in STATES:
            raise UnknownFilter
        statement = statement.where(state == STATE)
    return paging.paginate(statement, LISTING, args)


def find_job(job_id: int) -> Any:
    """Return a job as the list has it, or None."""
    return db.session.execute(_rows().where(JobReport.job_id == job_id)).one_or_none()


def reports_of(job_ids: Iterable[int]) -> dict[int, Any]:
    """Return these jobs as the list has them, by number."""
    wanted = list(job_ids)
    rows = db.session.execute(_rows().where(JobReport.job_id.in_(wanted))) if wanted else ()
    return {row.job_id: row for row in rows}


def states_of(job_ids: Iterable[int]) -> dict[int, str]:
    """Return the state of each of these jobs."""
    rows = _rows().where(JobReport.job_id.in_(list(job_ids)))
    return {row.job_id: row.state for row in db.session.execute(rows)}


def something_runs(rows: Any) -> bool:
    """Tell whether some of these jobs may still change by themselves."""
    return any(row.state in OPEN for row in rows)


def seconds_of(row: Any) -> int | None:
    """Return how long a job ran, or has been running."""
    if row.started_at is None or row.state in {"waiting", "later"}:
        return None
    until = row.now if row.state == "running" else row.ended_at or row.now
    return max(0, round(float((until - row.started_at).total_seconds())))


def percent_of(row: Any) -> int | None:
    """Return how far a job is, if it knows how far it goes."""
    if row.state == "done":
        return 100
    if not row.total:
        return None
    return min(100, int(row.done) * 100 // int(row.total))
