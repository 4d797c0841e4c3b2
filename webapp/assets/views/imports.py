"""Bringing assets in from a file: upload, say what the columns mean, look at the dry run, apply."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from flask import Response, abort, flash, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from webapp.assets import import_sentences as _sentences  # noqa: F401 - teaches the log
from webapp.assets import words
from webapp.assets.import_forms import (
    MissingForm,
    OptionsForm,
    SheetForm,
    UploadForm,
    column_choices,
)
from webapp.assets.import_models import ImportRun, ImportState, Verdict
from webapp.assets.importing import lookups, mapping, reader, runs, tasks
from webapp.assets.views.common import bp, me
from webapp.core import error_pages, files, pickers
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, render, wants_json, wants_partial
from webapp.core.language import format_number
from webapp.core.typed import number_of
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


@bp.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    """Say how large a file may be, and lead back to where one is chosen; it was refused before any view ran."""
    if request.endpoint != "assets.upload_import" or wants_json():
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return error_pages.reply(status, error_pages.MESSAGES[status])
    limit = reader.MAX_BYTES // 1_048_576
    flash(
        _("The file is larger than %(limit)s MB. Split it and try again.", limit=limit), "warning"
    )
    return redirect_to(url_for("assets.imports"))


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
    for name, kind in PICKED.items():
        _offer_place(form[name], kind)
    return form


def _offer_place(field: Any, kind: str) -> None:
    typed, seen = field.value, reach_of(me(), PAGE)
    known = number_of(typed)
    field.offer(
        url_for("assets.pick_for_import", kind=kind),
        present=None if known is None else choices.label_of(kind, known, seen=seen),
        fixed=[("", _("None"))],
    )


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
    here = url_for("assets.show_import", run_id=run.id)
    return _step(run, lambda: runs.start_again(me(), run, job=tasks.check_import, url=here))


@bp.get("/import/<id:run_id>/sheet")
@bp.get("/import/<id:run_id>/check")
@bp.get("/import/<id:run_id>/create")
@page(PAGE)
def back_to_import(run_id: int) -> ResponseReturnValue:
    """Lead back to the import from the address that a refused form leaves in the browser."""
    return redirect_to(url_for("assets.show_import", run_id=_run_or_404(run_id).id))


@bp.post("/import/<id:run_id>/create")
@page(PAGE)
def create_missing(run_id: int) -> ResponseReturnValue:
    """Check again so that types and clients which are not known here yet are made with the rows."""
    run = _run_or_404(run_id, lock=True)
    unknown, here = _unknown(run), url_for("assets.show_import", run_id=run.id)
    if run.state == ImportState.APPLIED or not any(unknown.values()):
        return _step(run, lambda: _refuse_missing(run))
    form = _missing_form(run, formdata=request.form)
    fine = form.validate()
    if fine and unknown["clients"] and form.command.location_id is None:
        form.refuse(DomainError(_("Say in which location new clients are."), field="location_id"))
        fine = False
    if not fine:
        return _result_page(run, runs.standing(run), form), 422
    chosen: dict[str, Any] = {
        f"unknown_{kind}": "create" for kind, names in unknown.items() if names
    }
    if form.command.location_id is not None:
        chosen["location_id"] = form.command.location_id
    options = mapping.Options.model_validate(run.settings["options"] | chosen)
    return _step(
        run, lambda: runs.start_check(me(), run, options, job=tasks.check_import, url=here)
    )


def _refuse_missing(run: ImportRun) -> None:
    runs.refuse_applied(run)
    raise DomainError(_("Nothing is left to be added. Look at the rows as they are now."))


def _unknown(run: ImportRun) -> dict[str, list[str]]:
    """What the last check did not find and the person may add."""
    found, who = run.settings.get("unknown", {}), me()
    return {
        "types": found.get("types", []) if who.can("assets.configure") else [],
        "clients": found.get("clients", []) if who.can("organisation.edit") else [],
    }


def _missing_form(run: ImportRun, **values: Any) -> MissingForm:
    seen = reach_of(me(), PAGE)
    if not values:
        chosen = run.settings["options"].get("location_id")
        places, more = choices.find_places("", kinds=("location",), seen=seen, within=None)
        if chosen is None and len(places) == 1 and not more:
            chosen = places[0].id
        values = {"formdata": None, "data": {"location_id": chosen}}
    form = MissingForm(**values)
    _offer_place(form.location_id, "location")
    return form


# --- the dry run and after it ---------------------------------------------------


def _verdict() -> Verdict | None:
    asked = request.args.get("verdict", "")
    return Verdict(asked) if asked in set(Verdict) else None


def _result_page(run: ImportRun, now: runs.Standing, form: MissingForm | None = None) -> str:
    verdict, unknown = _verdict(), {}
    if now.state == ImportState.CHECKED and not wants_partial():
        unknown = {kind: names for kind, names in _unknown(run).items() if names}
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
        unknown=unknown,
        missing=(form or _missing_form(run)) if unknown else None,
    )


def _labels() -> Callable[[str], str]:
    called: dict[str, dict[str, None]] = {}  # types may call the same attribute differently
    for rule in lookups.attributes():
        called.setdefault(mapping.ATTRIBUTE + rule.key, {})[rule.label] = None
    own = {name: " / ".join(labels) for name, labels in called.items()}
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
    export = files.write_csv([*run.header, _("Problem")], runs.wrong_rows(run, _labels()))
    runs.note_taken(run, rows=export.rows, sha256=export.sha256)
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
