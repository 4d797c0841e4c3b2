"""Where a live list of the log stands: signed, so that nobody reads on without it being recorded."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import current_app
from itsdangerous import BadData, URLSafeSerializer

TOLD_EACH = timedelta(minutes=10)  # that somebody goes on reading the same search


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """What was committed when the list was read, when that was, and when the reading was last recorded."""

    snapshot: str
    at: datetime
    told_at: datetime


def sealed(place: Place, *, user_id: int, query: dict[str, Any]) -> str:
    """Return a place as the page holds it; it is of use to this person and this search alone."""
    values = [place.snapshot, place.at.isoformat(), place.told_at.isoformat()]
    return str(_serializer().dumps([user_id, _mark(query), *values]))


def opened(text: str, *, user_id: int, query: dict[str, Any]) -> Place | None:
    """Return the place that a page holds, None if it is not this person's, or of another search."""
    try:
        owner, mark, snapshot, at, told_at = _serializer().loads(text)
        moments = datetime.fromisoformat(at), datetime.fromisoformat(told_at)
    except (BadData, ValueError, TypeError):
        return None
    if (owner, mark) != (user_id, _mark(query)):
        return None
    return Place(snapshot=snapshot, at=moments[0], told_at=moments[1])


def is_due(place: Place) -> bool:
    """Tell whether the log has to hear of the reading again."""
    return datetime.now(UTC) - place.told_at >= TOLD_EACH


def _serializer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt="audit.tail")


def _mark(query: dict[str, Any]) -> str:
    listed = "\n".join(f"{name}={query[name]}" for name in sorted(query))
    return hashlib.sha256(listed.encode()).hexdigest()[:16]
