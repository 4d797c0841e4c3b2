"""Pages of the log. Whoever reads it is recorded in it."""

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.audit import queries, reasons, sentences
from webapp.audit.forms import FilterForm
from webapp.core import htmx, object_types, trail
from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.core.language import _

bp = Blueprint("audit", __name__, url_prefix="/audit")
PARTS = {
    "who": sentences.who,
    "predicate": sentences.predicate,
    "why": reasons.why,
    "field_title": sentences.field_title,
    "categories": sentences.CATEGORY_TITLES,
}
LOOKS = {"ok": "success", "denied": "warning", "failed": "danger"}
WORDS = {"ok": _("Done"), "denied": _("Refused"), "failed": _("Failed")}


@bp.get("")
@page("audit", sensitive=True)
def index() -> ResponseReturnValue:
    """Show the log, newest first."""
    form = FilterForm(request.args)
    fine = form.validate()
    asked = (
        form.asked(now=datetime.now(UTC), timezone=signed_in_person().timezone) if fine else None
    )
    events = (
        queries.list_events(asked, request.args, everything=_sees_everything()) if asked else None
    )
    trail.note("audit.read", category="read", changes=form.used())
    shown = htmx.render(
        "audit/index.html",
        partial="audit/_table.html",
        form=form,
        filtered=bool(form.used()),
        events=events,
        looks=LOOKS,
        words=WORDS,
        **PARTS,
    )
    return shown, 200 if fine else 422


@bp.get("/<id:event_id>")
@page("audit", sensitive=True)
def show(event_id: int) -> ResponseReturnValue:
    """Show one row of the log: what changed, and what else its request did."""
    everything = _sees_everything()
    event = queries.find_event(event_id, at=_recorded_at(), everything=everything)
    if event is None:
        abort(404)
    trail.note("audit.read", category="read", object_type="audit_event", object_id=event.id)
    return render_template(
        "audit/show.html",
        event=event,
        differences=_differences(event.changes, event.object_type),
        others=queries.list_same_request(event, everything=everything),
        record_url=object_types.url_of(event.object_type, event.object_id),
        kind=object_types.title_of(event.object_type),
        looks=LOOKS,
        words=WORDS,
        **PARTS,
    )


def _sees_everything() -> bool:
    """Tell whether a role without a scope opens the log."""
    grants = getattr(signed_in_person(), "grants", ())
    return any(grant.everywhere and "audit" in grant.pages for grant in grants)


def _recorded_at() -> datetime | None:
    text = request.args.get("at", "").replace(" ", "+")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        abort(404)
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _differences(changes: dict[str, Any], object_type: str | None) -> list[tuple[str, str, str]]:
    """Return (field, old, new) with names instead of numbers where they are known."""
    labels = queries.labels_of(changes, object_type)

    def named(field: str, value: Any) -> str:
        label = (
            labels.get((queries.points_at(field, object_type), value))
            if type(value) is int
            else None
        )
        return f"{label} ({value})" if label else sentences.shown(value)

    rows = []
    for field, change in changes.items():
        ids = sentences.pair(changes.get(f"{field}_id"))
        if any((field, value) in labels for value in ids if isinstance(value, int)):
            continue  # the row it points at has a name still, and says the same
        old, new = sentences.pair(change)
        rows.append((sentences.field_title(field), named(field, old), named(field, new)))
    return rows
