"""What reaches an open page: what is in sight, all of it, and without holding what others need."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from tests import factories
from webapp.core.db import db
from webapp.live import hub as hubs
from webapp.live.hub import Event, Hub, Reader, publish

EVENTS = {"Accept": "text/event-stream"}
PATIENCE = 8.0


@pytest.fixture
def hub(app: Any) -> Iterator[Hub]:
    """The hub of the app, made anew and ended afterwards."""
    made = Hub(app.extensions["steward"].app_url().replace("postgresql+psycopg", "postgresql", 1))
    app.extensions["steward_live"] = {"hub": made}
    yield made
    made.close()
    del app.extensions["steward_live"]


class Heard:
    """A stream of somebody, read as far as a test wants."""

    def __init__(self, client: Any, since: int | None = None) -> None:
        query = {} if since is None else {"since": str(since)}
        self.reply = client.get("/live", headers=EVENTS, query_string=query, buffered=False)
        assert self.reply.status_code == 200 and self.reply.mimetype == "text/event-stream"
        self.chunks = iter(self.reply.response)
        self.number = 0
        next(self.chunks)  # the greeting

    def until(self, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
        """Read until something is heard, and return all that was."""
        heard: list[dict[str, Any]] = []
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            for block in next(self.chunks).decode().split("\n\n"):
                lines = dict(line.split(": ", 1) for line in block.splitlines())
                self.number = int(lines.get("id", self.number))
                if "data" in lines and "event" not in lines:
                    heard.append(json.loads(lines["data"]))
            if any(wanted(one) for one in heard):
                return heard
        raise AssertionError(f"not heard, but {heard}")

    def close(self) -> None:
        self.reply.close()


@pytest.fixture
def listen(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Heard]]:
    """`listen(client)`: a stream whose listener is there already."""
    monkeypatch.setattr(hubs, "BEAT", 0.2)
    monkeypatch.setattr(hubs, "GAP", 0.0)
    opened = []

    def start(client: Any, **values: Any) -> Heard:
        heard = Heard(client, **values)
        opened.append(heard)
        if len(opened) == 1:
            heard.until(lambda one: one["topic"] == "resync")
        return heard

    yield start
    for heard in opened:
        heard.close()


def of(topic: str, **values: Any) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one["topic"] == topic and values.items() <= one.items()


def tell(topic: str, **values: Any) -> None:
    with factories.work():
        publish(topic, **values)


def test_each_hears_what_is_in_their_sight(sign_in: Any, listen: Any) -> None:
    mine, other = factories.make_client(), factories.make_client()
    project = factories.make_project(client_id=other.id)
    boss = sign_in("tickets")
    agent = sign_in("tickets", client_id=mine.id)
    worker = sign_in("tickets", project_id=project.id)
    reader = sign_in("users")
    # Who sees everything on another page does not hear everything here.
    factories.grant(agent.user, factories.make_role("users"))
    streams = [listen(one) for one in (boss, agent, worker, reader)]
    there = factories.make_ticket(client_id=other.id, project_id=project.id)
    elsewhere = factories.make_ticket(client_id=other.id)
    here = factories.make_ticket(client_id=mine.id)
    tell("presence", id=elsewhere.id, number=1, client=other.id, project=None)
    tell("tickets")
    for client in (boss, agent, worker, reader):
        tell("notification", user=client.user.id)
    heard = [
        stream.until(of("notification", user=client.user.id))
        for stream, client in zip(streams, (boss, agent, worker, reader), strict=True)
    ]
    seen = [
        sorted(
            {one["id"] for one in some if one["topic"] == "ticket"}
            & {there.id, elsewhere.id, here.id}
        )
        for some in heard
    ]
    assert seen == [
        sorted([there.id, elsewhere.id, here.id]),
        [here.id],
        [there.id],
        [],
    ]
    assert [any(map(of("presence"), some)) for some in heard] == [True, False, False, False]
    assert [any(map(of("tickets"), some)) for some in heard] == [True, True, True, False]
    assert all(len([1 for one in some if one["topic"] == "notification"]) == 1 for some in heard)


def test_what_was_rolled_back_is_not_told(sign_in: Any, listen: Any) -> None:
    client = sign_in("tickets")
    stream = listen(client)
    with factories.work():
        publish("tickets")
        db.session.rollback()
    tell("notification", user=client.user.id)
    heard = stream.until(of("notification"))
    assert [one["topic"] for one in heard] == ["notification"]


def test_a_stream_holds_no_connection_of_the_pool(app: Any, sign_in: Any, listen: Any) -> None:
    client = sign_in("tickets", client_id=factories.make_client().id)
    streams = [listen(client) for _ in range(15)]
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    assert client.get("/account").status_code == 200
    assert streams


def test_who_comes_back_gets_what_was_missed(sign_in: Any, listen: Any) -> None:
    client = sign_in("tickets")
    first = listen(client)
    tell("ticket", id=1, number=1, client=1, project=None, new=False)
    first.until(of("ticket", id=1))
    first.close()
    tell("ticket", id=2, number=2, client=1, project=None, new=False)
    time.sleep(0.3)
    again = listen(client, since=first.number)
    heard = again.until(of("ticket", id=2))
    assert not any(map(of("ticket", id=1), heard)) and not any(map(of("resync"), heard))
    # What was before the listener is not known: look at everything again.
    assert listen(client, since=1).until(of("resync"))


def test_after_a_lost_connection_everybody_looks_again(
    sign_in: Any, listen: Any, owner: psycopg.Connection[Any]
) -> None:
    client = sign_in("tickets")
    stream = listen(client)
    owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'steward-live' AND datname = current_database()"
    )
    stream.until(of("resync"))
    tell("notification", user=client.user.id)
    stream.until(of("notification"))


def test_who_falls_behind_looks_at_everything_again(hub: Hub) -> None:
    stream = hub.open(Reader(user_id=1, opens_tickets=True, everywhere=True))
    for number in range(hubs.PENDING + 10):
        stream.tell(f'{{"n": {number}}}', b"data: x\n\n")
    next(stream)
    said = next(stream)
    assert b"resync" in said and said.count(b"data: ") == 1
    stream.close()
    assert len(hub) == 0


def test_streams_end_by_themselves_and_one_person_has_not_too_many(hub: Hub) -> None:
    reader = Reader(user_id=7)
    streams = [hub.open(reader) for _ in range(hubs.STREAMS_OF_ONE + 3)]
    assert len(hub) == hubs.STREAMS_OF_ONE
    next(streams[0])
    with pytest.raises(StopIteration):
        next(streams[0])
    hub.life = 0.1
    short = hub.open(Reader(user_id=8))
    next(short)
    time.sleep(0.2)
    with pytest.raises(StopIteration):
        next(short)


def test_nobody_hears_what_nobody_knows(hub: Hub) -> None:
    everything = Reader(user_id=1, opens_tickets=True, everywhere=True)
    strange = Event(at=1, payload="{}", topic="secret", client=1, project=1, user=1)
    assert not everything.may_know(strange)


def test_a_browser_that_asks_for_a_page_gets_no_stream(client: Any, sign_in: Any) -> None:
    assert sign_in("tickets").get("/live").status_code == 406
    assert client.get("/live", headers=EVENTS).status_code == 303
