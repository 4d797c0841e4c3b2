"""Reads CSV and XLSX files row by row: a file of any length takes the memory of its longest row."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any

from webapp.assets.importing import workbook
from webapp.core.errors import DomainError
from webapp.core.files import restored
from webapp.core.language import _

MAX_BYTES = 25 * 1024 * 1024
MAX_ROWS = 200_000
MAX_COLUMNS = 200
MAX_CELL = 32_767  # what a spreadsheet holds in a cell
BLOCK = 1024 * 1024
SAMPLE = 256 * 1024
SEPARATORS = (",", ";", "\t", "|")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TOLD = re.compile(r"sep=(.)\r?\n?")

Cell = str | int | Decimal | date
Source = Callable[[], IO[bytes]]  # opens the file; it is read several times


class Unreadable(DomainError):
    """This is no file that can be imported; the message says why."""

    def __init__(self, message: str) -> None:
        """Belong to the field of the file."""
        super().__init__(message, field="file")


@dataclass(frozen=True, kw_only=True, slots=True)
class Layout:
    """How a file is written; kept with the import, so that it is found out once."""

    kind: str = "csv"
    encoding: str = "utf-8"
    separator: str = ","
    sheet: str = ""
    sheets: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return what ``layout_from`` reads."""
        return asdict(self) | {"sheets": list(self.sheets)}


def layout_from(stored: dict[str, Any]) -> Layout:
    """Read what ``as_json`` wrote."""
    return Layout(**(stored | {"sheets": tuple(stored.get("sheets", ()))}))


@dataclass(slots=True)
class Row:
    """One row as a spreadsheet counts them (the header is 1), or what is wrong with it as a whole."""

    line: int
    cells: list[Cell] = field(default_factory=list)
    problem: str | None = None


def find_layout(source: Source, *, sheet: str = "") -> Layout:
    """Find out how a file is written.

    Raises:
        Unreadable: if it is empty, too large inside, or neither text nor a workbook.
    """
    with source() as file:
        start = file.read(8)
    if not start:
        raise Unreadable(_("The file is empty."))
    if start.startswith(b"PK\x03\x04"):
        with refusing(), source() as file:
            workbook.refuse_bombs(file)
            names = workbook.sheets(file)
        chosen = sheet if sheet in names else names[0]
        return Layout(kind="xlsx", sheet=chosen, sheets=tuple(names))
    if start.startswith(b"\xd0\xcf\x11\xe0"):
        raise Unreadable(_("This is an old or protected workbook. Save it as XLSX or CSV."))
    encoding = _encoding(source)
    return Layout(kind="csv", encoding=encoding, separator=_separator(source, encoding))


class refusing:  # noqa: N801 - reads as a statement
    """Turn a refused workbook into words for the person."""

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, _kind: Any, error: BaseException | None, _trace: Any) -> None:
        """Raise what the person may read."""
        if isinstance(error, workbook.Refused):
            raise Unreadable(_REFUSED[error.why]) from error


_REFUSED = {
    "damaged": _("This workbook is damaged. Save it anew as XLSX or CSV."),
    "large": _("This workbook is too large inside. Split it, or save it as CSV."),
    "unsafe": _("This workbook holds what no spreadsheet writes. Save it anew as XLSX or CSV."),
    "empty": _("The file is empty."),
}


def _encoding(source: Source) -> str:
    """UTF-8 if it is, UTF-16 if it says so, else what Windows wrote in western Europe."""
    with source() as file:
        start = file.read(4)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        file.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block := file.read(BLOCK):
                if b"\0" in block:
                    raise Unreadable(_("This is no text. Choose a CSV or XLSX file."))
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _western(source)
    return "utf-8"


def _western(source: Source) -> str:
    with source() as file:
        while block := file.read(BLOCK):
            if b"\0" in block:
                raise Unreadable(_("This is no text. Choose a CSV or XLSX file."))
            # Five bytes mean nothing in Windows' table; Latin-1 reads everything.
            if block.translate(None, b"\x81\x8d\x8f\x90\x9d") != block:
                return "latin-1"
    return "cp1252"


