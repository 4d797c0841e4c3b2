"""Tasks for the tests, and how to defer them; `python -m tests.jobs.tasks` is a worker that knows them."""

import time
from typing import Any

from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.unit_of_work import unit_of_work
from webapp.jobs import queue
from webapp.jobs.queue import Progress
from webapp.organisation.models import Client, Location


@queue.task("test.locations")
def make_locations(progress: Progress, *, name: str, count: int = 1, pause: float = 0.0) -> None:
    """Make locations one after the other; the log is written out on the way."""
    for number in range(count):
        db.session.add(Location(name=f"{name} {number}"))
        trail.write_out()
        progress.tell(number + 1, count)
        time.sleep(pause)


@queue.task("test.refuse")
def refuse(progress: Progress, *, name: str) -> None:
    db.session.add(Location(name=name))
    db.session.flush()
    progress.tell(1, 2)
    raise DomainError("The file is not what it seems.")


@queue.task("test.crash", attempts=2)
def crash(progress: Progress, *, name: str) -> None:
    db.session.add(Location(name=name))
    db.session.flush()
    raise RuntimeError("a bug, of which nobody should read")


@queue.task("test.count")
def count_clients(progress: Progress) -> None:
    """Tell how many clients the one sees who caused it."""
    progress.tell(db.session.query(Client).count(), 100)
    raise DomainError(f"as {progress.actor.name if progress.actor else 'the system'}")


def defer(what: queue.Task, **values: Any) -> int:
    """In the unit of work that is open."""
    return queue.defer(what, **({"title": "A job"} | values))


def defer_now(what: queue.Task, **values: Any) -> int:
    """In one of its own; needs an app context."""
    with unit_of_work("test"):
        return defer(what, **values)


if __name__ == "__main__":
    from webapp import create_app
    from webapp.jobs import worker

    app = create_app()
    with app.app_context():
        worker.work(app, app.extensions["steward"], concurrency=2)
