"""Reads about what proves the log: how far it is sealed, what checks found, where the heads went."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import literal_column, text

from webapp.audit.seal_models import AuditCheck, AuditCheckAcknowledgement
from webapp.core import paging
from webapp.core.db import db

LATE = timedelta(minutes=10)
MANY = 10_000  # rows that are counted
# No transaction lasts longer; without this bound every month of the log would be looked at.
LONGEST = timedelta(days=2)
# What the job says of itself in the log.
NOT_SEALED = "audit.not_sealed"
LATE_ACTION = "audit.sealing_late"


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """How far the log is sealed: the last seal, and what waits for the next (at most ``MANY`` + 1 rows)."""

    now: datetime
    seal: Any
    unsealed: int = 0
    oldest: datetime | None = None

    @property
    def patience(self) -> timedelta:
        """How long the sealing may take without being late."""
        return LATE

    @property
    def lag(self) -> timedelta:
        """How long the oldest row has waited."""
        return max(self.now - self.oldest, timedelta()) if self.oldest else timedelta()

    @property
    def late(self) -> bool:
        """Tell whether something is wrong with the sealing."""
        return self.lag > LATE


_SEAL = """
SELECT s.id, s.hash, s.public_key, s.sealed_at, s.epoch, s.xid_to::text AS xid_to, clock_timestamp() AS now
  {more}
  FROM (SELECT) AS one LEFT JOIN (SELECT * FROM audit_seal ORDER BY id DESC LIMIT 1) AS s ON true
"""
# In the order of their ids, so that few rows are looked at however many wait.
_UNSEALED = """
SELECT count(*) AS rows, min(recorded_at) AS oldest FROM (
  SELECT recorded_at FROM audit_event WHERE (epoch, xid) >= (CAST(:epoch AS smallint), CAST(:xid AS xid8))
     AND recorded_at >= CAST(:since AS timestamptz) ORDER BY epoch, xid LIMIT :most) AS waiting
"""
_BEGINNING = datetime(1970, 1, 1)  # noqa: DTZ001 - the server takes it as UTC


def standing(*, most: int = MANY) -> Standing:
    """Return how far the log is sealed, counting at most ``most`` rows; two statements."""
    seal = db.session.execute(text(_SEAL.format(more=""))).one()
    return _standing(seal, most)


def _standing(seal: Any, most: int) -> Standing:
    values = {
        "epoch": seal.epoch or 1,
        "xid": seal.xid_to or "0",
        "since": seal.sealed_at - LONGEST if seal.sealed_at else _BEGINNING,
        "most": most + 1,
    }
    waiting = db.session.execute(text(_UNSEALED), values).one()
    return Standing(
        now=seal.now,
        seal=seal if seal.id is not None else None,
        unsealed=waiting.rows,
        oldest=waiting.oldest,
    )


def _cleared(check: str) -> str:
    """Whether a later check of at least the same seals found nothing."""
    return f"""EXISTS (SELECT FROM audit_check good WHERE good.ok AND good.id > {check}.id
      AND good.seal_from <= {check}.seal_from AND good.seal_to >= {check}.seal_to
      AND good.checkpoints >= {check}.checkpoints)"""


def _news_in(findings: str) -> str:
    """Whether some of it was not acknowledged: neither with this check nor with another one that was not cleared."""
    return f"""EXISTS (SELECT FROM jsonb_array_elements({findings}) AS each (one) WHERE NOT EXISTS (
      SELECT FROM audit_check_acknowledgement a JOIN audit_check known ON known.id = a.check_id
       WHERE known.findings @> jsonb_build_array(each.one) AND NOT {_cleared("known")}))"""  # noqa: S608 # nosec B608 - our own names


# A check that found something stands until a later one clears it, or somebody has acknowledged all that it found.
# What is found each night again is compared once.
_OPEN_CHECK = f"""
(SELECT max(same.id) FROM (
   SELECT max(bad.id) AS id, bad.findings FROM audit_check bad WHERE NOT bad.ok AND NOT {_cleared("bad")}
    GROUP BY bad.findings) AS same WHERE {_news_in("same.findings")})
"""  # noqa: S608 # nosec B608 - our own names


@dataclass(frozen=True, kw_only=True, slots=True)
class Warnings:
    """What holders of the right to check should know wherever they are."""

    late: Standing | None
    found: int | None  # the check

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return self.late is not None or self.found is not None


def warnings() -> Warnings:
    """Return what is wrong with the log's proof; one statement as long as it is sealed each minute."""
    row = db.session.execute(text(_SEAL.format(more=f", {_OPEN_CHECK} AS found"))).one()
    late = None
    if row.sealed_at is None or row.now - row.sealed_at > LATE:
        found = _standing(row, 1)
        late = found if found.late else None
    return Warnings(late=late, found=row.found)


