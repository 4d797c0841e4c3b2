"""How gunicorn serves: read by gunicorn as a file, with `flask serve` or alone.

It must import nothing of the app: the worker patches the sockets first, and what was loaded before
that (psycopg above all) would block all requests while it waits for one.
"""

import contextlib
import errno
import heapq
import os
import resource
import signal
import socket
import time
from pathlib import Path
from typing import Any

from gunicorn.workers.base_async import AsyncWorker
from gunicorn.workers.ggevent import GeventWorker

_here = Path(__file__).resolve()

chdir = str(_here.parents[2])
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_WORKERS") or 1)

_OTHER_FILES = 256  # the database's connections, files that are sent, the logs
_STALLED = 30.0  # seconds in which a body or the reader of a reply must move


def _connections() -> int:
    """Return how many may be open at once: as many as wanted, or as there are descriptors for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = int(os.environ.get("WEB_CONNECTIONS") or 4000)
    if soft != resource.RLIM_INFINITY and soft < wanted + _OTHER_FILES:
        enough = wanted + _OTHER_FILES
        soft = enough if hard == resource.RLIM_INFINITY else min(hard, enough)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        wanted = min(wanted, max(_OTHER_FILES, soft - _OTHER_FILES))
    return wanted


class _Connection:
    """A client's socket that knows since when the server waits for a request, and how to give it up."""

    def __init__(self, client: Any) -> None:
        client.settimeout(_STALLED)
        self._client = client
        self.asked = False  # a whole head has come
        self.since: float | None = None  # since when its request has been awaited
        self.waits = False
        self._given_up = False

    def recv(self, size: int) -> bytes:
        if self.since is None:
            self.since = time.monotonic()
        self.waits = True
        try:
            received: bytes = self._client.recv(size)
        except OSError as error:
            if self._given_up:
                return b""
            if isinstance(error, TimeoutError):
                raise ConnectionResetError(errno.ECONNRESET, "nothing came") from error
            raise
        finally:
            self.waits = False
        return received

    def sendall(self, data: bytes) -> None:
        try:
            self._client.sendall(data)
        except TimeoutError as error:
            raise BrokenPipeError(errno.EPIPE, "nobody reads") from error

    def give_up(self) -> None:
        """Have what waits for the client see its end."""
        self._given_up = True
        with contextlib.suppress(OSError):  # it may have gone by itself
            self._client.shutdown(socket.SHUT_RDWR)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class Worker(GeventWorker):
    """gunicorn's, but connections that say nothing make room for others when few are left.

    Those are half-sent heads, idle ones between two requests, and after them half-sent bodies, the oldest first.
    Whoever is being answered, an event stream above all, is left alone.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._held: set[_Connection] = set()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        connection = _Connection(client)
        self._held.add(connection)
        self._make_room()
        try:
            # Not GeventWorker's, which would have the socket wait for ever.
            AsyncWorker.handle(self, listener, connection, addr)
        finally:
            self._held.discard(connection)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        sock.asked = True
        try:
            super().handle_request(listener_name, req, sock, addr)
        finally:
            sock.asked, sock.since = False, None

    def _make_room(self) -> None:
        spare = self.worker_connections // 16 + 1
        if len(self._held) <= self.worker_connections - spare:
            return
        silent = [one for one in self._held if one.waits]
        for one in heapq.nsmallest(spare, silent, key=lambda one: (one.asked, one.since or 0.0)):
            self._held.discard(one)  # it is as good as gone, and not to be counted again
            one.give_up()


# By measurement, see docs/developer.md: slow clients and open event streams cost it nothing.
worker_class = Worker
worker_connections = _connections()
preload_app = False
if Path("/dev/shm").is_dir():  # noqa: S108 # nosec B108 - a heartbeat must not wait for a disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108 # nosec B108

timeout = 30
graceful_timeout = 5  # requests end well before; what is left are event streams
keepalive = 15  # seconds for the whole head of a request, the first one as well as the next

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190

# Proxies are counted in the app (TRUSTED_PROXIES); the server believes no header of theirs.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}

accesslog = None  # the app logs each request itself, with its id
errorlog = "-"
loglevel = os.environ.get("GUNICORN_LOG_LEVEL") or "warning"
proc_name = "steward"
control_socket_disable = True


def post_worker_init(worker: Any) -> None:
    """Have open event streams end when the worker is asked to stop: it would wait for them in vain."""
    import gevent  # patched by now, and so is what the app has loaded

    from webapp.core.stopping import stop

    def leave(number: int, frame: Any) -> None:
        gevent.spawn(stop)  # not here: a signal comes in the middle of anything
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, leave)
