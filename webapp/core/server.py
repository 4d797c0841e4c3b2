"""How gunicorn serves: read by gunicorn as a file, with `flask serve` or alone.

It must import nothing of the app: the worker patches the sockets first, and what was loaded before
that (psycopg above all) would block all requests while it waits for one.
"""

import os
import signal
from pathlib import Path
from typing import Any

_here = Path(__file__).resolve()

chdir = str(_here.parents[2])
bind = f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"
workers = int(os.environ.get("WEB_WORKERS") or 1)

# By measurement, see docs/developer.md: slow clients and open event streams cost it nothing.
worker_class = "gevent"
worker_connections = 1000
preload_app = False
if Path("/dev/shm").is_dir():  # noqa: S108 # nosec B108 - a heartbeat must not wait for a disk
    worker_tmp_dir = "/dev/shm"  # noqa: S108 # nosec B108

timeout = 30
graceful_timeout = 5  # requests end well before; what is left are event streams
keepalive = 30

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
