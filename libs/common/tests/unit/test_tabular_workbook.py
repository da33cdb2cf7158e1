"""Excel workbooks: ordinary ones, and bombs, lies, macros and damage that must be refused quickly."""

import datetime as dt
import io
import json
import time
import zipfile
from xml.sax.saxutils import escape

import pytest
from python_calamine import CalamineError

from billhook_common.tabular import Limits, read_table, sheet_reader
from billhook_common.tabular import workbook as workbook_module
from billhook_common.tabular.problems import (
    DamagedWorkbook,
    DuplicateHeader,
    EmptyFile,
    HeaderMissing,
    NotATable,
    TooManyColumns,
    TooManyRows,
    UnsafeWorkbook,
)
from billhook_common.tabular.sheet_reader import sheet_lines

pytestmark = pytest.mark.unit

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


def sheet(*rows: list[str | float], start: int = 1) -> str:
    """The XML of a sheet; text cells inline, numbers as numbers, empty text as no cell."""

    def cell(column: int, row: int, value: str | float) -> str:
        place = f"{chr(65 + column)}{row}"
        if isinstance(value, str):
            return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>' if value else ""
        return f'<c r="{place}"><v>{value}</v></c>'

    lines = [
        f'<row r="{number}">' + "".join(cell(column, number, value) for column, value in enumerate(row)) + "</row>"
        for number, row in enumerate(rows, start)
    ]
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(*sheets: str, hidden: int = 0, more: dict[str, bytes] | None = None) -> bytes:
    """A workbook of the sheets given, of which the first ``hidden`` are hidden."""
    names = range(1, len(sheets) + 1)
    override = '<Override PartName="/xl/{}" ContentType="' + _TYPE + '.{}+xml"/>'
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        + override.format("workbook.xml", "sheet.main")
        + "".join(override.format(f"worksheets/sheet{name}.xml", "worksheet") for name in names)
        + "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        + "".join(
            f'<sheet name="S{name}" sheetId="{name}" r:id="rId{name}"'
            + (' state="hidden"/>' if name <= hidden else "/>")
            for name in names
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="rId{name}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{name}.xml"/>'
            for name in names
        )
        + "</Relationships>",
    }
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
        for name, text in zip(names, sheets, strict=True):
            archive.writestr(f"xl/worksheets/sheet{name}.xml", text)
        for path, content in (more or {}).items():
            archive.writestr(path, content)
    return target.getvalue()


GOOD = sheet(["Login", "Price", "Since", "Zip"], ["anna", 14.5, 44197, "02826"], ["", "", "", ""], ["bob", 9, "x", 1.0])


def test_cells_become_text_and_lines_are_sheet_rows() -> None:
    table = read_table(workbook(GOOD), "customers.xlsx")
    assert (table.header, table.dialect.kind, table.dialect.sheet) == (("Login", "Price", "Since", "Zip"), "xlsx", "S1")
    assert [(row.number, row.line, row.cells) for row in table.rows()] == [
        (1, 2, ["anna", "14.5", "44197", "02826"]),
        (2, 4, ["bob", "9", "x", "1"]),
    ]


def test_a_table_that_does_not_begin_in_the_corner_is_found() -> None:
    table = read_table(workbook(sheet(["", "Login", "Name"], ["", "anna", "Ann"], start=5)), "customers.xlsx")
    assert table.header == ("Login", "Name")
    assert [(row.line, row.cells) for row in table.rows()] == [(6, ["anna", "Ann"])]


def test_the_first_visible_sheet_with_content_is_read() -> None:
    books = workbook(sheet(["Secret"], ["x"]), sheet(), sheet(["Login"], ["anna"]), hidden=1)
    table = read_table(books, "customers.xlsx")
    assert (table.dialect.sheet, table.header) == ("S3", ("Login",))


def test_a_cell_beyond_the_header_is_a_wrong_row() -> None:
    table = read_table(workbook(sheet(["Login", "Name"], ["a", "b", "c"], ["d", "e"])), "customers.xlsx")
    assert [row.cells for row in table.rows()] == [["d", "e"]]
    found = [(row.number, row.line, row.message) for block in table.blocks() for row in block.broken]
    assert found == [(1, 2, "3 columns instead of 2")]


