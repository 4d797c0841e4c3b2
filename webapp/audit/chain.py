"""The chain of seals itself: numbers, links, hashes, signatures, windows, and heads that were kept elsewhere."""

import struct
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from webapp.audit import leaves, sealing
from webapp.audit.canonical import FORM
from webapp.audit.findings import Report
from webapp.audit.leaves import Connection
from webapp.audit.merkle import root_of
from webapp.audit.sealing import FIRST, Seal
from webapp.audit.signing import is_signed

DAY = (
    86_400_000_000  # microseconds: no transaction runs for longer, and no two clocks differ by more
)
_PACK = struct.Struct("<qhQQqqq32s")


class Entry(NamedTuple):
    """What the rows of a seal are checked by; their times lie between ``low`` and ``high``."""

    id: int
    epoch: int
    start: int
    stop: int
    rows: int
    low: int
    high: int
    root: bytes


@dataclass(kw_only=True)
class Chain:
    """Takes seal after seal and notes what does not fit; keeps 82 bytes of each for the check of its rows."""

    report: Report
    heads: Mapping[int, bytes]
    trusted: Collection[bytes]
    retired: Mapping[str, Seal]
    first: int
    start: tuple[int, int] | None = None
    stop: tuple[int, int] = (1, 0)
    rows: int = 0
    _months: dict[str, bytearray] = field(default_factory=lambda: defaultdict(bytearray))
    _before: Seal | None = None
    _window: tuple[int, int, int] | None = None
    _sealed: int = DAY  # when that window was sealed
    _low: int = 0  # when the one before was sealed, less a day

    def months(self) -> Collection[str]:
        """Name the months whose rows are to be checked."""
        return self._months.keys()

    def entries(self, month: str) -> Iterator[Entry]:
        """Give the seals of a month in the order of their windows."""
        return map(Entry._make, _PACK.iter_unpack(self._months.get(month, b"")))

    def take(self, seal: Seal) -> None:
        """Check the next seal."""
        before = self._before
        expected = before.id + 1 if before else self.first
        if seal.id != expected:
            self._missing(expected, seal.id - 1)
            before = None
        elif seal.previous != (before.hash if before else FIRST):
            self.report.add(
                "chain", f"Seal {seal.id} is not chained to the one before.", seal=seal.id
            )
        self._check_itself(seal)
        self._check_window(seal, before)
        self._before = seal
        self.report.seals += 1

    def begin_after(self, seal: Seal) -> None:
        """Check from the middle: what comes next is chained to ``seal``."""
        self._before = seal
        self.stop = (seal.epoch, seal.xid_to)
        self._sealed = leaves.microseconds(seal.sealed_at)

    def end(self, last: int | None) -> None:
        """Say so if seals are missing at the end."""
        reached = self._before.id if self._before else self.first - 1
        if last is not None and reached < last:
            self._missing(reached + 1, last)

    def _missing(self, first: int, last: int) -> None:
        words = (
            f"Seal {first} is missing."
            if first == last
            else f"Seals {first} to {last} are missing."
        )
        self.report.add("seal_missing", words, seal=first)

    def _check_itself(self, seal: Seal) -> None:
        wrong = faults_of(seal, self.trusted)
        if seal.id in self.heads and self.heads[seal.id] != seal.hash:
            wrong.append(("head", "differs from the head that was kept outside the database"))
        for kind, words in wrong:
            self.report.add(kind, f"Seal {seal.id} {words}.", seal=seal.id)

    def _check_window(self, seal: Seal, before: Seal | None) -> None:
        window = (seal.epoch, seal.xid_from, seal.xid_to)
        known = before is not None or seal.id == 1
        same = before is not None and window == (before.epoch, before.xid_from, before.xid_to)
        follows = window[:2] == self.stop or (seal.epoch > self.stop[0] and seal.xid_from == 0)
        if seal.kind == "rows" and same and before is not None:
            follows = seal.month > before.month
        if known and not follows:
            words = f"Seal {seal.id} does not begin where the one before ends."
            self.report.add("window", words, seal=seal.id)
        if self.start is None:
            self.start = window[:2]
        self.stop = max(self.stop, (seal.epoch, seal.xid_to))
        if seal.kind == "rows" and window != self._window:
            self._low, self._window = self._sealed - DAY, window
            self._sealed = leaves.microseconds(seal.sealed_at)
        if seal.kind == "rows" and not self.is_retired(seal) and seal.form == FORM:
            self._keep(seal)

    def is_retired(self, seal: Seal) -> bool:
        """Tell whether the rows of a seal were taken out of the log later."""
        taken = self.retired.get(seal.month)
        return taken is not None and taken.id > seal.id

    def _keep(self, seal: Seal) -> None:
        high = leaves.microseconds(seal.sealed_at) + DAY
        self.rows += seal.rows
        self._months[seal.month] += _PACK.pack(
            *(seal.id, seal.epoch, seal.xid_from, seal.xid_to, seal.rows, self._low, high),
            seal.root,
        )


def faults_of(seal: Seal, trusted: Collection[bytes]) -> list[tuple[str, str]]:
    """Give what is wrong with a seal by itself."""
    wrong = []
    if sealing.hash_of(seal) != seal.hash:
        wrong.append(("seal_altered", "was altered"))
    if not is_signed(seal.hash, seal.signature, seal.public_key):
        wrong.append(("signature", "carries no valid signature"))
    if trusted and seal.public_key not in trusted:
        wrong.append(("key", f"was signed by a strange key, {seal.public_key.hex()[:16]}…"))
    if seal.form != FORM:
        wrong.append(("form", f"has a form of rows, {seal.form}, that this version does not know"))
    return wrong


def check_heads(connection: Connection, chain: Chain, *, first: int, last: int | None) -> None:
    """Compare the heads outside of what was streamed, and find out if the end was cut off."""
    others = [each for each in chain.heads if each < first or (last is not None and each > last)]
    found = connection.execute(
        "SELECT id, hash FROM audit_seal WHERE id = ANY (%s)", [others]
    ).fetchall()
    for number, digest in found:
        if chain.heads[number] != digest:
            words = f"Seal {number} differs from the head that was kept outside the database."
            chain.report.add("head", words, seal=number)
    row = connection.execute(
        "SELECT coalesce((SELECT max(id) FROM audit_seal), 0), greatest((SELECT max(seal_id) FROM audit_checkpoint),"
        " (SELECT max(seal_to) FROM audit_check), (SELECT max(seal_id) FROM audit_leaf))"
    ).fetchone()
    end, noted = row or (0, None)
    for known, where in ((max(chain.heads, default=0), "outside"), (noted or 0, "in the database")):
        if known > end:
            words = (
                f"Seal {known} is known {where}, but the chain ends at {end}: its end was cut off."
            )
            chain.report.add("tail", words, seal=end + 1)


def check_retired(connection: Connection, chain: Chain) -> None:
    """Check what was said when months were taken out of the log."""
    for month, seal in chain.retired.items():
        for kind, words in faults_of(seal, chain.trusted):
            if seal.id < chain.first:
                chain.report.add(kind, f"Seal {seal.id} {words}.", seal=seal.id)
        rows = connection.execute(
            "SELECT root, rows FROM audit_seal WHERE month = %s AND kind = 'rows' AND id < %s ORDER BY id",
            [month, seal.id],
        ).fetchall()
        if (root_of(row[0] for row in rows), sum(row[1] for row in rows)) != (seal.root, seal.rows):
            words = f"Seal {seal.id} retires {month}, but not with the seals of that month."
            chain.report.add("retired", words, seal=seal.id)
