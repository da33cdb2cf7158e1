"""Which encoding a text file is in: UTF-8, UTF-16 with its mark, or a Windows code page told by its letters."""

import codecs
import re
from typing import Literal, TypeAlias

from billhook_common.tabular.problems import NulBytes, UndecodableText

CodePage: TypeAlias = Literal["cp1250", "cp1252"]

# Letters beyond ASCII that each language uses; the code page is that of the language which explains most of
# the text. The order breaks ties: where both pages give the same letters (German), or nearly so, the western
# page is read.
_LETTERS: tuple[tuple[CodePage, str], ...] = (
    ("cp1252", "äöüßé"),  # German
    ("cp1252", "àâæçéèêëîïôœùûü"),  # French
    ("cp1252", "éëèïöüáóí"),  # Dutch
    ("cp1252", "áéíñóúü"),  # Spanish, Irish
    ("cp1252", "ãõçáéíóúâêôà"),  # Portuguese
    ("cp1252", "àèéìíòóùú"),  # Italian
    ("cp1252", "åäöæøé"),  # Nordic
    ("cp1250", "áčďéěíňóřšťúůýž"),  # Czech
    ("cp1250", "áäčďéíĺľňóôŕšťúýž"),  # Slovak
    ("cp1250", "ąćęłńóśźż"),  # Polish
    ("cp1250", "áéíóöőúüű"),  # Hungarian
    ("cp1250", "čćđšž"),  # Slovene, Croatian
    ("cp1250", "ăâîşţ"),  # Romanian
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_VALID_PER_BAD = 4
"""A file with this many good UTF-8 letters for each bad byte is damaged UTF-8, not a code page."""


def decode(data: bytes) -> tuple[str, str]:
    """The text of ``data`` and the name of its encoding.

    Raises NulBytes, or UndecodableText with the line of the first byte that fits no encoding.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strict(data, encoding), encoding
    if b"\0" in data:
        raise NulBytes("NUL bytes in the file: save it as “CSV UTF-8”, or as UTF-16 with a byte order mark")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as error:
        if _is_damaged_utf8(data):
            raise _undecodable(data, error.start, "UTF-8") from error
    page = _code_page(data)
    return _strict(data, page), page


def _strict(data: bytes, encoding: str) -> str:
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise _undecodable(data, error.start, encoding) from error
    if "\0" in text:
        raise NulBytes("NUL characters in the file")
    return text


def _undecodable(data: bytes, position: int, encoding: str) -> UndecodableText:
    line = data.count(b"\n", 0, position) + 1
    return UndecodableText(f"Line {line} (byte {position + 1}) is not valid {encoding}; save the file as UTF-8")


def _is_damaged_utf8(data: bytes) -> bool:
    lenient = data.decode("utf-8", errors="surrogateescape")
    bad = len(re.findall("[\udc80-\udcff]", lenient))
    good = len(re.findall("[^\x00-\x7f]", lenient)) - bad
    return good >= _VALID_PER_BAD * bad


def _code_page(data: bytes) -> CodePage:
    high = data.translate(None, delete=bytes(range(0x80)))
    counts = {byte: high.count(byte) for byte in set(high)}

    def explained(page: CodePage, letters: str) -> int:
        known = (letters + letters.upper()).encode(page, errors="ignore")
        return sum(counts.get(byte, 0) for byte in known)

    return max(_LETTERS, key=lambda entry: explained(*entry))[0]
