"""Whether a pooled connection still lives: its socket tells, without a question to the server."""

import time
from typing import Any

import psycopg
from psycopg.pq import ConnStatus, TransactionStatus
from sqlalchemy import Engine

TRUSTED = 5.0  # seconds after which the server is asked: a network that swallows all says nothing


def ask_seldom(engine: Engine) -> None:
    """Have ``pool_pre_ping`` ask the server only if a connection has been idle for a while, or looks dead.

    Asking costs each request as much as a statement.
    """
    dialect: Any = engine.dialect
    ask = dialect.do_ping

    def ping(connection: Any) -> bool:
        now, last = time.monotonic(), vars(connection).get("asked_at")
        connection.asked_at = now
        if last is not None and now - last < TRUSTED and looks_alive(connection):
            return True
        return bool(ask(connection))

    dialect.do_ping = ping


def looks_alive(connection: psycopg.Connection[Any]) -> bool:
    """Tell whether the server has not hung up, as far as this end knows."""
    server = connection.pgconn
    try:
        server.consume_input()
        server.consume_input()  # the first reads why the server hung up, the second that it did
    except psycopg.Error:
        return False
    return server.status == ConnStatus.OK and server.transaction_status == TransactionStatus.IDLE
