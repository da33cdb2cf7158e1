"""What each row of a file would become. Preview and confirmation walk through it by the same function."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.imports.models import FileImport, ImportContent
from billhook_common.imports.rules import Examined, FailedRow, FileRow, Importer, R
from billhook_common.tabular import Checked, Column, Dialect, Table, check, read_table


def read_upload(session: Session, item: FileImport) -> Table:
    """The table in the stored file."""
    content = session.scalars(select(ImportContent.content).where(ImportContent.import_id == item.id)).one()
    return read_table(content, item.filename)


def columns_of(importer: Importer[R], table: Table, item: FileImport) -> Sequence[Column]:
    """The columns to import, reading dates in the order that the operator confirmed."""
    dialect = dataclasses.replace(table.dialect, date_order=item.dialect["date_order"])
    return importer.columns(dialect, item.currency)


def dialect_of(dialect: Dialect) -> Mapping[str, str | None]:
    """How a file is written, to be stored and shown."""
    return {name: getattr(dialect, name) for name in ("kind", "encoding", "delimiter", "sheet", "date_order")}


def examine(session: Session, importer: Importer[R], item: FileImport, *, waits: bool) -> Iterator[Examined[R]]:
    """Walk through the file in blocks; ``waits`` as in ``Importer.part``.

    Raises MappingWrong, and what a file raises that is too long or too broken.
    """
    table = read_upload(session, item)
    seen: dict[str, int] = {}
    for block in check(table, item.mapping, columns_of(importer, table, item)):
        readable, failed = _readable(importer, item, block, seen)
        result = importer.part(session, item, readable, waits=waits)
        result.failed = sorted(failed + result.failed, key=lambda row: row.row)
        yield result


def _readable(
    importer: Importer[R], item: FileImport, block: Checked, seen: dict[str, int]
) -> tuple[list[FileRow[R]], list[FailedRow]]:
    failed = [FailedRow(row.row, row.errors[0].line, row.errors) for row in block.rejected]
    readable = []
    for record in block.records():
        row = FileRow(record.row, record.line, importer.row_of(record, item))
        if faults := importer.faults(row, item.mapping, seen):
            failed.append(FailedRow(row.row, row.line, faults))
        else:
            readable.append(row)
    return readable, failed
