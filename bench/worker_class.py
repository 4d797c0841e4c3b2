"""Which worker class of gunicorn: how long a normal request takes among slow clients and streams.

For each class it opens 8 requests that are sent only half and 200 event streams, then asks for a
small page again and again. Run it with `python bench/worker_class.py`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HALF_SENT, STREAMS, REQUESTS = 8, 200, 200
PATIENCE = 3.0
CLASSES = {
    "sync": ["--worker-class", "sync"],
    "gthread, 4 threads": ["--worker-class", "gthread", "--threads", "4"],
    "gevent": ["--worker-class", "gevent"],
}
APP = """
import time

def stream():
    while True:
        yield b": still here\\n\\n"
        time.sleep(1)

def app(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return stream()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""


def main() -> None:
    """Print one row per class."""
    print("| worker class | alone, median | with the others, median | 95 % | unanswered in 3 s |")
    print("| --- | --- | --- | --- | --- |")
    for name, options in CLASSES.items():
        print(f"| {name} | {' | '.join(measure(options))} |", flush=True)


def measure(options: list[str]) -> list[str]:
    """Start a server, measure it alone and crowded, stop it."""
    with tempfile.TemporaryDirectory() as home, contextlib.ExitStack() as crowd:
        (Path(home) / "app.py").write_text(APP)
        port = free_port()
        bind = ["--bind", f"127.0.0.1:{port}", "--log-level", "critical", "--no-control-socket"]
        command = [sys.executable, "-m", "gunicorn", *bind, *options, "app:app"]
        server = subprocess.Popen(command, cwd=home, env=os.environ | {"PYTHONPATH": home})
        try:
            wait_for(port)
            alone = times(port, REQUESTS)
            for _ in range(HALF_SENT):
                half_sent = crowd.enter_context(socket.create_connection(("127.0.0.1", port)))
                half_sent.sendall(b"POST / HTTP/1.1\r\nHost: bench\r\nContent-Le")
            for _ in range(STREAMS):
                listener = crowd.enter_context(socket.create_connection(("127.0.0.1", port)))
                listener.sendall(b"GET /events HTTP/1.1\r\nHost: bench\r\n\r\n")
            time.sleep(2)
            return row(alone, times(port, REQUESTS))
        finally:
            server.send_signal(signal.SIGQUIT)  # at once, with its workers
            server.wait()


def row(alone: list[float], crowded: list[float]) -> list[str]:
    """The cells of a class, in milliseconds."""
    answered = [taken for taken in crowded if taken < PATIENCE]
    lost = f"{len(crowded) - len(answered)} of {len(crowded)}"
    if not answered:
        return [f"{statistics.median(alone) * 1000:.1f} ms", "none", "none", lost]
    last = sorted(answered)[int(len(answered) * 0.95)]
    figures = (statistics.median(alone), statistics.median(answered), last)
    return [*(f"{figure * 1000:.1f} ms" for figure in figures), lost]


def times(port: int, count: int) -> list[float]:
    """How long requests take, each on a connection of its own; gives up after three misses."""
    taken: list[float] = []
    while len(taken) < count and sum(one >= PATIENCE for one in taken) < 3:
        start = time.perf_counter()
        taken.append(time.perf_counter() - start if ask(port) else PATIENCE)
    return taken


def ask(port: int) -> bool:
    """Whether a normal request is answered in time."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return connection.getresponse().read() == b"hello"
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def wait_for(port: int) -> None:
    """Return once the server answers."""
    for _ in range(100):
        if ask(port):
            return
        time.sleep(0.1)
    raise SystemExit("the server did not start")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
