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


def _cleared(check: str, before: str = "") -> str:
    """Whether a later check of at least the same seals, ``before`` another one, found nothing."""
    earlier = f" AND good.id < {before}" if before else ""
    return f"""EXISTS (SELECT FROM audit_check good WHERE good.ok AND good.id > {check}.id{earlier}
      AND good.seal_from <= {check}.seal_from AND good.seal_to >= {check}.seal_to
      AND good.checkpoints >= {check}.checkpoints)"""


def _news_in(check: str) -> str:
    """Whether some of it was acknowledged neither with itself or a later one, nor with one before that still held."""
    return f"""EXISTS (SELECT FROM jsonb_array_elements({check}.findings) AS each (one) WHERE NOT EXISTS (
      SELECT FROM audit_check_acknowledgement a JOIN audit_check known ON known.id = a.check_id
       WHERE known.findings @> jsonb_build_array(each.one) AND NOT {_cleared("known", f"{check}.id")}))"""  # noqa: S608 # nosec B608 - our own names


# A check that found something stands until somebody has acknowledged all that it found: that a later one finds nothing
# may mean that it was put back. What is found each night again is compared once.
_OPEN_CHECK = f"""
(SELECT max(same.id) FROM (
   SELECT max(bad.id) AS id, bad.findings FROM audit_check bad WHERE NOT bad.ok
    GROUP BY bad.findings) AS same WHERE {_news_in("same")})
"""  # noqa: S608 # nosec B608 - our own names


@dataclass(frozen=True, kw_only=True, slots=True)
class Warnings:
    """What holders of the right to check should know wherever they are."""

    late: Standing | None
    found: int | None  # the check
    cleared: bool = False  # later checks of the same seals found nothing

    def __bool__(self) -> bool:
        """Tell whether there is anything."""
        return self.late is not None or self.found is not None


_FOUND = f""", (SELECT jsonb_build_array(bad.id, {_cleared("bad")}) FROM audit_check bad
  WHERE bad.id = {_OPEN_CHECK}) AS found"""  # noqa: S608 # nosec B608 - our own names
_WARNINGS = text(_SEAL.format(more=_FOUND))


def warnings() -> Warnings:
    """Return what is wrong with the log's proof; one statement as long as it is sealed each minute."""
    row = db.session.execute(_WARNINGS).one()
    late = None
    if row.sealed_at is None or row.now - row.sealed_at > LATE:
        state = _standing(row, 1)
        late = state if state.late else None
    found, cleared = row.found or (None, False)
    return Warnings(late=late, found=found, cleared=cleared)


_CHECKS = paging.Listing(id=AuditCheck.id, sorts={"id": AuditCheck.id}, default="-id")


_KNOWN: Any = literal_column(f"NOT audit_check.ok AND NOT {_news_in('audit_check')}")


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


# All of the last days: what was taken from the log lately must be comparable with a head of its time.
_HEADS = text("""
SELECT id, hash, signature, public_key, sealed_at, total AS rows FROM (
  SELECT id, hash, signature, public_key, sealed_at, sum(rows) FILTER (WHERE kind = 'rows') OVER (ORDER BY id) AS total,
    lead(id) OVER (PARTITION BY date_trunc('day', sealed_at AT TIME ZONE 'UTC') ORDER BY id) IS NULL AS last
    FROM audit_seal) AS heads WHERE last OR sealed_at > now() - CAST(:lately AS interval) ORDER BY id
""")
LATELY = timedelta(days=8)  # of which each head is handed out


def heads() -> Iterator[Any]:
    """Return the last head of each day and all lately: with a file of them the log can be compared later."""
    yield from db.session.execute(_HEADS, {"lately": LATELY})


# --- who seals ----------------------------------------------------------------------------

_SAID = """
SELECT recorded_at, reason FROM audit_event WHERE action = :action AND recorded_at > CAST(:since AS timestamptz)
 ORDER BY recorded_at DESC, id DESC LIMIT 1
"""
_NEWS = text(f"""
SELECT (SELECT to_timestamp(max(d.defer_timestamp)) FROM procrastinate_periodic_defers d
         WHERE d.task_name = :task AND d.periodic_id = '') AS looked_at,
  said.reason AS trouble, said.recorded_at AS trouble_at, bad.id AS check_id, bad.finished_at AS checked_at,
  bad.findings -> 0 AS found, {_cleared("bad")} AS cleared
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
