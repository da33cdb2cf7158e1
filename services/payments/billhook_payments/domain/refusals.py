"""Why a bank file is refused: one problem type for each code of a reader, and those of the import itself."""

from billhook_common.bank_formats import HandlerError
from billhook_common.errors import BillhookError, Conflict, FieldError, Invalid, TooLarge


class EmptyFile(Invalid):
    """Nothing, or white space."""

    title = "The file is empty"


class UnrecognisedFormat(Invalid):
    """No installed reader knows it; the detail says what it seems to be."""

    title = "This is no bank statement that can be read here"


class AmbiguousFormat(Invalid):
    """Several readers claim it; a person chooses."""

    title = "The file can be read in several ways"


class Truncated(Invalid):
    """The end is missing."""

    title = "The file is cut off"


class Malformed(Invalid):
    """Not well-formed."""

    title = "The file is damaged"


class XmlDoctypeForbidden(Invalid):
    """The door of XML attacks; no bank writes one."""

    title = "The file has a document type, which no bank statement has"


class TooDeep(Invalid):
    """Nested beyond any bank's need."""

    title = "The file is nested too deeply"


class BadEncoding(Invalid):
    """Bytes that are no text in the encoding it names."""

    title = "The text of the file cannot be read"


class BadAmount(Invalid):
    """An amount is never guessed."""

    title = "An amount cannot be read"


class BadDate(Invalid):
    """A date is never guessed."""

    title = "A date cannot be read"


class BadValue(Invalid):
    """A code or currency that does not exist."""

    title = "A value is not known"


class MissingField(Invalid):
    """Something without which an entry means nothing."""

    title = "Something is missing in the file"


class HandlerFailed(Invalid):
    """The reader has a defect; the file was not touched."""

    title = "The file could not be read"


class UnknownAccount(Invalid):
    """A statement of an account that is not ours; add the account first."""

    title = "The statement is of an account that is not set up here"


class OtherAccount(Invalid):
    """The file is not of the account for which it was uploaded."""

    title = "The file is of another account"


class ImportRunning(Conflict):
    """A large file for the account is being imported."""

    title = "Another file of this account is being imported"
    headers = {"Retry-After": "5"}  # noqa: RUF012


_BY_CODE: dict[str, type[BillhookError]] = {
    "empty_file": EmptyFile,
    "too_large": TooLarge,
    "unrecognised_format": UnrecognisedFormat,
    "ambiguous_format": AmbiguousFormat,
    "truncated": Truncated,
    "malformed": Malformed,
    "xml_doctype_forbidden": XmlDoctypeForbidden,
    "too_deep": TooDeep,
    "bad_encoding": BadEncoding,
    "bad_amount": BadAmount,
    "bad_date": BadDate,
    "bad_value": BadValue,
    "missing_field": MissingField,
    "handler_failed": HandlerFailed,
}


def refusal_of(error: HandlerError) -> BillhookError:
    """The problem for what a reader said: its message, and the place in the file beside it."""
    place = f"{error.position}: " if error.position else ""
    return _BY_CODE[error.code](error.message, errors=[FieldError("/file", f"{place}{error.message}")])
