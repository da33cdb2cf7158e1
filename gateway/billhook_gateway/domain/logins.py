"""What people type to say who they are: an e-mail address, or a short name such as ``admin``."""

import unicodedata

LOGIN_CHARACTERS = 254
"""The longest e-mail address (RFC 5321)."""


def normal_login(typed: str) -> str:
    """The form under which a login is stored and found: however it is typed, it is one account."""
    return unicodedata.normalize("NFKC", typed).strip().casefold()


def printable(text: str) -> bool:
    """Whether ``text`` can be stored and shown on one line: no control characters, no half of a surrogate pair."""
    return not any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in text)
