"""What is logged: a line of JSON a request, and nothing secret."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from webapp.core import logging

TALK = """
import logging, structlog
from webapp.core.logging import configure
configure("INFO")
structlog.get_logger().info("ours", name="a\\nb")
logging.getLogger("library").warning("theirs: %s", "c\\nd")
try:
    raise ValueError("why")
except ValueError:
    logging.getLogger("library").exception("failed")
"""


@pytest.fixture
def lines(client: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    seen: list[dict[str, Any]] = []

    class Log:
        def info(self, _event: str, **values: Any) -> None:
            seen.append(values)

    monkeypatch.setattr(logging, "_log", Log())
    return seen


def test_every_line_is_json() -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", TALK], env=env, capture_output=True, text=True, check=True
    )
    ours, theirs, failed = (json.loads(line) for line in done.stderr.splitlines())
    assert (ours["event"], ours["level"], ours["name"]) == ("ours", "info", "a\nb")
    assert (theirs["event"], theirs["logger"]) == ("theirs: c\nd", "library")
    assert "ValueError: why" in failed["exception"] and failed["timestamp"]


def test_a_request_is_a_line(client: Any, lines: list[dict[str, Any]], sign_in: Any) -> None:
    assert client.get("/healthz").status_code == 200
    boss = sign_in("*")
    assert boss.get("/users?q=secret").status_code == 200
    assert client.post("/login", data={"email": "x", "password": "y"}).status_code == 422
    page, refused = lines
    assert (page["method"], page["path"], page["status"]) == ("GET", "/users", 200)
    assert page["user_id"] == boss.user.id and page["ms"] > 0 and page["ip"]
    assert (refused["path"], refused["status"], refused["user_id"]) == ("/login", 422, None)


def test_the_token_of_a_link_is_not_logged(client: Any, lines: list[dict[str, Any]]) -> None:
    client.get("/reset/not-a-real-token")
    assert lines[0]["path"] == "/reset/<token>"
