"""Tries are counted before the secret is looked at, so that a thousand at once are not a thousand tries."""

import datetime as dt
import hashlib
import math

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.clock import Clock
from billhook_common.errors import BillhookError
from billhook_gateway.domain.logins import normal_login
from billhook_gateway.domain.waiting import (
    ADDRESS_WINDOW,
    FORGET_AFTER,
    Window,
    address_key,
    address_wait,
    slid,
    wait_after,
)
from billhook_gateway.models import AddressTries, SignInFailure

PASSWORD, CODE, RESET = "password", "code", "reset"
"""What is tried; each is counted for itself."""


class SignInTooSoon(BillhookError):
    """Several failures in a row make the account wait."""

    status = 429
    title = "Wait before the next try"

    def __init__(self, wait: dt.timedelta) -> None:
        seconds = math.ceil(wait.total_seconds())
        super().__init__(f"Several tries failed. Try again in {_spoken(seconds)}.")
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]  # the wait differs from time to time


class AddressTooSoon(SignInTooSoon):
    """Many failures from one address, whatever the accounts."""

    title = "Too many tries from your address"


def count_try(session: Session, clock: Clock, kind: str, name: str, ip: str) -> None:
    """Count a try as failed until it succeeds. Raises AddressTooSoon, SignInTooSoon; such a try is not counted."""
    count_address(session, clock, ip)
    now, key = clock.now(), _key(kind, name)
    session.execute(
        upsert(SignInFailure)
        .values(key_hash=key, failures=0, last_at=now, wait_until=now)
        .on_conflict_do_nothing(index_elements=[SignInFailure.key_hash])
    )
    counted = session.get_one(SignInFailure, key, with_for_update=True)
    if now < counted.wait_until:
        raise SignInTooSoon(counted.wait_until - now)
    counted.failures = 1 if counted.last_at + FORGET_AFTER < now else counted.failures + 1
    counted.last_at = now
    counted.wait_until = now + wait_after(counted.failures)


def count_address(session: Session, clock: Clock, ip: str) -> None:
    """Count a try of that address. Raises AddressTooSoon."""
    now, address = clock.now(), address_key(ip)
    session.execute(
        upsert(AddressTries)
        .values(address=address, began_at=now, tries=0, tries_before=0)
        .on_conflict_do_nothing(index_elements=[AddressTries.address])
    )
    counted = session.get_one(AddressTries, address, with_for_update=True)
    window = slid(Window(counted.began_at, counted.tries, counted.tries_before), now)
    wait = address_wait(window, now)
    if wait > dt.timedelta(0):
        raise AddressTooSoon(wait)
    counted.began_at, counted.tries, counted.tries_before = window.began_at, window.tries + 1, window.before


def forgive(session: Session, kind: str, name: str, ip: str = "") -> None:
    """The try was good: forget the failures of that name, and take the one try off its address's count."""
    # The address first, as when counting: two in another order would wait for each other.
    if ip:
        session.execute(
            update(AddressTries)
            .where(AddressTries.address == address_key(ip))
            .values(tries=func.greatest(AddressTries.tries - 1, 0))
        )
    session.execute(delete(SignInFailure).where(SignInFailure.key_hash == _key(kind, name)))


def forget_old_tries(session: Session, clock: Clock, most: int) -> int:
    """Delete at most ``most`` counts of each kind that no longer matter; returns how many."""
    now = clock.now()
    names = select(SignInFailure.key_hash).where(SignInFailure.last_at < now - FORGET_AFTER).limit(most)
    addresses = select(AddressTries.address).where(AddressTries.began_at < now - 2 * ADDRESS_WINDOW).limit(most)
    gone = session.scalars(
        delete(SignInFailure).where(SignInFailure.key_hash.in_(names)).returning(SignInFailure.key_hash)
    ).all()
    gone_addresses = session.scalars(
        delete(AddressTries).where(AddressTries.address.in_(addresses)).returning(AddressTries.address)
    ).all()
    return max(len(gone), len(gone_addresses))


def _key(kind: str, name: str) -> bytes:
    text = f"{kind}:{normal_login(name)}"
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _spoken(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    return f"{math.ceil(seconds / 60)} minutes"
