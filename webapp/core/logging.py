"""Logs: one JSON object per line, with the request's id; control characters are escaped by JSON itself."""

import logging
import sys
import time

import structlog
from flask import Flask, Response, g, has_request_context, request

from webapp.core.identity import person

_log = structlog.get_logger("request")
QUIET = frozenset({"health.healthz", "health.readyz"})


def _request_id(_: object, __: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


SHARED: tuple[structlog.types.Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    _request_id,
)


def configure(level: str) -> None:
    """Send structlog and the standard library's log to stderr, in the same shape."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *SHARED],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    if not logging.root.handlers:  # else a test's, or of whoever runs us
        logging.root.addHandler(handler)
        logging.root.setLevel(level)
    structlog.configure(
        processors=[
            *SHARED,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def init_app(app: Flask) -> None:
    """Log each request of ``app``."""
    app.before_request(_begin)
    app.after_request(_end)


def _begin() -> None:
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    if request.endpoint not in QUIET:
        who = person() if g.get("person_known") else None
        _log.info(
            "request",
            method=request.method,
            path=plain_path(),
            status=response.status_code,
            ms=round((time.perf_counter() - g.began) * 1000, 1) if "began" in g else None,
            user_id=who.id if who else None,
            ip=request.remote_addr,
        )
    return response


def plain_path() -> str:
    """The address asked for; a one-use link is a secret, so only its pattern is kept."""
    secret = request.url_rule is not None and "token" in request.url_rule.arguments
    return (str(request.url_rule) if secret else request.path)[:500]
