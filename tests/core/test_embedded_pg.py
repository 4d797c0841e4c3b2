"""The embedded PostgreSQL: started, shared, stopped, and back after a crash."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from webapp.core import embedded_pg
from webapp.core.embedded_pg import EmbeddedError, EmbeddedServer

HOLD = """
import sys, time
from pathlib import Path
from webapp.core.embedded_pg import server_for
server = server_for(Path(sys.argv[1]))
server.ensure()
print("up" if server.started_here else "attached", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steward")


@pytest.fixture
def server(data_dir: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer(data_dir)
    server.ensure()
    yield server
    server.stop()
    assert not postgres_below(data_dir)


def postgres_below(data_dir: Path) -> list[int]:
    found = psutil.process_iter(["pid", "name", "cmdline"])
    mine = [p.info["pid"] for p in found if str(data_dir / "postgres") in (p.info["cmdline"] or [])]
    return [pid for pid in mine if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE]


def hold(data_dir: Path, *, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", HOLD, str(data_dir), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ask(server: EmbeddedServer, query: str) -> str:
    url = server.uri("postgres", "steward").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
        assert row is not None
        return str(row[0])


def test_it_is_postgresql_18_on_a_private_socket_and_durable(server: EmbeddedServer) -> None:
    assert ask(server, "SHOW server_version").startswith("18.")
    assert ask(server, "SHOW listen_addresses") == ""
    assert ask(server, "SHOW fsync") == "on"
    assert ask(server, "SHOW synchronous_commit") == "on"
    assert ask(server, "SELECT lower('ÁRBOL')") == "árbol"
    assert server.socket_dir.stat().st_mode & 0o777 == 0o700


def test_another_process_attaches_and_leaves_it_running(server: EmbeddedServer) -> None:
    with hold(server.data_dir, seconds=0) as other:
        assert other.communicate()[0] == "attached\n"
    assert server.alive() and ask(server, "SELECT 1") == "1"


def test_it_comes_back_after_kill_9_with_what_was_committed(server: EmbeddedServer) -> None:
    url = server.uri("postgres", "steward").replace("+psycopg", "")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS seven")
    pid = int((server.pgdata / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    while server.alive():
        time.sleep(0.01)
    server.ensure()
    assert ask(server, "SELECT seven FROM kept") == "7"


def test_a_stale_pid_of_another_program_is_no_server(data_dir: Path) -> None:
    server = EmbeddedServer(data_dir)
    server.ensure()
    server.stop()
    (server.pgdata / "postmaster.pid").write_text(f"{os.getpid()}\n{server.pgdata}\n")
    assert not server.alive()
    server.ensure()
    assert server.started_here
    server.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel to tell of a parent's death")
def test_it_dies_with_a_starter_that_is_killed(data_dir: Path) -> None:
    with hold(data_dir, seconds=60) as starter:
        assert starter.stdout is not None and starter.stdout.readline() == "up\n"
        assert postgres_below(data_dir)
        starter.kill()
    deadline = time.monotonic() + 10
    while postgres_below(data_dir) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not postgres_below(data_dir)


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path / ("deep" * 25))
    assert len(str(server.socket_dir)) < 50


def test_a_data_dir_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedError, match="DATA_DIR names another place"):
        EmbeddedServer(tmp_path / "file" / "var").ensure()


def test_no_start_shows_the_last_log_lines(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded_pg.SERVER_SETTINGS, "max_connections", "none")
    with pytest.raises(EmbeddedError, match=r'(?s)does not start.*parameter "max_connections"'):
        EmbeddedServer(data_dir).ensure()
