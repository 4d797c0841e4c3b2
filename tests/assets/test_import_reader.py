"""Files as the world writes them: encodings, separators, quotes, workbooks, and what is refused."""

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import IO, Any

import openpyxl
import pytest

from webapp.assets.importing import mapping, reader, values
from webapp.assets.importing.reader import Unreadable

HEADER = "Tag,Name"
GOOD = "Asset Tag;Nombre;Coste\nÑ-1;Cámara;12,50\nA-2;Señal;3\n"


def opens(content: str | bytes) -> Callable[[], IO[bytes]]:
    data = content.encode() if isinstance(content, str) else content
    return lambda: io.BytesIO(data)


def rows(content: str | bytes, **layout: Any) -> list[reader.Row]:
    source = opens(content)
    return list(reader.read(source, reader.find_layout(source, **layout)))


def book(*sheets: tuple[str, list[list[Any]]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, lines in sheets:
        sheet = made.create_sheet(name)
        for line in lines:
            sheet.append(line)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1", "cp1252"], ids=lambda name: name
)
def test_every_usual_encoding_is_read(encoding: str) -> None:
    found = rows(GOOD.encode(encoding))
    assert [row.cells for row in found] == [
        ["Asset Tag", "Nombre", "Coste"], ["Ñ-1", "Cámara", "12,50"], ["A-2", "Señal", "3"]
    ]  # fmt: skip
    assert [row.line for row in found] == [1, 2, 3]


@pytest.mark.parametrize(
    "separator", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "pipe"]
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "mac"])
def test_every_usual_separator_and_line_end_is_read(separator: str, end: str) -> None:
    lines = [
        ["Tag", "Name", "Notes"],
        ["A-1", "x", "1,5; 2"],
        ["A-2", 'Macbook 13""', "two\nlines"],
    ]
    text = end.join(separator.join(f'"{cell}"' for cell in line) for line in lines)
    assert [row.cells for row in rows(text)] == [
        lines[0], lines[1], ["A-2", 'Macbook 13"', "two\nlines"]
    ]  # fmt: skip


def test_a_named_separator_and_empty_rows() -> None:
    found = rows("sep=|\nTag|Name\n\nA-1|a,b,c,d\n|\n")
    assert [(row.line, row.cells) for row in found] == [
        (1, ["Tag", "Name"]),
        (3, ["A-1", "a,b,c,d"]),
    ]


def test_a_huge_cell_and_broken_quotes_are_errors_of_their_rows() -> None:
    found = rows(f'{HEADER}\nA-1,{"x" * 10_000_000}\nA-2,fine\nA-3,"broken"quote\nA-4,fine\n')
    assert [row.line for row in found if not row.problem] == [1, 3, 5]
    assert "10,000,000" in str(found[1].problem) or "10000000" in str(found[1].problem)
    assert len(str(found[1].cells)) < 2_000
    assert "quotes" in str(found[3].problem)


def test_a_quote_that_never_closes_is_one_wrong_row() -> None:
    found = rows(f'{HEADER}\nA-1,fine\nA-2,"open\nA-3,lost\n')
    assert [bool(row.problem) for row in found] == [False, False, True]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\n\n\n", "empty"),
        (b"Tag,Name\n", "no row below"),
        (b"1,2023-01-02,a@b.c\n2,3,4\n", "names of the columns"),
        (b"a\0b,c\n1,2\n", "no text"),
        (b"\x89PNG\r\n\x1a\n\0\0", "no text"),
        (b"\xd0\xcf\x11\xe0rest", "old or protected"),
        (b"PK\x03\x04 not a zip", "damaged"),
    ],
)
def test_what_is_no_list_of_assets_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        reader.header_of(rows(content))


def test_headers_twice_are_told() -> None:
    assert reader.twice(["Name", "Tag", "name", "", ""]) == ["Name", "name"]


def test_a_workbook_keeps_its_numbers_and_dates() -> None:
    lines = [
        ["Tag", "Cost", "Bought", "Working"],
        ["A-1", 2266.5, date(2023, 1, 23), True],
        [None, 7, None, None],
    ]
    content = book(("Empty", [["x"]]), ("Assets", lines))
    found = rows(content, sheet="Assets")
    assert found[1].cells == ["A-1", Decimal("2266.5"), date(2023, 1, 23), "yes"]
    assert found[2].cells == ["", 7]
    assert reader.find_layout(opens(content)).sheets == ("Empty", "Assets")


