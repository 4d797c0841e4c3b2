"""The job that takes a search out of the log, and how it is proven; `flask audit export` does the same.

What it writes into its own transaction comes last: a transaction that has written holds up the sealing of all others.
"""

import errno
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from tempfile import TemporaryFile
from typing import IO, Any

import psycopg
from sqlalchemy import Select, case, cast, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import Text

from webapp.access.identity import SignedIn
from webapp.audit import sealing
from webapp.audit.canonical import COLUMNS
from webapp.audit.evidence import bundle, tables
from webapp.audit.evidence.covering import Covering, Ref
from webapp.audit.leaves import Connection
from webapp.audit.models import AuditEvent
from webapp.audit.queries import Filter, count_upto, matching, some_of
from webapp.audit.signing import ProofError
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.core.storage import StorageFull
from webapp.jobs import queue
from webapp.organisation.tree import reach_of
from webapp.oversight import exporting
from webapp.oversight.asking import filter_of, words_of
from webapp.oversight.exporting import EXPORT
from webapp.oversight.masking import mask_of
from webapp.oversight.queries import exports as queries

LOT = 1000
MOST = 50_000_000  # rows that are counted, for the bar
LARGEST = 64 * 1024**3  # bytes of a file
TRIES, PAUSE = 40, 0.5  # for rows that an open transaction keeps from being sealed

Tell = Callable[[int, int | None], None]


@dataclass(kw_only=True)
class Taking:
    """What is taken out, by whom, and what became of it. ``who`` None is the system, which sees everything."""

    query: str
    who: SignedIn | None
    timezone: str
    now: datetime
    tell: Tell
    withheld: int = 0

    def __post_init__(self) -> None:
        """Find out what may be taken."""
        self.mask = mask_of(self.who) if self.who else None
        covered = self.mask.covers_any if self.mask else ()
        self.asked: Filter = filter_of(
            self.query, timezone=self.timezone, now=self.now, covered=covered
        )
        self.everything = self.who is None or reach_of(self.who, "audit").everywhere
        self.total = count_upto(self.asked, MOST, everything=self.everything)

    def rows(self, *columns: Any) -> Iterator[Sequence[Any]]:
        """Stream what matches in lots, the oldest first, by a cursor of the server."""
        statement: Select[Any] = matching(self.asked, everything=self.everything)
        reach = reach_of(self.who, EXPORT) if self.who else None
        if reach is not None and not reach.everywhere:
            statement = statement.where(queries.within(reach))
        found = db.session.execute(
            statement.with_only_columns(*columns).execution_options(yield_per=LOT)
        )
        yield from found.partitions()

    def seen(self) -> Iterator[Sequence[Any]]:
        """Stream the rows as this person may read them."""
        for lot in self.rows(*(getattr(AuditEvent, name) for name in COLUMNS)):
            yield [self.mask.seen(row) for row in lot] if self.mask else lot


@queue.task("audit.export", attempts=2, minutes=30)
def export(progress: queue.Progress) -> None:
    """Make the file of an export; nothing is left to do if it was deleted meanwhile."""
    wanted, who = queries.find_of_job(progress.job_id), progress.actor
    if wanted is None or wanted.finished_at is not None:
        return
    if who is None or not who.holds(EXPORT):
        raise DomainError(_("Whoever started this may not do it any more."))
    # While the sealer's connection works, the job's own has nothing to say.
    db.session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '6h'"))
    taking = Taking(
        query=wanted.query,
        who=who,
        timezone=who.timezone,
        now=wanted.created_at,
        tell=progress.tell,
    )
    kept = exporting.storage()
    kept.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _room(), TemporaryFile(dir=kept.root) as file:
        try:
            rows = write(file, wanted.format, taking, settings=exporting.settings())
        except ProofError as error:
            raise DomainError(_("It could not be proven: %(why)s", why=str(error))) from error
        file.seek(0)
        with kept.receive(file, limit=LARGEST) as draft:
            _finish(progress.job_id, draft, rows, taking)


