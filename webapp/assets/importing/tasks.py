"""The two jobs of an import. Each runs as the person, in one transaction: done once, or not at all."""

from collections import Counter
from typing import Any

from webapp.access import identity
from webapp.access.identity import SignedIn
from webapp.assets.import_models import ImportRun, ImportState, Verdict
from webapp.assets.importing import applying, lookups, reader, retention, runs
from webapp.assets.importing.checking import Checker
from webapp.assets.importing.mapping import Options
from webapp.assets.importing.rows import Outcome
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, speaking
from webapp.jobs import queue

NONE = {verdict.value: 0 for verdict in Verdict}


@queue.task("assets.check_import", minutes=10)
def check_import(progress: queue.Progress, *, run_id: int) -> None:
    """Judge every row of the file, and keep what was found for the person to read."""
    run, who = _begin(run_id, ImportState.CHECKING)
    if run is None:
        return
    with speaking(who.locale):
        checker = Checker(lookups.load(who), _options(run), run.header)
        retention.forget_rows(run)
        counts: Counter[str] = Counter(NONE)
        for some in checker.outcomes(lambda: _rows(run)):
            runs.keep_rows([_kept(run.id, one) for one in some])
            counts.update(one.verdict.value for one in some)
            counts["warned"] += sum(
                bool(one.problems) for one in some if one.verdict != Verdict.WRONG
            )
            progress.tell(counts.total() - counts["warned"])
    namer = checker.namer
    clients = [[one.name, one.location_id, one.code] for one in namer.new_clients.values()]
    creates = {"types": [one.name for one in namer.new_types.values()], "clients": clients}
    unknown = {
        "types": list(namer.unknown_types.values()),
        "clients": list(namer.unknown_clients.values()),
    }
    run.settings = run.settings | {"creates": creates, "unknown": unknown}
    runs.finish(run, ImportState.CHECKED, dict(counts))


@queue.task("assets.apply_import", attempts=3, minutes=10)
def apply_import(progress: queue.Progress, *, run_id: int) -> None:
    """Judge the rows again, and change the register by those that still are what the person saw."""
    run, who = _begin(run_id, ImportState.APPLYING)
    if run is None:
        return
    if not who.holds("assets.apply_import"):
        raise DomainError(_("Whoever started this may not do it any more."))
    trail.because(f"import {run.file_name} #{run.id}")
    with speaking(who.locale):
        applying.make_missing(who, run.settings.get("creates", {}))
        applier = applying.Applier(who, run.id)
        checker = Checker(lookups.load(who), _options(run), run.header)
        total = run.counts.get("new", 0) + run.counts.get("changed", 0)
        for some in checker.outcomes(lambda: _rows(run)):
            applier.apply(some)
            progress.tell(min(applier.done, total), total)
    db.session.flush()
    runs.note(run, "applied", **applier.counts)
    runs.finish(run, ImportState.APPLIED, run.counts | NONE | runs.tally(run) | applier.counts)


def _begin(run_id: int, state: ImportState) -> tuple[ImportRun | None, SignedIn]:
    """Take the import if it still waits for this step; act as whoever started it, as far as they may now."""
    run = runs.find(run_id, lock=True)
    if run is None or run.state != state:
        return None, None  # type: ignore[return-value]  # nobody is asked for then
    return run, identity.act_as_person(run.user_id, page=runs.PAGE)


def _options(run: ImportRun) -> Options:
    return Options.model_validate(run.settings["options"])


def _rows(run: ImportRun) -> Any:
    rows = reader.read(runs.source(run), reader.layout_from(run.settings["layout"]))
    next(rows, None)  # the header
    return rows


def _kept(run_id: int, one: Outcome) -> dict[str, Any]:
    values: dict[str, Any] = {"asset_id": one.existing.id} if one.existing is not None else {}
    if one.verdict == Verdict.WRONG:
        values["cells"] = one.cells()
    elif one.verdict == Verdict.NEW:
        values["stored"] = one.stored
    return {
        "run_id": run_id,
        "line": one.row.line,
        "verdict": one.verdict,
        "label": one.label,
        "values": values,
        "changes": one.changes,
        "problems": [list(problem) for problem in one.problems],
    }
