"""What a table is once it is read: a header, a dialect, and rows in blocks that remember their lines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

ROWS_PER_BLOCK = 500
"""Rows handled at a time: few enough to stay in the processor's cache, enough that the work runs inside C."""

DecimalSign: TypeAlias = Literal[",", "."]
DateOrder: TypeAlias = Literal["dmy", "mdy"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may measure; the defaults are those of security.md (uploads, XLSX bombs)."""

    file_bytes: int = 20 * 1024 * 1024
    rows: int = 200_000
    columns: int = 200
    lines: int = 1_000_000
    """Physical lines; more than rows because a quoted cell may hold line breaks."""
    lines_per_row: int = 100
    """Lines that one row may span; bounds the work behind a quote that is never closed."""
    broken_rows: int = 1_000
    """Rows with stray quotes before the whole file is refused."""
    zip_entries: int = 200
    unpacked_bytes: int = 100 * 1024 * 1024
    unpack_ratio: int = 100


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the file is written, as detected; the operator may overrule ``decimal_sign`` and ``date_order``."""

    kind: Literal["csv", "xlsx"]
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    decimal_sign: DecimalSign = "."
    date_order: DateOrder = "dmy"


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be laid under the header: its number (from 1), line, what is wrong, and its text."""

    number: int
    line: int
    code: Literal["wrong-column-count", "stray-quotes"]
    message: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows: those as wide as the header (three lists that run in step), and the broken ones.

    Blank rows are left out and take no number.
    """

    numbers: list[int]
    lines: list[int]
    rows: list[list[str]]
    broken: list[BrokenRow]


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number (from 1), its line in the file (in a workbook the row of the sheet), its cells."""

    number: int
    line: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A readable table. Rows are parsed while they are walked through, and may be walked through again.

    Walking raises TooManyRows and BrokenQuotes when the limits are passed on the way.
    """

    header: tuple[str, ...]
    dialect: Dialect
    read_blocks: Callable[[], Iterator[Block]]

    def blocks(self) -> Iterator[Block]:
        """The rows, at most ROWS_PER_BLOCK at a time."""
        return self.read_blocks()

    def rows(self) -> Iterator[Row]:
        """The rows that fit the header, one by one."""
        for block in self.blocks():
            for number, line, cells in zip(block.numbers, block.lines, block.rows, strict=True):
                yield Row(number, line, cells)
