"""XML of strangers, element by element, in little memory, and without any of XML's traps.

A document type is refused before content is parsed: it is the door of every entity attack, and no bank file has one.
Encodings are limited to those where markup can be recognised byte by byte, so that nothing hides it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from lxml import etree

from billhook_common.bank_formats import ErrorCode, HandlerError

PROLOG_BYTES = 65_536  # comments before the root beyond this are no bank's
TAIL_BYTES = 1_024  # enough for the root's end tag and a comment after it

_UNICODE_SIGNS = (
    (b"\xff\xfe\x00\x00", ""),  # UTF-32: no bank writes it and its markup cannot be scanned like the rest
    (b"\x00\x00\xfe\xff", ""),
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00<\x00?", "utf-16-be"),
)
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
_PLAIN_ENCODING = re.compile(
    r"(utf-?8|utf-16(le|be)?|(us-)?ascii|iso-?8859-?\d{1,2}|(windows-|cp)125\d|latin-?1)", re.I
)
_MISC = re.compile(r"\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->)*", re.S)
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]*)")

_ENCODING_ERRORS = {
    etree.ErrorTypes.ERR_INVALID_CHAR,
    etree.ErrorTypes.ERR_INVALID_ENCODING,
    etree.ErrorTypes.ERR_UNKNOWN_ENCODING,
    etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
    etree.ErrorTypes.I18N_CONV_FAILED,
}
_TOO_DEEP = "Excessive depth"


@dataclass(frozen=True, slots=True)
class Prolog:
    """How the document begins: its text encoding ("" = any superset of ASCII) and the root's name as written."""

    encoding: str
    root: str


def unicode_encoding(head: bytes) -> str | None:
    """The encoding shown by the first bytes: a codec name, "" for one that we refuse, None when they show nothing."""
    return next((name for sign, name in _UNICODE_SIGNS if head.startswith(sign)), None)


def as_text(data: bytes, encoding: str | None) -> str:
    """``data`` as text good enough to look for markup in it; never fails."""
    return data.decode(encoding or "latin-1", errors="replace")


def elements(stream: BinaryIO, names: Sequence[str]) -> Iterator[etree._Element]:
    """Every complete element with a local name in ``names``, namespaces ignored; freed as soon as the next is asked.

    Raises HandlerError: xml_doctype_forbidden, bad_encoding, too_deep, truncated (the root's end is missing) or
    malformed.
    """
    prolog = read_prolog(stream)
    stream.seek(0)
    try:
        for _, element in _iterparse(stream, names):
            yield element
            _free(element)
    except etree.XMLSyntaxError as error:
        raise _as_handler_error(error, stream, prolog) from error


def read_prolog(stream: BinaryIO) -> Prolog:
    """What stands before the root element; refuses a document type however it is hidden or encoded."""
    stream.seek(0)
    head = stream.read(PROLOG_BYTES)
    encoding = unicode_encoding(head)
    if encoding == "":
        raise HandlerError("bad_encoding", "byte 0", "UTF-32 is not supported")
    text = as_text(head, encoding)
    declared = _DECLARATION.search(text[:400])
    if declared and not _PLAIN_ENCODING.fullmatch(declared[1]):
        raise HandlerError("bad_encoding", "line 1", f"The encoding {declared[1]} is not supported")
    misc = _MISC.match(text)
    rest = text[misc.end() if misc else 0 :]
    if rest[:9].upper() == "<!DOCTYPE":
        raise doctype_forbidden()
    root = _ROOT.match(rest)
    if root is None:
        raise HandlerError("malformed", "before the root element", "No root element was found")
    return Prolog(encoding or "", root[1])


def doctype_forbidden() -> HandlerError:
    """The refusal of a document type."""
    return HandlerError("xml_doctype_forbidden", "before the root element", "A document type (DOCTYPE) is not accepted")


def _iterparse(stream: BinaryIO, names: Sequence[str]) -> "etree.iterparse[tuple[str, etree._Element]]":
    return etree.iterparse(
        stream,
        events=("end",),
        tag=[f"{{*}}{name}" for name in names],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,  # "1<!-- -->2" is the text "12", not "1"
        remove_pis=True,
    )


def _free(element: etree._Element) -> None:
    # The sibling before goes, not the element itself: the parser still hangs its following white space on it.
    element.clear()
    before, parent = element.getprevious(), element.getparent()
    if before is not None and parent is not None and before.tag == element.tag:
        parent.remove(before)


def _as_handler_error(error: etree.XMLSyntaxError, stream: BinaryIO, prolog: Prolog) -> HandlerError:
    line, column = error.position
    place = f"line {line}, column {column}"
    if _TOO_DEEP in str(error):
        return HandlerError("too_deep", place, "Elements are nested too deeply for a bank file")
    if not _has_end(stream, prolog):
        return HandlerError("truncated", place, f"The end of the file is missing: no </{prolog.root}>")
    code: ErrorCode = "bad_encoding" if error.code in _ENCODING_ERRORS else "malformed"
    return HandlerError(code, place, str(error.msg))


def _has_end(stream: BinaryIO, prolog: Prolog) -> bool:
    size = stream.seek(0, 2)
    stream.seek(max(0, (size - TAIL_BYTES) // 4 * 4))  # a whole character also in UTF-16
    tail = as_text(stream.read(), prolog.encoding)
    return re.search(rf"</{re.escape(prolog.root)}\s*>", tail) is not None