def _text(source: Source, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(source(), encoding=encoding, errors="replace", newline="")


def _separator(source: Source, encoding: str) -> str:
    """The separator that cuts the first rows into the most columns, the same number in each."""
    with _text(source, encoding) as file:
        text = file.read(SAMPLE)
    if told := _TOLD.match(text):
        return told[1]
    best, columns = ",", 1
    for one in SEPARATORS:
        widths = list(_widths(text, one))
        if not widths or widths[0] < 2:  # noqa: PLR2004 - one column is no cut
            continue
        alike = sum(width == widths[0] for width in widths) / len(widths)
        if alike >= 0.5 and widths[0] > columns:  # noqa: PLR2004 - most rows
            best, columns = one, widths[0]
    return best


def _widths(text: str, separator: str) -> Iterator[int]:
    csv.field_size_limit(MAX_BYTES * 2)
    try:
        for number, cells in enumerate(
            csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        ):
            if number > 20:  # noqa: PLR2004 - enough to see
                return
            if cells:
                yield len(cells)
    except csv.Error:
        return


def read(source: Source, layout: Layout) -> Iterator[Row]:
    """Yield the rows that are not empty, the header first.

    Raises:
        Unreadable: if the file as a whole cannot be read.
    """
    rows = _sheet_rows(source, layout) if layout.kind == "xlsx" else _text_rows(source, layout)
    found = 0
    for row in rows:
        while row.cells and row.cells[-1] == "":
            row.cells.pop()
        if not row.cells and row.problem is None:
            continue
        found += 1
        if found > MAX_ROWS + 1:
            raise Unreadable(_("The file has more than %(n)s rows. Split it.", n=MAX_ROWS))
        row.problem = row.problem or _too_large(row)
        if row.problem:
            row.cells = [shortened(cell) for cell in row.cells[:MAX_COLUMNS]]
        yield row


def _too_large(row: Row) -> str | None:
    if len(row.cells) > MAX_COLUMNS:
        return _("The row has more than %(n)s columns.", n=MAX_COLUMNS)
    for number, cell in enumerate(row.cells, start=1):
        if isinstance(cell, str) and len(cell) > MAX_CELL:
            return _(
                "Column %(column)s holds %(n)s characters; a cell holds at most %(most)s."
                " Perhaps a quote is missing.",
                column=number, n=len(cell), most=MAX_CELL,
            )  # fmt: skip
    return None


def _text_rows(source: Source, layout: Layout) -> Iterator[Row]:
    # A cell may be as long as the file: how long it is, the row's own check says.
    csv.field_size_limit(MAX_BYTES * 2)
    with _text(source, layout.encoding) as file:
        if not _TOLD.fullmatch(file.readline(10)):
            file.seek(0)
        cells = csv.reader(file, delimiter=layout.separator, strict=True)
        number = 0
        while True:
            number += 1
            try:
                yield Row(number, [restored(cell.strip()) for cell in next(cells)])
            except StopIteration:
                return
            except csv.Error:
                yield Row(number, [], _("The quotes of this row do not match."))


def _sheet_rows(source: Source, layout: Layout) -> Iterator[Row]:
    with refusing(), source() as file:
        rows = workbook.rows(file, layout.sheet, MAX_COLUMNS + 1)
        for number, values in enumerate(rows, start=1):
            yield Row(number, [_cell(value) for value in values])


def _cell(value: Any) -> Cell:
    if value is None or isinstance(value, str):
        return restored((value or "").strip())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.date() if value.time() == time(0) else value.isoformat(" ")
    if isinstance(value, date | int):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 1e15 else Decimal(repr(value))  # noqa: PLR2004
    return str(value)


def as_text(cell: Cell) -> str:
    """Return a cell as a person reads it."""
    return (
        cell if isinstance(cell, str) else cell.isoformat() if isinstance(cell, date) else str(cell)
    )


def shortened(cell: Cell, most: int = 500) -> str:
    """Return as much of a cell as a message needs, fit for the database."""
    text = as_text(cell).replace("\0", "\ufffd")
    return text if len(text) <= most else f"{text[:most]}…"


def header_of(rows: Iterable[Row]) -> list[str]:
    """Return the names of the columns.

    Raises:
        Unreadable: if there is no header, or nothing below it.
    """
    rows = iter(rows)
    first = next(rows, None)
    if first is None:
        raise Unreadable(_("The file is empty."))
    if first.problem:
        raise Unreadable(first.problem)
    names = [shortened(cell, 100) for cell in first.cells]
    if sum(not _is_data(cell) for cell in first.cells if cell != "") * 2 < len(names):
        raise Unreadable(
            _("The first row must hold the names of the columns; this one looks like data.")
        )
    if next(rows, None) is None:
        raise Unreadable(_("The file has a header, but no row below it."))
    return names


def _is_data(cell: Cell) -> bool:
    return not isinstance(cell, str) or "@" in cell or not any(c.isalpha() for c in cell)


def twice(header: list[str]) -> list[str]:
    """Return the names that several columns have."""
    folded = [name.casefold() for name in header if name]
    return sorted({name for name in header if folded.count(name.casefold()) > 1})
