"""Changes of jobs by people: to have one tried again, and to take one out of the queue."""

from typing import Any

from sqlalchemy import text

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.jobs.queue import QUEUE

_RETRY = text(
    "UPDATE procrastinate_jobs SET status = 'todo', attempts = 0, scheduled_at = NULL, worker_id = NULL,"
    " args = args - '_failures' WHERE id = :id AND status IN ('failed', 'aborted') RETURNING id"
)
_CANCEL = text("SELECT procrastinate_cancel_job_v1(:id, false, false)")
# The queue tells workers of new jobs only.
_WAKE = text(
    "SELECT pg_notify(:channel, json_build_object('type', 'job_inserted', 'job_id', CAST(:id AS bigint))::text)"
)


def retry(job: Any) -> None:
    """Put a failed job into the queue again, as if for the first time.

    Raises:
        DomainError: if it has not failed.
    """
    if db.session.scalar(_RETRY, {"id": job.job_id}) is None:
        raise DomainError(_("Only a job that has failed can be tried again."))
    db.session.execute(
        text("UPDATE job_reports SET error = '', done = 0, updated_at = now() WHERE job_id = :id"),
        {"id": job.job_id},
    )
    db.session.execute(_WAKE, {"id": job.job_id, "channel": f"procrastinate_queue_v1#{QUEUE}"})
    _tell("job.retried", job)


def cancel(job: Any) -> None:
    """Take a job out of the queue that has not begun.

    Raises:
        DomainError: if it runs or has ended.
    """
    if db.session.scalar(_CANCEL, {"id": job.job_id}) is None:
        raise DomainError(_("This job has begun; only one that waits can be cancelled."))
    _tell("job.cancelled", job)


def _tell(action: str, job: Any) -> None:
    trail.note(
        action,
        category="system",
        object_type="job",
        object_id=job.job_id,
        object_label=job.title,
    )
