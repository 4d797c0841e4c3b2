"""`flask serve`: the database, the migrations, the demo data and the web server, in one command."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType

import click
import psycopg
from flask import Flask
from flask.cli import ScriptInfo, pass_script_info
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from webapp.core.config import ROOT, ConfigError, Settings, load_settings
from webapp.core.embedded_pg import EmbeddedError, EmbeddedServer, server_for
from webapp.core.processes import die_with_parent, end, locked

DEMO_ACCOUNTS = ("admin", "lead", "agent", "assets", "technician", "auditor")
DEMO_PASSWORD = "homeportal"  # noqa: S105 # nosec B105 - printed for everyone to read
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_TIMEOUT = 8.0  # more than the graceful timeout of the web server
WORKER = (sys.executable, "-m", "flask", "--app", "wsgi", "worker")
SHORTEST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # before the worker is started again
STEADY = 60.0  # seconds after which the next pause is a short one again
GLANCE = 0.2


class ServeError(Exception):
    """Steward cannot serve; the message says why and what helps."""


@click.command("serve")
@pass_script_info
def serve(info: ScriptInfo) -> None:
    """Start everything and serve until Ctrl-C."""
    with _explained():
        settings = load_settings()
        run(settings, prepare=lambda: _prepare(settings, info))


@click.command("db-url")
@click.option("--owner", is_flag=True, help="The role that owns the tables, not the app's.")
def db_url(owner: bool) -> None:
    """Print the database's URL, for psql and other tools."""
    with _explained():
        settings = load_settings()
        url = settings.owner_url() if owner else settings.app_url()
        if url is None:
            raise ServeError(
                "DATABASE_URL names the app's role; the owner's URL is not known here."
            )
        plain = make_url(url).set(drivername="postgresql")
        click.echo(plain.render_as_string(hide_password=False))
        if settings.embedded and server_for(settings.data_dir).started_here:
            click.echo("It answers only while `flask serve` runs.", err=True)


def init_app(app: Flask) -> None:
    """Add the commands of this module to the app's."""
    app.cli.add_command(serve)
    app.cli.add_command(db_url)


def run(
    settings: Settings,
    *,
    prepare: Callable[[], None] = lambda: None,
    target: str = "wsgi:app",
    jobs: Sequence[str] = WORKER,
) -> None:
    """Serve until a signal comes; whatever happens, leave no process behind."""
    stop = _Stop()
    with _alone(settings), _listening(settings) as listener, stop.watched():
        database = server_for(settings.data_dir) if settings.embedded else None
        web: _Web | None = None
        worker: _Worker | None = None
        try:
            if database is not None:
                database.serving = True
                database.ensure()
            prepare()
            web = _Web(listener, target=target)
            web.wait_until_up(stop)
            worker = _Worker(jobs)
            _greet(settings)
            _supervise(web, worker, database, stop)
        except KeyboardInterrupt:
            pass  # while starting; nothing to say
        finally:
            stop.ignore()
            if worker is not None:
                worker.ask()  # it needs a few seconds, in which the web server stops, too
            if web is not None:
                web.stop()
            if worker is not None:
                worker.stop()
            if database is not None:
                database.stop()
    click.echo("Steward has stopped.")


def _prepare(settings: Settings, info: ScriptInfo) -> None:
    # Imported here: the app knows this module's commands, which know the app.
    from webapp import assert_safe_to_serve
    from webapp.core import database

    app = info.load_app()
    database.prepare(settings)
    assert_safe_to_serve(app)
    if settings.demo:
        from webapp.seed import seed_if_empty

        seed_if_empty(app)


