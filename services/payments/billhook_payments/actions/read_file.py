"""Read an uploaded bank file completely, before anything is written."""

from dataclasses import dataclass
from typing import BinaryIO

from billhook_common.bank_formats import BankFormat, HandlerError, Statement
from billhook_payments.domain.refusals import refusal_of
from billhook_payments.formats import installed, read, recognise
from billhook_payments.formats.upload import Upload, examine


@dataclass(frozen=True, slots=True)
class ReadFile:
    """A file that could be read to its end."""

    bank_format: BankFormat
    statements: list[Statement]


def examine_file(stream: BinaryIO, max_bytes: int) -> Upload:
    """Check sum, size and head of the file. Raises EmptyFile, TooLarge."""
    try:
        return examine(stream, max_bytes)
    except HandlerError as error:
        raise refusal_of(error) from error


def read_file(stream: BinaryIO, upload: Upload, filename: str, chosen: str = "") -> ReadFile:
    """Every statement of the file; ``chosen`` is the id of a format where several fit. Raises the refusals of 2.5."""
    try:
        bank_format = recognise(upload, filename, installed(), chosen)
        return ReadFile(bank_format, list(read(stream, bank_format, {})))
    except HandlerError as error:
        raise refusal_of(error) from error
