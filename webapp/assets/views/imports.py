"""Bringing assets in from a file: upload, say what the columns mean, look at the dry run, apply."""

from collections.abc import Callable
from typing import Any

from flask import Response, abort, flash, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.assets import words
from webapp.assets.import_forms import OptionsForm, SheetForm, UploadForm, column_choices
from webapp.assets.import_models import ImportRun, ImportState, Verdict
from webapp.assets.importing import lookups, mapping, runs, tasks
from webapp.assets.views.common import bp, me
from webapp.core import files, pickers
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, render
from webapp.core.language import format_number
from webapp.jobs import queries as jobs
from webapp.organisation import choices
from webapp.organisation.tree import reach_of

PAGE = runs.PAGE
PICKED = {"client_id": "client", "project_id": "project", "location_id": "location"}


@bp.get("/import")
@page(PAGE)
def imports() -> ResponseReturnValue:
    """Show the person's imports, and take a new file."""
    return _imports_page(UploadForm(formdata=None))


def _imports_page(form: UploadForm) -> str:
    return render(
        "assets/imports.html",
        partial="assets/_imports.html",
        form=form,
        page=runs.mine(request.args),
        exact=format_number,
    )


@bp.post("/import")
@page(PAGE)
def upload_import() -> ResponseReturnValue:
    """Take a file, and go on to its columns."""
    form = UploadForm()
    form.validate()
    sent = request.files.get("file")
    try:
        if sent is None or not sent.filename:
            raise DomainError(_("Choose a file."), field="file")  # noqa: TRY301 - shown like any other
        run = runs.upload(me(), sent.stream, name=sent.filename)
    except DomainError as error:
        form.refuse(DomainError(error.message, field="file"))
        return _imports_page(form), 422
    return redirect_to(url_for("assets.show_import", run_id=run.id))


@bp.get("/import/<id:run_id>")
@page(PAGE)
def show_import(run_id: int) -> ResponseReturnValue:
    """Show what an import needs next: its columns, patience, or a decision."""
    run = _run_or_404(run_id)
    now = runs.standing(run)
    if now.state in runs.BUSY:
        return _progress(run, now)
    if request.args.get("watching"):  # the bar is full: the page shows what came of it
        return redirect_to(url_for("assets.show_import", run_id=run.id))
    again = now.state == ImportState.CHECKED and request.args.get("step") == "columns"
    if again or now.state == ImportState.UPLOADED:
        return _columns_page(run, _options_form(run))
    return _result_page(run, now)


def _progress(run: ImportRun, now: runs.Standing) -> ResponseReturnValue:
    return render(
        "assets/import_progress.html",
        partial="assets/_import_progress.html",
        run=run,
        exact=format_number,
        job=now.job,
        percent=jobs.percent_of(now.job) if now.job else None,
    )


def _run_or_404(run_id: int, *, lock: bool = False) -> ImportRun:
    return runs.find(run_id, lock=lock) or abort(404)


# --- columns ------------------------------------------------------------------


def _options_form(run: ImportRun, **values: Any) -> OptionsForm:
    form = OptionsForm(**(values or {"formdata": None, "data": run.settings["options"]}))
    who = me()
    form.offer(
        lookups.types(),
        may_types=who.can("assets.configure"),
        may_clients=who.can("organisation.edit"),
    )
    seen = reach_of(who, PAGE)
    for name, kind in PICKED.items():
        field: Any = form[name]
        typed = field.value
        known = typed.isascii() and typed.isdigit() and len(typed) < pickers.TYPED
        field.offer(
            url_for("assets.pick_for_import", kind=kind),
            present=choices.label_of(kind, int(typed[:18]), seen=seen) if known else None,
            fixed=[("", _("None"))],
        )
    return form


def _columns_page(run: ImportRun, form: OptionsForm) -> str:
    return render_template(
        "assets/import_columns.html",
        run=run,
        form=form,
        layout=run.settings["layout"],
        chosen=form.columns.data or [],
        column_choices=column_choices(lookups.attributes()),
    )


@bp.get("/import/pickers/<any(client, project, location):kind>")
@page(PAGE)
def pick_for_import(kind: str) -> ResponseReturnValue:
    """Find places for what the rows leave open."""
    who = me()
    within = None if kind == "location" else reach_of(who, "assets.edit")
    rows, more = choices.find_places(
        pickers.typed(), kinds=(kind,), seen=reach_of(who, PAGE), within=within
    )
    return pickers.answer(choices.options(rows), more=more)


