"""The forms in which texts are compared: folded for search, logins by letter case, references as payers write them."""

import re
import unicodedata

_MARKS = re.compile(r"[\u0300-\u036f]")
# Letters that Unicode does not take apart, as people without them on the keyboard write them.
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})
_NOT_DIGIT = re.compile(r"\D")
_NOT_ALNUM = re.compile(r"[^A-Z0-9]+")
_CREDITOR_REFERENCE = re.compile(r"RF[0-9]{2}")


def fold(text: str) -> str:
    """``text`` in lower case without marks, blanks made single: ``Žižka  Weiß`` → ``zizka weiss``."""
    if not text.isascii():
        flat = _MARKS.sub("", unicodedata.normalize("NFKD", text))
        text = flat.casefold().translate(_LETTERS)
    return " ".join(text.lower().split())


def search_text(*, name: str, login: str, number: str, email: str, phone: str, city: str) -> str:
    """What a customer is found by: the fields folded, and the phone numbers as bare digits too."""
    digits = " ".join(_NOT_DIGIT.sub("", part) for part in phone.split(","))
    return fold(" ".join((name, login, number, email, phone, city, digits)))


def search_words(query: str) -> list[str]:
    """The words of a query, each of which must be in the search text; at most eight count."""
    return fold(query).split()[:8]


def login_key(login: str) -> str:
    """What makes a login unique: letter case apart."""
    return unicodedata.normalize("NFKC", login).casefold()


def reference_key(reference: str) -> str:
    """What makes a payment reference unique: letters and digits only, without leading zeros; may be empty.

    Payers drop separators and zeros, so two references that differ only in those could not be told apart. Those of
    ISO 11649 lose the zeros behind their check digits.
    """
    key = _NOT_ALNUM.sub("", unicodedata.normalize("NFKC", reference).upper())
    if _CREDITOR_REFERENCE.match(key):
        return key[:4] + key[4:].lstrip("0")
    return key.lstrip("0") if key.isdecimal() else key