_CHECKS = paging.Listing(id=AuditCheck.id, sorts={"id": AuditCheck.id}, default="-id")


_KNOWN: Any = literal_column(f"NOT audit_check.ok AND NOT {_news_in('audit_check.findings')}")


def _checks() -> Any:
    said = AuditCheckAcknowledgement
    return db.select(
        *AuditCheck.__table__.columns,
        said.name.label("acknowledged_by"),
        said.acknowledged_at,
        said.comment,
        _KNOWN.label("known"),
    ).outerjoin(said, said.check_id == AuditCheck.id)


def list_checks(args: Any) -> paging.Page:
    """Return a page of the history of checks, newest first; ``known`` are those that hold nothing new."""
    return paging.paginate(_checks(), _CHECKS, args)


def find_check(check_id: int) -> Any:
    """Return a check as the history has it."""
    return db.session.execute(_checks().where(AuditCheck.id == check_id)).one_or_none()


# --- where the heads went -----------------------------------------------------------------

# The index leads to the last row of each destination; targets of one are few in a row.
_ARRIVALS = """
SELECT d.destination, last.target, last.error, last.sent_at, last.seal_id,
  arrived.sent_at AS arrived_at, arrived.seal_id AS arrived
  FROM unnest(CAST(:destinations AS text[])) AS d (destination)
  CROSS JOIN LATERAL (SELECT * FROM audit_checkpoint c WHERE c.destination = d.destination
     ORDER BY id DESC LIMIT 1) last
  LEFT JOIN LATERAL (SELECT sent_at, seal_id FROM audit_checkpoint c WHERE c.destination = d.destination
     AND c.target = last.target AND c.error = '' ORDER BY id DESC LIMIT 1) arrived ON true
"""


def arrivals(destinations: Sequence[str]) -> dict[str, Any]:
    """Return what became of the last head sent to each destination, and which one arrived last."""
    rows = db.session.execute(text(_ARRIVALS), {"destinations": list(destinations)})
    return {row.destination: row for row in rows}


def last_seals(*, limit: int) -> list[Any]:
    """Return the newest seals."""
    statement = text(
        "SELECT id, kind, month, rows, id_min, id_max, hash, sealed_at FROM audit_seal ORDER BY id DESC LIMIT :limit"
    )
    return list(db.session.execute(statement, {"limit": limit}))


_HEADS = text("""
SELECT * FROM (
  SELECT DISTINCT ON (date_trunc('day', sealed_at AT TIME ZONE 'UTC')) id, hash, signature, public_key, sealed_at,
    sum(rows) FILTER (WHERE kind = 'rows') OVER (ORDER BY id) AS rows
    FROM audit_seal ORDER BY date_trunc('day', sealed_at AT TIME ZONE 'UTC'), id DESC) AS heads ORDER BY id
""")


def heads() -> Iterator[Any]:
    """Return the last head of each day: what a file outside holds, to compare the log with some day."""
    yield from db.session.execute(_HEADS)


# --- who seals ----------------------------------------------------------------------------

_SAID = """
SELECT recorded_at, reason FROM audit_event WHERE action = :action AND recorded_at > CAST(:since AS timestamptz)
 ORDER BY recorded_at DESC, id DESC LIMIT 1
"""
_NEWS = text(f"""
SELECT (SELECT to_timestamp(max(d.defer_timestamp)) FROM procrastinate_periodic_defers d
         WHERE d.task_name = :task AND d.periodic_id = '') AS looked_at,
  said.reason AS trouble, said.recorded_at AS trouble_at, bad.id AS check_id, bad.finished_at AS checked_at,
  bad.findings -> 0 AS found
  FROM (SELECT) AS one LEFT JOIN ({_SAID}) AS said ON true
  LEFT JOIN audit_check bad ON bad.id = {_OPEN_CHECK}
""")  # noqa: S608 # nosec B608 - no user input


def last_said(action: str, *, since: datetime) -> Any:
    """Return the last row (recorded_at, reason) in which the job said this of itself, after ``since``."""
    return db.session.execute(text(_SAID), {"action": action, "since": since}).one_or_none()


def news(task: str, *, since: datetime) -> Any:
    """Return when a worker last began to seal, what kept it from it after ``since``, and the check that is open."""
    values = {"task": task, "action": NOT_SEALED, "since": since}
    return db.session.execute(_NEWS, values).one()
