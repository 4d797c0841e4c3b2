"""What nobody needs any more goes by itself, once an hour, and the log says how much of what."""

from collections.abc import Callable

from sqlalchemy import text

from webapp.core import trail
from webapp.core.db import db
from webapp.jobs import queue

KEEP_JOBS = 30  # days
KEEP_SIGN_INS = 90

_OLD_JOBS = """
DELETE FROM procrastinate_jobs j WHERE status NOT IN ('todo', 'doing') AND
  (SELECT max(e.at) FROM procrastinate_events e WHERE e.job_id = j.id) < now() - make_interval(days => {days})
  AND {reported} EXISTS (SELECT FROM job_reports r WHERE r.job_id = j.id)
"""
STATEMENTS = {
    "jobs": _OLD_JOBS.format(days=KEEP_JOBS, reported=""),
    "reports": "DELETE FROM job_reports r WHERE NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE j.id = r.job_id)",
    "sign_in_attempts": "DELETE FROM sign_in_attempts WHERE at < now() - make_interval(days => :days)",
    "sessions": "DELETE FROM user_sessions WHERE least(expires_at, revoked_at) < now() - make_interval(days => :days)",
    "links": "DELETE FROM user_tokens WHERE least(expires_at, used_at) < now() - make_interval(days => :days)",
}
# Every run of ours is a job, too, which nobody looks at.
_OWN_JOBS = _OLD_JOBS.format(days=1, reported="NOT")


# What other domains forget, each under a name for the log; they return how much.
ALSO: dict[str, Callable[[], int]] = {}


@queue.periodic("jobs.purge", cron="7 * * * *", minutes=5)
def hourly() -> None:
    """Remove what is old, once an hour."""
    remove()


def remove() -> dict[str, int]:
    """Remove what is old in this transaction; return how much of what."""
    db.session.execute(text(_OWN_JOBS))
    counts = {}
    for name, statement in STATEMENTS.items():
        values = {"days": KEEP_SIGN_INS} if ":days" in statement else {}
        counts[name] = db.session.execute(text(statement), values).rowcount  # type: ignore[attr-defined]
    counts |= {name: forget() for name, forget in ALSO.items()}
    if removed := {name: count for name, count in counts.items() if count}:
        trail.note("system.purged", category="system", changes=removed)
    return counts
