"""How long somebody stays signed in (ASVS V7)."""

import datetime as dt
import hashlib
import secrets

ABSOLUTE = dt.timedelta(hours=12)
HALF = dt.timedelta(minutes=10)
"""How long somebody who has proved only the password may take to prove the rest."""
TOUCH_EVERY = dt.timedelta(minutes=1)
"""``seen_at`` is written at most this often: one write a minute instead of one a click."""
TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43


def new_token() -> str:
    """256 random bits for a cookie, 43 characters that are safe in headers and URLs."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    """What the database keeps of a token: a stolen table opens no session."""
    return hashlib.sha256(token.encode()).digest()


def is_live(
    now: dt.datetime, created_at: dt.datetime, seen_at: dt.datetime, *, idle: dt.timedelta, half: bool = False
) -> bool:
    """Whether a session is used often enough and is not too old; ``half``: it waits for a code."""
    return now < seen_at + idle and now < created_at + (HALF if half else ABSOLUTE)


def missing_step(*, proved: bool, has_second_factor: bool, demanded: bool) -> str:
    """What a session still lacks: ``code`` of the second factor, to ``enrol`` one, or nothing.

    Told from what is so now, so that a factor set up in one browser is asked for in all the others at once.
    """
    if has_second_factor:
        return "" if proved else "code"
    return "enrol" if demanded else ""
