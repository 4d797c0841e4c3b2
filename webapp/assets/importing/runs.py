"""The life of an import: uploaded, checked by a job, applied by another. Each step takes it by its row's lock."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import IO, Any, cast

from sqlalchemy import Table, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from webapp.access.identity import SignedIn
from webapp.assets.import_models import ImportMapping, ImportRow, ImportRun, ImportState, Verdict
from webapp.assets.importing import lookups, mapping, reader, retention
from webapp.assets.importing.mapping import Options
from webapp.assets.importing.reader import Source
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.core.many import insert_many
from webapp.core.paging import Listing, Page, paginate
from webapp.core.threads import aside
from webapp.jobs import queries as jobs
from webapp.jobs import queue

PAGE = "assets.import"
SAMPLE = 200
RUNS = Listing(id=ImportRun.id, sorts={"id": ImportRun.id}, default="-id")
ROWS = Listing(id=ImportRow.line, sorts={"line": ImportRow.line}, default="line")
BUSY = (ImportState.CHECKING, ImportState.APPLYING)


def source(run: ImportRun) -> Source:
    """Return what opens the uploaded file."""
    kept, sha256 = retention.storage(run.user_id), run.sha256
    return lambda: kept.open(sha256)


def upload(who: SignedIn, stream: IO[bytes], *, name: str) -> ImportRun:
    """Keep a file, look at its header, and guess what its columns mean.

    Raises:
        Unreadable: if it cannot be imported; it is not kept.
    """
    with retention.storage(who.id).receive(stream, limit=reader.MAX_BYTES) as draft:
        header, settings = _look(who, draft.open)
        retention.hold(who.id, draft.sha256)
        draft.keep()
        run = ImportRun(
            user_id=who.id,
            file_name=_last_part(name),
            sha256=draft.sha256,
            header=header,
            settings=settings,
        )
    db.session.add(run)
    db.session.flush()
    note(run, "uploaded", sha256=run.sha256)
    return run


def _last_part(name: str) -> str:
    """Return a file's name without its folders, and without what no page can show."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(c for c in last if c.isprintable()).strip()[-255:] or "import"


def note(run: ImportRun, verb: str, **about: Any) -> None:
    """Tell the log what became of an import."""
    trail.note(
        f"import.{verb}",
        object_type="asset_import",
        object_id=run.id,
        object_label=run.file_name,
        changes=about,
    )


def note_taken(run: ImportRun, *, rows: int, sha256: str) -> None:
    """Tell the log that wrong rows left the house."""
    trail.note(
        "import.rows_exported",
        category="export",
        object_type="asset_import",
        object_id=run.id,
        object_label=run.file_name,
        changes={"rows": rows, "sha256": sha256},
    )


def choose_sheet(who: SignedIn, run: ImportRun, sheet: str) -> None:
    """Read another sheet of the workbook.

    Raises:
        DomainError: if there is no such sheet, nothing in it, or the import is under way.
    """
    _refuse_busy(run)
    layout = reader.layout_from(run.settings["layout"])
    if sheet not in layout.sheets:
        raise DomainError(_("Choose one of the list."))
    refuse_applied(run)
    run.header, run.settings = _look(who, source(run), sheet=sheet)
    run.state, run.counts = ImportState.UPLOADED, {}


def _first(opened: Source, sheet: str) -> tuple[reader.Layout, list[reader.Row]]:
    layout = reader.find_layout(opened, sheet=sheet)
    return layout, list(islice(reader.read(opened, layout), SAMPLE))


def _look(who: SignedIn, opened: Source, *, sheet: str = "") -> tuple[list[str], dict[str, Any]]:
    layout, first = aside(_first, opened, sheet)
    header = reader.header_of(first)
    sample = [row.cells for row in first[1:] if not row.problem]
    key = (who.id, mapping.header_hash(header))
    remembered = db.session.get(ImportMapping, key)
    options = mapping.first_options(
        header, sample, lookups.attributes(), remembered.settings if remembered else None
    )
    _order, sure = mapping.guess_date_order(options["columns"], sample)
    return header, {
        "layout": layout.as_json(),
        "options": options,
        "sample": mapping.shown(sample, len(header)),
        "remembered": remembered is not None,
        "dates_unclear": not sure and remembered is None,
        "twice": reader.twice(header),
    }


def find(run_id: int, *, lock: bool = False) -> ImportRun | None:
    """Return an import; the database shows a person only their own."""
    statement = select(ImportRun).where(ImportRun.id == run_id)
    if lock:
        statement = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(statement)


def mine(args: Any) -> Page:
    """Return a page of the person's imports, the latest first; ``extra`` has those whose job gave up."""
    columns = (ImportRun.id, ImportRun.file_name, ImportRun.state, ImportRun.counts)
    statement: Any = select(*columns, ImportRun.created_at, ImportRun.job_id)
    page = paginate(statement, RUNS, args)
    busy = {row.job_id: row.id for row in page.rows if row.state in BUSY and row.job_id}
    states = jobs.states_of(busy) if busy else {}
    page.extra["failed"] = {row for job, row in busy.items() if states.get(job) not in jobs.OPEN}
    return page


def rows_of(run: ImportRun, verdict: Verdict | None, args: Any) -> Page:
    """Return a page of what the dry run found, by line."""
    statement: Any = select(
        ImportRow.line, ImportRow.verdict, ImportRow.label, ImportRow.values, ImportRow.changes, ImportRow.problems
    ).where(ImportRow.run_id == run.id)  # fmt: skip
    if verdict is not None:
        statement = statement.where(ImportRow.verdict == verdict)
    return paginate(statement, ROWS, args)


