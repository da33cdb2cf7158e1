"""Reads one workbook in a process of its own and prints its rows. Run by ``workbook``, never imported.

The workbook comes on standard input; the limits come as arguments: memory in bytes, CPU seconds, rows,
columns, rows a block. Each line of output is JSON: first ``{sheet, first_row, last_row, columns}``, then blocks
of rows, each a list of cells. A parser that is led to allocate gigabytes, or to loop, takes only this process
down. Imports nothing of ours, so that it starts in a few hundredths of a second.
"""

import datetime as dt
import io
import resource
import sys
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Final

import msgspec
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

UNREADABLE: Final = 3
"""Exit status when the workbook is damaged or has no sheet."""


def main() -> int:
    """Set the limits, read standard input, write standard output; the exit status tells success, damage or a limit."""
    memory_bytes, cpu_seconds, max_rows, max_columns, block_rows = map(int, sys.argv[1:6])
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        for line in sheet_lines(sys.stdin.buffer.read(), max_rows, max_columns, block_rows):
            sys.stdout.buffer.write(line + b"\n")
    except CalamineError as error:
        sys.stderr.write(str(error))
        return UNREADABLE
    return 0


def sheet_lines(data: bytes, max_rows: int, max_columns: int, block_rows: int) -> Iterator[bytes]:
    """The lines of output; the rows are left out when there are more of them, or of columns, than allowed.

    Raises CalamineError for a damaged workbook.
    """
    sheet = _first_sheet(CalamineWorkbook.from_filelike(io.BytesIO(data)))
    (first_row, first_column), (last_row, last_column) = sheet.start or (0, 0), sheet.end or (-1, -1)
    size = {"first_row": first_row + 1, "last_row": last_row + 1, "columns": last_column - first_column + 1}
    yield msgspec.json.encode({"sheet": sheet.name, **size})
    if size["last_row"] > max_rows + 1 or size["columns"] > max_columns:
        return
    rows = islice(sheet.iter_rows(), first_row, None)  # it begins with the blank rows above the used area
    while block := [[_text(cell) for cell in row] for row in islice(rows, block_rows)]:
        yield msgspec.json.encode(block)


def _first_sheet(workbook: CalamineWorkbook) -> CalamineSheet:
    """The first visible sheet that holds anything, else the first visible one."""
    visible = [
        sheet.name
        for sheet in workbook.sheets_metadata
        if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
    ]
    if not visible:
        raise CalamineError("no visible sheet")
    sheets = [workbook.get_sheet_by_name(name) for name in visible[:10]]
    return next((sheet for sheet in sheets if sheet.start is not None), sheets[0])


def _text(cell: float | str | bool | dt.date | dt.time | dt.timedelta) -> str:
    """A cell as it would stand in a CSV file: decimal point, ISO dates, whole numbers without a fraction."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        # 15 digits are what Excel keeps and shows; beyond them is binary noise (0.1 + 0.2).
        return f"{Decimal(f'{cell:.15g}'):f}"
    if isinstance(cell, dt.datetime) and cell.time() == dt.time():
        return cell.date().isoformat()
    return str(cell)


if __name__ == "__main__":
    sys.exit(main())
