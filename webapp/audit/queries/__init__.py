"""Reads of the log."""

from webapp.audit.queries.labels import POINTS_AT, labels_of, points_at
from webapp.audit.queries.rows import find_event, list_same_request
from webapp.audit.queries.search import Filter, list_events

__all__ = [
    "POINTS_AT",
    "Filter",
    "find_event",
    "labels_of",
    "list_events",
    "list_same_request",
    "points_at",
]