def _finish(job_id: int, draft: Any, rows: int, taking: Taking) -> None:
    """Keep the file, unless nobody wants it any more."""
    wanted = queries.find_of_job(job_id, lock=True)
    if wanted is None:
        return
    exporting.hold(draft.sha256)
    draft.keep()
    wanted.rows, wanted.size, wanted.sha256 = rows, draft.size, draft.sha256
    wanted.finished_at, wanted.expires_at = datetime.now(UTC), exporting.lasts_until()
    withheld = {"withheld": taking.withheld} if taking.withheld else {}
    trail.tell(wanted, "audit.export_made", category="export", changes=withheld)


def write(file: IO[bytes], kind: str, taking: Taking, *, settings: Settings) -> int:
    """Write an export in one of the formats; return the number of rows in it.

    Raises:
        NoSealer: if it is to be proven and nobody seals the log here.
        NotProven: if the log is not what was sealed.
    """
    if kind == "bundle":
        return _write_bundle(file, taking, settings)
    make = tables.write_csv if kind == "csv" else tables.write_jsonl
    return make(
        file,
        taking.seen(),
        head=queries.head() or (),
        tell=lambda done: taking.tell(done, taking.total),
    )


def _write_bundle(file: IO[bytes], taking: Taking, settings: Settings) -> int:
    with sealing.connect(settings) as connection:
        key = sealing.load_key(settings.seal_key, create=sealing.head(connection) is None)
        _seal(connection, key)
        covering = Covering(connection)
        _choose(covering, taking)
        for _again in range(TRIES):
            if not covering.left:
                break
            time.sleep(
                PAUSE
            )  # a transaction that began before these rows were written is still open
            _seal(connection, key)
            covering.look()
            taking.tell(covering.rows, None)
        leaves = sum(covering.sealed(seal)[0] for seal in covering.seals)
        bundle.write(
            file,
            connection=connection,
            key=key,
            covering=covering,
            asked=_said(taking, settings),
            tell=lambda done: taking.tell(taking.total + done, taking.total + leaves),
        )
        return covering.rows


def _seal(connection: Connection, key: Any) -> None:
    # Another sealer may be at it; what it does not take in is looked for again.
    with suppress(psycopg.errors.LockNotAvailable):
        sealing.seal(connection, key)


def _choose(covering: Covering, taking: Taking) -> None:
    """Go through what matches; what this person may not read as it stands is left out."""
    month = func.to_char(func.timezone("UTC", AuditEvent.recorded_at), "YYYY-MM")
    # What a file belongs to is in its changes; of others nothing but the kind decides.
    of_files = case(
        (AuditEvent.object_type == "attachment", AuditEvent.changes), else_=cast({}, JSONB)
    )
    columns = (
        *(AuditEvent.id, AuditEvent.epoch, cast(AuditEvent.xid, Text).label("xid")),
        *(month.label("month"), AuditEvent.action, AuditEvent.object_type, AuditEvent.client_id),
        of_files.label("changes"),
    )
    for lot in taking.rows(*columns):
        for row in lot:
            if taking.mask is not None and taking.mask.hides_row(row):
                taking.withheld += 1
            else:
                covering.add(Ref(id=row.id, epoch=row.epoch, xid=int(row.xid), month=row.month))
        taking.tell(covering.rows, taking.total * 2)


def _said(taking: Taking, settings: Settings) -> bundle.Asked:
    who, seen = taking.who, None if taking.everything else some_of(taking.asked)
    person = {"id": who.id, "name": who.name, "email": who.email} if who else {"name": "Steward"}
    return bundle.Asked(
        query=taking.query,
        words=[(str(title), str(value)) for title, value in words_of(taking.query, seen)],
        asked_at=taking.now,
        since=taking.asked.since,
        until=taking.asked.until,
        made_at=datetime.now(UTC),
        person=person,
        source=settings.public_url,
        withheld=taking.withheld,
    )


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise StorageFull from error
        raise
