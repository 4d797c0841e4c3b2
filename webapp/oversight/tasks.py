"""What is done about the proof of the log: sealed each minute, checked each night and week, and when somebody asks.

The jobs run as the app's role; sealing and checking work on a connection of their own, as the sealer.
"""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import structlog
from flask import current_app
from sqlalchemy import text

from webapp.audit import checkpoints, sealing, signing, verifying
from webapp.audit.queries import integrity
from webapp.audit.signing import ProofError
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.identity import Person
from webapp.core.language import N_, gettext
from webapp.jobs import queue
from webapp.oversight import watchers

log = structlog.get_logger(__name__)
SEALING = "audit.seal"
NIGHTLY_DAYS = 3
AGAIN = timedelta(hours=1)  # before the same trouble is written down and told again
TITLE = N_("Check the log against its seals")
Told = Callable[[int, int], None]


def _settings() -> Settings:
    settings: Settings = current_app.extensions["steward"]
    return settings


# --- each minute ------------------------------------------------------------------------


@queue.periodic(SEALING, cron="* * * * *", minutes=5)
def seal_each_minute() -> None:
    """Seal what was written, and send the head of the chain wherever it is due; trouble is said, and stops nothing."""
    why, sent = "", []
    try:
        sent = seal_now(_settings())
    except (ProofError, psycopg.Error, OSError) as error:
        why = " ".join(str(error).split()) or type(error).__name__
        log.error("audit_not_sealed", why=why)  # noqa: TRY400 - the words say it all, each minute
    for one in sent:
        if one.changed and one.error.startswith(checkpoints.CONTRADICTION):
            watchers.tell_contradiction(one.error.partition(":")[2])
    _note_trouble(integrity.standing(most=1), why)


def seal_now(settings: Settings) -> list[checkpoints.Sent]:
    """Seal and send as the sealer; return what became of the heads.

    Raises:
        NoSealer: if the role or the key of the sealer is missing.
        psycopg.Error: if the database refuses.
    """
    with sealing.connect(settings) as connection:
        # A key is made for the first seal only: later, a missing one is a matter for people.
        key = sealing.load_key(settings.seal_key, create=sealing.head(connection) is None)
        began = datetime.now(UTC)
        if rows := sealing.seal(connection, key):
            seconds = round((datetime.now(UTC) - began).total_seconds(), 3)
            log.info("audit_sealed", rows=rows, seconds=seconds)
        return checkpoints.send(connection, settings)