@bp.post("/import/<id:run_id>/sheet")
@page(PAGE)
def choose_import_sheet(run_id: int) -> ResponseReturnValue:
    """Read another sheet of the workbook."""
    run, form = _run_or_404(run_id, lock=True), SheetForm()
    if not form.validate():
        return _columns_page(run, _options_form(run)), 422
    return _step(run, lambda: runs.choose_sheet(me(), run, form.command.sheet))


@bp.post("/import/<id:run_id>/check")
@page(PAGE)
def check_import(run_id: int) -> ResponseReturnValue:
    """Have the rows checked as the columns say."""
    run = _run_or_404(run_id, lock=True)
    form = _options_form(run, formdata=request.form)
    if not form.validate():
        return _columns_page(run, form), 422
    here = url_for("assets.show_import", run_id=run.id)
    try:
        runs.start_check(me(), run, form.command, job=tasks.check_import, url=here)
    except DomainError as error:
        form.refuse(error)
        return _columns_page(run, form), 409
    return redirect_to(here)


def _step(run: ImportRun, work: Callable[[], None]) -> ResponseReturnValue:
    """Go a step; a refusal, of a second click for example, leads back to where the import is by now."""
    try:
        work()
    except DomainError as error:
        flash(str(error), "warning")
    return redirect_to(url_for("assets.show_import", run_id=run.id))


@bp.post("/import/<id:run_id>/retry")
@page(PAGE)
def retry_import(run_id: int) -> ResponseReturnValue:
    """Check a file again, as its columns were said to mean."""
    run = _run_or_404(run_id, lock=True)
    options = mapping.Options.model_validate(run.settings["options"])
    here = url_for("assets.show_import", run_id=run.id)
    return _step(
        run, lambda: runs.start_check(me(), run, options, job=tasks.check_import, url=here)
    )


# --- the dry run and after it ---------------------------------------------------


def _verdict() -> Verdict | None:
    asked = request.args.get("verdict", "")
    return Verdict(asked) if asked in set(Verdict) else None


def _result_page(run: ImportRun, now: runs.Standing) -> str:
    verdict = _verdict()
    return render(
        "assets/import_result.html",
        partial="assets/_import_rows.html",
        run=run,
        exact=format_number,
        now=now,
        verdict=verdict.value if verdict else "",
        page=runs.rows_of(run, verdict, request.args),
        label_of=_labels(),
        status_names={key.value: str(name) for key, name in words.STATUS.items()},
        creates=run.settings.get("creates") or {"types": [], "clients": []},
    )


def _labels() -> Callable[[str], str]:
    own = {mapping.ATTRIBUTE + rule.key: rule.label for rule in lookups.attributes()}
    fields = mapping.FIELDS | mapping.SHOWN

    def label_of(name: str) -> str:
        return own.get(name) or _(fields.get(name, name)) if name else ""

    return label_of


@bp.post("/import/<id:run_id>/apply")
@page(PAGE)
@permission("assets.apply_import", scoped=True)
def apply_import(run_id: int) -> ResponseReturnValue:
    """Have the checked rows applied; a second click finds that the first did."""
    run = _run_or_404(run_id, lock=True)
    here = url_for("assets.show_import", run_id=run.id)
    return _step(run, lambda: runs.start_apply(me(), run, job=tasks.apply_import, url=here))


@bp.get("/import/<id:run_id>/wrong.csv")
@page(PAGE)
def wrong_import_rows(run_id: int) -> Response:
    """Download the wrong rows with the reasons, to mend them and upload them again."""
    run = _run_or_404(run_id)
    export = files.write_csv([*run.header, _("Problem")], runs.wrong_rows(run))
    return send_file(
        export.file,
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"import-{run.id}-wrong-rows.csv",
    )


@bp.post("/import/<id:run_id>/remove")
@page(PAGE)
def remove_import(run_id: int) -> ResponseReturnValue:
    """Forget an import; what it brought in stays."""
    run = _run_or_404(run_id, lock=True)
    try:
        runs.remove(run)
    except DomainError as error:
        flash(str(error), "warning")
        return redirect_to(url_for("assets.show_import", run_id=run_id))
    flash(_("The import was removed; what it brought in stays."), "success")
    return redirect_to(url_for("assets.imports"))
