"""Logs: one JSON object per line, with the request's id; control characters are escaped by JSON itself."""

import logging
import sys

import structlog
from flask import g, has_request_context


def _request_id(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


def configure(level: str) -> None:
    """Send structlog and the standard library's log to stderr."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s")
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _request_id,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