def test_binary_noise_of_sums_is_not_shown() -> None:
    table = read_table(workbook(sheet(["Login", "Price"], ["a", 0.1 + 0.2], ["b", 1e15], ["c", 1e-7])), "a.xlsx")
    assert [row.cells[1] for row in table.rows()] == ["0.3", "1000000000000000", "0.0000001"]


def test_an_empty_workbook_and_bad_headers_are_told_apart() -> None:
    with pytest.raises(EmptyFile):
        read_table(workbook(sheet()), "a.xlsx")
    with pytest.raises(HeaderMissing):
        read_table(workbook(sheet([1001.0, "Ann"], [1002.0, "Bob"])), "a.xlsx")
    with pytest.raises(DuplicateHeader):
        read_table(workbook(sheet(["Login", "login"], ["a", "b"])), "a.xlsx")


def test_the_limits_hold_for_sheets() -> None:
    with pytest.raises(TooManyRows):
        read_table(workbook(sheet(["Login"], *[["a"]] * 11)), "a.xlsx", Limits(rows=10))
    with pytest.raises(TooManyColumns):
        read_table(workbook(sheet(["A", "B", "C", "D"])), "a.xlsx", Limits(columns=3))


def test_the_reader_of_sheets_tells_size_and_rows_as_json() -> None:
    rows = sheet(["Login", "Price"], ["anna", 14.5], ["bob", 9], start=3)
    assert [json.loads(line) for line in sheet_lines(workbook(rows), 10, 10, 2)] == [
        {"sheet": "S1", "first_row": 3, "last_row": 5, "columns": 2},
        [["Login", "Price"], ["anna", "14.5"]],
        [["bob", "9"]],
    ]
    assert len(list(sheet_lines(workbook(rows), 3, 10, 2))) == 1
    assert len(list(sheet_lines(workbook(rows), 10, 1, 2))) == 1
    with pytest.raises(CalamineError):
        list(sheet_lines(workbook(rows, hidden=1), 10, 10, 2))


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        ("=1+1", "=1+1"),
        (True, "true"),
        (False, "false"),
        (21.0, "21"),
        (7, "7"),
        (dt.date(2026, 11, 22), "2026-11-22"),
        (dt.datetime.fromisoformat("2026-11-22T00:00"), "2026-11-22"),
        (dt.datetime.fromisoformat("2026-11-22T13:05"), "2026-11-22 13:05:00"),
        (dt.time(13, 5), "13:05:00"),
        (dt.timedelta(hours=25), "1 day, 1:00:00"),
    ],
)
def test_each_kind_of_cell_has_its_text(cell: float | str | dt.date | dt.time | dt.timedelta, shown: str) -> None:
    assert sheet_reader._text(cell) == shown


def test_a_reader_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_module, "_WALL_SECONDS", 0.001)
    with pytest.raises(UnsafeWorkbook, match="too long"):
        read_table(workbook(GOOD), "customers.xlsx")


def encrypted(data: bytes) -> bytes:
    """The same archive with the flag for encryption on every entry of the directory."""
    changed = bytearray(data)
    at = changed.find(b"PK\x01\x02")
    while at >= 0:
        changed[at + 8] |= 1
        at = changed.find(b"PK\x01\x02", at + 1)
    return bytes(changed)


def changed(data: bytes, field: int, value: int, name: bytes = b"xl/worksheets/sheet1.xml") -> bytes:
    """The same archive with four bytes of a directory entry replaced: at 20 packed, 24 unpacked size, 42 offset."""
    altered = bytearray(data)
    at = altered.rfind(name) - 46 + field
    altered[at : at + 4] = value.to_bytes(4, "little")
    return bytes(altered)


def scribbled(data: bytes) -> bytes:
    """The same archive with the packed sheet overwritten."""
    altered = bytearray(data)
    at = altered.find(b"xl/worksheets/sheet1.xml") + 30
    altered[at : at + 30] = b"\xff" * 30
    return bytes(altered)


