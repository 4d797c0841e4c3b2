"""Jobs that wait for a time: many of them in one statement, and none where one is waiting already."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from webapp.core.db import db
from webapp.jobs.queue import QUEUE, Task

_DEFER = text("""
WITH wanted AS (
  SELECT w.* FROM jsonb_to_recordset(CAST(:jobs AS jsonb)) AS w (lock text, title text, at timestamptz, args jsonb)
   WHERE NOT EXISTS (SELECT FROM procrastinate_jobs j
     WHERE j.status = 'todo' AND j.task_name = :task AND j.lock = w.lock AND coalesce(j.scheduled_at, now()) <= w.at)
), made AS (
  SELECT title, (procrastinate_defer_jobs_v1(ARRAY[
    ROW(:queue, :task, 0, lock, NULL, args, at)::procrastinate_job_to_defer_v1]))[1] AS id FROM wanted
) INSERT INTO job_reports (job_id, title, url) SELECT id, left(title, 300), '' FROM made
""")


@dataclass(frozen=True, kw_only=True, slots=True)
class Later:
    """A job for the system: when, under which lock, and what it is called."""

    lock: str
    title: str
    at: datetime
    args: dict[str, Any] = field(default_factory=dict)


def defer_later(what: Task, jobs: Iterable[Later]) -> None:
    """Put jobs into the queue when this transaction commits, to be done at their time.

    A job is left out if one with its lock waits already and is due no later: that one will do its work.
    """
    packed = [
        {
            "lock": job.lock,
            "title": job.title,
            "at": job.at.isoformat(),
            "args": job.args | {"_user": None, "_page": ""},
        }
        for job in jobs
    ]
    if packed:
        values = {"queue": QUEUE, "task": what.name, "jobs": json.dumps(packed)}
        db.session.execute(_DEFER, values)
