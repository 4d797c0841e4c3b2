"""A server of its own, Steward behind gunicorn, and a pipe between them that can break."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import pytest
from pydantic import SecretStr

from tests import factories
from tests.conftest import SECRET, dsn, own_directory
from tests.faults import target
from tests.faults.proxy import FlakyProxy
from webapp.core import database, embedded_pg
from webapp.core.config import Settings
from webapp.core.db import db

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Reply:
    """What came back; status 0 is a connection that broke without an answer."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 400


class Target:
    """Steward under test: its server, its proxy, its database."""

    def __init__(self, server: embedded_pg.EmbeddedServer, proxy: FlakyProxy, url: str) -> None:
        self.server, self.proxy, self.url = server, proxy, url
        self.port = 0
        self.cookie = ""
        self.gunicorn: subprocess.Popen[bytes] | None = None

    def connect(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.url, autocommit=True)

    def request(self, method: str, path: str, body: str = "", **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Cookie": self.cookie, "Connection": "close"} | headers
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        try:
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, answer.read().decode(), dict(answer.getheaders()))
        except (OSError, http.client.HTTPException):
            return Reply(0)
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        return self.request("GET", path, **headers)

    def create(self, name: str, **fields: str) -> Reply:
        body = urllib.parse.urlencode({"name": name} | fields)
        return self.request("POST", "/probe/locations", body)

    def rows(self, name: str) -> list[int]:
        """The ids of the locations of that name."""
        with self.connect() as owner:
            found = owner.execute("SELECT id FROM locations WHERE name = %s", [name]).fetchall()
        return [row[0] for row in found]

    def records(self, name: str) -> int:
        """How many audit rows tell of the creation of that name."""
        query = "SELECT count(*) FROM audit_event WHERE action = 'location.created' AND object_label = %s"
        with self.connect() as owner:
            row = owner.execute(query, [name]).fetchone()
        return int(row[0]) if row else 0

    def saved(self, name: str) -> tuple[int, int]:
        """How many rows and how many records there are: (1, 1) or (0, 0) are whole."""
        return len(self.rows(name)), self.records(name)

    def kill_backends(self) -> int:
        with self.connect() as owner:
            row = owner.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE usename = 'steward_app'"
            ).fetchone()
        return int(row[0]) if row else 0

    def kill_worker(self) -> None:
        assert self.gunicorn is not None
        for worker in psutil.Process(self.gunicorn.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.send_signal(signal.SIGKILL)

    def kill_server(self) -> None:
        process = self.server._process
        assert process is not None
        backends = psutil.Process(process.pid).children()
        process.kill()
        process.wait()
        psutil.wait_procs(backends, timeout=5)  # they notice a moment later

    def start_server(self) -> None:
        self.server.ensure()

    def recovers(self, within: float = 10.0) -> bool:
        """Whether pages come from the database again, several in a row."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if all(self.get("/probe/quick").status == 200 for _ in range(12)):
                return True
            time.sleep(0.2)
        return False

    @contextmanager
    def fault(self, table: str, body: str, *, at_commit: bool) -> Iterator[None]:
        """Run PL/pgSQL in each insert into a table, at once or at COMMIT."""
        kind = "CONSTRAINT TRIGGER zz_fault AFTER" if at_commit else "TRIGGER zz_fault BEFORE"
        when = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
        with self.connect() as owner:
            owner.execute(
                "CREATE OR REPLACE FUNCTION zz_fault() RETURNS trigger LANGUAGE plpgsql AS"
                f" $$ BEGIN {body} RETURN NEW; END $$"
            )
            owner.execute(
                f"CREATE {kind} INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION zz_fault()"
            )
        try:
            yield
        finally:
            with self.connect() as owner:
                owner.execute(f"DROP TRIGGER zz_fault ON {table}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def faulty() -> Iterator[Target]:
    """Steward behind gunicorn, on a server that may be killed."""
    with own_directory() as home:
        server = embedded_pg.EmbeddedServer(home)
        server.ensure()
        (home / "pipe").mkdir()
        proxy = FlakyProxy(home / "pipe", server.socket_dir)
        try:
            yield from _served(server, proxy, home)
        finally:
            proxy.close()
            server.stop()


def _served(server: embedded_pg.EmbeddedServer, proxy: FlakyProxy, home: Path) -> Iterator[Target]:
    direct = server.uri(embedded_pg.OWNER, embedded_pg.DATABASE)
    made = Target(server, proxy, dsn(direct))
    email = _prepare(direct)
    made.port = free_port()
    through = f"postgresql://postgres@/{embedded_pg.DATABASE}?host={quote(str(home / 'pipe'), '')}"
    with _gunicorn(made, through, home):
        form = urllib.parse.urlencode({"email": email, "password": factories.PASSWORD})
        reply = made.request("POST", "/login", form)
        assert reply.status == 303, reply.body
        made.cookie = reply.headers["Set-Cookie"].split(";")[0]
        yield made


def _prepare(url: str) -> str:
    """Migrate, and make somebody who may sign in."""
    settings = Settings(
        database_url=url, secret_key=SecretStr(SECRET), demo=True, log_level="CRITICAL"
    )
    database.prepare(settings)
    app = target.build(settings)
    before = factories.use(app)
    try:
        user = factories.make_user()
        factories.grant(user, factories.make_role("*"))
    finally:
        factories.use(before)
        with app.app_context():
            db.engine.dispose()
    return str(user.email)


@contextmanager
def _gunicorn(made: Target, url: str, home: Path) -> Iterator[None]:
    env = os.environ | {
        "DATABASE_URL": url,
        "SECRET_KEY": SECRET,
        "DEMO": "1",
        "PORT": str(made.port),
        "HOST": "127.0.0.1",
        "STEWARD_PROBE": "1",
        "DATA_DIR": str(home),
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "webapp/core/server.py"]
    with (home / "gunicorn.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "tests.faults.target:app"], cwd=ROOT, env=env, stdout=log, stderr=log
        )
        made.gunicorn = process
        try:
            deadline = time.monotonic() + 20
            while made.get("/healthz").status != 200:
                assert process.poll() is None, (home / "gunicorn.log").read_text()
                assert time.monotonic() < deadline, (home / "gunicorn.log").read_text()
                time.sleep(0.1)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)


@pytest.fixture
def steward(faulty: Target) -> Iterator[Target]:
    """The target, whole again after every test."""
    faulty.proxy.mode = "pass"
    assert faulty.recovers()
    yield faulty
    faulty.proxy.mode = "pass"
    if not faulty.server.alive():
        faulty.start_server()


@pytest.fixture
def in_background() -> Callable[..., "Later"]:
    """Start a call in a thread."""
    return Later


class Later:
    """A call in a thread; `result()` waits for it."""

    def __init__(self, work: Callable[..., Reply], *args: str, **fields: str) -> None:
        self._reply = Reply(-1)
        self._thread = threading.Thread(target=self._run, args=(work, args, fields))
        self._thread.start()

    def _run(self, work: Callable[..., Reply], args: Any, fields: Any) -> None:
        self._reply = work(*args, **fields)

    def result(self) -> Reply:
        self._thread.join(30)
        return self._reply