def wrong_rows(run: ImportRun, label_of: Callable[[str], str]) -> Any:
    """Yield the cells of every wrong row, then why it is wrong, each reason with its field."""
    statement = (
        select(ImportRow.values, ImportRow.problems)
        .where(ImportRow.run_id == run.id, ImportRow.verdict == Verdict.WRONG)
        .order_by(ImportRow.line)
    )
    width = len(run.header)
    for row in db.session.execute(statement.execution_options(yield_per=500)):
        cells = [*row.values.get("cells", []), *[""] * width][:width]
        told = (f"{label_of(name)}: {words}" if name else words for name, words in row.problems)
        yield [*cells, " ".join(told)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where an import really is: a job that gave up leaves its state behind."""

    state: ImportState
    job: Any = None
    error: str = ""


def standing(run: ImportRun) -> Standing:
    """Say how far an import is, with the progress of its job or why that failed."""
    if run.state not in BUSY or run.job_id is None:
        return Standing(state=run.state, error=run.error)
    job = jobs.find_job(run.job_id)
    if job is None or job.state not in jobs.OPEN:
        return Standing(state=ImportState.FAILED, job=job, error=job.error if job else "")
    return Standing(state=run.state, job=job, error=job.error)


def _refuse_busy(run: ImportRun) -> None:
    if standing(run).state in BUSY:
        raise DomainError(_("A job is working on this import. Wait until it is done."))


def refuse_applied(run: ImportRun) -> None:
    """Keep what an applied import says of itself: a page from before must not begin it again.

    Raises:
        DomainError: if it is applied.
    """
    if run.state == ImportState.APPLIED:
        raise DomainError(_("This import has been applied. Upload the file again to go on."))


def start_again(who: SignedIn, run: ImportRun, *, job: queue.Task, url: str) -> None:
    """Check as before what failed, or what was refused when the rest was applied.

    Raises:
        DomainError: if a job works on it, or every row was applied.
    """
    if not run.counts.get("refused"):
        refuse_applied(run)
    _start(who, run, Options.model_validate(run.settings["options"]), job=job, url=url)


def start_check(
    who: SignedIn, run: ImportRun, options: Options, *, job: queue.Task, url: str
) -> None:
    """Keep what the columns mean, and have ``job`` check the rows.

    Raises:
        DomainError: if a job works on it, it is applied, or the columns do not fit.
    """
    refuse_applied(run)
    _start(who, run, options, job=job, url=url)


def _start(who: SignedIn, run: ImportRun, options: Options, *, job: queue.Task, url: str) -> None:
    _refuse_busy(run)
    if len(options.columns) != len(run.header):
        raise DomainError(_("The columns do not fit this file. Open it again."))
    stored = options.model_dump(mode="json")
    run.settings = run.settings | {"options": stored, "dates_unclear": False}
    _remember(who, run, stored)
    _begin(run, ImportState.CHECKING)
    note(run, "checked")
    run.job_id = queue.defer(
        job,
        title=str(_("Check %(file)s", file=run.file_name)),
        user_id=who.id, page=PAGE, url=url, lock=f"import:{run.id}", run_id=run.id,
    )  # fmt: skip


def start_apply(who: SignedIn, run: ImportRun, *, job: queue.Task, url: str) -> None:
    """Have ``job`` apply the checked rows.

    Raises:
        DomainError: if it is not checked, or there is nothing to apply.
    """
    if run.state != ImportState.CHECKED:
        _refuse_busy(run)
        raise DomainError(_("Check the file first."))
    if not run.counts.get("new") and not run.counts.get("changed"):
        raise DomainError(_("There is nothing to apply."))
    _begin(run, ImportState.APPLYING)
    run.job_id = queue.defer(
        job,
        title=str(_("Apply %(file)s", file=run.file_name)),
        user_id=who.id, page=PAGE, url=url, lock=f"import:{run.id}", run_id=run.id,
    )  # fmt: skip


def _begin(run: ImportRun, state: ImportState) -> None:
    run.state, run.error, run.finished_at = state, "", None


def finish(run: ImportRun, state: ImportState, counts: dict[str, int]) -> None:
    """Close a step, in the transaction of its work."""
    run.state, run.counts, run.finished_at = state, counts, datetime.now(UTC)


def _remember(who: SignedIn, run: ImportRun, options: dict[str, Any]) -> None:
    key = {"user_id": who.id, "header_hash": mapping.header_hash(run.header)}
    statement = upsert(ImportMapping).values(**key, settings=options)
    changed = {"settings": options, "updated_at": func.now()}
    db.session.execute(
        statement.on_conflict_do_update(constraint="pk_asset_import_mappings", set_=changed)
    )


def remove(run: ImportRun) -> None:
    """Forget an import and its rows; what it brought in stays.

    Raises:
        DomainError: if a job works on it.
    """
    if standing(run).state in BUSY:
        raise DomainError(_("A job is working on this import. Wait until it is done."))
    note(run, "removed")
    retention.forget(run)


def keep_rows(found: list[dict[str, Any]]) -> None:
    """Store what a batch came to."""
    insert_many(cast("Table", ImportRow.__table__), found)


def tally(run: ImportRun) -> dict[str, int]:
    """Count the rows of each verdict, as they are now."""
    counted = select(ImportRow.verdict, func.count()).where(ImportRow.run_id == run.id)
    return {
        verdict.value: n for verdict, n in db.session.execute(counted.group_by(ImportRow.verdict))
    }
