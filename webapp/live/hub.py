"""One listener per process hears what the database notifies, and passes it on to the streams that may know it.

``publish("ticket", id=7, …)`` tells every process when this transaction stands. Topics:

``ticket`` (id, number, client, project, new) and ``presence`` (the same): for whom the ticket is in sight;
``tickets`` (very many changed): for all who open the page; ``notification`` (user): for that person.
A stream that missed something is told ``resync``. What has another topic reaches nobody.
"""

import json
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import structlog
from sqlalchemy import text

from webapp.core.db import db
from webapp.core.stopping import at_stop

log = structlog.get_logger(__name__)

CHANNEL = "steward_live"
BEAT = (
    15.0  # seconds between signs of life, for proxies and for browsers that lost us without a word
)
GAP = 0.4  # seconds between two parcels to one browser
LIFE = 300.0  # seconds, after which the browser connects anew, and its session is looked at again
KEPT = 1000  # events that are kept for who comes back
PENDING = 200  # events that wait for one browser; more, and it is told to look at everything again
STREAMS_OF_ONE = 20
SHORTEST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
GLANCE = (
    5.0  # seconds, after which the listener sees that it is to stop, or that its connection is dead
)
RESYNC = '{"topic": "resync"}'


def publish(topic: str, **values: Any) -> None:
    """Tell all who look, if and when this transaction commits."""
    payload = json.dumps({"topic": topic, **values})
    statement = text("SELECT pg_notify(:channel, :payload)")
    db.session.execute(statement, {"channel": CHANNEL, "payload": payload})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; ``at`` is when it was heard, in milliseconds, and no two have the same."""

    at: int
    payload: str
    topic: str
    client: int | None
    project: int | None
    user: int | None

    def packed(self) -> bytes:
        """What goes through the wire."""
        return f"id: {self.at}\ndata: {self.payload}\n\n".encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Whom a stream is for, and what they may know, as of when it began."""

    user_id: int
    opens_tickets: bool = False
    everywhere: bool = False
    clients: frozenset[int] = frozenset()
    projects: frozenset[int] = frozenset()

    def may_know(self, event: Event) -> bool:
        """Tell whether an event is in sight."""
        if event.topic == "notification":
            return event.user == self.user_id
        if event.topic == "tickets":
            return self.opens_tickets
        if event.topic in ("ticket", "presence"):
            return self.opens_tickets and (
                self.everywhere or event.client in self.clients or event.project in self.projects
            )
        return False


class Stream:
    """What one browser is told: an iterator for the web server, which holds nothing but a place to wait."""

    def __init__(self, reader: Reader, *, leave: Callable[["Stream"], None], life: float) -> None:
        self.reader = reader
        self._leave = leave
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._waiting: dict[str, bytes] = {}
        self._greeted = self._over = False
        self._sent_at = 0.0
        self.ends_at = time.monotonic() + life

    def tell(self, payload: str, packed: bytes) -> None:
        """Put something into the next parcel; the same twice is said once."""
        with self._lock:
            if RESYNC in self._waiting:
                return
            if payload == RESYNC or len(self._waiting) >= PENDING:
                self._waiting = {RESYNC: _unnumbered(RESYNC)}
            else:
                self._waiting.pop(payload, None)
                self._waiting[payload] = packed
        self._woken.set()

    def end(self) -> None:
        """Have it end by itself."""
        self._over = True
        self._woken.set()

    def close(self) -> None:
        """Forget it: the browser has gone, or its time is over."""
        self.end()
        self._leave(self)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        """Wait for what comes next: a parcel, or a sign of life."""
        if not self._greeted:
            self._greeted = True
            # Not all at once when a server starts again.
            return f"retry: {random.randint(1000, 4000)}\n\n".encode() + _beat()  # noqa: S311 # nosec B311
        left = self.ends_at - time.monotonic()
        if left > 0 and not self._over:
            self._woken.wait(min(BEAT, left))
            self._pause()
        if self._over or time.monotonic() >= self.ends_at:
            self._leave(self)
            raise StopIteration
        self._woken.clear()
        with self._lock:
            parcel, self._waiting = self._waiting, {}
        return b"".join(parcel.values()) or _beat()

    def _pause(self) -> None:
        """Let what comes in quick succession go out together: two hundred streams are written one by one."""
        wait = self._sent_at + GAP - time.monotonic()
        if wait > 0 and not self._over:
            time.sleep(wait)
        self._sent_at = time.monotonic()


