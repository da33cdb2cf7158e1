"""Checking every row of a table against the columns: values for the good rows, reasons for the others.

Work goes column by column over blocks of rows, with the values that were seen before remembered: plans,
cities, dates and prices repeat, and a dictionary look-up is the only thing done for a repeated one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import cast

from billhook_common.tabular.cells import CellError, Value
from billhook_common.tabular.columns import Column, check_mapping
from billhook_common.tabular.records import Record
from billhook_common.tabular.table import Block, Table

_REMEMBERED = 20_000
"""Distinct values remembered a column before they are forgotten; bounds memory where all differ."""
_SHOWN_CHARACTERS = 200
"""Of a wrong value, in an error."""


@dataclass(frozen=True, slots=True)
class RowError:
    """What is wrong with one row.

    ``row`` counts data rows from 1, ``line`` is the line of the file (the row of the sheet in a workbook);
    ``column`` is the importer's column, ``header`` the file's, both None when the row as a whole is wrong.
    """

    row: int
    line: int
    code: str
    message: str
    column: str | None = None
    header: str | None = None
    value: str = ""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row with errors, as it stood in the file: for the file of failed rows."""

    row: int
    cells: Sequence[str]
    errors: Sequence[RowError]


@dataclass(frozen=True, slots=True)
class Checked:
    """A block of rows after checking: the good ones as ``records()``, the others with their errors.

    ``rows`` holds row number, line and values of each good row, the values in the order of ``names``.
    """

    names: Sequence[str]
    rows: Sequence[tuple[int, int, tuple[Value, ...]]]
    rejected: Sequence[Rejected]

    def records(self) -> Iterator[Record]:
        """The good rows with their values by name."""
        names = self.names
        return (Record(row, line, dict(zip(names, values, strict=True))) for row, line, values in self.rows)


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of the file by outcome; ``by_code`` counts errors of each kind."""

    rows: int
    clean: int
    rejected: int
    by_code: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do: the first good rows, the first errors, and the counts over all rows."""

    records: Sequence[Record]
    errors: Sequence[RowError]
    counts: Counts
    warnings: Sequence[str]


def validate(
    table: Table,
    mapping: Mapping[str, str],
    columns: Sequence[Column],
    *,
    sample: int = 20,
    most_errors: int = 1_000,
) -> Preview:
    """Check all rows and keep the first ``sample`` good ones, ``most_errors`` errors, and all counts.

    Raises MappingWrong, and what walking through the table raises.
    """
    records: list[Record] = []
    errors: list[RowError] = []
    clean = rejected = 0
    by_code: dict[str, int] = {}
    for block in check(table, mapping, columns):
        clean += len(block.rows)
        rejected += len(block.rejected)
        records += islice(block.records(), sample - len(records))
        found = [error for row in block.rejected for error in row.errors]
        errors += found[: max(0, most_errors - len(errors))]
        for error in found:
            by_code[error.code] = by_code.get(error.code, 0) + 1
    counts = Counts(clean + rejected, clean, rejected, by_code)
    return Preview(records, errors, counts, _warnings(table, mapping, counts, len(errors)))


def _warnings(table: Table, mapping: Mapping[str, str], counts: Counts, listed: int) -> list[str]:
    unused = [name for name in table.header if name not in set(mapping.values())]
    warnings = [f"Not imported: {', '.join(f'“{name}”' for name in unused)}"] if unused else []
    if table.dialect.encoding in ("cp1250", "cp1252"):
        warnings.append(f"The file is not in UTF-8; it was read as {table.dialect.encoding}. Check the accents")
    total = sum(counts.by_code.values())
    if total > listed:
        warnings.append(f"Only the first {listed:,} of {total:,} errors are listed")
    if not counts.rows:
        warnings.append("The file has no rows below its header")
    return warnings


def check(table: Table, mapping: Mapping[str, str], columns: Sequence[Column]) -> Iterator[Checked]:
    """Check the rows block by block, for an importer to store each block as it comes.

    ``mapping`` is column name → header name. A value that must be unique is wrong in every row after the
    first that has it, whether that one is good or not. Raises MappingWrong at once, and what walking through
    the table raises.
    """
    places = check_mapping(table.header, mapping, columns)
    checks = [
        _ColumnCheck(column, mapping.get(column.name), place) for column, place in zip(columns, places, strict=True)
    ]
    return (_check_block(block, checks) for block in table.blocks())