def _packed(change: Callable[[str, bytes], bytes]) -> bytes:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(("S", [["Tag", "Name"], ["A-1", "x"]])))) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for part in old.infolist():
            new.writestr(part.filename, change(part.filename, old.read(part.filename)))
    return out.getvalue()


def test_a_workbook_that_is_a_bomb_is_not_unpacked() -> None:
    row = b'<row r="3">' + b'<c r="A3"><v>1</v></c>' * 200_000 + b"</row></sheetData>"
    wide = _packed(
        lambda name, data: data.replace(b"</sheetData>", row) if "sheet1" in name else data
    )
    huge = _packed(lambda name, data: data + b" " * 300_000_000 if "sheet1" in name else data)
    for content in (wide, huge):
        assert len(content) < 2_000_000
        with pytest.raises(Unreadable, match="too large inside"):
            rows(content)


def test_a_workbook_with_entities_is_refused() -> None:
    entity = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    content = _packed(
        lambda name, data: (
            data.replace(b"<worksheet", entity + b"<worksheet") if "sheet1" in name else data
        )
    )
    with pytest.raises(Unreadable, match="no spreadsheet writes"):
        rows(content)


@pytest.mark.parametrize(
    ("text", "order", "day"),
    [
        ("1/23/23", "month", date(2023, 1, 23)),
        ("23.1.2023", "day", date(2023, 1, 23)),
        ("2023-01-23 00:00:00", "month", date(2023, 1, 23)),
        ("23/01/2023 10:30", "day", date(2023, 1, 23)),
        ("10/27/78", "month", date(1978, 10, 27)),
    ],
)
def test_dates(text: str, order: str, day: date) -> None:
    assert values.day(text, order) == day


@pytest.mark.parametrize(
    ("text", "comma", "amount"),
    [
        ("1,292.94", False, "1292.94"),
        ("€ 1.250,50", True, "1250.5"),
        ("12,5", True, "12.5"),
        ("$1200", False, "1200"),
        ("1'250.50 USD", False, "1250.5"),
        ("1 250,50 €", True, "1250.5"),
        ("1e5", False, "100000"),
        ("1.5e3", False, "1500"),
        ("-5", False, "-5"),
    ],
)
def test_amounts(text: str, comma: bool, amount: str) -> None:
    assert values.amount(text, decimal_comma=comma) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "comma"),
    [
        *(("12,5", False), ("abc", False), ("1.2.3", True), ("", False), ("2x4", False)),
        *(("12GB3", False), ("5 5", False), ("1e99", False), ("$5$", False), ("XYZ 5", False)),
    ],
)
def test_what_is_no_amount(text: str, comma: bool) -> None:
    with pytest.raises(ValueError, match=f"“{re.escape(text)}” is no number"):
        values.amount(text, decimal_comma=comma)


def test_an_attribute_has_its_own_unit_and_no_other() -> None:
    for text in ("16 GB", "16GB", "16"):
        assert values.amount(text, decimal_comma=False, unit="GB") == 16
    for text in ("1 TB", "16 GB GB", "€ 16"):
        with pytest.raises(ValueError, match="is no number"):
            values.amount(text, decimal_comma=False, unit="GB")


def test_the_order_of_dates_is_guessed_from_all_of_them() -> None:
    columns = ["purchased_on"]
    assert mapping.guess_date_order(columns, [["3/1/23"], ["1/23/23"]]) == ("month", True)
    assert mapping.guess_date_order(columns, [["3/1/23"], ["23/1/23"]]) == ("day", True)
    assert mapping.guess_date_order(columns, [["3/1/23"]]) == ("day", False)
    assert mapping.guess_date_order(columns, [["2023-01-02"]]) == ("iso", True)


def test_names_of_columns_are_understood_in_english_and_spanish() -> None:
    assert mapping.guess(["Company", "Name", "Asset Tag", "Category", "Model", "Model Number", "Asset Notes"]) == [
        "client", "name", "tag", "type", "model", "model_number", "notes"
    ]  # fmt: skip
    assert mapping.guess(["Cliente", "Número de serie", "Ubicación", "Fecha de compra", "RAM (GB)", "?"],
        [mapping.Rule(key="ram", label="RAM (GB)")],
    ) == ["client", "serial", "location", "purchased_on", "attribute:ram", ""]  # fmt: skip
    assert mapping.guess(["Checked Out To: Username", "Checked Out To: Email"]) == ["", "holder"]
