"""API keys: ``bh_<prefix>_<secret>``. The prefix finds the row and may be shown, the secret is shown once."""

import datetime as dt
import hashlib
import re
import secrets
from dataclasses import dataclass

PREFIX_CHARACTERS = 10
TOUCH_EVERY = dt.timedelta(minutes=1)
"""``last_used_at`` is written at most this often."""
_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""Letters and digits that nobody mixes up when reading a prefix aloud."""
_KEY = re.compile(r"bh_([a-z0-9]{10})_([A-Za-z0-9_-]{43})")
IN_TEXT = re.compile(r"bh_[a-z0-9]{10}_[A-Za-z0-9_-]{43}")
"""A key anywhere in a text; the secret part has 256 bits, so that nothing else looks like it."""


@dataclass(frozen=True, slots=True)
class KeyParts:
    """A key taken apart; ``text`` is the whole."""

    text: str
    prefix: str

    @property
    def digest(self) -> bytes:
        """What the database keeps; 256 random bits need no slow hash."""
        return hashlib.sha256(self.text.encode()).digest()


def new_key() -> KeyParts:
    """A key that was never given out."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(PREFIX_CHARACTERS))
    return KeyParts(f"bh_{prefix}_{secrets.token_urlsafe(32)}", prefix)


def parse_key(text: str) -> KeyParts | None:
    """The parts of a well-formed key; None for anything else."""
    found = _KEY.fullmatch(text)
    return KeyParts(text, found[1]) if found else None
