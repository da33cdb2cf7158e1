"""Users: make, change, give a password; the first administrator."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from billhook_common.audit import audit
from billhook_common.clock import Clock
from billhook_common.errors import Conflict, NotFound
from billhook_common.etags import check_version
from billhook_common.ids import uuid7
from billhook_common.logs import get_logger
from billhook_gateway.actions.password_reset import forget_links
from billhook_gateway.actions.second_factor import SecondFactorAbsent, forget_pending, remove_second_factor
from billhook_gateway.actions.sessions import end_all_sessions
from billhook_gateway.actions.sign_in import forget_failures
from billhook_gateway.domain.logins import normal_login
from billhook_gateway.domain.passwords import PasswordRefused, check_password
from billhook_gateway.domain.roles import ROLES, check_within
from billhook_gateway.hashing import hash_password
from billhook_gateway.models import User

Allows = Callable[[str], bool]
"""Whether the one who acts holds a permission."""

log = get_logger()

FIRST_LOGIN = "admin"
PASSWORD_BYTES = 15


class LoginTaken(Conflict):
    """Logins are unique."""

    title = "Somebody has this login already"


class EmailTaken(Conflict):
    """A forgotten password is mailed to one person."""

    title = "Somebody has this e-mail address already"


class LastAdministrator(Conflict):
    """Without an administrator nobody could make one."""

    title = "This is the last administrator"


@dataclass(frozen=True, slots=True, kw_only=True)
class UserDetails:
    """What an administrator decides about a user; ``login`` and ``email`` in any form; None: as it is.

    ``partner_ids`` and ``location_ids``: what the user is limited to; empty for all.
    """

    login: str
    name: str
    role: str
    active: bool = True
    email: str | None = None
    partner_ids: tuple[UUID, ...] | None = None
    location_ids: tuple[UUID, ...] | None = None


def create_user(session: Session, clock: Clock, allows: Allows, details: UserDetails, password: str) -> User:
    """A new colleague. Raises LoginTaken, PasswordRefused, RightsExceeded, TooManySignIns."""
    check_within(allows, ROLES[details.role].permissions)
    check_password(password, details.login)
    user = _new_user(clock, details, hash_password(password))
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise _taken(error) from error
    audit(session, clock, "user_created", user.id, after=_audited(user))
    return user


def change_user(
    session: Session, clock: Clock, allows: Allows, user_id: UUID, details: UserDetails, *, seen: int | None
) -> User:
    """Change login, name, role or activity; a new role, login or end of activity signs the user out everywhere.

    Raises NotFound, VersionGone, LoginTaken, LastAdministrator, RightsExceeded.
    """
    user = _locked(session, allows, user_id)
    check_within(allows, ROLES[details.role].permissions)
    check_version(session, user_id, seen=seen, present=user.version)
    before = _audited(user)
    details = UserDetails(**{**asdict(details), "login": normal_login(details.login)})
    signs_out = (user.role, user.login, user.active) != (details.role, details.login, details.active)
    if user.role == "administrator" and user.active and (details.role != user.role or not details.active):
        _keep_an_administrator(session, user.id)
    user.login, user.name, user.role, user.active = details.login, details.name, details.role, details.active
    if details.email is not None:
        user.email = normal_login(details.email)
    if details.partner_ids is not None:
        user.partner_ids = sorted(set(details.partner_ids))
    if details.location_ids is not None:
        user.location_ids = sorted(set(details.location_ids))
    user.version += 1
    user.changed_at = clock.now()
    try:
        session.flush()
    except IntegrityError as error:
        raise _taken(error) from error
    if signs_out or before["email"] != user.email:
        forget_links(session, user)
    if signs_out:
        end_all_sessions(session, user.id)
    audit(session, clock, "user_changed", user.id, before=before, after=_audited(user))
    return user


def set_password(session: Session, clock: Clock, allows: Allows, user_id: UUID, password: str) -> None:
    """Give a user another password and sign them out everywhere.

    Raises NotFound, PasswordRefused, RightsExceeded, TooManySignIns.
    """
    user = _locked(session, allows, user_id)
    check_password(password, user.login)
    user.password_hash = hash_password(password)
    forget_pending(user)
    user.changed_at = clock.now()
    forget_failures(session, user.login)
    forget_links(session, user)
    end_all_sessions(session, user.id)
    audit(session, clock, "password_set", user.id)


def sign_user_out(session: Session, clock: Clock, allows: Allows, user_id: UUID) -> None:
    """End all sessions of a user. Raises NotFound, RightsExceeded."""
    user = _locked(session, allows, user_id)
    end_all_sessions(session, user.id)
    audit(session, clock, "user_signed_out", user.id)


def reset_second_factor(session: Session, clock: Clock, allows: Allows, user_id: UUID) -> None:
    """Take a lost second factor away and sign the user out everywhere.

    Raises NotFound, RightsExceeded, SecondFactorAbsent.
    """
    user = _locked(session, allows, user_id)
    if user.second_factor_at is None:
        raise SecondFactorAbsent
    remove_second_factor(session, clock, user, "second_factor_reset")
    end_all_sessions(session, user.id)


def ensure_first_administrator(session: Session, clock: Clock, password: str, *, strict: bool = True) -> str | None:
    """Make the user ``admin`` when there is no user at all, with ``password`` or else a random one.

    Returns the random password, to be shown once; None when one was given or nothing was to be done. Safe when two
    processes start at once. Raises PasswordRefused; unless ``strict``, for trials on one machine, a weak one is taken.
    """
    if session.scalar(select(exists().where(User.id.is_not(None)))):
        return None
    chosen = password or secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        check_password(chosen, FIRST_LOGIN)
    except PasswordRefused as error:
        if strict:
            raise
        log.warning("first_password_is_weak", reason=str(error))
    details = UserDetails(login=FIRST_LOGIN, name="Administrator", role="administrator")
    user = _new_user(clock, details, hash_password(chosen))
    row = {column.key: getattr(user, column.key) for column in User.__table__.columns}
    made = session.execute(
        upsert(User).values(row).on_conflict_do_nothing(index_elements=[User.login]).returning(User.id)
    ).first()
    if made is None:
        return None
    audit(session, clock, "user_created", user.id, after=_audited(user))
    return None if password else chosen


def _new_user(clock: Clock, details: UserDetails, password_hash: str) -> User:
    return User(
        id=uuid7(),
        version=1,
        login=normal_login(details.login),
        name=details.name,
        email=normal_login(details.email or ""),
        password_hash=password_hash,
        role=details.role,
        active=details.active,
        created_at=clock.now(),
        changed_at=clock.now(),
        signed_in_at=None,
        totp_step=0,
        partner_ids=sorted(set(details.partner_ids or ())),
        location_ids=sorted(set(details.location_ids or ())),
    )


def _locked(session: Session, allows: Allows, user_id: UUID) -> User:
    user = session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound("There is no such user.")
    # Whoever sets a password can sign in with it, so control over a user needs that user's rights.
    check_within(allows, ROLES[user.role].permissions)
    return user


def _keep_an_administrator(session: Session, leaving: UUID) -> None:
    others = session.scalars(
        select(User.id).where(User.role == "administrator", User.active).order_by(User.id).with_for_update()
    ).all()
    if set(others) <= {leaving}:
        raise LastAdministrator("Make another administrator first.")


def _taken(error: IntegrityError) -> Conflict:
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", "")
    return EmailTaken(pointer="/email") if constraint == "uq_user_email" else LoginTaken(pointer="/login")


def _audited(user: User) -> dict[str, Any]:
    names = ("login", "name", "email", "role", "active", "partner_ids", "location_ids")
    return {name: getattr(user, name) for name in names}