def packed_with(method: int) -> bytes:
    """A workbook with one part packed in another way, and stored parts beside it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", "<workbook/>", method)
    return target.getvalue()


def far_cell(reference: str) -> str:
    return sheet(["Login"]).replace(
        "</sheetData>", f'<row r="9"><c r="{reference}" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    )


BOMB = workbook(GOOD, more={"xl/worksheets/sheet9.xml": b"0" * 120_000_000})
MANY = workbook(GOOD, more={f"xl/media/{number}.xml": b"" for number in range(200)})
BLOAT = workbook(GOOD, more={"xl/sharedStrings.xml": b"ab" * 2_000_000})


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(BOMB, UnsafeWorkbook, id="120 MB in a small file"),
        pytest.param(MANY, UnsafeWorkbook, id="too many parts"),
        pytest.param(BLOAT, UnsafeWorkbook, id="unpacks to a thousand times its size"),
        pytest.param(changed(BLOAT, 24, 1000, b"xl/sharedStrings.xml"), UnsafeWorkbook, id="larger than it claims"),
        pytest.param(changed(workbook(GOOD), 24, 9_000), DamagedWorkbook, id="smaller"),
        pytest.param(encrypted(workbook(GOOD)), UnsafeWorkbook, id="encrypted"),
        pytest.param(workbook(GOOD, more={"xl/vbaProject.bin": b"x"}), UnsafeWorkbook, id="macros"),
        pytest.param(workbook(GOOD, more={"xl/embeddings/b.xlsx": b"x"}), UnsafeWorkbook, id="nested by name"),
        pytest.param(workbook(GOOD, more={"xl/media/a.png": workbook(GOOD)}), UnsafeWorkbook, id="nested"),
        pytest.param(workbook(GOOD, more={"../../etc/cron.d/x": b"x"}), UnsafeWorkbook, id="zip slip"),
        pytest.param(workbook(GOOD, more={"/etc/passwd": b"x"}), UnsafeWorkbook, id="absolute path"),
        pytest.param(workbook(GOOD, more={"XL/Workbook.xml": b"x"}), UnsafeWorkbook, id="two of a name"),
        pytest.param(workbook(GOOD, more={"xl/a.xml": "<a/>".encode("utf-16")}), UnsafeWorkbook, id="UTF-16"),
        pytest.param(changed(workbook(GOOD), 24, 104857601), UnsafeWorkbook, id="claims more than 100 MB"),
        pytest.param(changed(workbook(GOOD), 20, 1_000_000), UnsafeWorkbook, id="overlapping parts"),
        pytest.param(changed(workbook(GOOD), 42, 5), DamagedWorkbook, id="no part where one should be"),
        pytest.param(changed(workbook(GOOD), 42, 10**6), DamagedWorkbook, id="a part beyond the end"),
        pytest.param(packed_with(zipfile.ZIP_BZIP2), UnsafeWorkbook, id="unusual packing"),
        pytest.param(scribbled(workbook(GOOD)), DamagedWorkbook, id="damaged inside"),
        pytest.param(workbook(GOOD)[:-40], DamagedWorkbook, id="end cut off"),
        pytest.param(workbook(GOOD)[:300], DamagedWorkbook, id="half"),
        pytest.param(b"PK\x03\x04", DamagedWorkbook, id="four bytes"),
        pytest.param(b"PK\x05\x06" + b"\0" * 18, NotATable, id="empty zip"),
    ],
)
def test_a_dangerous_or_damaged_workbook_is_refused_at_once(data: bytes, problem: type[Exception]) -> None:
    started = time.perf_counter()
    with pytest.raises(problem):
        read_table(data, "customers.xlsx", Limits(file_bytes=10**9))
    assert time.perf_counter() - started < 0.1


def test_an_archive_of_something_else_is_no_workbook() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("customers.csv", "login;name")
    with pytest.raises(NotATable):
        read_table(target.getvalue(), "customers.xlsx")


@pytest.mark.parametrize("reference", ["XFD1048576", "ZZZZ9", "xfd200000"])
def test_a_far_cell_cannot_make_the_reader_allocate_gigabytes_here(reference: str) -> None:
    with pytest.raises((UnsafeWorkbook, DamagedWorkbook, TooManyRows, TooManyColumns)):
        read_table(workbook(far_cell(reference)), "customers.xlsx")


def test_a_sheet_that_is_no_xml_is_damaged() -> None:
    with pytest.raises(DamagedWorkbook):
        read_table(workbook(f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1"'), "customers.xlsx")


def test_a_wrong_dimension_is_not_believed() -> None:
    lie = GOOD.replace("<sheetData>", '<dimension ref="A1:XFD1048576"/><sheetData>')
    assert len(list(read_table(workbook(lie), "customers.xlsx").rows())) == 2
