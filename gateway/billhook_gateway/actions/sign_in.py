"""Sign in: a try is counted before the password is looked at, so that a thousand at once are not a thousand tries."""

import datetime as dt
import hashlib
import math

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import BillhookError
from billhook_gateway.domain.logins import LOGIN_CHARACTERS, normal_login, printable
from billhook_gateway.domain.waiting import FORGET_AFTER, wait_after
from billhook_gateway.models import SignInFailure, User


class SignInFailed(BillhookError):
    """Login or password is wrong; which of them is not said."""

    status = 401
    title = "Login or password is wrong"


class SignInTooSoon(BillhookError):
    """Several wrong passwords in a row make the account wait."""

    status = 429
    title = "Wait before the next try"

    def __init__(self, wait: dt.timedelta) -> None:
        seconds = math.ceil(wait.total_seconds())
        super().__init__(f"Several passwords were wrong. Try again in {seconds} seconds.")
        self.headers = {"Retry-After": str(seconds)}  # type: ignore[misc]  # the wait differs from time to time


def begin_attempt(session: Session, clock: Clock, login: str) -> User | None:
    """Count a try as failed until it succeeds; the active user of that login, if there is one.

    Raises SignInTooSoon while the account waits; such a try is not counted.
    """
    now = clock.now()
    key = _login_hash(login)
    session.execute(
        upsert(SignInFailure)
        .values(login_hash=key, failures=0, last_at=now, wait_until=now)
        .on_conflict_do_nothing(index_elements=[SignInFailure.login_hash])
    )
    counted = session.get_one(SignInFailure, key, with_for_update=True)
    if now < counted.wait_until:
        raise SignInTooSoon(counted.wait_until - now)
    counted.failures = 1 if counted.last_at + FORGET_AFTER < now else counted.failures + 1
    counted.last_at = now
    counted.wait_until = now + wait_after(counted.failures)
    if len(login) > LOGIN_CHARACTERS or not printable(login):
        return None
    return session.scalar(select(User).where(User.login == normal_login(login), User.active))


def note_success(session: Session, user: User, new_hash: str | None) -> None:
    """The password was right: forget the wrong ones; ``new_hash`` replaces one that was made with other costs."""
    forget_failures(session, user.login)
    if new_hash is not None:
        session.get_one(User, user.id).password_hash = new_hash


def note_failure(session: Session, clock: Clock, user: User | None) -> None:
    """The password was wrong. An unknown login is not written down: people type passwords into that field."""
    audit(session, clock, "sign_in_failed", user.id if user else None)


def forget_failures(session: Session, login: str) -> None:
    """Let the account try again at once."""
    session.execute(delete(SignInFailure).where(SignInFailure.login_hash == _login_hash(login)))


def forget_old_failures(session: Session, clock: Clock, most: int) -> int:
    """Delete at most ``most`` counts that no longer matter; returns how many."""
    old = select(SignInFailure.login_hash).where(SignInFailure.last_at < clock.now() - FORGET_AFTER).limit(most)
    statement = delete(SignInFailure).where(SignInFailure.login_hash.in_(old)).returning(SignInFailure.login_hash)
    return len(session.scalars(statement).all())


def _login_hash(login: str) -> bytes:
    return hashlib.sha256(normal_login(login).encode(errors="surrogatepass")).digest()
