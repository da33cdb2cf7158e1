"""Bank statement formats: which are installed, which one a file is, and reading it.

Formats are found by the entry point group ``billhook.bank_formats``, so a foreign package can add one. A broken one
is left out with a log line; it never stops the service.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import BinaryIO

import structlog

from billhook_common.bank_formats import GROUP, BankFormat, HandlerError, Statement
from billhook_payments.formats.upload import Upload, refusal

log = structlog.get_logger()

SURE = 50  # a format that is surer than this claims the file


def installed() -> list[BankFormat]:
    """Every format that can be loaded, by id."""
    found: list[BankFormat] = []
    for point in entry_points(group=GROUP):
        try:
            found.append(point.load()())
        except Exception as error:  # noqa: BLE001  (an edge: foreign code)
            log.warning("bank_format_disabled", entry_point=point.name, error=repr(error))
    return sorted(found, key=lambda bank_format: bank_format.id)


def recognise(upload: Upload, filename: str, formats: Sequence[BankFormat], chosen: str = "") -> BankFormat:
    """The format of the file by its content; ``chosen`` is the id that a person picked where several are possible.

    Raises HandlerError unrecognised_format (saying what the file is) or ambiguous_format (naming the candidates).
    """
    claims = [one for one in formats if _certainty(one, upload.head, filename) >= SURE]
    if chosen:
        claims = [one for one in claims if one.id == chosen]
    if not claims:
        raise refusal(upload.head)
    if len(claims) > 1:
        labels = ", ".join(one.label for one in claims)
        raise HandlerError("ambiguous_format", "", f"The file can be read in several ways; choose one of: {labels}")
    return claims[0]


def read(stream: BinaryIO, bank_format: BankFormat, profile: Mapping[str, str]) -> Iterator[Statement]:
    """The statements of the file. Raises only HandlerError, whatever a foreign format does."""
    stream.seek(0)
    try:
        yield from bank_format.parse(stream, profile)
    except HandlerError:
        raise
    except Exception as error:  # an edge: foreign code
        log.exception("bank_format_failed", format=bank_format.id, version=bank_format.version)
        raise HandlerError("handler_failed", "", f"{bank_format.label} could not read the file") from error


def _certainty(bank_format: BankFormat, head: bytes, filename: str) -> int:
    try:
        return bank_format.sniff(head, filename)
    except Exception as error:  # noqa: BLE001  (an edge: foreign code)
        log.warning("bank_format_disabled", format=bank_format.id, error=repr(error))
        return 0
