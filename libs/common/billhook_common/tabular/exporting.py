"""Tables for people to download: CSV that a spreadsheet opens without running anything."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from billhook_common.tabular.checking import Rejected
from billhook_common.tabular.escaping import escape_for_spreadsheet

_ROWS_PER_PIECE = 1_000
_MARK = b"\xef\xbb\xbf"
"""Excel reads UTF-8 only with this mark in front."""


def csv_pieces(header: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ";") -> Iterator[bytes]:
    """The table as UTF-8 CSV, in pieces to be streamed; text that looks like a formula gets an apostrophe."""
    source = iter(rows)
    yield _MARK + _encode([header], delimiter)
    while piece := list(islice(source, _ROWS_PER_PIECE)):
        yield _encode(piece, delimiter)


def rejected_pieces(header: Sequence[str], rejected: Iterable[Rejected], *, delimiter: str = ";") -> Iterator[bytes]:
    """The rows that were not imported, as they stood, behind two columns: the row's number and what is wrong.

    Corrected, the file can be uploaded again as it is.
    """

    def rows() -> Iterator[Sequence[str]]:
        for row in rejected:
            problems = "; ".join(
                f"{error.header}: {error.message}" if error.header else error.message for error in row.errors
            )
            yield [str(row.row), problems, *row.cells]

    return csv_pieces(["Row in file", "Problem", *header], rows(), delimiter=delimiter)


def _encode(rows: Sequence[Sequence[str]], delimiter: str) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows([map(escape_for_spreadsheet, row) for row in rows])
    return buffer.getvalue().encode()
