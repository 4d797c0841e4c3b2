"""One row of the log."""

from datetime import UTC, datetime
from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.audit import queries, sentences
from webapp.core import object_types, trail
from webapp.core.guards import page
from webapp.oversight.views.common import LOOKS, PARTS, WORDS, bp, sees_everything


@bp.get("/<id:event_id>")
@page("audit", sensitive=True)
def show(event_id: int) -> ResponseReturnValue:
    """Show one row of the log: what changed, and what else its request did."""
    everything = sees_everything()
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
