"""What the log costs a request: the time of its row in the database, and the throughput that it takes.

The same requests are sent to two servers, one with the recorder and one without; while it is the turn of the other,
the database does not insist on rows of the log either. Run it with `python bench/recorder.py`.

Whoever else works on the machine takes turns with us, which the clock tells as if it were ours. So the turns are short,
the server that begins changes, the loss is the median of the pairs, and the processor time of a change (of the worker
and of its sessions in the database, not of who asks) is told as well: it is what bounds the throughput of a machine
that has nothing else to do. What it loses is the same measure without the neighbours.
"""

from __future__ import annotations

import contextlib
import http.client
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.pages import HOME, Served, headers_of, seed, served, signed_in
from bench.ticket_pages import fields_of

VISITORS, REQUESTS, WARM_UP = 6, 200, 20
ROUNDS, SECONDS = 30, 0.8
_TICKETS = """SELECT number FROM tickets t JOIN ticket_messages m ON m.ticket_id = t.id
 WHERE status = 'open' AND assignee_id > 0 GROUP BY t.id ORDER BY t.id DESC LIMIT :few"""
_INSISTING = """SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'must_audit' AND tgparentid = 0"""


class Visitor:
    """Somebody who sends one change after another, each different from the one before."""

    def __init__(self, cookie: str, csrf: str, path: str) -> None:
        self.path, self.csrf, self.turn = path, csrf, 0
        self.headers = headers_of(cookie, path, "POST")
        self.headers["Content-Type"] = "application/x-www-form-urlencoded"

    def body(self) -> str:
        """The next form."""
        self.turn += 1
        return urlencode({"csrf_token": self.csrf} | fields_of(self.path, self.turn - 1))

    def keep_asking(self, port: int, until: float, done: list[int]) -> None:
        """Send changes until the time is over; count those that were made."""
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        count = 0
        while time.perf_counter() < until:
            connection.request("POST", self.path, self.body(), self.headers)
            reply = connection.getresponse()
            reply.read()
            if reply.status >= 400:
                print(f"{self.path}: {reply.status}", file=sys.stderr)
                return
            count += 1
        connection.close()
        done.append(count)


def main() -> None:
    """Prepare, measure, print."""
    from webapp import create_app
    from webapp.core import database, security
    from webapp.core.config import load_settings

    HOME.mkdir(parents=True, exist_ok=True)
    settings = load_settings().model_copy(update={"log_level": "CRITICAL"})
    database.prepare(settings)
    security.limiter.enabled = False
    app = create_app(settings)
    seed(app)
    crowds = {"a theme": themes(app), "a ticket's status": statuses(app)}
    owner = (settings.owner_url() or "").replace("+psycopg", "")
    print(
        "| change | its row: median | 95 % | all of its database time"
        " | without the recorder | with it | loss | processor time without | with | loss |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with (
        served("bench.recorder:recording()", {}) as on,
        served("bench.recorder:without()", {}) as off,
    ):
        for name, crowd in crowds.items():
            row, late, whole = row_time(app, crowd[0])
            paces, costs = throughput(owner, off, on, crowd)
            print(
                f"| {name} | {row:.2f} ms | {late:.2f} ms | {whole:.1f} ms"
                f" | {paces[0]:.0f}/s | {paces[1]:.0f}/s | {paces[2]:.0%}"
                f" | {costs[0]:.1f} ms | {costs[1]:.1f} ms | {costs[2]:.0%} |",
                flush=True,
            )


def recording() -> Any:
    """The app as it is, but people may change more than two things a second."""
    from webapp import create_app
    from webapp.core import security

    security.limiter.enabled = False
    return create_app()


def without() -> Any:
    """The same without the recorder."""
    from webapp.audit import recorder

    recorder.listen = lambda: None
    return recording()


def themes(app: Any) -> list[Visitor]:
    """People who choose between light and dark: the smallest change there is."""
    return [
        Visitor(*signed_in(app, f"bench{number}@example.org"), "/account/theme")
        for number in range(100, 100 + VISITORS)
    ]


def statuses(app: Any) -> list[Visitor]:
    """An administrator in several windows, each with a ticket that waits and goes on."""
    from sqlalchemy import text

    from webapp.core.db import db

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE steward_all"))
        numbers = list(db.session.scalars(text(_TICKETS), {"few": VISITORS}))
        db.session.rollback()
    boss = signed_in(app, "admin@example.com")
    return [Visitor(*boss, f"/tickets/{number}/status") for number in numbers]


