"""One file read by two services: what both say about its rows, told once.

A row that the first service refuses brings nothing at the second either, so what the second says about it is left out.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Answer = Mapping[str, Any]
"""A preview: rows, new, known, failed, errors [{row, line, …}], unused [header], and the service's own totals."""

_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What confirming would do: ``left_out`` rows bring nothing, those ``without_service`` bring their customer only.

    ``services`` would be new. ``errors`` say why, in the order of the file; those under ``customer_comes`` do not keep
    the customer out. ``unused`` headers go nowhere.
    """

    left_out: int
    without_service: int
    services: int
    errors: Sequence[Answer]
    unused: Sequence[str]


def checked_file(customers: Answer, services: Answer | None) -> FileCheck:
    """Both previews as one. Exact as long as a preview tells all its errors, which it does up to a thousand."""
    if services is None:
        return FileCheck(customers["failed"], 0, 0, customers["errors"], customers["unused"])
    refused = {error["row"] for error in customers["errors"]}
    also = [{**error, "customer_comes": True} for error in services["errors"] if error["row"] not in refused]
    bad_services = {error["row"] for error in services["errors"]}
    return FileCheck(
        left_out=customers["failed"],
        without_service=len(bad_services - refused),
        services=max(services["new"] - len(refused - bad_services), 0),
        errors=sorted([*customers["errors"], *also], key=lambda error: error["row"]),
        unused=[header for header in customers["unused"] if header in services["unused"]],
    )


def merged_failures(customers: bytes, services: bytes) -> bytes:
    """The failed rows of both as one CSV file, in the order of the imported one; each row once."""
    first, second = _rows(customers), _rows(services)
    if len(second) < 2:
        return customers
    refused = {row[0] for row in first[1:]}
    rows = sorted([*first[1:], *(row for row in second[1:] if row[0] not in refused)], key=lambda row: int(row[0]))
    text = io.StringIO()
    csv.writer(text, delimiter=_delimiter(customers)).writerows([first[0] if first else second[0], *rows])
    return (_MARK + text.getvalue()).encode()


def _rows(content: bytes) -> list[list[str]]:
    text = io.StringIO(content.decode().removeprefix(_MARK), newline="")
    return list(csv.reader(text, delimiter=_delimiter(content), strict=True))


def _delimiter(content: bytes) -> str:
    """What stands between the first two headers, ``Row`` and ``Line``."""
    return content.decode().removeprefix(_MARK)[3:4] or ","
