"""Why an uploaded file cannot be read as a table: one class a reason, so that the problem type names it."""

from billhook_common.errors import Invalid, TooLarge


class EmptyFile(Invalid):
    """The file holds nothing, or nothing but blank lines."""

    title = "The file is empty"


class NotATable(Invalid):
    """The file is of another kind (PDF, picture, web page, archive, old Excel …), whatever its name says."""

    title = "The file is not a CSV file or an Excel workbook (.xlsx)"


class UndecodableText(Invalid):
    """The bytes are no text in UTF-8, UTF-16, Windows-1250 or Windows-1252."""

    title = "The text of the file cannot be decoded"


class NulBytes(Invalid):
    """A text file never holds NUL bytes; UTF-16 without its byte order mark looks like this too."""

    title = "The file holds NUL bytes and so is no text file"


class HeaderMissing(Invalid):
    """The first row has no column names, or holds values."""

    title = "The first row must name the columns"


class DuplicateHeader(Invalid):
    """Two columns have the same name, letter case apart."""

    title = "Two columns have the same name"


class BrokenQuotes(Invalid):
    """So many rows have stray quotes that the file is probably not what it seems."""

    title = "Too many rows have stray quotes"


class DamagedWorkbook(Invalid):
    """The workbook is cut off or damaged."""

    title = "The Excel workbook is damaged or incomplete"


class UnsafeWorkbook(Invalid):
    """The workbook is encrypted, holds macros or other archives, or unpacks to far more than it should."""

    title = "The Excel workbook cannot be accepted"


class FileTooLarge(TooLarge):
    """More bytes than the limit."""

    title = "The file is too large"


class TooManyRows(TooLarge):
    """More rows (or physical lines) than the limit."""

    title = "The file has too many rows"


class TooManyColumns(TooLarge):
    """More columns than the limit."""

    title = "The file has too many columns"


class MappingWrong(Invalid):
    """The column mapping names something that is not there, or leaves out a required column."""

    title = "The columns are not mapped correctly"
