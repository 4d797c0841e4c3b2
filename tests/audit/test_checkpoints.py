"""Heads of the chain leave the database: into a file, to a mail server and a webhook that really listen."""

import ipaddress
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psycopg
import pytest
from pydantic import SecretStr

from tests.conftest import SECRET, dsn
from tests.users.test_mail import Inbox, serving
from webapp.audit import checkpoints, sealing
from webapp.core import outbound
from webapp.core.config import Settings

LOCAL = "127.0.0.0/8"


@pytest.fixture(scope="module")
def base(migrated_database: Callable[[str], str]) -> Settings:
    return Settings(database_url=migrated_database("heads"), secret_key=SecretStr(SECRET))


@pytest.fixture
def settings(base: Settings, tmp_path: Path) -> Settings:
    return base.model_copy(update={"data_dir": tmp_path, "checkpoint_file": tmp_path / "heads"})


@pytest.fixture
def sealer(settings: Settings) -> Iterator[sealing.Connection]:
    """The sealer, in a database whose seals and checkpoints go after the test."""
    with sealing.connect(settings) as connection:
        yield connection
    with owner(settings) as connection:
        for table in ("audit_checkpoint", "audit_leaf", "audit_seal"):
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            connection.execute(f"DELETE FROM {table}")  # noqa: S608
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def owner(settings: Settings) -> psycopg.Connection[Any]:
    return psycopg.connect(dsn(settings.owner_url() or ""), autocommit=True)


def add_seal(settings: Settings) -> int:
    """Something to seal, sealed."""
    with owner(settings) as connection:
        connection.execute(
            "INSERT INTO audit_event (action, category, actor_name) VALUES ('test.done', 'system', 'test')"
        )
    with sealing.connect(settings) as connection:
        sealing.seal(connection, sealing.load_key(settings.seal_key, create=True))
        head = sealing.head(connection)
        assert head is not None
        return head.id


def hours_ago(settings: Settings, hours: int) -> None:
    with owner(settings) as connection:
        connection.execute("ALTER TABLE audit_checkpoint DISABLE TRIGGER USER")
        connection.execute(
            "UPDATE audit_checkpoint SET sent_at = sent_at - make_interval(hours => %s)", [hours]
        )
        connection.execute("ALTER TABLE audit_checkpoint ENABLE TRIGGER USER")


def test_each_head_is_added_to_the_file_once(
    settings: Settings, sealer: sealing.Connection
) -> None:
    assert checkpoints.send(sealer, settings) == []  # nothing is sealed yet
    first = add_seal(settings)
    (sent,) = checkpoints.send(sealer, settings)
    assert (sent.destination, sent.seal, sent.error) == ("file", first, "")
    assert checkpoints.send(sealer, settings) == []
    second = add_seal(settings)
    checkpoints.send(sealer, settings)
    lines = [json.loads(line) for line in settings.checkpoints.read_text().splitlines()]
    assert [line["seal"] for line in lines] == [first, second]
    hashes = dict(sealer.execute("SELECT id, hash FROM audit_seal").fetchall())
    assert checkpoints.read(settings.checkpoints) == hashes
    assert settings.checkpoints.stat().st_mode & 0o007 == 0


def test_a_line_cut_off_by_a_crash_spoils_nothing(
    settings: Settings, sealer: sealing.Connection
) -> None:
    first = add_seal(settings)
    checkpoints.send(sealer, settings)
    with settings.checkpoints.open("a") as file:
        file.write('{"seal": 2, "ha')
    second = add_seal(settings)
    checkpoints.send(sealer, settings)
    assert sorted(checkpoints.read(settings.checkpoints)) == [first, second]


def test_a_log_that_contradicts_the_file_is_found_within_a_minute(
    settings: Settings, sealer: sealing.Connection
) -> None:
    seal = add_seal(settings)
    checkpoints.send(sealer, settings)
    before = settings.checkpoints.read_text()
    forged = json.dumps(json.loads(before) | {"hash": "ab" * 32}) + "\n"
    settings.checkpoints.write_text(forged)
    add_seal(settings)
    (sent,) = checkpoints.send(sealer, settings)
    assert sent.error == f"contradicts:{seal}" and sent.changed
    assert settings.checkpoints.read_text() == forged  # what is there stays as evidence
    # A line that is added later about the same seal does not count.
    settings.checkpoints.write_text(before + forged)
    assert checkpoints.read(settings.checkpoints)[seal].hex() != "ab" * 32


def test_a_file_that_cannot_be_written_is_said_and_tried_again(
    settings: Settings, sealer: sealing.Connection, tmp_path: Path
) -> None:
    seal = add_seal(settings)
    (tmp_path / "heads").mkdir()
    (sent,) = checkpoints.send(sealer, settings)
    assert sent.error == "file:Is a directory" and sent.changed
    (tmp_path / "heads").rmdir()
    assert checkpoints.send(sealer, settings) == []  # not at once
    hours_ago(settings, 1)
    (sent,) = checkpoints.send(sealer, settings)
    assert (sent.seal, sent.error) == (seal, "")
    errors = sealer.execute("SELECT error FROM audit_checkpoint ORDER BY id").fetchall()
    assert errors == [("file:Is a directory",), ("",)]