def row_time(app: Any, visitor: Visitor) -> tuple[float, float, float]:
    """Median and 95 % of the statement that writes the log, there and back, and the median of all of a request's."""
    from sqlalchemy import event

    from webapp.core.db import db

    begun, spent = [0.0], [0.0, 0.0]
    rows, wholes = [], []

    def start(*_: Any) -> None:
        begun[0] = time.perf_counter()

    def end(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        taken = (time.perf_counter() - begun[0]) * 1000
        spent[0] += taken
        spent[1] += taken if sql.startswith("INSERT INTO audit_event") else 0

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", start)
    event.listen(engine, "after_cursor_execute", end)
    client = app.test_client(use_cookies=False)
    for _ in range(WARM_UP + REQUESTS):
        spent[:] = [0.0, 0.0]
        reply = client.post(
            visitor.path,
            data=visitor.body(),
            headers=visitor.headers,
            environ_base={"REMOTE_ADDR": "127.0.0.1"},
        )
        if reply.status_code >= 400:
            sys.exit(f"{visitor.path}: {reply.status}")
        wholes.append(spent[0])
        rows.append(spent[1])
    event.remove(engine, "before_cursor_execute", start)
    event.remove(engine, "after_cursor_execute", end)
    rows = sorted(rows[WARM_UP:])
    return (
        statistics.median(rows),
        rows[int(len(rows) * 0.95)],
        statistics.median(wholes[WARM_UP:]),
    )


Three = tuple[float, float, float]


def throughput(owner: str, off: Served, on: Served, crowd: list[Visitor]) -> tuple[Three, Three]:
    """Changes a second without the recorder and with it and the median loss; the same for processor time."""
    rates: tuple[list[float], list[float]] = ([], [])
    costs: tuple[list[float], list[float]] = ([], [])
    for number in range(ROUNDS):
        for server in (off, on) if number % 2 else (on, off):
            with nothing_insists(owner) if server is off else contextlib.nullcontext():
                pace, cost = rate(owner, server, crowd)
            rates[server is on].append(pace)
            costs[server is on].append(cost)
    slower = [1 - with_it / bare for bare, with_it in zip(*rates, strict=True)]
    dearer = [1 - bare / with_it for bare, with_it in zip(*costs, strict=True)]
    middle = statistics.median
    return (
        (middle(rates[0]), middle(rates[1]), middle(slower)),
        (middle(costs[0]), middle(costs[1]), middle(dearer)),
    )


def rate(owner: str, server: Served, crowd: list[Visitor]) -> tuple[float, float]:
    """Let all ask at once for a while, after a moment to warm up; also the processor time of a change, in ms."""
    together(server.port, crowd, 0.3)
    before, begun = used(owner, server), time.perf_counter()
    count = together(server.port, crowd, SECONDS)
    taken, after = time.perf_counter() - begun, used(owner, server)
    spent = sum(after[pid] - before[pid] for pid in before.keys() & after.keys())
    return count / taken, spent / count * 1000


def together(port: int, crowd: list[Visitor], seconds: float) -> int:
    """How many changes all of them make in a while."""
    done: list[int] = []
    until = time.perf_counter() + seconds
    threads = [
        threading.Thread(target=visitor.keep_asking, args=(port, until, done)) for visitor in crowd
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(done) < len(crowd):
        sys.exit("Somebody's change was refused.")
    return sum(done)


def used(owner: str, server: Served) -> dict[int, float]:
    """Seconds of processor time so far, of the worker and of each session of the app in the database."""
    with psycopg.connect(owner) as connection:
        sessions = [
            pid
            for (pid,) in connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'steward_app'"
                " AND datname = current_database()"
            )
        ]
    workers = [child.pid for child in psutil.Process(server.process.pid).children()]
    found = {}
    for pid in workers + sessions:
        with contextlib.suppress(psutil.NoSuchProcess):  # a session that just ended
            times = psutil.Process(pid).cpu_times()
            found[pid] = times.user + times.system
    return found


@contextlib.contextmanager
def nothing_insists(owner: str) -> Iterator[None]:
    """Have the database accept changes that no row of the log tells."""
    with psycopg.connect(owner, autocommit=True) as connection:
        tables = [name for (name,) in connection.execute(_INSISTING)]
        try:
            for name in tables:
                connection.execute(f"ALTER TABLE {name} DISABLE TRIGGER must_audit")
            yield
        finally:
            for name in tables:
                connection.execute(f"ALTER TABLE {name} ENABLE TRIGGER must_audit")


if __name__ == "__main__":
    main()
