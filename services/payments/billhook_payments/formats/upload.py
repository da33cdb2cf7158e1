"""What is looked at before any parser sees an uploaded file: its size, its check sum, what it really is."""

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

from billhook_common.bank_formats import HEAD_BYTES, HandlerError
from billhook_payments.formats.safe_xml import as_text, doctype_forbidden, unicode_encoding

MAX_BYTES = 50_000_000  # a statement of 50,000 entries is about 40 MB
_CHUNK = 1_048_576
_BLANK = b" \t\r\n\x00\xef\xbb\xbf\xff\xfe"  # white space and byte order marks, in any Unicode encoding

_MAGIC = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
)
_ZIP = b"PK\x03\x04"
_ROOT_NAME = re.compile(r"<([A-Za-z_][\w.:-]*)")
_MESSAGE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:([\w.]+)")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file worth recognising: its check sum (hex), size in bytes and first ``HEAD_BYTES``."""

    sha256: str
    size: int
    head: bytes


def examine(stream: BinaryIO, max_bytes: int = MAX_BYTES) -> Upload:
    """Read the file once; leaves the stream at its start. Raises HandlerError empty_file or too_large."""
    digest, size, head, blank = hashlib.sha256(), 0, b"", True
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise HandlerError("too_large", "", f"The file is larger than {max_bytes // 1_000_000} MB")
        head = head or chunk[:HEAD_BYTES]
        blank = blank and not chunk.strip(_BLANK)
        digest.update(chunk)
    if blank:
        raise HandlerError("empty_file", "", "The file is empty" if not size else "The file holds only white space")
    stream.seek(0)
    return Upload(digest.hexdigest(), size, head)


def refusal(head: bytes) -> HandlerError:
    """The error for a file that no format claims: what the file is, or that its document type is the reason."""
    what = describe(head)
    text = as_text(head, unicode_encoding(head)).upper()
    if what.startswith("an XML file") and "<!DOCTYPE" in text:
        return doctype_forbidden()
    return HandlerError("unrecognised_format", "", f"No bank statement: this is {what}")


def describe(head: bytes) -> str:
    """What the file seems to be, for the person who chose the wrong one."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head.startswith(_ZIP):
        office = b"[Content_Types].xml" in head or b"xl/" in head
        return "an Excel workbook (XLSX)" if office else "a ZIP archive"
    encoding = unicode_encoding(head)
    text = as_text(head, encoding).lstrip("\ufeff \t\r\n")
    if text[:1] == "<":
        return _describe_markup(text)
    if text[:1] in "{[":
        return "a JSON file"
    if encoding is None and b"\x00" in head:
        return "a binary file"
    return "a text file"


def _describe_markup(text: str) -> str:
    lower = text[:1024].lower()
    if "<!doctype html" in lower or "<html" in lower:
        return "a web page (HTML)"
    message, root = _MESSAGE.search(text), _ROOT_NAME.search(text)
    if message:
        return f"an ISO 20022 message ({message[1]})"
    return f"an XML file with the root element {root[1][:40]}" if root else "an XML file"
