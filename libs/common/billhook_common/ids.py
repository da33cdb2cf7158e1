"""Identifiers: UUIDv7 for new records, UUIDv5 where repetition must meet itself."""

import datetime as dt
import hashlib
import secrets
import threading
import time
import uuid

_NAMESPACE = uuid.UUID("6f0f3c52-5b0a-5d8e-9f41-8d1f7a3b6c20")
_VERSION_AND_VARIANT = 0xF << 76 | 0b11 << 62
_VERSION_5 = 5 << 76 | 0b10 << 62
_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A new UUIDv7 (RFC 9562); ids made by one process sort in the order in which they were made."""
    global _last  # noqa: PLW0603  (one counter a process keeps ids of one millisecond in order)
    with _lock:
        # 48 bits of milliseconds and 12 of their fraction; a tie or a clock that steps back counts on.
        stamp = max(_last + 1, time.time_ns() * 4096 // 1_000_000)
        _last = stamp
    value = (stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)


def id_before(ago: dt.timedelta) -> uuid.UUID:
    """Below every UUIDv7 made since so long ago, and above every earlier one."""
    return uuid.UUID(int=(time.time_ns() // 1_000_000 - ago // dt.timedelta(milliseconds=1)) << 80)


def derive_id(*parts: object) -> uuid.UUID:
    """The id of what ``parts`` make unique: the same parts give the same id on every machine, for ever."""
    # uuid.uuid5 with half of its work left out: a billing run derives two ids a customer.
    name = "\x1f".join([str(part) for part in parts]).encode()
    digest = hashlib.sha1(_NAMESPACE.bytes + name, usedforsecurity=False).digest()
    value = int.from_bytes(digest[:16], "big")
    return uuid.UUID(int=value & ~_VERSION_AND_VARIANT | _VERSION_5)
