"""Comparing words that people write in different ways."""

import re
import unicodedata

_MARKS = re.compile(r"[\u0300-\u036f]")
_BETWEEN = re.compile(r"[\W_]+")
_LETTERS = str.maketrans({"ß": "ss", "ł": "l", "ø": "o", "æ": "ae", "đ": "d"})


def fold(word: str) -> str:
    """``word`` without letter case, accents and anything but letters and digits: ``E-Mail *`` → ``email``."""
    flat = _MARKS.sub("", unicodedata.normalize("NFKD", word.casefold().translate(_LETTERS)))
    return _BETWEEN.sub("", flat)