class _Stop:
    """Turns signals into an end: an interrupt while starting, a flag while serving."""

    def __init__(self) -> None:
        self.asked = False
        self._starting = True

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        before = {number: signal.signal(number, self._note) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def started(self) -> None:
        self._starting = False

    def ignore(self) -> None:
        self.asked, self._starting = True, False

    def _note(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self._starting:
            raise KeyboardInterrupt


class _Web:
    """The gunicorn process; the listening socket stays ours, so a restart refuses nobody."""

    def __init__(self, listener: socket.socket, *, target: str) -> None:
        self._listener = listener
        self._target = target
        self.start()

    def start(self) -> None:
        descriptor = self._listener.fileno()
        config = ROOT / "webapp" / "core" / "server.py"
        options = ["--config", str(config), "--bind", f"fd://{descriptor}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *options, self._target],
            cwd=ROOT,
            pass_fds=[descriptor],
            start_new_session=True,  # Ctrl-C is for us, we pass it on in order
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - runs one system call
        )

    def wait_until_up(self, stop: _Stop) -> None:
        host, port = self._listener.getsockname()[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - not bound here
        stop.started()
        while not stop.asked and not _answers(host, port):
            self.check()

    def check(self) -> None:
        """Start it again if it was killed; give up if it gave up."""
        code = self.process.poll()
        if code is None:
            return
        if code >= 0:
            raise ServeError(f"The web server ended (code {code}); its last words are above.")
        click.echo(f"The web server was killed (signal {-code}); starting it again.", err=True)
        self.start()

    def stop(self) -> None:
        end(self.process, by=signal.SIGTERM, within=STOP_TIMEOUT)


class _Worker:
    """The process that does the jobs; started again whenever it ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._pause = SHORTEST_PAUSE
        self._due: float | None = None  # when it is started again
        self.start()

    def start(self) -> None:
        self._due, self._started = None, time.monotonic()
        self.process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - runs one system call
        )

    def check(self) -> None:
        """Start it again if it ended, later and later if it ends each time."""
        if (code := self.process.poll()) is None:
            return
        now = time.monotonic()
        if self._due is None:
            if now - self._started > STEADY:
                self._pause = SHORTEST_PAUSE
            click.echo(
                f"The worker has ended (code {code}); starting it again in {self._pause:.0f} s.",
                err=True,
            )
            self._due = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE)
        elif now >= self._due:
            self.start()

    def ask(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        end(self.process, by=signal.SIGTERM, within=STOP_TIMEOUT)


def _supervise(web: _Web, worker: _Worker, database: EmbeddedServer | None, stop: _Stop) -> None:
    complained = ""
    while not stop.asked:
        web.check()
        worker.check()
        if database is not None and not database.alive():
            click.echo("The database has stopped; starting it again.", err=True)
            try:
                database.ensure()
                complained = ""
            except EmbeddedError as error:
                # A full disk may be emptied: keep trying, but say it once.
                if str(error) != complained:
                    click.echo(str(error), err=True)
                complained = str(error)
                time.sleep(2)
        time.sleep(GLANCE)


def _answers(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": f"{host}:{port}"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        time.sleep(0.05)
        return False
    finally:
        connection.close()
    return True


def _greet(settings: Settings) -> None:
    if settings.smtp_url and not settings.base_url:
        click.echo(
            f"BASE_URL is not set: links in mails will lead to {settings.public_url}.", err=True
        )
    click.secho(f"Steward serves on {settings.listening_url}  (Ctrl-C stops it)", bold=True)
    if settings.demo:
        click.echo(f"Demo accounts, password {DEMO_PASSWORD}:")
        for name in DEMO_ACCOUNTS:
            click.echo(f"  {name}@example.com")


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    path = settings.data_dir / "serve.lock"
    with contextlib.ExitStack() as held:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            held.enter_context(_patient_lock(path))
            path.write_text(f"process {os.getpid()}, {settings.listening_url}")
        except BlockingIOError:
            raise ServeError(
                f"Steward already runs on {settings.data_dir} ({path.read_text()}).\n"
                "Stop that one first, or name another DATA_DIR and PORT."
            ) from None
        except OSError as error:
            raise ServeError(
                f"{error.filename}: {error.strerror}. DATA_DIR must be writable."
            ) from error
        yield


def _patient_lock(path: Path) -> contextlib.AbstractContextManager[object]:
    # A command that asks whether we run holds the lock for an instant.
    with contextlib.ExitStack() as held:
        for _ in range(4):
            with contextlib.suppress(BlockingIOError):
                held.enter_context(locked(path, wait=False))
                return held.pop_all()
            time.sleep(0.1)
        held.enter_context(locked(path, wait=False))
        return held.pop_all()


@contextlib.contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, settings.port))
            listener.listen(1024)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ServeError(
                f"Port {settings.port} of {settings.host} cannot be used: {reason}.\n"
                "Stop what listens there, or set PORT to another one."
            ) from error
        yield listener


@contextlib.contextmanager
def _explained() -> Iterator[None]:
    """Say what is wrong in words, without a traceback."""
    try:
        yield
    except (ConfigError, EmbeddedError, ServeError) as error:
        raise click.ClickException(str(error)) from error
    except (psycopg.OperationalError, OperationalError) as error:
        cause = getattr(error, "orig", error)
        raise click.ClickException(f"The database does not answer: {cause}") from error