class Hub:
    """The streams of this process, and the one listener that feeds them."""

    def __init__(self, url: str) -> None:
        """Keep how to reach the database; nothing is opened before the first stream."""
        self._url = url
        self._lock = threading.Lock()
        self._streams: list[Stream] = []
        self._kept: deque[Event] = deque()
        self._known_from: int | None = (
            None  # what was before that is not known; None: no listener yet
        )
        self._last = 0
        self._stopped = threading.Event()
        self._listener: threading.Thread | None = None
        self.life = LIFE

    def open(self, reader: Reader, *, since: int | None = None) -> Stream:
        """Begin a stream, with what happened after ``since`` (an event's number, or a time in milliseconds)."""
        life = self.life * random.uniform(0.9, 1.0)  # noqa: S311 # nosec B311 - not all at the same time
        stream = Stream(reader, leave=self._forget, life=life)
        if self._stopped.is_set():
            stream.end()
            return stream
        with self._lock:
            self._make_room(reader.user_id)
            self._streams.append(stream)
            self._catch_up(stream, since)
            if self._listener is None:
                self._listener = threading.Thread(target=self._run, name="live", daemon=True)
                self._listener.start()
                at_stop(self.close)
        return stream

    def close(self) -> None:
        """End every stream and the listener: the process is to stop."""
        self._stopped.set()
        with self._lock:
            streams = list(self._streams)
        for stream in streams:
            stream.end()

    def __len__(self) -> int:
        """How many streams are open."""
        return len(self._streams)

    def _make_room(self, user_id: int) -> None:
        """Drop what is over; of too many of one person the oldest, most likely of a page that was left."""
        now = time.monotonic()
        self._streams = [one for one in self._streams if one.ends_at > now]
        own = [one for one in self._streams if one.reader.user_id == user_id]
        for stream in own[: max(0, len(own) - STREAMS_OF_ONE + 1)]:
            stream.end()
            self._streams.remove(stream)

    def _forget(self, stream: Stream) -> None:
        with self._lock:
            if stream in self._streams:
                self._streams.remove(stream)

    def _catch_up(self, stream: Stream, since: int | None) -> None:
        if since is None or self._known_from is None:
            return  # of a listener that only begins, everybody is told
        if since < self._known_from:
            stream.tell(RESYNC, b"")
            return
        for event in self._kept:
            if event.at > since and stream.reader.may_know(event):
                stream.tell(event.payload, event.packed())

    # The listener

    def _run(self) -> None:
        pause = SHORTEST_PAUSE
        while not self._stopped.is_set():
            try:
                with self._connect() as connection:
                    self._begin()
                    pause = SHORTEST_PAUSE
                    self._listen(connection)
            except (psycopg.Error, OSError) as error:
                log.warning("live_without_database", error=str(error), retry_in=pause)
            except Exception:
                log.exception("live_listener_failed")
            self._stopped.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _connect(self) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=3,
            tcp_user_timeout=5000,
            application_name="steward-live",
        )
        connection.execute(f"LISTEN {CHANNEL}")
        return connection

    def _begin(self) -> None:
        """From now on everything is heard; whoever looks already may have missed something."""
        with self._lock:
            self._kept.clear()
            self._last = self._known_from = max(_now(), self._last + 1)
            streams = list(self._streams)
        for stream in streams:
            stream.tell(RESYNC, b"")

    def _listen(self, connection: psycopg.Connection[Any]) -> None:
        while not self._stopped.is_set():
            for notice in connection.notifies(timeout=GLANCE):
                self._take(notice.payload)
            connection.execute("SELECT 1")  # a connection can be dead without a word

    def _take(self, payload: str) -> None:
        try:
            values = json.loads(payload)
            topic = str(values["topic"])
        except (ValueError, TypeError, KeyError):
            log.warning("live_not_understood", payload=payload[:200])
            return
        with self._lock:
            self._last = max(_now(), self._last + 1)
            event = Event(
                at=self._last,
                payload=json.dumps(values),  # in one line, whatever came
                topic=topic,
                client=values.get("client"),
                project=values.get("project"),
                user=values.get("user"),
            )
            self._keep(event)
            streams = list(self._streams)
        packed = event.packed()
        for stream in streams:
            if stream.reader.may_know(event):
                stream.tell(event.payload, packed)

    def _keep(self, event: Event) -> None:
        self._kept.append(event)
        if len(self._kept) > KEPT:
            self._known_from = self._kept.popleft().at


def _now() -> int:
    return int(time.time() * 1000)


def _beat() -> bytes:
    """A sign of life; by its number the browser says, when it comes back, what it knows."""
    return f"id: {_now()}\nevent: beat\ndata: 1\n\n".encode()


def _unnumbered(payload: str) -> bytes:
    return f"id: {_now()}\ndata: {payload}\n\n".encode()
