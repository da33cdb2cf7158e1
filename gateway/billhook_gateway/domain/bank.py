"""Account numbers of the operator's own bank account."""

import re

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def is_iban(text: str) -> bool:
    """Whether ``text``, without spaces, has the form and check digits of an IBAN (ISO 13616, ISO 7064 mod 97-10)."""
    if not _IBAN.fullmatch(text):
        return False
    digits = "".join(str(int(character, 36)) for character in text[4:] + text[:4])
    return int(digits) % 97 == 1
