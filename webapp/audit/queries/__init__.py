"""Reads of the log."""

from webapp.audit.queries.labels import POINTS_AT, labels_of, points_at
from webapp.audit.queries.rows import find_event, list_same_request
from webapp.audit.queries.search import Filter, count_upto, matching, some_of
from webapp.audit.queries.search_pages import Reader, list_events, reader_of

__all__ = [
    "POINTS_AT",
    "Filter",
    "Reader",
    "count_upto",
    "find_event",
    "labels_of",
    "list_events",
    "list_same_request",
    "matching",
    "points_at",
    "reader_of",
    "some_of",
]
