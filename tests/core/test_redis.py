"""Rate limits that several processes count together in Redis, and what happens when it is away."""

import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask_limiter import Limiter

from tests.conftest import own_directory
from webapp.core import security
from webapp.core.config import Settings

PROGRAM = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no redis-server in PATH")


class Redis:
    """A server on a socket, that can be stopped, frozen and started again."""

    def __init__(self, home: Path) -> None:
        self.socket = home / "redis"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        options = ["--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", "/tmp"]
        self.process = subprocess.Popen(
            [str(PROGRAM), *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        with redis.Redis.from_url(self.url) as client:
            while not _answers(client):
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


def _answers(client: "redis.Redis[bytes]") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def server() -> Iterator[Redis]:
    with own_directory() as home:
        made = Redis(home)
        yield made
        made.stop()


def process(settings: Settings, url: str) -> Any:
    """A client of an app that limits as ours does: as much as a web process has of its own."""
    app = Flask("limited")
    app.config.from_mapping(
        security.rate_limit_config(settings.model_copy(update={"redis_url": url}))
    )
    limiter = Limiter(lambda: "somebody", app=app)
    app.post("/")(limiter.limit("4 per minute")(lambda: "done"))
    return app.test_client()


def test_two_processes_count_together(settings: Settings, server: Redis) -> None:
    one, other = process(settings, server.url), process(settings, server.url)
    statuses = [client.post("/").status_code for client in (one, other) * 3]
    assert statuses == [200] * 4 + [429] * 2


def test_without_redis_each_process_counts_alone(settings: Settings, server: Redis) -> None:
    client = process(settings, server.url)
    server.stop()
    assert [client.post("/").status_code for _ in range(6)] == [200] * 4 + [429] * 2
    server.start()
    deadline = time.monotonic() + 20
    while client.post("/").status_code == 429:  # it looks for Redis again from time to time
        assert time.monotonic() < deadline
        time.sleep(0.3)


def test_a_frozen_redis_holds_nobody_up_for_long(settings: Settings, server: Redis) -> None:
    client, seen = process(settings, server.url), []
    assert client.post("/").status_code == 200
    server.process.send_signal(signal.SIGSTOP)
    at_once = [
        threading.Thread(target=lambda: seen.append(client.application.test_client().post("/")))
        for _ in range(3)
    ]
    begun = time.monotonic()
    for thread in at_once:
        thread.start()
    for thread in at_once:
        thread.join()
    assert time.monotonic() - begun < 3
    assert {reply.status_code for reply in seen} == {200}
    assert [client.post("/").status_code for _ in range(5)][-1] == 429


def test_redis_may_be_away_from_the_start(settings: Settings) -> None:
    client = process(settings, "redis://127.0.0.1:1")
    assert [client.post("/").status_code for _ in range(5)] == [200] * 4 + [429]
