"""Heads of the chain outside the database: in a file, by mail, at a webhook.

Whoever rewrites the log and all of its seals, even with the key, contradicts a head that lies elsewhere. A head stands
for everything before it, so only the newest is sent, and one that could not be sent is made good by the next.
"""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import structlog
from psycopg.rows import namedtuple_row

from webapp.audit.sealing import Connection, SealHead, head
from webapp.core import outbound, smtp
from webapp.core.config import Settings

log = structlog.get_logger(__name__)
FILE, MAIL, WEBHOOK = DESTINATIONS = ("file", "mail", "webhook")
CONTRADICTION = "contradicts"
RETRY = timedelta(minutes=5)  # after a failure
RETRY_CONTRADICTION = timedelta(hours=1)
TAIL = 64 * 1024  # bytes at the end of the file that hold its last line for certain
HASH = 32


class NotSent(Exception):
    """The head did not get there; ``kind`` and ``detail`` say why."""

    def __init__(self, kind: str, detail: object = "") -> None:
        """Keep the kind (a word of the program) and its detail."""
        super().__init__(f"{kind}:{detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What became of one head at one destination; ``error`` is empty, or kind and detail with a colon between.

    ``changed``: the last time it ended otherwise.
    """

    destination: str
    target: str
    seal: int
    error: str
    changed: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    destination: str
    target: str
    daily: bool
    hand_over: Callable[[Connection, Settings, SealHead], None]


def line_of(found: SealHead) -> str:
    """Write a head as one line of JSON, as it leaves the database."""
    said = {
        "seal": found.id,
        "hash": found.hash.hex(),
        "signature": found.signature.hex(),
        "public_key": found.public_key.hex(),
        "sealed_at": found.sealed_at.astimezone(UTC).isoformat(),
        "rows": found.rows,
    }
    return json.dumps(said)


def read(path: Path) -> dict[int, bytes]:
    """Return the heads that a file holds: number of the seal and its hash.

    Other lines are passed over: of a mail, or cut off by a crash. Of two lines about one seal the first counts, so
    that adding a line changes nothing.

    Raises:
        OSError: if the file cannot be read.
    """
    held: dict[int, bytes] = {}
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if (said := _parsed(line)) is not None:
                held.setdefault(*said)
    return held


def _parsed(line: str) -> tuple[int, bytes] | None:
    try:
        said = json.loads(line)
        seal, found = int(said["seal"]), bytes.fromhex(said["hash"])
    except (ValueError, KeyError, TypeError):
        return None
    return (seal, found) if len(found) == HASH else None


def send(connection: Connection, settings: Settings) -> list[Sent]:
    """Send the head of the chain wherever it is due, and keep what became of it in ``audit_checkpoint``.

    ``connection`` is the sealer's; nothing that happens outside raises.
    """
    found = head(connection)
    if found is None:
        return []
    now = datetime.now(UTC)
    return [
        _send(connection, settings, place, found)
        for place in _places(settings)
        if _is_due(_history(connection, place), place, found, now)
    ]


def _places(settings: Settings) -> Iterator[_Place]:
    yield _Place(
        destination=FILE, target=str(settings.checkpoints), daily=False, hand_over=_into_file
    )
    if settings.checkpoint_mail:
        yield _Place(
            destination=MAIL, target=settings.checkpoint_mail, daily=True, hand_over=_by_mail
        )
    if settings.checkpoint_url:
        yield _Place(
            destination=WEBHOOK,
            target=outbound.name_of(settings.checkpoint_url),
            daily=False,
            hand_over=_to_webhook,
        )


# --- what is due --------------------------------------------------------------------------

_LAST = """
SELECT seal_id, sent_at, error FROM audit_checkpoint
 WHERE destination = %s AND target = %s {only} ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class _History:
    """The last time that a head was sent to a place, and the last time that it arrived."""

    last: Any
    arrived: Any


def _history(connection: Connection, place: _Place) -> _History:
    values = (place.destination, place.target[:500])
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        last = cursor.execute(_LAST.format(only=""), values).fetchone()
        arrived = cursor.execute(_LAST.format(only="AND error = ''"), values).fetchone()
    return _History(last=last, arrived=arrived)


def _is_due(before: _History, place: _Place, found: SealHead, now: datetime) -> bool:
    if before.last is not None and before.last.error:
        contradicts = before.last.error.startswith(CONTRADICTION)
        return bool(now - before.last.sent_at >= (RETRY_CONTRADICTION if contradicts else RETRY))
    if before.arrived is None:
        return True
    if place.daily and before.arrived.sent_at.astimezone(UTC).date() >= now.date():
        return False
    return bool(before.arrived.seal_id != found.id)


def _send(connection: Connection, settings: Settings, place: _Place, found: SealHead) -> Sent:
    before = _history(connection, place).last
    error = ""
    try:
        place.hand_over(connection, settings, found)
    except (NotSent, outbound.NotPosted) as failure:
        error = str(failure)[:2000]
        log.warning(
            "checkpoint_not_sent", destination=place.destination, target=place.target, error=error
        )
    connection.execute(
        "INSERT INTO audit_checkpoint (seal_id, destination, target, error) VALUES (%s, %s, %s, %s)",
        (found.id, place.destination, place.target[:500], error),
    )
    return Sent(
        destination=place.destination,
        target=place.target,
        seal=found.id,
        error=error,
        changed=before is None or before.error != error,
    )


# --- the file -----------------------------------------------------------------------------


def _into_file(connection: Connection, settings: Settings, found: SealHead) -> None:
    """Add the head to the file and wait until the disk has it; never to one that contradicts the chain."""
    path = settings.checkpoints
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = not path.exists()
        # Two sealers must not add at once, and what is there must still fit when the line is added.
        with open(path, "ab", opener=_private) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            last, whole = _end_of(path)
            if last is not None:
                _refuse_contradiction(connection, *last)
            if last is None or last[0] != found.id:
                file.write(b"" if whole else b"\n")
                file.write(line_of(found).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        if new:
            _sync_directory(path.parent)
    except OSError as error:
        raise NotSent("file", error.strerror or type(error).__name__) from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o640)


def _end_of(path: Path) -> tuple[tuple[int, bytes] | None, bool]:
    """Return the last head of the file, and whether the file ends with a whole line."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - TAIL))
        tail = file.read()
    whole = not tail or tail.endswith(b"\n")
    for line in reversed(tail.splitlines()):
        if (said := _parsed(line.decode("utf-8", errors="replace"))) is not None:
            return said, whole
    return None, whole


def _refuse_contradiction(connection: Connection, seal: int, held: bytes) -> None:
    row = connection.execute("SELECT hash FROM audit_seal WHERE id = %s", (seal,)).fetchone()
    if row is None or bytes(row[0]) != held:
        log.error("checkpoint_contradicts_the_log", seal=seal, in_file=held.hex())
        raise NotSent(CONTRADICTION, seal)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# --- mail and webhook ---------------------------------------------------------------------

_BODY = """\
This is the head of the audit log's chain of seals. Keep this message where the owner of the database cannot reach
it: whoever rewrites the log from now on contradicts it.

{line}

Seal {seal} of {sealed_at} UTC covers {rows} rows together with all seals before it. To compare the log with it, put
the line that begins with a brace into a file, and run: flask audit verify --checkpoints FILE
"""


def _by_mail(_: Connection, settings: Settings, found: SealHead) -> None:
    if not settings.smtp_url:
        raise NotSent("no-mail-server")
    message = EmailMessage()
    message["Subject"] = f"Audit log: seal {found.id}"
    message["From"] = settings.mail_from
    message["To"] = settings.checkpoint_mail
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Auto-Submitted"] = "auto-generated"
    body = _BODY.format(
        line=line_of(found),
        seal=found.id,
        sealed_at=found.sealed_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S"),
        rows=found.rows,
    )
    # Long lines must arrive as they are: the hash is in one of them.
    message.set_content(body, cte="base64")
    try:
        smtp.deliver(settings.smtp_url, message)
    except smtp.MailFailed as error:
        raise NotSent("mail", error) from error


def _to_webhook(_: Connection, settings: Settings, found: SealHead) -> None:
    outbound.post(
        settings.checkpoint_url or "",
        line_of(found).encode(),
        headers={"Content-Type": "application/json"},
        allowed=settings.checkpoint_networks,
    )