def _note_trouble(state: integrity.Standing, why: str) -> None:
    """Write into the log itself that it is not sealed, and tell people once it lasts.

    The same trouble is said each hour at most, another one at once.
    """
    since = state.now - AGAIN
    if state.seal is not None:
        since = max(since, state.seal.sealed_at)
    said = {"category": "system", "outcome": "failed", "reason": why or None}
    before = integrity.last_said(integrity.NOT_SEALED, since=since) if why else None
    if why and (before is None or before.reason != why):
        trail.note(integrity.NOT_SEALED, **said)
    if state.late and integrity.last_said(integrity.LATE_ACTION, since=since) is None:
        minutes = int(state.lag.total_seconds() // 60)
        trail.note(integrity.LATE_ACTION, changes={"minutes": minutes}, **said)
        watchers.tell_late(minutes, why)


# --- checks -----------------------------------------------------------------------------


@queue.periodic("audit.check_days", cron="40 2 * * *", minutes=60)
def check_days() -> None:
    """Check what was sealed in the last days, each night."""
    _by_the_clock(days=NIGHTLY_DAYS)


@queue.periodic("audit.check_all", cron="10 3 * * 0", minutes=60)
def check_all() -> None:
    """Check the whole log, each week."""
    _by_the_clock(days=None)


def _by_the_clock(*, days: int | None) -> None:
    try:
        verify(_settings(), asked_by="Steward", days=days, told=lambda _done, _total: _stay_alive())
    except (ProofError, psycopg.Error, OSError) as error:
        log.error("audit_not_checked", why=" ".join(str(error).split()))  # noqa: TRY400


def defer_check(actor: Person, *, days: int | None, url: str) -> int:
    """Have the log checked when this transaction commits; return the job."""
    return queue.defer(
        check,
        title=gettext(TITLE),
        asked_by=actor.id,
        url=url,
        lock=check.name,
        name=actor.name,
        days=days,
    )


@queue.task("audit.check", attempts=1, minutes=60)
def check(progress: queue.Progress, *, name: str, days: int | None) -> None:
    """Check the last days of the log, or all of it, because somebody asked for it."""

    def told(done: int, total: int) -> None:
        _stay_alive()
        progress.tell(done, total)

    try:
        verify(_settings(), asked_by=name, days=days, told=told)
    except ProofError as error:
        raise DomainError(
            gettext("The log could not be checked: %(why)s", why=str(error))
        ) from error
    except psycopg.Error as error:
        log.exception("audit_not_checked")
        raise DomainError(gettext("The database did not answer the sealer.")) from error


def _stay_alive() -> None:
    # The job's own connection, which else ends after five minutes of silence.
    if queue.STOPPING.is_set():
        raise queue.Stopping
    db.session.execute(text("SELECT 1"))


def verify(
    settings: Settings, *, asked_by: str, days: int | None, told: Told
) -> verifying.Report | None:
    """Check the seals of the last days, or all, and keep what was found; None if there is nothing to check.

    Raises:
        NoSealer: if the role of the sealer is missing.
        psycopg.Error: if the database refuses.
    """
    started = datetime.now(UTC)
    with sealing.connect(settings) as connection:
        # What arrived, then the file, then the seals: what is added meanwhile is no fault.
        newest = _newest_kept(connection, settings)
        held, faults = _heads(settings, newest)
        head = sealing.head(connection)
        first = _first(connection, head, days)
        if head is None and not held:
            return None
        report = verifying.verify(
            connection, first=first, heads=held, trusted=_trusted(settings), told=told
        )
        report.findings += faults
        kept = verifying.keep(
            connection, report, asked_by=asked_by, started_at=started, checkpoints=len(held)
        )
    _tell(report, asked_by, kept)
    return report


def _first(
    connection: sealing.Connection, head: sealing.SealHead | None, days: int | None
) -> int | None:
    """Return the seal that the check begins with: the first of these days, at least the last one."""
    if days is None or head is None:
        return None
    since = datetime.now(UTC) - timedelta(days=days)
    return verifying.seal_at(connection, since) or head.id


def _newest_kept(connection: sealing.Connection, settings: Settings) -> int | None:
    """Return the newest seal whose head was put into the file."""
    row = connection.execute(
        "SELECT max(seal_id) FROM audit_checkpoint WHERE destination = %s AND target = %s AND error = ''",
        (checkpoints.FILE, str(settings.checkpoints)),
    ).fetchone()
    return row[0] if row else None


def _heads(
    settings: Settings, newest: int | None
) -> tuple[dict[int, bytes], list[verifying.Finding]]:
    """Return the heads that the file holds; one that was put into it and is not there is a fault of its own."""
    held: dict[int, bytes] = {}
    words = ""
    try:
        held = checkpoints.read(settings.checkpoints)
    except FileNotFoundError:
        pass  # on the first day there is none
    except OSError as error:
        words = f"The file of heads {settings.checkpoints} cannot be read: {error.strerror}"
    if not words and newest is not None and newest not in held:
        words = f"The file of heads {settings.checkpoints} does not hold seal {newest}, which was put into it"
    return held, [verifying.Finding("heads", newest, None, words)] if words else []


def _trusted(settings: Settings) -> Collection[bytes]:
    """Return the keys that may have signed; none where they are not known, and then nothing is compared with them."""
    try:
        return signing.trusted_keys(settings.seal_key)
    except ProofError as error:
        log.warning("audit_key_unknown", why=str(error))
        return ()


def _tell(report: verifying.Report, asked_by: str, kept: int) -> None:
    """Write into the log that it was checked, and tell people if something was found that nobody has acknowledged."""
    found: dict[str, Any] = {"faults": len(report.findings)} if report.findings else {}
    trail.note(
        "audit.verified",
        category="system",
        outcome="ok" if report.ok else "failed",
        changes={"asked_by": asked_by, "seals": report.seals, "rows": report.rows} | found,
    )
    if not report.ok:
        first = report.findings[0]
        log.error("audit_check_found", faults=len(report.findings), first=first.words)
        check = integrity.find_check(kept)
        if check is None or not check.known:
            watchers.tell_found(len(report.findings), first.as_json())
