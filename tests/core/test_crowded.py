"""Connections that say nothing: those who ask are answered all the same, and nobody's stream is cut."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.test_serve import free_port

APP = """
import time

def ticks():
    while True:
        yield b"tick\\n"
        time.sleep(0.2)

def app(environ, start_response):
    if environ["PATH_INFO"] == "/events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return ticks()
    sent = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", "5")])
    return [b"hello"]
"""
MOST, STREAMS, SILENT = 300, 20, 500
HALF = b"GET / HTTP/1.1\r\nHost: x\r\nX-Sl"
HALF_BODY = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    number = free_port()
    (tmp_path / "tiny.py").write_text(APP)
    command = [sys.executable, "-m", "gunicorn", "-c", "webapp/core/server.py", "tiny:app"]
    paths = os.pathsep.join([str(tmp_path), str(Path.cwd())])
    env = os.environ | {"PORT": str(number), "PYTHONPATH": paths, "WEB_CONNECTIONS": str(MOST)}
    with subprocess.Popen([*command, "--chdir", str(Path.cwd())], env=env) as server:
        for _ in range(100):
            with contextlib.suppress(OSError):
                answered(number)
                break
            time.sleep(0.1)
        yield number
        server.kill()  # its worker follows; it would wait for the streams


def said(port: int, text: bytes) -> socket.socket:
    to = socket.create_connection(("127.0.0.1", port), timeout=5)
    to.sendall(text)
    return to


def answered(port: int) -> float:
    """How long a normal request takes."""
    began = time.monotonic()
    with said(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as to:
        assert b"".join(iter(lambda: to.recv(4096), b"")).endswith(b"hello")
    return time.monotonic() - began


def test_half_sent_requests_make_room_and_streams_are_left_alone(port: int) -> None:
    with contextlib.ExitStack() as crowd:
        streams = [
            crowd.enter_context(said(port, b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n"))
            for _ in range(STREAMS)
        ]
        slow = crowd.enter_context(said(port, HALF_BODY))
        for _ in range(SILENT):
            crowd.enter_context(said(port, HALF))
        assert max(answered(port) for _ in range(5)) < 3
        slow.sendall(b" body")  # who has sent a whole head was not among the first to go
        assert slow.recv(4096).startswith(b"HTTP/1.1 200")
        for _ in range(SILENT):
            crowd.enter_context(said(port, HALF_BODY))
        assert max(answered(port) for _ in range(5)) < 3
        for stream in streams:
            stream.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while stream.recv(65536):
                    pass
            stream.settimeout(3)
            assert b"tick" in stream.recv(4096)
