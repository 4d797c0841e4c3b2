"""`flask serve`, with a tiny app in the place of ours: its processes, its locks, its words."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from webapp.core.config import Settings
from webapp.serve import _greet

APP = """
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
SERVE = """
from webapp.core.config import load_settings
from webapp.serve import _explained, run
import click, sys
try:
    with _explained():
        jobs = [sys.executable, "-c", "import time; time.sleep(600)", "worker"]
        run(load_settings(), target="tiny:app", jobs=jobs)
except click.ClickException as error:
    error.show()
    sys.exit(error.exit_code)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Serving:
    def __init__(self, home: Path, port: int) -> None:
        (home / "tiny.py").write_text(APP)
        path = os.pathsep.join([str(home), str(Path.cwd()), *sys.path])
        self.env = os.environ | {"DATA_DIR": str(home / "var"), "PORT": str(port)}
        self.env |= {"PYTHONPATH": path, "DATABASE_URL": "", "SECRET_KEY": "", "DEMO": ""}
        self.url = f"http://127.0.0.1:{port}/"
        self.home = home
        self.process = self.start()

    def start(self, **env: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-c", SERVE],
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_until_up(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "serves on" in line:
                return
        self.process.wait()
        pytest.fail("it ended before it served")

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(tmp_path, free_port())
    serving.wait_until_up()
    yield serving
    serving.process.terminate()
    serving.process.communicate(timeout=20)


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - our own address
        return bytes(reply.read())


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_of_it(serving: Serving, stop: signal.Signals) -> None:
    assert get(serving.url) == b"hello"
    family = serving.children()
    assert {"postgres", "gunicorn"} & {process.name() for process in family}
    serving.process.send_signal(stop)
    assert serving.process.wait(timeout=15) == 0
    assert psutil.wait_procs(family, timeout=2)[1] == []


def test_a_second_start_is_told_who_is_there(serving: Serving) -> None:
    with serving.start(PORT=str(free_port())) as second:
        said = second.communicate(timeout=20)[0]
    assert second.returncode == 1
    assert f"Steward already runs on {serving.home / 'var'} (process {serving.process.pid}" in said
    assert get(serving.url) == b"hello"


def test_a_taken_port_is_told(serving: Serving) -> None:
    with serving.start(DATA_DIR=str(serving.home / "other")) as second:
        said = second.communicate(timeout=20)[0]
    assert second.returncode == 1
    assert said.startswith("Error: Port ") and "Traceback" not in said


def test_a_killed_database_web_server_and_worker_come_back(serving: Serving) -> None:
    for child in psutil.Process(serving.process.pid).children():
        child.kill()
    pid_file = serving.home / "var" / "postgres" / "postmaster.pid"
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        time.sleep(0.2)
        children = psutil.Process(serving.process.pid).children()
        if len(children) == 3 and "ready" in pid_file.read_text():
            break
    assert get(serving.url) == b"hello"


def test_nothing_outlives_a_killed_serve(serving: Serving) -> None:
    family = serving.children()
    assert sum("worker" in process.cmdline() for process in family) == 1
    serving.process.kill()
    serving.process.wait()
    assert psutil.wait_procs(family, timeout=15)[1] == []


def test_mail_without_an_address_of_ours_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    mailing = Settings(smtp_url="smtp://mail.example", port=8123)
    _greet(mailing)
    _greet(mailing.model_copy(update={"base_url": "https://steward.example"}))
    (warning,) = capsys.readouterr().err.splitlines()
    assert "BASE_URL" in warning and "http://127.0.0.1:8123" in warning
