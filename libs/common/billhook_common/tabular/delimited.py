"""Delimited text (CSV, TSV): the delimiter, the rows with their lines, and what to do about stray quotes.

A line without a quote is split; only one with a quote goes through the csv module, strictly. A row whose
quotes do not add up is reported with its own line and reading goes on with the next line: nothing is
swallowed.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

from billhook_common.tabular.problems import BrokenQuotes, TooManyColumns, TooManyRows
from billhook_common.tabular.table import ROWS_PER_BLOCK, Block, BrokenRow, Limits

_DELIMITERS = (";", ",", "\t", "|")
_SAMPLE_LINES = 50
_SAMPLE_CHARACTERS = 2_000
"""Of each sample line; fifty of them stay below the csv module's limit of 131,072 for one field."""
_SEP_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_UNDOUBLED = 'The quotes of this row do not add up; inside a quoted cell a quote is written twice ("")'
_UNBALANCED = "A cell without quotes around it holds a stray quote"


def split_lines(text: str, limits: Limits) -> list[str]:
    r"""The physical lines without their ends; only \n, \r and \r\n end a line (not U+2028 and its kind)."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", limits.lines)
    if len(lines) > limits.lines and lines[-1]:
        raise TooManyRows(f"More than {limits.lines:,} lines")
    return lines


def find_delimiter(lines: Sequence[str]) -> tuple[str, int]:
    """The delimiter, and the index of the line where the table begins.

    A first line ``sep=;`` (Excel's own hint) decides; else the delimiter under which most of the first lines
    are as wide as the first one, and then the one that gives the most columns.
    """
    first = next((index for index, line in enumerate(lines) if line.strip()), len(lines))
    hint = _SEP_LINE.fullmatch(lines[first]) if first < len(lines) else None
    if hint:
        return hint[1], first + 1
    sample = [line[:_SAMPLE_CHARACTERS] for line in islice(lines, first, first + _SAMPLE_LINES) if line.strip()]

    def fit(delimiter: str) -> tuple[float, int]:
        widths = [len(cells) for cells in csv.reader(sample, delimiter=delimiter)]
        width = widths[0] if widths else 0
        return (widths.count(width) / len(widths) if width > 1 else 0.0), width

    return max(_DELIMITERS, key=fit), first


def read_header(lines: Sequence[str], at: int, delimiter: str, limits: Limits) -> tuple[list[str], int]:
    """The cells of the first row that is not blank, from line index ``at``, and the index of the line after it."""
    for start, cells, after in _records(lines, at, delimiter, limits, width=None):
        names = lines[start].split(delimiter, limits.columns) if isinstance(cells, str) else cells
        if len(names) > limits.columns:
            raise TooManyColumns(f"More than {limits.columns} columns")
        if any(map(str.strip, names)):
            return names, after
    return [], len(lines)


def read_blocks(lines: Sequence[str], at: int, delimiter: str, width: int, limits: Limits) -> Iterator[Block]:
    """The data rows from line index ``at`` on, under a header of ``width`` columns.

    Raises TooManyRows, and BrokenQuotes after ``limits.broken_rows`` rows with stray quotes.
    """
    number, stray = 0, 0
    block = Block([], [], [], [])
    for start, cells, after in _records(lines, at, delimiter, limits, width=width):
        if isinstance(cells, str):
            raw = "\n".join(lines[start:after])
            block.broken.append(BrokenRow(number + 1, start + 1, "stray-quotes", cells, (raw,)))
            stray += 1
        elif not cells[0] and not "".join(cells).strip():
            continue
        elif len(cells) == width:
            block.numbers.append(number + 1)
            block.lines.append(start + 1)
            block.rows.append(cells)
        else:
            block.broken.append(wrong_width(number + 1, start + 1, cells, width, limits))
        number += 1
        if number > limits.rows:
            raise TooManyRows(f"More than {limits.rows:,} rows")
        if stray > limits.broken_rows:
            raise BrokenQuotes(f"More than {limits.broken_rows:,} rows have stray quotes")
        if number % ROWS_PER_BLOCK == 0:
            yield block
            block = Block([], [], [], [])
    if block.numbers or block.broken:
        yield block


def wrong_width(number: int, line: int, cells: list[str], width: int, limits: Limits) -> BrokenRow:
    """The report of a row that is not as wide as the header."""
    found = f"More than {limits.columns}" if len(cells) > limits.columns else str(len(cells))
    return BrokenRow(number, line, "wrong-column-count", f"{found} columns instead of {width}", tuple(cells))


def _records(
    lines: Sequence[str], at: int, delimiter: str, limits: Limits, *, width: int | None
) -> Iterator[tuple[int, list[str] | str, int]]:
    """For each row the index of its first line, its cells (or what is wrong with its quotes), and the next index."""
    end, most = len(lines), limits.columns
    while at < end:
        start, line = at, lines[at]
        if '"' in line:
            cells, at = _read_quoted(lines, at, delimiter, limits, width)
            yield start, cells, at
        else:
            at += 1
            yield start, line.split(delimiter, most), at


def _read_quoted(
    lines: Sequence[str], at: int, delimiter: str, limits: Limits, width: int | None
) -> tuple[list[str] | str, int]:
    """The row that begins at index ``at``, or what is wrong with its quotes, and the index where the next begins.

    Two stray quotes lines apart look like one quoted cell; the width of the row they make gives them away.
    """
    reader = csv.reader(
        (line + "\n" for line in lines[at : at + limits.lines_per_row]), delimiter=delimiter, strict=True
    )
    try:
        cells = next(reader)
    except csv.Error:
        return _UNDOUBLED, at + 1
    after = at + reader.line_num
    if reader.line_num > 1 and width is not None and len(cells) != width:
        return _UNDOUBLED, at + 1
    if any('"' in cell for cell in cells) and _has_stray_quote("\n".join(lines[at:after]), delimiter):
        return _UNBALANCED, after
    return cells, after


def _has_stray_quote(raw: str, delimiter: str) -> bool:
    """Whether a cell without quotes around it holds an odd number of them; pairs (a "name" in the text) are text."""
    return any((match[1] or "").count('"') % 2 for match in _field(delimiter).finditer(raw))


@lru_cache(maxsize=8)
def _field(delimiter: str) -> re.Pattern[str]:
    """One cell of a row that the csv module accepted; group 1 is the text of a cell without quotes around it."""
    mark = re.escape(delimiter)
    return re.compile(rf'(?:\A|{mark})(?:"[^"]*+(?:""[^"]*+)*+"|([^{mark}]*+))')
