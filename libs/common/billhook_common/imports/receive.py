"""A file comes in, is mapped, and is confirmed (E1)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.db import copy_rows
from billhook_common.errors import Conflict, NotFound
from billhook_common.ids import uuid7
from billhook_common.imports.examine import columns_of, dialect_of, examine, read_upload
from billhook_common.imports.failures import keep_failures
from billhook_common.imports.models import FileImport, ImportContent
from billhook_common.imports.rules import Examined, Importer, R
from billhook_common.imports.store import store_chunk, wait_from
from billhook_common.tabular import check_mapping, read_table, suggest_mapping
from billhook_common.trace import current_trace

FILENAME_CHARACTERS = 200


class ImportConfirmed(Conflict):
    """A confirmed import runs to its end as it was shown."""

    title = "The import is confirmed already"


class ImportHasErrors(Conflict):
    """Some rows cannot be stored; mend the file, or say that they are to be skipped."""

    title = "Some rows have errors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it was sent; see FileImport for ``companion`` and ``currency``."""

    filename: str
    content: bytes
    options: Mapping[str, Any]
    companion: UUID | None
    currency: str
    uploaded_by: str


def receive_file(session: Session, clock: Clock, importer: Importer[R], upload: Upload) -> FileImport:
    """Keep an uploaded file as it is, and guess which column is which.

    Raises the errors of ``read_table`` for what is no table, or one that is too long, and those of the importer's
    options; then nothing is kept.
    """
    name = _safe_name(upload.filename)
    table = read_table(upload.content, name)
    rows = sum(len(block.rows) + len(block.broken) for block in table.blocks())
    item = FileImport(
        id=uuid7(),
        state="uploaded",
        filename=name,
        size_bytes=len(upload.content),
        sha256=hashlib.sha256(upload.content).hexdigest(),
        header=list(table.header),
        dialect=dialect_of(table.dialect),
        mapping=suggest_mapping(table.header, importer.columns(table.dialect, upload.currency)),
        options=importer.options(upload.options, clock.today()),
        currency=upload.currency,
        companion=upload.companion,
        skip_errors=False,
        rows=rows,
        imported=0,
        known=0,
        failed=0,
        uploaded_by=upload.uploaded_by,
        uploaded_at=clock.now(),
    )
    session.add(item)
    session.flush()
    session.add(ImportContent(import_id=item.id, content=upload.content))
    told = {"filename": name, "sha256": item.sha256}
    audit(session, clock, f"{importer.subject}_file_uploaded", item.id, after=told)
    return item


def set_mapping(
    session: Session, clock: Clock, importer: Importer[R], import_id: UUID, changes: Mapping[str, Any]
) -> FileImport:
    """Change the ``mapping`` (column → header of the file), the ``date_order`` of dates with slashes, and options.

    Raises NotFound, ImportConfirmed, MappingWrong, and the errors of the importer's options.
    """
    item = _locked(session, import_id)
    if item.state != "uploaded":
        raise ImportConfirmed
    given = dict(changes)
    mapping = given.pop("mapping")
    if order := given.pop("date_order", None):
        item.dialect = {**item.dialect, "date_order": order}
    item.options = importer.options({**item.options, **given}, clock.today())
    table = read_upload(session, item)
    check_mapping(table.header, mapping, columns_of(importer, table, item))
    item.mapping = mapping
    return item


def confirm_import(
    session: Session, clock: Clock, importer: Importer[R], import_id: UUID, *, skip_errors: bool, waits: bool = False
) -> FileImport:
    """Import the file: the first rows are stored now, the others by the job.

    With ``waits`` rows wait for what the companion brings. A second confirmation changes nothing. Raises NotFound,
    MappingWrong, and ImportHasErrors where rows have errors and are not to be skipped.
    """
    item = _locked(session, import_id)
    if item.state != "uploaded":
        return item
    known = failed = 0
    for block in examine(session, importer, item, waits=waits):
        known += len(block.known)
        failed += len(block.failed)
        _stage(session, importer, item, block)
        keep_failures(session, item.id, block.failed)
    if failed and not skip_errors:
        raise ImportHasErrors(f"{failed:,} of {item.rows:,} rows have errors.")
    item.state, item.skip_errors, item.confirmed_at = "importing", skip_errors, clock.now()
    item.correlation_id = current_trace().correlation_id or None
    item.known, item.failed = known, failed
    item.waits_until = wait_from(clock.now()) if waits else None
    told = {"known": known, "failed": failed, **item.options}
    audit(session, clock, f"{importer.subject}_import_confirmed", item.id, after=told)
    store_chunk(session, clock, importer, item)
    return item


def _stage(session: Session, importer: Importer[R], item: FileImport, block: Examined[R]) -> None:
    encode = msgspec.json.Encoder().encode
    copy_rows(
        session,
        "import_row",
        ("import_id", "row", "line", "names", "content"),
        (
            (item.id, row.row, row.line, sorted(importer.names(row.content)), encode(row.content).decode())
            for row in block.expected
        ),
    )


def find_import(session: Session, import_id: UUID) -> FileImport:
    """One import. Raises NotFound."""
    item = session.get(FileImport, import_id)
    if item is None:
        raise NotFound("There is no such import.")
    return item


def same_files(session: Session, item: FileImport) -> list[FileImport]:
    """Earlier imports of the very same bytes, the newest first."""
    statement = select(FileImport).where(FileImport.sha256 == item.sha256, FileImport.id < item.id)
    return list(session.scalars(statement.order_by(FileImport.id.desc()).limit(20)))


def _locked(session: Session, import_id: UUID) -> FileImport:
    item = session.get(FileImport, import_id, with_for_update=True)
    if item is None:
        raise NotFound("There is no such import.")
    return item


def _safe_name(filename: str) -> str:
    """The last part of the name, without a folder or anything invisible; the end, which says the kind, is kept."""
    name = PurePosixPath(filename.replace("\\", "/")).name
    return "".join(char for char in name if char.isprintable())[-FILENAME_CHARACTERS:]
