"""The second factor: set up, asked for, used once, replaced by a recovery code, taken away."""

import datetime as dt
from uuid import UUID

from sqlalchemy import delete, insert, update
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import BillhookError, Conflict
from billhook_gateway.actions.tries import CODE, count_try, forgive
from billhook_gateway.domain.recovery_codes import code_hash, new_codes
from billhook_gateway.domain.totp import matching_step, new_secret
from billhook_gateway.models import RecoveryCode, User
from billhook_gateway.sealing import Sealer

PENDING_GOOD_FOR = dt.timedelta(minutes=10)
"""To scan a code and type the first number."""


class CodeWrong(BillhookError):
    """The code is wrong, was used before, or is of another time."""

    status = 401
    title = "The code is wrong"


class SecondFactorThere(Conflict):
    """There is one already; remove it first."""

    title = "A second factor is set up already"


class SecondFactorAbsent(Conflict):
    """There is none."""

    title = "No second factor is set up"


class SecondFactorDemanded(Conflict):
    """The role may not work without one."""

    title = "Your role needs a second factor"


def count_code(session: Session, clock: Clock, user_id: UUID, ip: str) -> None:
    """Count a try at a code as failed until it succeeds. Raises SignInTooSoon."""
    count_try(session, clock, CODE, str(user_id), ip)


def start_second_factor(session: Session, clock: Clock, user_id: UUID, sealer: Sealer) -> None:
    """Make a secret that waits to be confirmed, in place of any other that waits. Raises SecondFactorThere."""
    user = session.get_one(User, user_id, with_for_update=True)
    if user.second_factor_at is not None:
        raise SecondFactorThere("Remove it first.")
    user.totp_pending, user.totp_pending_at = sealer.seal(new_secret()), clock.now()


def pending_secret(clock: Clock, user: User) -> bytes | None:
    """The sealed secret that waits to be confirmed, while it is good: whoever proved the password began it lately."""
    if user.totp_pending_at is None or clock.now() >= user.totp_pending_at + PENDING_GOOD_FOR:
        return None
    return user.totp_pending


def forget_pending(user: User) -> None:
    """A secret that waits is of no use any more: somebody else may have begun it."""
    user.totp_pending = user.totp_pending_at = None


def confirm_second_factor(
    session: Session, clock: Clock, user_id: UUID, code: str, sealer: Sealer, ip: str
) -> list[str] | None:
    """Set up the factor whose code this is; ten recovery codes, shown once. None when the code is wrong.

    Raises SecondFactorThere, SecondFactorAbsent (none was started).
    """
    user = session.get_one(User, user_id, with_for_update=True)
    if user.second_factor_at is not None:
        raise SecondFactorThere("Remove it first.")
    pending = pending_secret(clock, user)
    if pending is None:
        raise SecondFactorAbsent("Begin anew.")
    step = matching_step(sealer.open(pending), _digits(code), clock.now().timestamp(), 0)
    if step is None:
        return None
    user.totp_secret, user.totp_step = pending, step
    forget_pending(user)
    user.second_factor_at = clock.now()
    forgive(session, CODE, str(user_id), ip)
    audit(session, clock, "second_factor_set_up", user_id)
    return _give_codes(session, user_id)


def is_good_code(session: Session, clock: Clock, user_id: UUID, code: str, sealer: Sealer, ip: str) -> bool:
    """Whether the code is one of the app, not used yet, or an unused recovery code; it is used up then."""
    user = session.get_one(User, user_id, with_for_update=True)
    if user.totp_secret is None:
        return False
    if not _is_app_code(clock, user, code, sealer) and not _use_recovery_code(session, clock, user_id, code):
        audit(session, clock, "code_failed", user_id)
        return False
    forgive(session, CODE, str(user_id), ip)
    return True


def renew_recovery_codes(session: Session, clock: Clock, user_id: UUID) -> list[str]:
    """Ten new recovery codes; the old ones open nothing."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    audit(session, clock, "recovery_codes_renewed", user_id)
    return _give_codes(session, user_id)


def remove_second_factor(session: Session, clock: Clock, user: User, action: str) -> None:
    """Take the factor and its recovery codes away; ``action`` is what the audit calls it."""
    user.totp_secret = user.second_factor_at = None
    forget_pending(user)
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    forgive(session, CODE, str(user.id))
    audit(session, clock, action, user.id)


def _is_app_code(clock: Clock, user: User, code: str, sealer: Sealer) -> bool:
    assert user.totp_secret is not None
    step = matching_step(sealer.open(user.totp_secret), _digits(code), clock.now().timestamp(), user.totp_step)
    if step is None:
        return False
    user.totp_step = step
    return True


def _use_recovery_code(session: Session, clock: Clock, user_id: UUID, code: str) -> bool:
    digest = code_hash(code)
    if digest is None:
        return False
    used = session.execute(
        update(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == digest, RecoveryCode.used_at.is_(None))
        .values(used_at=clock.now())
        .returning(RecoveryCode.user_id)
    ).first()
    if used is None:
        return False
    audit(session, clock, "recovery_code_used", user_id)
    return True


def _give_codes(session: Session, user_id: UUID) -> list[str]:
    codes = new_codes()
    session.execute(insert(RecoveryCode), [{"user_id": user_id, "code_hash": code_hash(code)} for code in codes])
    return codes


def _digits(code: str) -> str:
    """The code as the app shows it; apps show a space in the middle."""
    return "".join(code.split())[:16].encode("ascii", "replace").decode()
