"""One row of the log."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, render_template, request, url_for
from flask.typing import ResponseReturnValue

from webapp.audit import queries
from webapp.audit.asof import KINDS as WITH_HISTORY
from webapp.audit.difference import differences_of
from webapp.audit.models import AuditEvent
from webapp.audit.queries.labels import names_of
from webapp.audit.queries.rows import MAX_SAME_REQUEST, Proof, find_proof
from webapp.audit.timeline import sentences_of
from webapp.audit.wording import Named
from webapp.core import object_types, trail
from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.core.typed import number_of
from webapp.oversight.agents import session_of
from webapp.oversight.masking import mask_of, pages_of
from webapp.oversight.undoing import effects, planning
from webapp.oversight.undoing import reading as undoings
from webapp.oversight.views.common import LOOKS, PARTS, WORDS, bp, sees_everything


@bp.get("/<id:event_id>")
@page("audit", sensitive=True)
def show(event_id: int) -> ResponseReturnValue:
    """Show one row of the log: what changed, what else its request did, and what proves it."""
    event, mask = _found(event_id), mask_of(signed_in_person())
    trail.note("audit.read", category="read", object_type="audit_event", object_id=event.id)
    others = queries.list_same_request(event, everything=sees_everything())
    rows = [mask.seen(row) for row in (event, *others[:MAX_SAME_REQUEST])]
    names = names_of(rows)
    line, *others_told = sentences_of(rows, names)
    lines = [
        replace(one, detail=None) if one.detail and one.detail == line.detail else one
        for one in others_told
    ]
    proof = find_proof(event)
    return render_template(
        "audit/show.html",
        event=rows[0],
        covered=rows[0] is not event,
        line=line,
        differences=differences_of(Named(rows[0], names), link=_url_of),
        others=list(zip(rows[1:], zip(rows[1:], lines, strict=True), strict=True)),
        more=len(others) > MAX_SAME_REQUEST,
        kind=object_types.title_of(event.object_type),
        links=_links(event) | _undoing_links(event, rows),
        undone=_undone(event),
        proof=proof,
        session=session_of(event.via, mask),
        stored=json.dumps(_stored(proof, rows[0]), ensure_ascii=False, indent=2),
        looks=LOOKS,
        words=WORDS,
        **PARTS,
    )


@bp.get("/<id:event_id>/json")
@page("audit", sensitive=True)
def as_json(event_id: int) -> ResponseReturnValue:
    """Hand one row out as it is sealed, byte for byte; with covers, where the reader may not know its values."""
    event, mask = _found(event_id), mask_of(signed_in_person())
    about = {"object_type": "audit_event", "object_id": event.id}
    trail.note("audit.read", category="read", changes={"format": "json"}, **about)
    proof, seen = find_proof(event), mask.seen(event)
    line = proof.line
    if seen is not event:
        line = json.dumps(_stored(proof, seen), ensure_ascii=False)
    name = f"attachment; filename=audit-{event.id}.json"
    return Response(line, mimetype="application/json", headers={"Content-Disposition": name})


def _found(event_id: int) -> AuditEvent:
    event = queries.find_event(event_id, at=_recorded_at(), everything=sees_everything())
    return event or abort(404)


def _recorded_at() -> datetime | None:
    text = request.args.get("at", "").replace(" ", "+")
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError:
        abort(404)
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _stored(proof: Proof, seen: Any) -> dict[str, Any]:
    """The row as it is sealed, with covers."""
    stored: dict[str, Any] = json.loads(proof.line)
    return stored | {"changes": seen.changes, "object_label": seen.object_label}


def _url_of(kind: str | None, number: int | None) -> str | None:
    """Return the page of a record, if the reader may open pages of its kind."""
    who = signed_in_person()
    pages = pages_of(kind)
    return object_types.url_of(kind, number) if any(map(who.opens, pages)) else None


def _links(event: AuditEvent) -> dict[str, str | None]:
    """Where the row leads: None where there is nothing, or it is not for this reader."""
    at = event.recorded_at.isoformat()
    kind, number = event.object_type, event.object_id
    log = "audit.index"
    about: dict[str, Any] = {"object_type": kind, "object_id": number}
    agent, _colon, agent_id = (event.via or "").partition(":")
    return {
        "record": _url_of(kind, number),
        "history": url_for("audit.record", kind=kind, record_id=number, upto=event.id)
        if kind in WITH_HISTORY and number is not None
        else None,
        "person": _url_of("user", event.actor_id),
        "job": _url_of("job", number_of(agent_id)) if agent == "job" else None,
        "json": url_for("audit.as_json", event_id=event.id, at=at),
        "all_by": url_for(log, actor=event.actor_id) if event.actor_id else None,
        "all_about": url_for(log, **about) if kind and number is not None else None,
        "all_via": url_for(log, via=event.via) if event.via else None,
        "all_from": url_for(log, ip=event.ip) if event.ip else None,
        "all_of_request": url_for(log, request=event.request_id) if event.request_id else None,
    }


def _undoing_links(event: AuditEvent, rows: Sequence[Any]) -> dict[str, str | None]:
    """Where it can be taken back: a row that only tells what others did goes back with all of its request."""
    links: dict[str, str | None] = {"undo": None, "undo_request": None}
    if not signed_in_person().holds(planning.PERMISSION):
        return links
    itself = planning.is_ever_undone(event)
    if event.request_id and (itself or any(planning.is_ever_undone(row) for row in rows)):
        whole = url_for("audit.preview_undo_request", request_id=event.request_id)
        links |= {"undo_request": whole, "undo": whole if event.action in effects.TELLING else None}
    if itself:
        at = event.recorded_at.isoformat()
        links["undo"] = url_for("audit.preview_undo", event_id=event.id, at=at)
    return links


def _undone(event: AuditEvent) -> undoings.Undone | None:
    """How it was undone, if it was; what changes nothing is not asked about."""
    if event.outcome != "ok" or event.category not in ("change", "access"):
        return None
    return undoings.undone(
        event.request_id, after=event.recorded_at, everything=sees_everything(), event_id=event.id
    )
