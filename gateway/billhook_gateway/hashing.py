"""Passwords at rest: argon2id (19 MiB, two passes), a few at a time, so that signing in cannot stop the house."""

import functools
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from argon2.low_level import Type

from billhook_common.errors import BillhookError
from billhook_gateway.domain.passwords import MOST_CHARACTERS, normal_password

RUNNING_MOST = 2
"""Hashes at once in one process: each takes 19 MiB and a tenth of a second of one core."""
WAITING_MOST = 8
WAIT_SECONDS = 2.0

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
_running = threading.BoundedSemaphore(RUNNING_MOST)
_present = threading.BoundedSemaphore(RUNNING_MOST + WAITING_MOST)


class TooManySignIns(BillhookError):
    """More passwords are being checked than this machine can bear."""

    status = 429
    title = "Too many people sign in at once"
    headers = {"Retry-After": "2"}  # noqa: RUF012


@contextmanager
def turn() -> Iterator[None]:
    """One of the few places in which a password may be hashed; raises TooManySignIns after a short wait.

    Few may wait, too: every waiting request holds a thread that other pages need.
    """
    if not _present.acquire(blocking=False):
        raise TooManySignIns("Try again in a moment.")
    try:
        if not _running.acquire(timeout=WAIT_SECONDS):
            raise TooManySignIns("Try again in a moment.")
        try:
            yield
        finally:
            _running.release()
    finally:
        _present.release()


def hash_password(password: str) -> str:
    """The password in argon2's own notation, with its salt and costs. Raises TooManySignIns."""
    with turn():
        return _hasher.hash(normal_password(password))


def matches(password_hash: str | None, password: bytes) -> bool:
    """Whether this is the password; call it inside ``turn``. Without a hash it takes as long and says no."""
    too_long = len(password) > MOST_CHARACTERS * 4
    try:
        return _hasher.verify(password_hash or _decoy(), password[: MOST_CHARACTERS * 4]) and not too_long
    except VerificationError:
        return False


def is_outdated(password_hash: str) -> bool:
    """Whether the hash was made with other costs than today's."""
    return _hasher.check_needs_rehash(password_hash)


def prepare() -> None:
    """Make the decoy before anybody signs in, or the first unknown login would take twice as long."""
    _decoy()


@functools.cache
def _decoy() -> str:
    """The hash of a password that nobody knows, for logins that do not exist."""
    return _hasher.hash(secrets.token_bytes(32))
