"""The rows of a log while it is brought in: a temporary table, which sorts them by ticket and time on the disk.

A log need not be sorted, and is read in one go; so memory stays as it is whatever the length.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby

from sqlalchemy import TIMESTAMP, BigInteger, Column, MetaData, String, Table, text
from sqlalchemy.dialects.postgresql import JSONB

from webapp.core.db import db
from webapp.core.many import insert_many
from webapp.tickets.importing.entries import Entry

LOT = 500  # tickets
TIMES = ("opened_at", "resolved_at", "closed_at")
ROWS = Table(
    "imported_log",
    MetaData(),
    Column("number", String(collation="C")),
    Column("at", TIMESTAMP(timezone=True)),
    Column("turn", BigInteger),
    Column("line", BigInteger),
    Column("said", JSONB),
    prefixes=["TEMPORARY"],
    postgresql_on_commit="DROP",
)
_LOT = text("""
SELECT number, at, turn, line, said FROM imported_log WHERE number IN (
  SELECT DISTINCT number FROM imported_log WHERE number > :after ORDER BY number LIMIT :most)
 ORDER BY number, at, turn, line
""")


def begin() -> None:
    """Make the table, for this transaction."""
    ROWS.create(db.session.connection())


def keep(entries: list[Entry]) -> None:
    """Add rows."""
    names = Entry.__dataclass_fields__
    insert_many(ROWS, [{name: getattr(entry, name) for name in names} for entry in entries])


def close() -> int:
    """Be ready to read; return how many tickets there are."""
    connection = db.session.connection()
    connection.execute(text("CREATE INDEX ON imported_log (number)"))
    connection.execute(text("ANALYZE imported_log"))
    return int(connection.scalar(text("SELECT count(DISTINCT number) FROM imported_log")) or 0)


def lots() -> Iterator[list[list[Entry]]]:
    """Yield some tickets at a time, each with its rows from the oldest to the newest."""
    after = ""
    while rows := db.session.execute(_LOT, {"after": after, "most": LOT}).all():
        entries = [
            Entry(line=row.line, number=row.number, at=row.at, turn=row.turn, said=_said(row.said))
            for row in rows
        ]
        after = entries[-1].number
        yield [list(same) for _number, same in groupby(entries, key=lambda entry: entry.number)]


def _said(stored: dict[str, str]) -> dict[str, object]:
    return stored | {name: datetime.fromisoformat(stored[name]) for name in TIMES if name in stored}
