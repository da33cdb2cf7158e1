"""Confirmed rows are stored, a chunk in a transaction."""

import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import replace

import msgspec
from sqlalchemy import delete, exists, select, update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.db import no_sequential_scans
from billhook_common.imports.failures import keep_failures
from billhook_common.imports.models import FileImport, ImportRow
from billhook_common.imports.rules import Examined, FileRow, Importer, R
from billhook_common.metrics import IMPORT_ROWS, IMPORT_SECONDS
from billhook_common.trace import current_trace, tracing

CHUNK_ROWS = 2_000
"""Rows of one transaction: under a second, for which forms that touch the same things wait."""
_WAIT = dt.timedelta(seconds=30)
"""Rows whose customers have not arrived so long after the last one that did are of nobody."""


def wait_from(now: dt.datetime) -> dt.datetime:
    """How long rows wait for what another service tells, if nothing more comes."""
    return now + _WAIT


def store_next_import(session: Session, clock: Clock, importer: Importer[R]) -> bool:
    """One chunk of the oldest import that is not at its end; False when there is none, or it can only wait."""
    item = session.scalars(
        select(FileImport)
        .where(FileImport.state == "importing")
        .order_by(FileImport.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    IMPORT_ROWS.labels(importer.subject, "failed").inc(0)  # a rise from nothing would not be seen as one
    if item is None:
        return False
    trace = current_trace()
    with tracing(replace(trace, correlation_id=item.correlation_id or trace.correlation_id)):
        return store_chunk(session, clock, importer, item)


def store_chunk(session: Session, clock: Clock, importer: Importer[R], item: FileImport) -> bool:
    """Store the next rows of a confirmed import, which is locked, with their events; False when all of them wait.

    What others did since the confirmation may make a row known or failed.
    """
    no_sequential_scans(session)
    began = time.monotonic()
    now, waits_until = clock.now(), item.waits_until
    rows = _next_rows(session, importer, item)
    importer.hold(session, rows)
    result = importer.part(session, item, rows, waits=waits_until is not None and now < waits_until)
    importer.store(session, clock, item, [row.content for row in result.new])
    for outcome, done in (("imported", result.new), ("known", result.known), ("failed", result.failed)):
        IMPORT_ROWS.labels(importer.subject, outcome).inc(len(done))
    IMPORT_SECONDS.labels(importer.subject).inc(time.monotonic() - began)
    item.imported += len(result.new)
    item.known += len(result.known)
    item.failed += keep_failures(session, item.id, result.failed)
    if waits_until is not None and (result.new or result.known):
        item.waits_until = max(waits_until, wait_from(now))
    _leave_waiting(session, item, rows, result)
    if not session.scalar(select(exists().where(ImportRow.import_id == item.id))):
        item.state, item.finished_at = "imported", now
        counts = {"imported": item.imported, "known": item.known, "failed": item.failed}
        audit(session, clock, f"{importer.subject}s_imported", item.id, after=counts)
        return True
    return len(result.waiting) < len(rows)


def _next_rows(session: Session, importer: Importer[R], item: FileImport) -> Sequence[FileRow[R]]:
    rows = session.execute(
        select(ImportRow.row, ImportRow.line, ImportRow.content)
        .where(ImportRow.import_id == item.id)
        .order_by(ImportRow.overtaken, ImportRow.row)
        .limit(CHUNK_ROWS)
    ).all()
    decode = msgspec.json.Decoder(importer.row_type).decode
    return [FileRow(row, line, decode(content)) for row, line, content in rows]


def _leave_waiting(session: Session, item: FileImport, rows: Sequence[FileRow[R]], result: Examined[R]) -> None:
    """Take the rows that are done; those that others overtook go behind the rest, which come in order."""
    waiting = {row.row for row in result.waiting}
    done = [row.row for row in rows if row.row not in waiting]
    mine = ImportRow.import_id == item.id
    session.execute(delete(ImportRow).where(mine, ImportRow.row.in_(done)))
    if waiting and done:
        behind = (mine, ImportRow.row.in_(waiting), ImportRow.row < max(done))
        session.execute(update(ImportRow).where(*behind).values(overtaken=True))
