"""Checking the log against its seals: names the first wrong row or gap, and everything else that does not fit."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from psycopg.types.json import Jsonb

from webapp.audit import guarding
from webapp.audit.chain import Chain, check_heads, check_retired
from webapp.audit.contents import Contents, Told
from webapp.audit.findings import Finding, Report
from webapp.audit.leaves import Connection
from webapp.audit.sealing import Seal, current_epoch, seals

__all__ = ["Finding", "Report", "Told"]

# Rows that no seal can ever take: of an epoch that is not, or of a transaction that has not been.
_ODD = (
    "SELECT min(id), count(*) FROM audit_event WHERE epoch < 1 OR epoch > %s"
    " OR (epoch = %s AND xid >= pg_snapshot_xmax(pg_current_snapshot()))"
)


def verify(
    connection: Connection,
    *,
    first: int | None = None,
    last: int | None = None,
    heads: Mapping[int, bytes] | None = None,
    trusted: bytes | Collection[bytes] | None = None,
    told: Told | None = None,
) -> Report:
    """Recompute the seals from ``first`` to ``last`` (all, if not given) from the rows, in one snapshot.

    ``heads`` are hashes of seals kept outside the database, ``trusted`` the public key (or keys) that must have signed.
    ``told`` is called about twice a second with rows checked and rows to check.
    """
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return check(
            connection, first=first, last=last, heads=heads or {}, trusted=trusted, told=told
        )


def check(
    connection: Connection,
    *,
    first: int | None = None,
    last: int | None = None,
    heads: Mapping[int, bytes],
    trusted: bytes | Collection[bytes] | None = None,
    told: Told | None = None,
) -> Report:
    """Do as ``verify`` does, in a transaction that is open already."""
    first, last = _whole_windows(connection, first or 1, last)
    chain = Chain(
        report=Report(),
        heads=heads,
        trusted={trusted} if isinstance(trusted, bytes) else set(trusted or ()),
        retired={seal.month: seal for seal in seals(connection, kind="retired")},
        first=first,
    )
    _take(connection, chain, first, last)
    check_heads(connection, chain, first=first, last=last)
    check_retired(connection, chain)
    Contents(connection, chain, told).check()
    _check_the_rest(connection, chain.report)
    chain.report.close()
    return chain.report


def _take(connection: Connection, chain: Chain, first: int, last: int | None) -> None:
    for seal in seals(connection, first=max(1, first - 1), last=last):
        if seal.id < first:
            chain.begin_after(seal)
            continue
        report = chain.report
        report.seal_from = report.seal_from or seal.id
        report.seal_to = seal.id
        chain.take(seal)
    chain.end(last)


def _whole_windows(connection: Connection, first: int, last: int | None) -> tuple[int, int | None]:
    """Widen a range to whole windows: one that spans the end of a month has two seals."""
    while first > 1 and _is_one_window(connection, first - 1):
        first -= 1
    while last is not None and _is_one_window(connection, last):
        last += 1
    return first, last


def _is_one_window(connection: Connection, seal_id: int) -> bool:
    found = connection.execute(
        "SELECT count(*), count(DISTINCT (epoch, xid_from::text, xid_to::text)) FROM audit_seal"
        " WHERE id IN (%s, %s) AND kind = 'rows'",
        [seal_id, seal_id + 1],
    ).fetchone()
    return found is not None and tuple(found) == (2, 1)


def _check_the_rest(connection: Connection, report: Report) -> None:
    """Count what waits for a seal, and look for rows that never get one and for guards that are off."""
    head = next(_last(connection), None)
    stop = (head.epoch, str(head.xid_to)) if head else (-1, "0")
    row = connection.execute(
        "SELECT count(*) FROM audit_event e WHERE (e.epoch, e.xid) >= (%s::smallint, %s::text::xid8)",
        stop,
    ).fetchone()
    report.unsealed = row[0] if row else 0
    epoch = current_epoch(connection)
    odd = connection.execute(_ODD, [epoch, epoch]).fetchone()
    if odd and odd[1]:
        words = (
            f"Row {odd[0]} ({odd[1]} in all) says that it is of a transaction that has not been."
        )
        report.add("row_unsealed", words, row=odd[0])
    for words in guarding.faults(connection):
        report.add("guard", words)


def _last(connection: Connection) -> Iterator[Seal]:
    row = connection.execute("SELECT max(id) FROM audit_seal").fetchone()
    if row and row[0]:
        yield from seals(connection, first=row[0])


def keep(
    connection: Connection,
    report: Report,
    *,
    asked_by: str,
    started_at: datetime,
    checkpoints: int,
) -> int:
    """Add a check to the history, compared with so many ``checkpoints``; give its id."""
    row = connection.execute(
        "INSERT INTO audit_check (asked_by, started_at, finished_at, seal_from, seal_to, rows, unsealed, checkpoints,"
        " ok, findings) VALUES (%s, %s, greatest(%s, clock_timestamp()), %s, %s, %s, %s, %s, %s, %s) RETURNING id",
        [
            *(asked_by[:200], started_at, started_at, report.seal_from, report.seal_to),
            *(report.rows, report.unsealed, checkpoints, report.ok),
            Jsonb([finding.as_json() for finding in report.findings]),
        ],
    ).fetchone()
    return int(row[0]) if row else 0


def seal_at(connection: Connection, moment: datetime, *, until: bool = False) -> int | None:
    """Give the first seal made at or after ``moment``, or with ``until`` the last one made before it."""
    row = connection.execute(
        "SELECT max(id) FROM audit_seal WHERE sealed_at < %s"
        if until
        else "SELECT min(id) FROM audit_seal WHERE sealed_at >= %s",
        [moment],
    ).fetchone()
    return row[0] if row else None
