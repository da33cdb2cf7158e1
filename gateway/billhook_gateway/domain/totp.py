"""Codes of an authenticator app (RFC 6238): six digits, thirty seconds each, one step early or late."""

import hmac

from pyotp import TOTP, random_base32

DIGITS = 6
STEP_SECONDS = 30
DRIFT_STEPS = 1


def new_secret() -> str:
    """160 random bits in base 32, as apps read them."""
    return random_base32(32)


def matching_step(secret: str, code: str, unix_time: float, last_step: int) -> int | None:
    """The step that ``code`` belongs to, if it is one of now's and later than ``last_step``; a code is good once."""
    now = int(unix_time) // STEP_SECONDS
    given, app = code.encode(), TOTP(secret)
    found = None
    for step in range(now - DRIFT_STEPS, now + DRIFT_STEPS + 1):
        # Every step is looked at: the time tells nothing of which was near.
        if hmac.compare_digest(app.generate_otp(step).encode(), given) and step > last_step:
            found = step
    return found


def setup_uri(secret: str, login: str, issuer: str) -> str:
    """What the QR code says to the app."""
    return TOTP(secret).provisioning_uri(name=login, issuer_name=issuer)


def in_groups(secret: str) -> str:
    """The secret for people who type it: groups of four."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
