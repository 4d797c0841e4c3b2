"""One transaction per request: the change and its audit rows are committed in request teardown, or not at all.

Teardown runs before the first byte of the reply leaves; what it raises becomes our own 503 page in ``LastResort``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from webapp.core import trail
from webapp.core.database import ALL_CLIENTS_ROLE
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, MaybeSaved, NotSaved

log = structlog.get_logger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
COMMITTING = "committing"
AFTERWARDS = "after_commit"
_UNKNOWN_STATES = ("08", "57P")


def init_app(app: Flask) -> None:
    """End every request of ``app`` with a commit or a rollback."""
    app.before_request(_begin)
    app.after_request(_note_outcome)
    app.teardown_request(_finish)
    app.teardown_request(lambda _: request.close())  # files sent along that lie on the disk


def _begin() -> None:
    g.succeeded = False
    g.failed = False
    if request.method in SAFE_METHODS and request.endpoint not in (None, "health.healthz"):
        db.session.info["read_only"] = True


def start_read_only() -> None:
    """Open the transaction of a GET: the server refuses every write in it."""
    if db.session.info.get("read_only") and not db.session().in_transaction():
        db.session.connection(execution_options={"postgresql_readonly": True})


def mark_failed() -> None:
    """Say that an error handler made the reply: teardown is told of no error then."""
    g.failed = True


def _note_outcome(response: Response) -> Response:
    g.succeeded = response.status_code < HTTPStatus.BAD_REQUEST and not g.get("failed")
    if g.succeeded and not db.session.info.get("read_only"):
        db.session.flush()  # what fails here still gets the app's error page
    return response


def _finish(error: BaseException | None) -> None:
    """Commit what succeeded; else roll back, and keep what must be known about the failure."""
    notes = list(db.session.info.get(trail.NOTES, []))
    read_only = bool(db.session.info.get("read_only"))
    try:
        if error is None and g.get("succeeded") and not read_only:
            _commit_and_go_on()
            return
        _roll_back()
        if error is not None or not g.get("succeeded"):
            notes = [note for note in notes if note.outcome != "ok"]
        _write_alone(notes)
    finally:
        db.session.info.clear()


def _write_alone(notes: list[trail.Note]) -> None:
    """Record refusals and reads, and the session's last use, in a short transaction of their own."""
    later: list[Callable[[], None]] = g.get("later", [])
    if not notes and not later:
        return
    db.session.info.clear()
    db.session.info[trail.NOTES] = notes
    for work in later:
        work()
    commit()


def after_response(work: Callable[[], None]) -> None:
    """Have ``work`` done in a short transaction of its own, after a GET or a refusal."""
    if "later" not in g:
        g.later = []
    g.later.append(work)


def after_commit(work: Callable[[], None]) -> None:
    """Have ``work`` done once this transaction stands, before the reply leaves: to mail, for example.

    It runs in a transaction of its own. Whatever it raises is logged and changes nothing for the caller.
    It is forgotten when the commit is refused, or when nobody knows whether it stood.
    """
    db.session.info.setdefault(AFTERWARDS, []).append(work)


def _commit_and_go_on() -> None:
    works: list[Callable[[], None]] = db.session.info.get(AFTERWARDS, [])
    context = db.session.info.get(trail.CONTEXT, {})
    commit()
    for work in works:
        db.session.info.clear()
        db.session.info[trail.CONTEXT] = context  # who acts, and why, holds for this too
        try:
            work()
            commit()
        except Exception:
            log.exception("after_commit_failed")
            _roll_back()


def commit() -> None:
    """Commit the session's transaction.

    Raises:
        NotSaved: if the database refused it.
        MaybeSaved: if the connection was lost while it committed.
    """
    try:
        db.session.commit()
    except SQLAlchemyError as error:
        committing = bool(db.session.info.get(COMMITTING))
        log.exception("commit_failed", committing=committing)
        _roll_back()
        state = getattr(getattr(error, "orig", None), "sqlstate", None)
        unknown = state is None or state.startswith(_UNKNOWN_STATES)
        if committing and unknown and isinstance(error, DBAPIError):
            raise MaybeSaved from error
        raise NotSaved from error
    finally:
        db.session.info.pop(COMMITTING, None)


def _roll_back() -> None:
    # A dead connection cannot be rolled back, and need not be.
    with suppress(SQLAlchemyError):
        db.session.rollback()


def _keep_refusals(error: DomainError) -> None:
    """Undo the work of a command or a job that was refused, and record the refusal."""
    if isinstance(error, Denied):
        trail.note_denied(error.message, key=error.key)
    notes = [note for note in db.session.info.get(trail.NOTES, []) if note.outcome != "ok"]
    context = db.session.info.get(trail.CONTEXT, {})
    _roll_back()
    if not notes:
        return
    db.session.info.clear()
    db.session.info.update({trail.NOTES: notes, trail.CONTEXT: context})
    with suppress(NotSaved, MaybeSaved):  # it is logged; the refusal itself is what counts
        commit()


@contextmanager
def unit_of_work(actor: str, **context: Any) -> Iterator[None]:
    """The same bracket for a command or a job, which has no request and sees every client.

    ``actor`` is the name in the log, ``system:seed`` for example.
    """
    db.session.rollback()
    db.session.info.clear()
    db.session.execute(text(f"SET LOCAL ROLE {ALL_CLIENTS_ROLE}"))
    trail.act_as(actor, **context)
    try:
        yield
        _commit_and_go_on()
    except DomainError as error:
        _keep_refusals(error)
        raise
    except BaseException:  # a job is done again then, and says again what it says
        _roll_back()
        raise
    finally:
        db.session.info.clear()
