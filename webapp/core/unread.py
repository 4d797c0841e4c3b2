"""The rest of what a request sent, when the reply was made without reading it."""

import time
from typing import Any

import structlog

log = structlog.get_logger(__name__)

MOST = 100 * 1024 * 1024
SECONDS = 60.0
BLOCK = 64 * 1024


def read_rest(environ: dict[str, Any]) -> None:
    """Read and drop it, up to a bound: a reply that comes while a browser or proxy still sends is often never shown.

    The server would close the connection on what it has not read, and the sender sees that as a reset.
    """
    if not environ.get("wsgi.input_terminated"):
        return  # this server does not end the body: to read on would wait for more
    left, until = MOST, time.monotonic() + SECONDS
    try:
        while left > 0 and time.monotonic() < until:
            block = environ["wsgi.input"].read(min(BLOCK, left))
            if not block:
                return
            left -= len(block)
    except Exception as error:  # who sends nonsense, or no more, gets the reply all the same
        log.debug("unread_body", error=str(error))
