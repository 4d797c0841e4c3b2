"""Files taken out of the log: asked for, kept for some days, given out, forgotten."""

import time
from datetime import UTC, datetime, timedelta

from flask import current_app
from sqlalchemy import func, select, text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.config import Settings
from webapp.core.database import ALL_CLIENTS_ROLE
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import N_, _, gettext
from webapp.core.storage import LocalStorage
from webapp.core.unit_of_work import after_commit
from webapp.jobs import queue
from webapp.jobs.purge import ALSO
from webapp.oversight.models import AuditExport
from webapp.oversight.queries import exports as queries

EXPORT = "audit.export"
MOST_OPEN = 3
ORPHAN_AFTER = 24 * 3600  # seconds
AT_ONCE = 200  # exports that one purge takes; the next hour takes the rest
FORMATS = {"csv": N_("CSV"), "jsonl": N_("JSON Lines"), "bundle": N_("bundle of evidence")}
ENDINGS = {"csv": "csv", "jsonl": "jsonl", "bundle": "zip"}


def settings() -> Settings:
    """Return the settings of this app."""
    found: Settings = current_app.extensions["steward"]
    return found


def storage() -> LocalStorage:
    """Return where the files lie: apart from those of assets, whose purge would not know them."""
    return LocalStorage(settings().data_dir / "exports")


def lasts_until() -> datetime:
    """Return until when a file made now can be fetched."""
    return datetime.now(UTC) + timedelta(days=settings().keep_exports_days)


def ask(
    task: queue.Task, *, who: SignedIn, kind: str, query: str, words: str, url: str
) -> AuditExport:
    """Have a search of the log made into a file by a job.

    Raises:
        DomainError: if several of this person's exports are in the making.
    """
    if queries.count_open(who.id) >= MOST_OPEN:
        raise DomainError(
            _("%(n)s of your exports are in the making. Wait until one is done.", n=MOST_OPEN)
        )
    job_id = queue.defer(
        task,
        title=_title(kind, words),
        user_id=who.id,
        page="audit",
        url=url,
        lock=f"audit.export:{who.id}",
    )
    export = AuditExport(
        user_id=who.id, format=kind, query=query, job_id=job_id, expires_at=lasts_until()
    )
    trail.tell(
        export, "audit.exported", category="export", changes={"filter": words} if words else {}
    )
    db.session.add(export)
    db.session.flush()
    return export


def _title(kind: str, words: str) -> str:
    what = gettext(FORMATS[kind])
    if not words:
        return gettext("Audit log as %(format)s", format=what)
    return gettext("Audit log as %(format)s: %(filters)s", format=what, filters=words)


def note_download(export: AuditExport) -> None:
    """Record that a file was fetched."""
    trail.note(
        "audit.export_downloaded",
        category="export",
        object_type=export.audit_type,
        object_id=export.id,
        object_label=export.audit_label,
        changes={"rows": export.rows, "sha256": export.sha256},
    )


def forget(export: AuditExport) -> None:
    """Remove an export and, once that is committed, its file; a job that makes it ends without one."""
    _drop_file(export.sha256)
    db.session.delete(export)
    db.session.flush()


def forget_old() -> int:
    """Remove exports whose time is over, and files without an export; return how many exports."""
    found = queries.expired(AT_ONCE)
    for export in found:
        forget(export)
    _drop_orphans()
    return len(found)


ALSO["audit_exports"] = forget_old


def hold(sha256: str) -> None:
    """Keep others from dropping a file until this transaction, which needs it, has ended."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_lock_of(sha256))))


def _lock_of(sha256: str) -> object:
    return func.hashtextextended(f"audit export {sha256}", 0)


def _drop_file(sha256: str | None) -> None:
    """Have a file dropped once its export is gone for good, if then no other one has the same."""
    if sha256 is None:
        return
    kept = storage()

    def drop() -> None:
        # As the system, which sees the exports of all.
        db.session.execute(text(f"SET LOCAL ROLE {ALL_CLIENTS_ROLE}"))
        db.session.execute(select(func.pg_advisory_xact_lock(_lock_of(sha256))))
        if not queries.names_in_use([sha256]):
            kept.delete(sha256)

    after_commit(drop)


def _drop_orphans() -> None:
    """Have files dropped whose job never came to its commit."""
    kept, before = storage(), time.time() - ORPHAN_AFTER
    kept.forget_drafts()
    names = [name for name in kept.names() if _made_at(kept, name) < before]
    for name in set(names) - queries.names_in_use(names):
        _drop_file(name)


def _made_at(kept: LocalStorage, name: str) -> float:
    try:
        return (kept.root / name[:2] / name[2:]).stat().st_mtime
    except FileNotFoundError:
        return time.time()
