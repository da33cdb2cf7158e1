"""A forgotten password: the request is only written down, a job sends the link, the link sets a password once.

The request does the same for a login that exists and one that does not, so its time tells nothing.
"""

import datetime as dt

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import BillhookError
from billhook_common.ids import uuid7
from billhook_common.logs import get_logger
from billhook_common.mail import Letter, queue_letter
from billhook_gateway.actions.second_factor import forget_pending
from billhook_gateway.actions.sessions import end_all_sessions
from billhook_gateway.actions.sign_in import forget_failures
from billhook_gateway.actions.tries import RESET, count_try
from billhook_gateway.domain.logins import LOGIN_CHARACTERS, normal_login, printable
from billhook_gateway.domain.passwords import check_password
from billhook_gateway.domain.sessions import TOKEN_CHARACTERS, new_token, token_hash
from billhook_gateway.hashing import hash_password
from billhook_gateway.models import Company, PasswordReset, User

log = get_logger()

GOOD_FOR = dt.timedelta(minutes=30)
REQUESTS_A_STEP = 50


class ResetLinkOver(BillhookError):
    """The link was used, is too old, was replaced by a newer one, or never existed."""

    status = 410
    title = "This link is no longer good"


def ask_for_reset(session: Session, clock: Clock, login: str, ip: str) -> None:
    """Write down that somebody forgot the password of ``login`` (or of that e-mail address).

    Raises SignInTooSoon for many requests, for unknown logins as for known ones.
    """
    count_try(session, clock, RESET, login, ip)
    user_id = None
    if len(login) <= LOGIN_CHARACTERS and printable(login):
        typed = normal_login(login)
        user_id = session.scalar(
            select(User.id)
            .where(or_(User.login == typed, User.email == typed), User.active)
            .order_by((User.login == typed).desc())
            .limit(1)
        )
    session.add(PasswordReset(id=uuid7(), user_id=user_id, asked_at=clock.now()))


def send_links(session: Session, clock: Clock, public_url: str) -> bool:
    """Queue the letters that were asked for; True while there may be more."""
    asked = session.scalars(
        select(PasswordReset)
        .where(PasswordReset.token_hash.is_(None))
        .order_by(PasswordReset.asked_at)
        .limit(REQUESTS_A_STEP)
        .with_for_update(skip_locked=True)
    ).all()
    for request in asked:
        user = session.get(User, request.user_id) if request.user_id else None
        if user is None or not user.active or not user.email or not public_url:
            if user is not None:
                log.warning("password_reset_impossible", user_id=str(user.id), has_email=bool(user.email))
            session.delete(request)
            continue
        _send_link(session, clock, request, user, public_url)
    return len(asked) == REQUESTS_A_STEP


def reset_password(session: Session, clock: Clock, token: str, password: str) -> User:
    """Set the password of whoever the link was sent to, sign them out everywhere, and tell them.

    Raises ResetLinkOver, PasswordRefused, TooManySignIns.
    """
    user = _holder(session, clock, token)
    check_password(password, user.login)
    user.password_hash = hash_password(password)
    forget_pending(user)
    user.changed_at = clock.now()
    forget_links(session, user)
    forget_failures(session, user.login)
    end_all_sessions(session, user.id)
    audit(session, clock, "password_reset", user.id)
    if user.email:
        context = {"name": user.name, "operator": _operator(session), "login": user.login}
        queue_letter(
            session,
            clock,
            Letter(template="password_changed", address=user.email, name=user.name, context=context, about=user.id),
        )
    return user


def forget_links(session: Session, user: User) -> None:
    """No link sent to that user is good any more."""
    session.execute(delete(PasswordReset).where(PasswordReset.user_id == user.id))


def forget_old_links(session: Session, clock: Clock, most: int) -> int:
    """Delete at most ``most`` links that are over; returns how many."""
    old = select(PasswordReset.id).where(PasswordReset.good_until <= clock.now()).limit(most)
    statement = delete(PasswordReset).where(PasswordReset.id.in_(old)).returning(PasswordReset.id)
    return len(session.scalars(statement).all())


def _holder(session: Session, clock: Clock, token: str) -> User:
    if len(token) != TOKEN_CHARACTERS or not token.isascii():
        raise ResetLinkOver("Ask for a new one.")
    link = session.scalar(select(PasswordReset).where(PasswordReset.token_hash == token_hash(token)).with_for_update())
    if link is None or link.good_until is None or link.good_until <= clock.now():
        raise ResetLinkOver("Ask for a new one.")
    user = session.get(User, link.user_id, with_for_update=True)
    if user is None or not user.active:
        raise ResetLinkOver("Ask for a new one.")
    return user


def _send_link(session: Session, clock: Clock, request: PasswordReset, user: User, public_url: str) -> None:
    session.execute(
        delete(PasswordReset).where(PasswordReset.user_id == user.id, PasswordReset.token_hash.is_not(None))
    )
    token = new_token()
    request.token_hash, request.good_until = token_hash(token), clock.now() + GOOD_FOR
    context = {
        "name": user.name,
        "login": user.login,
        "operator": _operator(session),
        "link": f"{public_url}/reset-password?token={token}",
        "minutes": int(GOOD_FOR.total_seconds() // 60),
    }
    queue_letter(
        session,
        clock,
        Letter(
            template="password_reset",
            address=user.email,
            name=user.name,
            context=context,
            about=user.id,
            secret=True,
            good_until=request.good_until,
        ),
    )
    audit(session, clock, "password_reset_sent", user.id)


def _operator(session: Session) -> str:
    return session.scalar(select(Company.name)) or "Billhook"
