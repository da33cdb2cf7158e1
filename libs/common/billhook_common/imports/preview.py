"""What confirming an import would do, shown before anything is done."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Generic

from sqlalchemy.orm import Session

from billhook_common.imports.examine import examine
from billhook_common.imports.models import FileImport
from billhook_common.imports.rules import FileRow, Importer, R
from billhook_common.tabular import RowError

SHOWN_ROWS = 20
SHOWN_ERRORS = 1_000


@dataclass(slots=True)
class ImportPreview(Generic[R]):
    """Counts over all rows, the importer's own totals, the first new rows and errors, and the headers not imported."""

    rows: int = 0
    new: int = 0
    known: int = 0
    failed: int = 0
    by_code: Counter[str] = field(default_factory=Counter)
    totals: dict[str, Any] = field(default_factory=dict)
    sample: list[FileRow[R]] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)
    unused: list[str] = field(default_factory=list)


def preview_import(session: Session, importer: Importer[R], item: FileImport) -> ImportPreview[R]:
    """Walk through the file as the confirmation would; where there is a companion, what it brings is counted on.

    Raises what ``examine`` raises.
    """
    preview = ImportPreview[R](unused=[name for name in item.header if name not in set(item.mapping.values())])
    for block in examine(session, importer, item, waits=item.companion is not None):
        preview.new += len(block.expected)
        preview.known += len(block.known)
        preview.failed += len(block.failed)
        preview.totals = importer.add_up(session, item, preview.totals, block.expected)
        preview.sample += block.expected[: SHOWN_ROWS - len(preview.sample)]
        errors = [error for row in block.failed for error in row.errors]
        preview.by_code.update(error.code for error in errors)
        preview.errors += errors[: SHOWN_ERRORS - len(preview.errors)]
    preview.totals = importer.add_up(session, item, preview.totals, ())
    preview.rows = preview.new + preview.known + preview.failed
    return preview