def test_a_mail_goes_out_once_a_day(settings: Settings, sealer: sealing.Connection) -> None:
    inbox = Inbox()
    with serving(inbox) as address:
        mailing = settings.model_copy(
            update={"checkpoint_mail": "safe@example.com", "smtp_url": f"smtp://{address}"}
        )
        first = add_seal(mailing)
        checkpoints.send(sealer, mailing)
        add_seal(mailing)
        assert [sent.destination for sent in checkpoints.send(sealer, mailing)] == ["file"]
        add_seal(mailing)
        hours_ago(mailing, 24)
        assert "mail" in [sent.destination for sent in checkpoints.send(sealer, mailing)]
    letters = [message_from_bytes(mail, policy=policy.default) for mail in inbox.mails]
    assert [letter["To"] for letter in letters] == ["safe@example.com"] * 2
    # What arrives can be laid aside as it is, and compared with the log.
    kept = settings.data_dir / "letter"
    kept.write_text(letters[0].get_content())
    assert list(checkpoints.read(kept)) == [first]


def test_no_mail_server_is_said(settings: Settings, sealer: sealing.Connection) -> None:
    add_seal(settings)
    without = settings.model_copy(update={"checkpoint_mail": "safe@example.com"})
    sent = {one.destination: one.error for one in checkpoints.send(sealer, without)}
    assert sent == {"file": "", "mail": "no-mail-server:"}


class _Hook(BaseHTTPRequestHandler):
    """Takes what is posted; `/away` leads elsewhere, `/shut` refuses."""

    got: ClassVar[list[tuple[str, dict[str, str], bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.got.append((self.path, dict(self.headers), body))
        status = {"/away": 302, "/shut": 503}.get(self.path, 204)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    _Hook.got.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def _with_hook(settings: Settings, url: str, networks: str = LOCAL) -> Settings:
    values = settings.model_dump(exclude_none=True) | {
        "checkpoint_url": url,
        "checkpoint_networks": networks,
    }
    return Settings.model_validate(values)


def test_a_webhook_gets_each_head(
    settings: Settings, sealer: sealing.Connection, hook: str
) -> None:
    secret = hook.replace("//", "//ana:s%20t@") + "/heads?token=hidden"
    hooked = _with_hook(settings, secret)
    seal = add_seal(hooked)
    sent = {one.destination: one for one in checkpoints.send(sealer, hooked)}
    assert (sent["webhook"].error, sent["webhook"].target) == ("", hook)
    ((path, headers, body),) = _Hook.got
    assert path == "/heads?token=hidden" and json.loads(body)["seal"] == seal
    assert headers["Authorization"] == "Basic YW5hOnMgdA=="
    kept = sealer.execute("SELECT target FROM audit_checkpoint").fetchall()
    assert "hidden" not in str(kept)


@pytest.mark.parametrize(
    ("path", "networks", "error"),
    [
        ("/away", LOCAL, "redirected:302"),
        ("/shut", LOCAL, "answered:503"),
        ("/", "10.0.0.0/8", "own-network:127.0.0.1"),
    ],
)
def test_a_webhook_that_does_not_take_it(  # noqa: PLR0917
    settings: Settings,
    sealer: sealing.Connection,
    hook: str,
    path: str,
    networks: str,
    error: str,
) -> None:
    hooked = _with_hook(settings, hook + path, networks)
    add_seal(hooked)
    sent = {one.destination: one.error for one in checkpoints.send(sealer, hooked)}
    assert sent == {"file": "", "webhook": error}
    assert [got[0] for got in _Hook.got] == ([path] if networks == LOCAL else [])


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104
        *("localhost", "10.1.2.3", "169.254.169.254", "2130706433", "100.64.0.1"),
        *("[::1]", "[::ffff:10.0.0.1]", "[fd00::1]", "[fe80::1]", "[64:ff9b::a00:1]", "224.0.0.1"),
        "[2002:0a00:0001::]",
    ],
)
def test_nothing_is_posted_into_the_own_network(host: str) -> None:
    with pytest.raises(outbound.NotPosted) as refused:
        outbound.post(f"http://{host}:9/", b"{}", headers={}, allowed=())
    assert refused.value.kind == "own-network"


def test_a_slow_answer_does_not_last(monkeypatch: pytest.MonkeyPatch, hook: str) -> None:
    def drip(self: _Hook) -> None:
        try:
            for _ in range(100):
                self.wfile.write(b"H")
                self.wfile.flush()
                threading.Event().wait(0.05)
        except OSError:
            pass

    monkeypatch.setattr(_Hook, "do_POST", drip)
    monkeypatch.setattr(outbound, "WHOLE", 0.3)
    began = datetime.now(UTC)
    with pytest.raises(outbound.NotPosted):
        outbound.post(hook, b"{}", headers={}, allowed=[ipaddress.ip_network(LOCAL)])
    assert datetime.now(UTC) - began < timedelta(seconds=3)