class _Remembered(dict[str, Value | CellError]):
    """Cell text → its value, or what is wrong with it; parsed at the first look-up."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._parse = column.parser.parse
        self._blank = CellError("missing", f"{column.title} is missing") if column.needs_value else None

    def __missing__(self, cell: str) -> Value | CellError:
        value: Value | CellError
        stripped = cell.strip()
        try:
            value = self._parse(stripped) if stripped else self._blank
        except CellError as error:
            value = error
        self[cell] = value
        return value


def _all_plain(column: Column) -> re.Pattern[str]:
    """What the distinct cells of a block look like, one a line, when none needs parsing."""
    one = f"(?:{column.parser.plain})" + ("" if column.needs_value else "?")
    return re.compile(f"{one}(?:\n{one})*+", re.MULTILINE)


class _ColumnCheck:
    """One column's checking over the whole file: what it remembers, and the unique values it has seen."""

    def __init__(self, column: Column, header: str | None, place: int) -> None:
        self.column, self.header, self.place = column, header, place
        self._remembered = _Remembered(column)
        self._plain = _all_plain(column) if column.parser.plain else None
        self._first_rows: dict[str, int] = {}

    def values(self, cells: Sequence[str], block: Block) -> tuple[Sequence[Value | CellError], dict[int, RowError]]:
        """The values of the column's ``cells``, and the errors by index in the block."""
        errors: dict[int, RowError] = {}
        values: Sequence[Value | CellError]
        if self._plain and self._plain.fullmatch("\n".join(set(cells))):
            values = [cell or None for cell in cells]
        else:
            values = self._parsed(cells)
            wrong = [(index, value) for index, value in enumerate(values) if type(value) is CellError]
            errors = {index: self._error(index, value, cells[index], block) for index, value in wrong}
        if self.column.unique:
            errors.update(self._repeated(values, cells, block))
        return values, errors

    def _parsed(self, cells: Sequence[str]) -> Sequence[Value | CellError]:
        if len(self._remembered) > _REMEMBERED:
            self._remembered.clear()
        return list(map(self._remembered.__getitem__, cells))

    def _repeated(
        self, values: Sequence[Value | CellError], cells: Sequence[str], block: Block
    ) -> Iterator[tuple[int, RowError]]:
        seen = self._first_rows
        for index, value in enumerate(values):
            if not isinstance(value, str):
                continue
            first = seen.setdefault(value.casefold(), block.numbers[index])
            if first != block.numbers[index]:
                error = CellError("duplicate", f"{self.column.title} repeats that of row {first}")
                yield index, self._error(index, error, cells[index], block)

    def _error(self, index: int, error: CellError, cell: str, block: Block) -> RowError:
        return RowError(
            row=block.numbers[index],
            line=block.lines[index],
            code=error.code,
            message=error.message,
            column=self.column.name,
            header=self.header,
            value=cell[:_SHOWN_CHARACTERS],
        )


def _check_block(block: Block, checks: Sequence[_ColumnCheck]) -> Checked:
    by_place = list(zip(*block.rows, strict=True))
    blank: tuple[None, ...] = (None,) * len(block.rows)
    errors: dict[int, list[RowError]] = {}
    columns: list[Sequence[Value | CellError]] = []
    for check_ in checks:
        if check_.place < 0 or not block.rows:
            columns.append(blank)
            continue
        values, wrong = check_.values(by_place[check_.place], block)
        columns.append(values)
        for index, error in wrong.items():
            errors.setdefault(index, []).append(error)
    names = tuple(check_.column.name for check_ in checks)
    # What is left when the rows with errors are taken out holds no CellError; the type cannot say so.
    rows = cast(
        "list[tuple[int, int, tuple[Value, ...]]]",
        list(zip(block.numbers, block.lines, zip(*columns, strict=True), strict=True)),
    )
    if errors:
        rows = [row for index, row in enumerate(rows) if index not in errors]
    rejected = [Rejected(block.numbers[index], block.rows[index], found) for index, found in errors.items()]
    rejected += [
        Rejected(row.number, row.cells, [RowError(row.number, row.line, row.code, row.message)]) for row in block.broken
    ]
    rejected.sort(key=lambda row: row.row)
    return Checked(names, rows, rejected)
