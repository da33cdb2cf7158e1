"""Signing in and out, and one's own password: what touches the cookie. HTML forms and JSON alike."""

import msgspec
from flask import Blueprint, Response

from billhook_common.auth import half_signed_in, public, signed_in
from billhook_common.errors import Forbidden, Invalid
from billhook_gateway.actions import sessions, sign_in, users
from billhook_gateway.caller import Caller
from billhook_gateway.domain.passwords import normal_password
from billhook_gateway.door import SIGN_IN, caller, door
from billhook_gateway.entering import address, go_on, is_form, open_session, typed
from billhook_gateway.hashing import hash_password, is_outdated, matches, turn
from billhook_gateway.models import User

blueprint = Blueprint("account", __name__)


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What signs somebody in."""

    login: str
    password: str
    next: str = "/"


class NewPassword(msgspec.Struct, frozen=True, kw_only=True):
    """One's own new password, with the old one as proof."""

    current_password: str
    password: str
    next: str = "/"


@blueprint.route(SIGN_IN, methods=["POST"])
@public
def enter() -> Response:
    """Sign in. Form fields (or JSON) ``login``, ``password``, ``next``; answers 303 to ``next``, or JSON to JSON.

    Where a second factor is needed the session is only half of one, good for that step and for nothing else.
    Raises SignInFailed, SignInTooSoon, TooManySignIns, Invalid.
    """
    credentials = typed(Credentials)
    user = prove(credentials.login, credentials.password)
    return open_session(user, credentials.next)


@blueprint.route("/sign-out", methods=["POST"])
@half_signed_in
def leave() -> Response:
    """End this browser's session; 303 to the sign-in page, 204 to JSON and keys."""
    present = caller()
    if present.session_id is not None and present.user_id is not None:
        with door().database.transaction() as session:
            sessions.end_session(session, door().clock, present.session_id, present.user_id)
    response = Response(status=204) if not is_form() else go_on(SIGN_IN)
    response.delete_cookie(
        door().authenticator.cookie, secure=door().settings.https, httponly=True, samesite="Lax", path="/"
    )
    return response


@blueprint.route("/password", methods=["POST"])
@signed_in
def change_own_password() -> Response:
    """Change one's own password (fields ``current_password``, ``password``); signs out everywhere but here.

    Raises SignInFailed, SignInTooSoon, PasswordRefused, TooManySignIns.
    """
    present = a_person()
    new = typed(NewPassword)
    user = prove(present.login, new.current_password)
    assert present.identity is not None
    with door().database.transaction() as session:
        users.set_password(session, door().clock, present.identity.allows, user.id, new.password)
    return open_session(user, new.next, proved=present.proved)


@blueprint.route("/sign-out-elsewhere", methods=["POST"])
@signed_in
def leave_elsewhere() -> Response:
    """End all other sessions of one's own; 303 to the account page, 204 to JSON."""
    present = a_person()
    assert present.user_id is not None
    assert present.session_id is not None
    with door().database.transaction() as session:
        sessions.end_other_sessions(session, door().clock, present.user_id, present.session_id)
    return go_on("/account?elsewhere=1") if is_form() else Response(status=204)


def a_person() -> Caller:
    """Who calls, in a browser. Raises Forbidden for an API key."""
    present = caller()
    if present.user_id is None:
        raise Forbidden("An API key has no password and no sessions.")
    return present


def prove(login: str, password: str) -> User:
    """The user whose login and password these are. Raises SignInFailed, SignInTooSoon, TooManySignIns.

    Three steps: count the try, look at the password outside any transaction, write down how it went.
    """
    clock, database = door().clock, door().database
    secret = _bytes(password)
    with turn():
        with database.transaction() as session:
            user = sign_in.begin_attempt(session, clock, login, address())
        good = matches(user.password_hash if user else None, secret)
    if user is None or not good:
        with database.transaction() as session:
            sign_in.note_failure(session, clock, user)
        raise sign_in.SignInFailed
    new_hash = hash_password(password) if is_outdated(user.password_hash) else None
    with database.transaction() as session:
        sign_in.note_success(session, user, new_hash, address())
    return user


def _bytes(password: str) -> bytes:
    """What was typed, as it was hashed; a password that could never have been set fails like any wrong one."""
    try:
        return normal_password(password)
    except Invalid:
        return b""
