"""Imports are drafts: what they brought in stays, they themselves go with their rows and their file."""

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import delete, func, select, text

from webapp.assets.import_models import ImportRow, ImportRun
from webapp.core.database import ALL_CLIENTS_ROLE
from webapp.core.db import db
from webapp.core.storage import LocalStorage
from webapp.core.unit_of_work import after_commit
from webapp.jobs.purge import ALSO

AT_ONCE = 500  # imports that one purge takes; the next hour takes the rest


def storage(user_id: int) -> LocalStorage:
    """Return where a person's uploads lie: apart from the files of assets, whose purge would not know them."""
    root = current_app.extensions["steward"].data_dir / "imports"
    return LocalStorage(root / str(user_id))


def forget(run: ImportRun) -> None:
    """Remove an import with its rows, and its file unless another needs it."""
    _drop_file(run.user_id, run.sha256)
    forget_rows(run)
    db.session.delete(run)


def forget_rows(run: ImportRun) -> None:
    """Take away what an earlier dry run found."""
    db.session.execute(delete(ImportRow).where(ImportRow.run_id == run.id))


def forget_old() -> int:
    """Remove imports that nobody has touched for long, whatever became of them; return how many."""
    days = current_app.extensions["steward"].keep_imports_days
    old = (
        select(ImportRun)
        .where(ImportRun.updated_at < func.now() - timedelta(days=days))
        .order_by(ImportRun.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = list(db.session.scalars(old))
    for run in found:
        forget(run)
    db.session.flush()
    return len(found)


ALSO["imports"] = forget_old


def hold(user_id: int, sha256: str) -> None:
    """Keep others from dropping a file until this transaction, which needs it, has ended."""
    db.session.execute(select(func.pg_advisory_xact_lock_shared(_lock_of(user_id, sha256))))


def _lock_of(user_id: int, sha256: str) -> Any:
    return func.hashtextextended(f"import {user_id} {sha256}", 0)


def _drop_file(user_id: int, sha256: str) -> None:
    """Have a file dropped when its import is gone for good, if then no other import is of the same file."""
    kept = storage(user_id)

    def drop() -> None:
        db.session.execute(
            text(f"SET LOCAL ROLE {ALL_CLIENTS_ROLE}")
        )  # as the system, which sees all
        db.session.execute(select(func.pg_advisory_xact_lock(_lock_of(user_id, sha256))))
        others = select(ImportRun.id).where(
            ImportRun.user_id == user_id, ImportRun.sha256 == sha256
        )
        if db.session.scalar(others.limit(1)) is None:
            kept.delete(sha256)

    after_commit(drop)
