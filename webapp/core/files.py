"""What leaves the app as a file."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

IN_MEMORY = 4 * 1024 * 1024
_SUSPECT = frozenset("'\"=+-@\0")
_FORMULA = re.compile("['\"\\s]*[=+\\-@\t\r\0]")  # spaces and quotes before it are dropped by some
_QUOTED = re.compile("'['\"\\s]*[=+\\-@\t\r]")
_NUMBER = re.compile(r"-\d{1,15}([.,]\d{1,15})?", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """A finished file, the number of its rows, and its hash for the log."""

    file: IO[bytes]
    rows: int
    sha256: str


def neutralised(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula (ASVS 5.0 1.2.10); a number stays one.

    ``restored`` takes the apostrophe off again; so one more goes before those that are there.
    """
    if value is None:
        return ""
    if isinstance(value, int | float | Decimal):
        return str(value)
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.isoformat(" ", "minutes")
    text = str(value)
    if (
        (text[:1] in _SUSPECT or text[:1].isspace())
        and _FORMULA.match(text)
        and not _NUMBER.fullmatch(text)
    ):
        return f"'{text}"
    return text


def quoted_again(text: str) -> str:
    """Return a text that is no formula anyway, so that ``restored`` makes it what it was."""
    return f"'{text}" if text[:1] == "'" and _QUOTED.match(text) else text


def restored(text: str) -> str:
    """Return what a cell was before ``neutralised``: without the one apostrophe that kept it from being a formula."""
    return text[1:] if text[:1] == "'" and _QUOTED.match(text) else text


def write_csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Export:
    """Write a CSV file (UTF-8 with a byte order mark, as spreadsheets expect)."""
    file = cast("IO[bytes]", SpooledTemporaryFile(max_size=IN_MEMORY))  # noqa: SIM115 - the reply closes it
    digest, count = hashlib.sha256(), 0
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(header)
    for row in rows:
        writer.writerow([neutralised(cell) for cell in row])
        count += 1
        _move(buffer, file, digest)
    _move(buffer, file, digest)
    file.seek(0)
    return Export(file=file, rows=count, sha256=digest.hexdigest())


def _move(buffer: io.StringIO, file: IO[bytes], digest: Any) -> None:
    block = buffer.getvalue().encode()
    buffer.seek(0)
    buffer.truncate()
    digest.update(block)
    file.write(block)
