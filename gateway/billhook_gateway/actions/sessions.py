"""Sessions: open, touch, end."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.ids import uuid7
from billhook_gateway.domain.csrf import new_secret
from billhook_gateway.domain.sessions import new_token, token_hash
from billhook_gateway.models import SignedInSession, User

USER_AGENT_CHARACTERS = 300
KEPT_AFTER = dt.timedelta(days=1)
"""How long a session that is over can still be seen in the table."""


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in from."""

    ip: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class OpenedSession:
    """What the browser gets: ``token`` for its cookie, ``csrf_secret`` (masked) for its forms."""

    token: str
    csrf_secret: str


def open_session(
    session: Session, clock: Clock, user: User, browser: Browser, *, proved: bool, step: str
) -> OpenedSession:
    """Sign ``user`` in on one browser, always under a new token (no fixation).

    ``proved``: the second factor, too, was proved here. ``step``: what is still missing before the session is whole.
    """
    opened = OpenedSession(new_token(), new_secret())
    session.add(
        SignedInSession(
            id=uuid7(),
            token_hash=token_hash(opened.token),
            user_id=user.id,
            csrf_secret=opened.csrf_secret,
            created_at=clock.now(),
            seen_at=clock.now(),
            ip=browser.ip,
            user_agent=_one_line(browser.user_agent),
            second_factor_at=clock.now() if proved else None,
        )
    )
    if step:
        audit(session, clock, "password_proved", user.id, after={"missing": step})
        return opened
    session.get_one(User, user.id).signed_in_at = clock.now()
    audit(session, clock, "signed_in", user.id)
    return opened


def touch_session(session: Session, clock: Clock, session_id: UUID) -> None:
    """Note that the session was used just now."""
    session.execute(update(SignedInSession).where(SignedInSession.id == session_id).values(seen_at=clock.now()))


def end_session(session: Session, clock: Clock, session_id: UUID, user_id: UUID) -> bool:
    """End one session of that user; whether there was one."""
    ended = session.execute(
        delete(SignedInSession)
        .where(SignedInSession.id == session_id, SignedInSession.user_id == user_id)
        .returning(SignedInSession.id)
    ).one_or_none()
    if ended is None:
        return False
    audit(session, clock, "signed_out", user_id)
    return True


def end_other_sessions(session: Session, clock: Clock, user_id: UUID, kept: UUID) -> int:
    """Sign the user out everywhere but in the session ``kept``; how many sessions ended."""
    statement = delete(SignedInSession).where(SignedInSession.user_id == user_id, SignedInSession.id != kept)
    ended = len(session.scalars(statement.returning(SignedInSession.id)).all())
    audit(session, clock, "signed_out_elsewhere", user_id, after={"sessions": ended})
    return ended


def end_session_of_token(session: Session, token: str) -> None:
    """End the session that a browser brings to its sign-in: it goes on under a new token only."""
    session.execute(delete(SignedInSession).where(SignedInSession.token_hash == token_hash(token)))


def end_all_sessions(session: Session, user_id: UUID) -> None:
    """Sign that user out everywhere, at once."""
    session.execute(delete(SignedInSession).where(SignedInSession.user_id == user_id))


def forget_old_sessions(session: Session, clock: Clock, most: int, *, idle: dt.timedelta) -> int:
    """Delete at most ``most`` sessions that have been over for a day; returns how many."""
    old = select(SignedInSession.id).where(SignedInSession.seen_at < clock.now() - idle - KEPT_AFTER).limit(most)
    statement = delete(SignedInSession).where(SignedInSession.id.in_(old)).returning(SignedInSession.id)
    return len(session.scalars(statement).all())


def _one_line(text: str) -> str:
    """What a browser says of itself, fit to store: it is only shown to its own user."""
    return "".join(character for character in text if character.isprintable())[:USER_AGENT_CHARACTERS]
