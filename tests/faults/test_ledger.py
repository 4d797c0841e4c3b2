"""Clients write uniquely named rows while something breaks; afterwards the books must balance.

An acknowledged write is there once and recorded once, a refused one is not there, and of an
unknown one both or neither; repeated with the same key until it is known, it is there once.
"""

import collections
import secrets
import threading
import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import Target

SECONDS = {"given up": 4.0, "repeated": 8.0}
CLIENTS = 3


class Ledger:
    """What each client was told of each of its writes."""

    def __init__(self, steward: Target, *, retry: bool) -> None:
        self.steward, self.retry = steward, retry
        self.book: dict[str, int] = {}
        self.unknown_at_first = 0
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._write) for _ in range(CLIENTS)]

    def _write(self) -> None:
        while not self.stop.is_set():
            name = f"ledger {secrets.token_hex(8)}"
            status = self.steward.create(name, _key=name).status
            if status == 0 or status >= 500:
                self.unknown_at_first += 1
                time.sleep(0.05)
            for _ in range(60 if self.retry else 0):
                if 0 < status < 500:
                    break
                time.sleep(0.3)
                status = self.steward.create(name, _key=name).status
            self.book[name] = status

    def run(self, nemesis: Callable[[], None], *, every: float) -> None:
        for thread in self.threads:
            thread.start()
        ends = time.monotonic() + SECONDS["repeated" if self.retry else "given up"]
        while time.monotonic() < ends:
            time.sleep(every)
            nemesis()
        self.stop.set()
        for thread in self.threads:
            thread.join(40)

    def problems(self) -> list[str]:
        rows = self._counted("SELECT name, count(*) FROM locations GROUP BY name")
        records = self._counted(
            "SELECT object_label, count(*) FROM audit_event"
            " WHERE action = 'location.created' GROUP BY object_label"
        )
        found = []
        for name, status in self.book.items():
            have = (rows[name], records[name])
            if 200 <= status < 400:
                right = have == (1, 1)
            elif 400 <= status < 500:
                right = have == (0, 0)
            else:
                right = have in ((0, 0), (1, 1))
            if not right:
                found.append(f"{name}: told {status}, rows and records {have}")
        return found

    def _counted(self, query: str) -> "collections.Counter[str]":
        with self.steward.connect() as owner:
            return collections.Counter(dict(owner.execute(query).fetchall()))


def restart_database(steward: Target) -> None:
    steward.kill_server()
    time.sleep(0.5)
    steward.start_server()


NEMESES: dict[str, tuple[Callable[[Target], object], float]] = {
    "connections killed": (Target.kill_backends, 0.7),
    "worker killed": (Target.kill_worker, 2.5),
    "database killed": (restart_database, 3.0),
}


@pytest.mark.parametrize("retry", [False, True], ids=["given up", "repeated"])
@pytest.mark.parametrize("kind", NEMESES)
def test_the_books_balance(steward: Target, kind: str, retry: bool) -> None:
    nemesis, every = NEMESES[kind]
    ledger = Ledger(steward, retry=retry)
    ledger.run(lambda: nemesis(steward), every=every)
    assert steward.recovers(20)
    assert ledger.problems() == []
    acknowledged = sum(200 <= status < 400 for status in ledger.book.values())
    assert acknowledged > 20, "too few writes to prove anything"
    if retry:
        assert acknowledged == len(ledger.book), collections.Counter(ledger.book.values())
    assert ledger.unknown_at_first > 0, "nothing was disturbed"
