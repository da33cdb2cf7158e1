"""Excel workbooks (.xlsx): checked as an archive, parsed in a child process under limits, held as JSON."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from billhook_common.tabular.archive import check_workbook
from billhook_common.tabular.delimited import wrong_width
from billhook_common.tabular.problems import DamagedWorkbook, TooManyColumns, TooManyRows, UnsafeWorkbook
from billhook_common.tabular.table import ROWS_PER_BLOCK, Block, Limits

_READER = Path(__file__).with_name("sheet_reader.py")
_UNREADABLE = 3
"""Exit status of the reader for a damaged workbook."""
_MEMORY_BYTES = 1536 * 1024 * 1024
"""Address space of the reader: 100,000 rows of 21 different texts, 130 MB unpacked, took 900 MB."""
_CPU_SECONDS = 30
_WALL_SECONDS = 120
"""Longer than the CPU limit, for a busy machine; reached only if the reader hangs without working."""


class Sheet(msgspec.Struct, frozen=True):
    """Which sheet was read, and its used area: first and last row (from 1), and how many columns."""

    sheet: str
    first_row: int
    last_row: int
    columns: int


def read_workbook(data: bytes, limits: Limits) -> tuple[Sheet, Sequence[bytes]]:
    """The first visible sheet with content, its rows as JSON blocks (``decode_block``).

    Raises the errors of ``check_workbook``, TooManyRows and TooManyColumns.
    """
    check_workbook(data, limits)
    numbers = (_MEMORY_BYTES, _CPU_SECONDS, limits.rows, limits.columns, ROWS_PER_BLOCK)
    command = [sys.executable, "-I", str(_READER), *map(str, numbers)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=_WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise UnsafeWorkbook("The workbook takes too long to read") from error
    if done.returncode == _UNREADABLE:
        raise DamagedWorkbook("The workbook is damaged; download or save it again")
    if done.returncode:
        raise UnsafeWorkbook("The workbook cannot be read within the limits of memory and time")
    head, *blocks = done.stdout.splitlines()
    sheet = msgspec.json.decode(head, type=Sheet)
    if sheet.last_row > limits.rows + 1:
        raise TooManyRows(f"The sheet reaches row {sheet.last_row:,}; the limit is {limits.rows:,} and a header")
    if sheet.columns > limits.columns:
        raise TooManyColumns(f"The sheet has {sheet.columns:,} columns; the limit is {limits.columns}")
    return sheet, blocks


def decode_block(block: bytes) -> list[list[str]]:
    """The rows of one block of ``read_workbook``."""
    return msgspec.json.decode(block, type=list[list[str]])


def sheet_blocks(
    blocks: Sequence[bytes], first_row: int, header_index: int, width: int, limits: Limits
) -> Iterator[Block]:
    """The data rows below the header; ``header_index`` counts from the sheet's first used row.

    A row has the wrong number of columns when a cell beyond the header is filled.
    """
    number, index = 0, -1
    for encoded in blocks:
        block = Block([], [], [], [])
        for cells in decode_block(encoded):
            index += 1
            if index <= header_index or not "".join(cells).strip():
                continue
            number += 1
            if any(map(str.strip, cells[width:])):
                filled = max(place for place, cell in enumerate(cells, 1) if cell.strip())
                block.broken.append(wrong_width(number, first_row + index, cells[:filled], width, limits))
                continue
            block.numbers.append(number)
            block.lines.append(first_row + index)
            block.rows.append(cells[:width])
        yield block
