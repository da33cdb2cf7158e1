"""Recovery codes: 80 random bits each, good once, for when the phone is gone."""

import base64
import hashlib
import secrets

COUNT = 10
BYTES = 10
CHARACTERS = 16


def new_codes() -> list[str]:
    """Ten codes as they are shown, once: ``ABCD-EFGH-IJKL-MNOP``."""
    return [_grouped(base64.b32encode(secrets.token_bytes(BYTES)).decode()) for _ in range(COUNT)]


def code_hash(typed: str) -> bytes | None:
    """What the database keeps of a code, however it is typed; None for what can be no code."""
    plain = "".join(typed.split()).replace("-", "").upper()
    if len(plain) != CHARACTERS or not plain.isascii():
        return None
    return hashlib.sha256(plain.encode()).digest()


def _grouped(code: str) -> str:
    return "-".join(code[start : start + 4] for start in range(0, CHARACTERS, 4))
