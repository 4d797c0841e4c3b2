"""A body that nobody reads: gunicorn would reset the connection, and the reply would be lost."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.test_serve import free_port
from webapp.core import unread

APP = """
from webapp.core.unread import read_rest

def app(environ, start_response):
    if environ["PATH_INFO"] == "/read":
        read_rest(environ)
    start_response("413 Too Large", [("Content-Length", "9")])
    return [b"too large"]
"""
SIZE = 30_000_000


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home, number = tmp_path_factory.mktemp("unread"), free_port()
    (home / "tiny.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "-c", "webapp/core/server.py", "tiny:app"]
    paths = os.pathsep.join([str(home), str(Path.cwd())])
    env = os.environ | {"PORT": str(number), "PYTHONPATH": paths}
    with subprocess.Popen([*command, "--chdir", str(Path.cwd())], env=env) as server:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", number)) == 0:
                    break
            time.sleep(0.1)
        yield number
        server.terminate()


def send(port: int, path: str) -> tuple[int, bytes]:
    """Send a large body as a proxy does that keeps no connection; return how much went, and the reply."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {SIZE}\r\n\r\n"
    sent, block = 0, b"a" * 65536
    with socket.create_connection(("127.0.0.1", port), timeout=20) as to:
        to.sendall(head.encode())
        try:
            while sent < SIZE:
                part = block[: SIZE - sent]
                to.sendall(part)
                sent += len(part)
            return sent, to.recv(65536)
        except OSError:
            return sent, b""


def test_the_rest_is_read_so_that_the_reply_arrives(port: int) -> None:
    sent, reply = send(port, "/read")
    assert sent == SIZE and reply.startswith(b"HTTP/1.1 413")


def test_no_more_is_read_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MOST", 150_000)
    asked: list[int] = []

    class Endless:
        def read(self, size: int) -> bytes:
            asked.append(size)
            return b"a" * size

    environ: dict[str, Any] = {"wsgi.input": Endless(), "wsgi.input_terminated": True}
    unread.read_rest(environ)
    assert sum(asked) == 150_000
    unread.read_rest({"wsgi.input": Endless()})  # who would wait for more is not asked
    assert sum(asked) == 150_000


def test_a_body_that_breaks_off_is_no_error() -> None:
    class Broken:
        def read(self, _size: int) -> bytes:
            raise OSError("gone")

    unread.read_rest({"wsgi.input": Broken(), "wsgi.input_terminated": True})
