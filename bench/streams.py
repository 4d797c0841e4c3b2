"""What 200 open event streams cost everybody else: pages beside them, in quiet and while tickets change.

Two gunicorns as in production, with one worker each: one has the streams, the other none. Requests go to both in turns,
one after another on an open connection. While "tickets change", ten events a second are told to every stream. Run it
with `python bench/streams.py`; BENCH_DATABASE_URL names a database with demo or bench data, else the one of
`bench/pages.py` is taken.
"""

from __future__ import annotations

import contextlib
import json
import socket
import statistics
import sys
import threading
import time
from typing import Any

import psycopg
from pages import HOME, Served, seed, served, signed_in
from sqlalchemy import make_url, text

STREAMS, OF_ONE, REQUESTS, WARM_UP = 200, 20, 200, 10
PAGES = ("/account", "/users", "/tickets")
EVERY = 0.1  # seconds between two events
ASK = "GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\nCookie: {}\r\n\r\n"
WHO = """
SELECT u.email FROM users u WHERE u.is_active ORDER BY NOT EXISTS (
  SELECT FROM user_roles ur JOIN page_roles pr USING (role_id) JOIN pages p ON p.id = pr.page_id AND p.key = 'tickets'
   WHERE ur.user_id = u.id AND num_nonnulls(ur.location_id, ur.client_id, ur.project_id) = 0), u.id LIMIT :few
"""


def main() -> None:
    """Prepare, measure, print."""
    from webapp import create_app
    from webapp.core import database
    from webapp.core.config import load_settings
    from webapp.core.db import db

    HOME.mkdir(parents=True, exist_ok=True)
    settings = load_settings().model_copy(update={"log_level": "CRITICAL"})
    database.prepare(settings)
    app = create_app(settings)
    seed(app)
    with app.app_context():
        people = list(db.session.scalars(text(WHO), {"few": STREAMS // OF_ONE}))
    cookies = [signed_in(app, email)[0] for email in people]
    dsn = make_url(settings.app_url()).set(drivername="postgresql")
    with (
        served("wsgi:app", {}) as empty,
        served("wsgi:app", {}) as full,
        contextlib.ExitStack() as crowd,
    ):
        streams = [
            crowd.enter_context(listener(full, cookies[number % len(cookies)]))
            for number in range(min(STREAMS, OF_ONE * len(cookies)))
        ]
        time.sleep(2)
        quiet = {path: measure(empty, full, path, cookies[0]) for path in PAGES}
        stop, told = threading.Event(), [0]
        url = dsn.render_as_string(hide_password=False)
        teller = threading.Thread(target=tell, args=(url, stop, told))
        teller.start()
        busy = {path: measure(empty, full, path, cookies[0]) for path in PAGES}
        stop.set()
        teller.join()
        time.sleep(1)
        heard = [count for stream in streams if (count := events(stream))]
        memory = (empty.megabytes(), full.megabytes())
    many = f"{len(streams)} streams"
    print(
        f"| page | quiet, none | quiet, {many} | {1 / EVERY:.0f} events a second, none | and {many} |"
    )
    print("| --- | ---: | ---: | ---: | ---: |")
    for path in PAGES:
        print(
            f"| {path} | {quiet[path][0]} | {quiet[path][1]} | {busy[path][0]} | {busy[path][1]} |"
        )
    print(
        f"\nMedian and 95 %. {told[0]} events told; {len(heard)} streams heard {min(heard)} to {max(heard)}."
    )
    print(f"Memory of the worker: {memory[0]:.0f} MB without, {memory[1]:.0f} MB with the streams.")


def measure(empty: Served, full: Served, path: str, cookie: str) -> tuple[str, str]:
    """Median and 95 % of a page on both servers, asked in turns."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(WARM_UP + REQUESTS):
        for server, times in ((empty, taken[0]), (full, taken[1])):
            begun = time.perf_counter()
            status = server.ask("GET", path, None, {"Cookie": cookie})
            times.append((time.perf_counter() - begun) * 1000)
            if status != 200:
                sys.exit(f"{path}: {status}")
    without, beside = (shown(sorted(times[WARM_UP:])) for times in taken)
    return without, beside


def shown(taken: list[float]) -> str:
    """A cell."""
    return f"{statistics.median(taken):.1f} / {taken[int(len(taken) * 0.95)]:.1f} ms"


def listener(steward: Served, cookie: str) -> socket.socket:
    """Open a stream; what it is told waits in the socket until the end."""
    made = socket.create_connection(("127.0.0.1", steward.port))
    made.sendall(ASK.format(cookie).encode())
    return made


def tell(dsn: str, stop: threading.Event, told: list[int]) -> None:
    """Change tickets, as far as streams are concerned."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        while not stop.wait(EVERY):
            told[0] += 1
            event: dict[str, Any] = {
                "topic": "ticket",
                "id": told[0],
                "number": told[0],
                "client": 1,
            }
            event |= {"project": None, "new": False}
            connection.execute("SELECT pg_notify('steward_live', %s)", [json.dumps(event)])


def events(stream: Any) -> int:
    """Count what a stream was told."""
    stream.settimeout(0.05)
    heard = b""
    with contextlib.suppress(TimeoutError):
        while block := stream.recv(1 << 20):
            heard += block
    return heard.count(b'"topic": "ticket"')


if __name__ == "__main__":
    main()
