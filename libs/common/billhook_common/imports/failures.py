"""Rows that are not stored: kept with their reasons, and given back as a file to be mended."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.db import copy_rows
from billhook_common.imports.examine import examine, read_upload
from billhook_common.imports.models import FileImport, ImportFailure
from billhook_common.imports.rules import FailedRow, Importer, R
from billhook_common.tabular import Table, escape_for_spreadsheet

_ADDED = ("Row", "Line", "Error")


def keep_failures(session: Session, import_id: UUID, rows: Iterable[FailedRow]) -> int:
    """Note why rows were not stored; returns how many."""
    encode = msgspec.json.Encoder().encode
    return copy_rows(
        session,
        "import_failure",
        ("import_id", "row", "line", "errors"),
        ((import_id, item.row, item.line, encode(item.errors).decode()) for item in rows),
    )


def failures_csv(session: Session, importer: Importer[R], item: FileImport) -> str:
    """The failed rows as they stood in the file, with number, line and reasons before them.

    Before the confirmation those that would fail now. Texts that a spreadsheet would run are escaped; importing the
    file again takes that off. Raises what ``examine`` raises.
    """
    reasons = _expected(session, importer, item) if item.state == "uploaded" else _kept(session, item)
    table = read_upload(session, item)
    out = io.StringIO()
    write = csv.writer(out, delimiter=table.dialect.delimiter or ";", lineterminator="\r\n")
    write.writerow([*_ADDED, *map(escape_for_spreadsheet, table.header)])
    for number, cells in _all_rows(table) if reasons else ():
        if number in reasons:
            line, reason = reasons[number]
            write.writerow([number, line, reason, *map(escape_for_spreadsheet, cells)])
    return out.getvalue()


_Reasons = Mapping[int, tuple[int, str]]


def _kept(session: Session, item: FileImport) -> _Reasons:
    rows = session.scalars(select(ImportFailure).where(ImportFailure.import_id == item.id))
    return {row.row: (row.line, "; ".join(error["message"] for error in row.errors)) for row in rows}


def _expected(session: Session, importer: Importer[R], item: FileImport) -> _Reasons:
    return {
        row.row: (row.line, "; ".join(error.message for error in row.errors))
        for block in examine(session, importer, item, waits=item.companion is not None)
        for row in block.failed
    }


def _all_rows(table: Table) -> Iterator[tuple[int, Sequence[str]]]:
    """Every row of the file, broken ones too, in order."""
    for block in table.blocks():
        rows: list[tuple[int, Sequence[str]]] = list(zip(block.numbers, block.rows, strict=True))
        rows += [(row.number, row.cells) for row in block.broken]
        yield from sorted(rows, key=lambda row: row[0])
