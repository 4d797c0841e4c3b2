"""Files on a few of the demo's tickets: logs, readings and pictures, written rather than found."""

import io
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from PIL import Image, ImageDraw
from sqlalchemy import select

from webapp.attachments import services as attachments
from webapp.core import trail
from webapp.core.db import db
from webapp.seed.demo import SEED, Demo
from webapp.tickets.models import Message, Ticket

EACH = 2  # of a kind
LOOKED_AT = 24  # messages, of which those on different tickets are taken
SIZE = (480, 320)
Written = Callable[[random.Random, datetime], bytes]


def _log(chance: random.Random, at: datetime) -> bytes:
    steps = ("moving inversions", "walking ones", "random data", "block move", "bit fade")
    lines = [f"{at:%Y-%m-%d %H:%M:%S} memory test started, 16384 MB"]
    for number, step in enumerate(steps * 3):
        at += timedelta(minutes=7)
        bad = chance.choice((True, False, False, False))
        found = f"FAIL at 0x{chance.randrange(2**34):010x}" if bad else "ok"
        lines.append(f"{at:%Y-%m-%d %H:%M:%S} pass {number // 5 + 1} {step}: {found}")
    return "\n".join(lines).encode() + b"\n"


def _journal(chance: random.Random, at: datetime) -> bytes:
    said = (
        "systemd[1]: backup.service: main process exited, code=exited, status=28",
        "kernel: EXT4-fs warning (device sdb1): no space left on device",
        "backup[2211]: 412 of 913 files written",
        "systemd[1]: backup.service: scheduled restart job, restart counter is at 3",
    )
    lines = []
    for _ in range(40):
        at += timedelta(seconds=chance.randrange(1, 90))
        lines.append(f"{at:%b %d %H:%M:%S} host {chance.choice(said)}")
    return "\n".join(lines).encode() + b"\n"


def _survey(chance: random.Random, at: datetime) -> bytes:
    rows = ["time,access point,channel,signal dBm,lost %"]
    for _ in range(48):
        at += timedelta(minutes=5)
        signal, lost = chance.randrange(-88, -45), chance.choice((0, 0, 0, 1, 4, 17))
        rows.append(f"{at:%Y-%m-%d %H:%M},ap-{chance.randrange(1, 5)},36,{signal},{lost}")
    return "\n".join(rows).encode() + b"\n"


def _degrees(chance: random.Random, at: datetime) -> bytes:
    rows, warm = ["time,supply °C,room °C"], 22.0
    for _ in range(48):
        at += timedelta(minutes=30)
        warm += chance.uniform(-0.3, 0.5)
        rows.append(f"{at:%Y-%m-%d %H:%M},{warm - chance.uniform(4, 6):.1f},{warm:.1f}")
    return "\n".join(rows).encode() + b"\n"


def _display(chance: random.Random, at: datetime) -> bytes:
    """What the panel of a lift showed."""
    picture = Image.new("RGB", SIZE, "#b9bec4")
    pen = ImageDraw.Draw(picture)
    pen.rounded_rectangle((90, 50, 390, 180), 10, fill="#1c1f22")
    pen.text((120, 80), f"E{chance.randrange(10, 99)}", fill="#ff5a3c", font_size=64)
    pen.text((250, 105), f"{at:%H:%M}", fill="#ff5a3c", font_size=32)
    for left in (120, 200, 280):
        pen.ellipse((left, 220, left + 50, 270), fill="#e7e9eb", outline="#7d848b")
    return _png(picture)


def _page(chance: random.Random, at: datetime) -> bytes:
    """A page that came out with stripes."""
    picture = Image.new("RGB", SIZE, "#fbfbf8")
    pen = ImageDraw.Draw(picture)
    pen.text((30, 20), f"Test page {at:%d %b %Y}", fill="#222222", font_size=20)
    for row in range(70, 300, 14):
        pen.line((30, row, 30 + chance.randrange(250, 420), row), fill="#5b5f63", width=4)
    for _ in range(4):
        left = chance.randrange(60, 420)
        pen.line((left, 60, left, 310), fill="#1d1d1d", width=chance.randrange(1, 5))
    return _png(picture)


def _png(picture: Image.Image) -> bytes:
    kept = io.BytesIO()
    picture.save(kept, "PNG")
    return kept.getvalue()


# Of tickets with a tag: what the file is called, and what it holds.
PAPERS: dict[str, tuple[str, Written]] = {
    "laptop": ("memory-test.txt", _log),
    "server": ("system-journal.log", _journal),
    "wifi": ("survey.csv", _survey),
    "climate": ("temperatures.csv", _degrees),
    "lift": ("lift-display.png", _display),
    "printing": ("test-page.png", _page),
}


def put_in(demo: Demo) -> None:
    """Have whoever wrote some of the last messages on a few tickets send a file with it, through the service."""
    chance = random.Random(SEED + 5)  # noqa: S311 # nosec B311 - of the demo
    people = {one.id: one for one in demo.people}
    last = (
        select(Message.id, Message.ticket_id, Message.author_id, Message.sent_at)
        .join(Ticket, Ticket.id == Message.ticket_id)
        .where(Message.author_id.in_(people))
        .order_by(Message.id.desc())
        .limit(LOOKED_AT)
    )
    with demo.step():
        found = {
            tag: db.session.execute(last.where(Ticket.tags.any_() == tag)).all() for tag in PAPERS
        }
    for tag, (name, written) in PAPERS.items():
        chosen = {row.ticket_id: row for row in found[tag]}
        for row in list(chosen.values())[:EACH]:
            demo.now = row.sent_at
            with demo.step(people[row.author_id]):
                _send(row.id, name, written(chance, row.sent_at - timedelta(hours=3)))


def _send(message_id: int, name: str, content: bytes) -> None:
    message = db.session.get_one(Message, message_id)
    file = attachments.add_to_ticket(
        client_id=message.client_id,
        ticket_id=message.ticket_id,
        file=io.BytesIO(content),
        name=name,
        user_id=message.author_id or 0,
    )
    trail.tell(file, "attachment.sent")
    file.message_id = message.id
