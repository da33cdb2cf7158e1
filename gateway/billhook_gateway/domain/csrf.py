"""The token in forms: a session's secret, masked anew each time: compressed pages give nothing away (BREACH)."""

import base64
import binascii
import hmac
import secrets

SECRET_BYTES = 32


def new_secret() -> str:
    """256 random bits, kept with the session."""
    return secrets.token_urlsafe(SECRET_BYTES)


def masked(secret: str) -> str:
    """The secret as it goes into one page: a random mask, and the secret under it."""
    mask = secrets.token_bytes(SECRET_BYTES)
    return base64.urlsafe_b64encode(mask + _under(mask, _bytes(secret))).decode().rstrip("=")


def fits(given: str, secret: str) -> bool:
    """Whether ``given`` is the secret under any mask; takes as long for a near miss as for a wild guess."""
    try:
        token = _bytes(given)
    except (ValueError, binascii.Error):
        return False
    mask, covered = token[:SECRET_BYTES], token[SECRET_BYTES:]
    return len(covered) == SECRET_BYTES and hmac.compare_digest(_under(mask, covered), _bytes(secret))


def _under(mask: bytes, value: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(mask, value, strict=True))


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
