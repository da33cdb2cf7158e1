"""From the bytes of an upload to a table: the kind of file, its header, how numbers and dates are written."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from billhook_common.tabular import delimited, workbook
from billhook_common.tabular.encoding import decode
from billhook_common.tabular.problems import (
    DuplicateHeader,
    EmptyFile,
    FileTooLarge,
    HeaderMissing,
    NotATable,
)
from billhook_common.tabular.table import Block, DateOrder, DecimalSign, Dialect, Limits, Table

_EXTENSIONS = (".csv", ".tsv", ".txt", ".xlsx")
_OTHER_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture (PNG)"),
    (b"\xff\xd8\xff", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel file (.xls) or a workbook with a password; save it as .xlsx without one",
    ),
    (b"{\\rtf", "a text document (RTF)"),
    (b"\x7fELF", "a program"),
)
_MARKUP = re.compile(rb"\s*<(?:!doctype|\?xml|html|head|body|table|svg|[a-z]+[\s>:])", re.IGNORECASE)
_JSON = re.compile(rb'\s*[\[{]\s*["{\[\]}]')
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_VALUE = re.compile(r"[+-]?\d[\d.,\s/-]*|\S+@\S+\.\S+")
_COMMA_NUMBER = re.compile(r"[-\u2212]?\d{1,3}(?:[.\s']?\d{3})*,\d{1,2}")
_POINT_NUMBER = re.compile(r"[-\u2212]?\d{1,3}(?:[,\s']?\d{3})*\.\d{1,2}")
_SLASH_DATE = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
_SAMPLE_ROWS = 500
_MONTHS = 12


def read_table(data: bytes, filename: str, limits: Limits | None = None) -> Table:
    """The table in an uploaded CSV, TSV or XLSX file, told by its content; the name must have such an extension.

    Rows are not parsed yet, except a sample. Raises a class of ``problems`` with a sentence for the person.
    """
    limits = limits or Limits()
    if len(data) > limits.file_bytes:
        raise FileTooLarge(f"The file has more than {limits.file_bytes // 1024**2} MB")
    if not filename.lower().endswith(_EXTENSIONS):
        raise NotATable("Upload a .csv, .tsv, .txt or .xlsx file")
    if not data.strip():
        raise EmptyFile("The file is empty")
    _refuse_other_kinds(data)
    return _read_workbook(data, limits) if data.startswith(_ZIP) else _read_text(data, limits)


def _refuse_other_kinds(data: bytes) -> None:
    for magic, name in _OTHER_KINDS:
        if data.startswith(magic):
            raise NotATable(f"The file is {name}")
    start = data[:1024].removeprefix(b"\xef\xbb\xbf")
    if _MARKUP.match(start):
        raise NotATable("The file is a web page or an XML document")
    if _JSON.match(start):
        raise NotATable("The file is a JSON document")


def _read_text(data: bytes, limits: Limits) -> Table:
    text, encoding = decode(data)
    lines = delimited.split_lines(text, limits)
    delimiter, start = delimited.find_delimiter(lines)
    names, body = delimited.read_header(lines, start, delimiter, limits)
    header = _check_header(names)

    def blocks() -> Iterator[Block]:
        return delimited.read_blocks(lines, body, delimiter, len(header), limits)

    sample = [cells for block in islice(blocks(), 1) for cells in block.rows[:_SAMPLE_ROWS]]
    dialect = Dialect("csv", encoding, delimiter, None, _decimal_sign(sample), _date_order(sample))
    return Table(header, dialect, blocks)


def _read_workbook(data: bytes, limits: Limits) -> Table:
    sheet, encoded = workbook.read_workbook(data, limits)
    first = workbook.decode_block(encoded[0]) if encoded else []
    at = next((index for index, cells in enumerate(first) if any(map(str.strip, cells))), None)
    if at is None:
        raise EmptyFile("The sheet is empty")
    names = first[at]
    while names and not names[-1].strip():
        names = names[:-1]
    header = _check_header(names)

    def blocks() -> Iterator[Block]:
        return workbook.sheet_blocks(encoded, sheet.first_row, at, len(header), limits)

    sample = first[at + 1 : at + 1 + _SAMPLE_ROWS]
    dialect = Dialect("xlsx", None, None, sheet.sheet, _decimal_sign(sample), _date_order(sample))
    return Table(header, dialect, blocks)


def _check_header(names: Sequence[str]) -> tuple[str, ...]:
    """The names without blanks around them; a column without a name is called by its place."""
    header = tuple(" ".join(name.split()) or f"Column {place}" for place, name in enumerate(names, 1))
    if not any(map(str.strip, names)):
        raise EmptyFile("The file holds only blank lines")
    value = next((name for name in header if _VALUE.fullmatch(name)), None)
    if value is not None:
        raise HeaderMissing(f"The first row holds values (“{value[:40]}”), not the names of the columns")
    twice = [name for name, count in Counter(map(str.casefold, header)).items() if count > 1]
    if twice:
        shown = [name for name in header if name.casefold() == twice[0]]
        raise DuplicateHeader(f"The columns {' and '.join(f'“{name}”' for name in shown)} have the same name")
    return header


def _decimal_sign(rows: Sequence[Sequence[str]]) -> DecimalSign:
    """Comma or point, by the amounts with one or two decimals in the sample; a tie is a point."""
    cells = [cell.strip() for row in rows for cell in row]
    commas = sum(1 for cell in cells if _COMMA_NUMBER.fullmatch(cell))
    points = sum(1 for cell in cells if _POINT_NUMBER.fullmatch(cell))
    return "," if commas > points else "."


def _date_order(rows: Sequence[Sequence[str]]) -> DateOrder:
    """Day or month first in dates with slashes: month first only if the sample cannot be read day first."""
    dates = [match for row in rows for cell in row if (match := _SLASH_DATE.fullmatch(cell.strip()))]
    day_first = all(int(match[2]) <= _MONTHS for match in dates)
    return "dmy" if day_first else "mdy"
