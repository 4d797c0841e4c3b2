"""Inserting very many rows: the server unpacks them from one JSON text, so that neither end handles them one by one."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Row, Table, text

from webapp.core.db import db


def insert_many(
    table: Table, rows: Sequence[Mapping[str, Any]], *, returning: Iterable[Column[Any]] = ()
) -> list[Row[Any]]:
    """Insert rows that all have the same columns; what is returned comes in no order.

    Nobody listens here: of an audited table the caller notes each row (``core.trail``).
    """
    if not rows:
        return []
    quote = db.engine.dialect.identifier_preparer.quote
    name, columns = quote(table.name), ", ".join(quote(key) for key in rows[0])
    back = ", ".join(quote(column.name) for column in returning)
    statement = text(
        f"INSERT INTO {name} ({columns}) SELECT {columns}"  # noqa: S608 # nosec B608 - our own names
        f" FROM jsonb_populate_recordset(NULL::{name}, CAST(:rows AS jsonb))"
        + (f" RETURNING {back}" if back else "")
    )
    packed = json.dumps(rows, default=_plain, ensure_ascii=False, separators=(",", ":"))
    done = db.session.execute(statement, {"rows": packed})
    return list(done) if back else []


def _plain(value: Any) -> Any:
    """Numbers and times as PostgreSQL reads them."""
    return str(value) if isinstance(value, Decimal) else value.isoformat()
