"""What payers write: texts made comparable, and the references and numbers found in them.

Banks cut lines at 27, 35 or 65 columns, payers drop zeros and separators and type O for 0. Letters are taken for digits
only inside something that already looks like a number.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from stdnum.iso7064 import mod_97_10

STRONG_DIGITS = 6  # shorter numbers are in too many texts to mean something by themselves

_NOT_ALNUM = re.compile(r"[^A-Z0-9]+")
_WORD = re.compile(r"[A-Z0-9](?:[A-Z0-9._/-]*[A-Z0-9])?")
_DIGIT_RUN = re.compile(r"(?<![A-Z0-9])[0-9]{3,20}(?![A-Z0-9])")
_RF = re.compile(r"RF[0-9]{2}[A-Z0-9]{1,21}")
_RF_START = re.compile(r"RF(?=[0-9OIL]{2})")
_RF_LENGTH = range(5, 26)
AS_DIGITS = str.maketrans("OQIL", "0011")
# German law makes banks print this; its telephone number is no reference.
_BOILERPLATE = re.compile(r"AWV-?MELDEPFLICHT\s?BEACHTEN(\s?HOTLINE\s?BUNDESBANK)?(\s?\.?\(?0800\)?\s?1234-?111)?")


def normalise(text: str) -> str:
    """Upper case, compatible characters unified, invisible ones (bidi marks, zero width) gone, single blanks."""
    text = text.upper() if text.isascii() else unicodedata.normalize("NFKC", text).upper()
    if not text.isprintable():
        text = "".join(char for char in text if char.isprintable() or char.isspace())
    text = " ".join(text.split())
    return " ".join(_BOILERPLATE.sub(" ", text).split()) if "AWV" in text else text


def compact(text: str) -> str:
    """Only the letters A-Z and digits of a normalised text."""
    return _NOT_ALNUM.sub("", text)


def reference_key(text: str) -> str:
    """The form in which references are compared: compact, without leading zeros; an ISO 11649 one by its number.

    RF18 0005 3900 7547 034 and RF18539007547034 are one reference: the check digits see no leading zeros.
    """
    key = text.upper()
    if not (key.isascii() and key.isalnum()) or "AWV" in key:  # Most words of most texts need no more.
        key = compact(normalise(text))
    if is_checked(key):
        return key[:4] + key[4:].lstrip("0")
    return key.lstrip("0") if key.isdecimal() else key


def is_checked(key: str) -> bool:
    """Whether a compact text is a creditor reference of ISO 11649 with valid check digits."""
    return key.startswith("RF") and _RF.fullmatch(key) is not None and bool(mod_97_10.is_valid(key[4:] + key[:4]))


def is_strong(key: str) -> bool:
    """Whether a key can stand alone in a free text: long enough, and no plain word."""
    return len(key) >= STRONG_DIGITS and any(char.isdigit() for char in key)


@dataclass(frozen=True)
class PaymentText:
    """The remittance in the views in which things are searched; ``lines`` and ``fields`` (references) normalised."""

    lines: tuple[str, ...]
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, lines: Iterable[str], fields: Iterable[str]) -> "PaymentText":
        """From texts as the bank gave them."""
        return cls(tuple(map(normalise, lines)), tuple(normalise(field) for field in fields if field))

    @cached_property
    def spaced(self) -> str:
        """Lines and fields joined with blanks."""
        return " ".join((*self.lines, *self.fields))

    @cached_property
    def glued(self) -> str:
        """Lines joined without a blank, for words cut at line ends."""
        return "".join(self.lines)

    @cached_property
    def compact(self) -> str:
        """Letters and digits only, for words that the bank broke with blanks."""
        return compact(self.glued)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words of the lines, with the dots, slashes and dashes inside them."""
        return tuple(_WORD.findall(" ".join(self.lines)))


def references_in(text: PaymentText) -> Iterator[str]:
    """Keys of everything that may be a reference or a customer's number: words, runs of digits."""
    seen = set()
    for word in (*text.words, *_DIGIT_RUN.findall(text.glued)):
        for key in (word, reference_key(word)):
            if key not in seen:
                seen.add(key)
                yield key


def creditor_references_in(text: PaymentText) -> Iterator[str]:
    """Keys of valid ISO 11649 references in the text, however spaced; O and I are read as 0 and 1 if needed."""
    source = text.compact
    for start in _RF_START.finditer(source):
        tail = source[start.start() : start.start() + _RF_LENGTH[-1]]
        for length in _RF_LENGTH:
            if length > len(tail):
                break
            written = tail[:length]
            for reading in (written, "RF" + written[2:].translate(AS_DIGITS)):
                if is_checked(reading):
                    yield reference_key(reading)
                    break
