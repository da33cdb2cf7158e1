"""Sign in with login and password: find the user, write down how it went."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import BillhookError
from billhook_gateway.actions.tries import PASSWORD, count_try, forgive
from billhook_gateway.domain.logins import LOGIN_CHARACTERS, normal_login, printable
from billhook_gateway.models import User


class SignInFailed(BillhookError):
    """Login or password is wrong; which of them is not said."""

    status = 401
    title = "Login or password is wrong"


def begin_attempt(session: Session, clock: Clock, login: str, ip: str) -> User | None:
    """Count a try as failed until it succeeds; the active user of that login, if there is one.

    Raises SignInTooSoon while the account or the address waits; such a try is not counted.
    """
    count_try(session, clock, PASSWORD, login, ip)
    if len(login) > LOGIN_CHARACTERS or not printable(login):
        return None
    return session.scalar(select(User).where(User.login == normal_login(login), User.active))


def note_success(session: Session, user: User, new_hash: str | None, ip: str) -> None:
    """The password was right: forget the wrong ones; ``new_hash`` replaces one that was made with other costs."""
    forgive(session, PASSWORD, user.login, ip)
    if new_hash is not None:
        session.get_one(User, user.id).password_hash = new_hash


def note_failure(session: Session, clock: Clock, user: User | None) -> None:
    """The password was wrong. An unknown login is not written down: people type passwords into that field."""
    audit(session, clock, "sign_in_failed", user.id if user else None)


def forget_failures(session: Session, login: str) -> None:
    """Let the account try again at once."""
    forgive(session, PASSWORD, login)
