"""The part of XLSX that needs suspicion: a workbook is a packed folder of XML, and may unpack to anything."""

import re
import zipfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

MAX_UNPACKED = 256 * 1024 * 1024
MAX_STRINGS = 64 * 1024 * 1024
MAX_PARTS = 2_000
MAX_ROW_XML = 2 * 1024 * 1024
BLOCK = 256 * 1024
_DTD = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_ROW = re.compile(rb"<(?:\w+:)?row[\s/>]")


class Refused(Exception):
    """The workbook is not opened: ``why`` is damaged, large, unsafe or empty."""

    def __init__(self, why: str) -> None:
        """Keep the reason."""
        super().__init__(why)
        self.why = why


def refuse_bombs(file: IO[bytes]) -> None:
    """Unpack everything once, in small blocks, before a parser sees it.

    Raises:
        Refused: if it is too large, has a document type, or a row that no spreadsheet could have.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            # A part is never read beyond the size that it claims.
            if len(parts) > MAX_PARTS or sum(one.file_size for one in parts) > MAX_UNPACKED:
                raise Refused("large")
            for one in parts:
                if one.filename.endswith("sharedStrings.xml") and one.file_size > MAX_STRINGS:
                    raise Refused("large")
                if one.filename.endswith((".xml", ".rels")):
                    _scan(archive, one)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise Refused("damaged") from error


def _scan(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    is_sheet, since = "worksheets/" in part.filename, 0
    with archive.open(part) as file:
        tail = b""
        while block := file.read(BLOCK):
            if not tail and block.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
                raise Refused("unsafe")  # in UTF-16 nothing below would be found
            text = tail + block
            if _DTD.search(text):
                raise Refused("unsafe")
            if is_sheet:
                since = _longest_row(text, since, len(block))
            tail = text[-16:]


def _longest_row(text: bytes, since: int, fresh: int) -> int:
    """Return how many bytes ago the last row began."""
    starts = [found.start() for found in _ROW.finditer(text)]
    since = len(text) - starts[-1] if starts else since + fresh
    if since > MAX_ROW_XML:
        raise Refused("large")
    return since


def sheets(file: IO[bytes]) -> list[str]:
    """Return the names of the sheets.

    Raises:
        Refused: if there is none.
    """
    book = _open(file)
    try:
        # A chart has a sheet of its own, without rows.
        names = [sheet.title for sheet in book.worksheets]
    finally:
        book.close()
    if not names:
        raise Refused("empty")
    return names


def rows(file: IO[bytes], sheet: str, columns: int) -> Iterator[Sequence[Any]]:
    """Yield the rows of a sheet as values, formulas as their last result.

    Raises:
        Refused: if the sheet cannot be read.
    """
    book = _open(file)
    try:
        found = book[sheet]
        found.reset_dimensions()  # what the file says about its size may be wrong
        yield from found.iter_rows(values_only=True, max_col=columns)
    except Exception as error:
        # The parser raises whatever its input makes it stumble over.
        if isinstance(error, GeneratorExit):
            raise
        raise Refused("damaged") from error
    finally:
        book.close()


def _open(file: IO[bytes]) -> Any:
    from openpyxl import load_workbook  # takes a quarter second, and few need it

    try:
        return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except Exception as error:
        # The parser raises whatever its input makes it stumble over.
        raise Refused("damaged") from error
