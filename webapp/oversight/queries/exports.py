"""Reads about files that people took out of the log."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    column,
    false,
    func,
    or_,
    select,
    table,
    true,
)

from webapp.audit.models import AuditEvent
from webapp.audit.seal_models import AuditSeal
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.jobs import queries as jobs
from webapp.organisation.models import Client
from webapp.organisation.tree import Reach
from webapp.oversight.models import AuditExport

MOST_OTHERS = 100
LISTING = Listing(id=AuditExport.id, sorts={"id": AuditExport.id}, default="-id")
SHOWN: tuple[Any, ...] = (
    *(AuditExport.id, AuditExport.format, AuditExport.query, AuditExport.job_id, AuditExport.rows),
    *(AuditExport.size, AuditExport.finished_at, AuditExport.expires_at, AuditExport.created_at),
)


def list_own(args: Any, *, user_id: int) -> Page:
    """Return a page of somebody's exports, newest first; ``extra`` has their jobs by number."""
    statement: Select[Any] = select(*SHOWN).where(
        AuditExport.user_id == user_id, AuditExport.expires_at > func.now()
    )
    page = paginate(statement, LISTING, args)
    page.extra["jobs"] = jobs.reports_of(row.job_id for row in page.rows if row.job_id)
    return page


def list_others(*, user_id: int) -> list[Any]:
    """Return what others have taken out of the log and can still fetch, newest first; rows of the makers in sight."""
    maker = table("users", column("id", BigInteger), column("name", String))
    statement = (
        select(*SHOWN, maker.c.name.label("who"))
        .join(maker, maker.c.id == AuditExport.user_id)
        .where(AuditExport.user_id != user_id, AuditExport.expires_at > func.now())
        .order_by(AuditExport.id.desc())
        .limit(MOST_OTHERS)
    )
    return list(db.session.execute(statement))


def find_any(export_id: int) -> AuditExport | None:
    """Return an export in sight, whosever it is."""
    return db.session.scalar(select(AuditExport).where(AuditExport.id == export_id))


def find_own(export_id: int, *, user_id: int, lock: bool = False) -> AuditExport | None:
    """Return one of somebody's exports."""
    statement = select(AuditExport).where(
        AuditExport.id == export_id, AuditExport.user_id == user_id
    )
    return db.session.scalar(statement.with_for_update() if lock else statement)


def lost_a_role(user_id: int, *, since: datetime | None) -> bool:
    """Tell whether a role was taken from somebody since, as far as the log in sight says."""
    taken = select(AuditEvent.id).where(
        AuditEvent.object_type == "user",
        AuditEvent.object_id == user_id,
        AuditEvent.recorded_at > since,
        AuditEvent.action == "role.revoked",
    )
    return db.session.scalar(taken.limit(1)) is not None


def find_of_job(job_id: int, *, lock: bool = False) -> AuditExport | None:
    """Return the export that a job makes; None if it was deleted meanwhile."""
    statement = select(AuditExport).where(AuditExport.job_id == job_id)
    return db.session.scalar(statement.with_for_update() if lock else statement)


def count_open(user_id: int) -> int:
    """Return how many exports of somebody are in the making."""
    asked = select(AuditExport.job_id).where(
        AuditExport.user_id == user_id, AuditExport.finished_at.is_(None)
    )
    states = jobs.states_of(job for job in db.session.scalars(asked) if job)
    return sum(state in jobs.OPEN for state in states.values())


def head() -> tuple[int, str, str] | None:
    """Return the head of the chain of seals: number, hash, when; None if nothing is sealed."""
    row = db.session.execute(
        select(AuditSeal.id, AuditSeal.hash, AuditSeal.sealed_at)
        .order_by(AuditSeal.id.desc())
        .limit(1)
    ).one_or_none()
    return (row.id, row.hash.hex(), row.sealed_at.isoformat()) if row else None


def within(reach: Reach) -> ColumnElement[bool]:
    """Rows in the clients that a permission reaches, which may be less than what is in sight."""
    if reach.everywhere:
        return true()
    located = select(Client.id).where(Client.location_id.in_(reach.location_ids))
    return or_(
        AuditEvent.client_id.in_(located) if reach.location_ids else false(),
        AuditEvent.client_id.in_(reach.client_ids),
    )


def names_in_use(hashes: list[str]) -> set[str]:
    """Return which of these files some export still has."""
    found = select(AuditExport.sha256).where(AuditExport.sha256.in_(hashes))
    return {name for name in db.session.scalars(found) if name}


def expired(most: int) -> list[AuditExport]:
    """Return exports whose time is over, and hold them."""
    old = (
        select(AuditExport)
        .where(AuditExport.expires_at < func.now())
        .order_by(AuditExport.expires_at)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return list(db.session.scalars(old))
