"""Reads a log line by line: a file of any length takes the memory of its longest line, and no line spoils another.

A row is one line, so that a quote too many costs that line alone. The bytes are hashed on the way.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO

from webapp.core.errors import DomainError
from webapp.core.language import _

MAX_LINE = 64 * 1024
REQUIRED = ("number", "incident_state", "opened_at", "sys_updated_at")
BOM = b"\xef\xbb\xbf"


class Unreadable(DomainError):
    """The file as a whole is no log."""


class WrongRow(Exception):
    """A row cannot be brought in; the message says why."""


@dataclass(slots=True)
class Line:
    """One row by the names of its columns, or what is wrong with it."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    problem: str = ""


class LogFile:
    """An open file, and how much of it was read."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read from the beginning."""
        self._file = file
        self._hash = hashlib.sha256()
        self.read = 0

    @property
    def sha256(self) -> str:
        """The hash of what was read so far."""
        return self._hash.hexdigest()

    def lines(self) -> Iterator[Line]:
        """Yield the rows below the header; empty lines are left out.

        Raises:
            Unreadable: if there is no header with the columns that are needed.
        """
        names, separator = self._header()
        for number, (raw, whole) in enumerate(self._raw(), start=2):
            if raw.strip():
                yield _line(number, raw, whole=whole, names=names, separator=separator)

    def _header(self) -> tuple[list[str], str]:
        raw, _whole = next(self._raw(), (b"", True))
        text = raw.removeprefix(BOM).decode("utf-8", "replace")
        separator = ";" if text.count(";") > text.count(",") else ","
        try:
            (cells,) = csv.reader([text], delimiter=separator, strict=True)
        except (csv.Error, ValueError):
            cells = []
        names = [cell.strip().lower() for cell in cells]
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise Unreadable(
                _(
                    "This is no incident log in UTF-8: its first line lacks %(columns)s.",
                    columns=", ".join(missing),
                )
            )
        return names, separator

    def _raw(self) -> Iterator[tuple[bytes, bool]]:
        """Yield lines; of those that are too long the beginning, and False."""
        while raw := self._take():
            whole = len(raw) < MAX_LINE or raw.endswith(b"\n")
            rest = raw
            while len(rest) == MAX_LINE and not rest.endswith(b"\n"):
                rest = self._take()
            yield raw, whole

    def _take(self) -> bytes:
        raw = self._file.readline(MAX_LINE)
        self._hash.update(raw)
        self.read += len(raw)
        return raw


def _line(number: int, raw: bytes, *, whole: bool, names: list[str], separator: str) -> Line:
    if not whole:
        return Line(number, problem=f"the line is longer than {MAX_LINE // 1024} KB")
    try:
        return Line(number, _cells(raw, names, separator))
    except WrongRow as error:
        return Line(number, problem=str(error))


def _cells(raw: bytes, names: list[str], separator: str) -> dict[str, str]:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongRow(f"it is not UTF-8: byte {error.start + 1} of the line") from None
    if "\0" in text:
        raise WrongRow("it holds a character that is no text")
    try:
        (cells,) = csv.reader([text.rstrip("\r\n")], delimiter=separator, strict=True)
    except (csv.Error, ValueError):
        raise WrongRow("its quotes do not match") from None
    if len(cells) != len(names):
        raise WrongRow(f"it has {len(cells)} columns, not {len(names)}")
    return {
        name: " ".join(cell.split()) for name, cell in zip(names, cells, strict=True) if cell != "?"
    }
