"""Signing in and out, and one's own password: what touches the cookie. HTML forms and JSON alike."""

from dataclasses import replace
from typing import TypeVar, cast

import msgspec
from flask import Blueprint, Response, redirect, request

from billhook_common.api import json_response
from billhook_common.auth import public, signed_in
from billhook_common.errors import FieldError, Forbidden, Invalid
from billhook_common.trace import current_trace, tracing
from billhook_gateway.actions import sessions, sign_in, users
from billhook_gateway.domain.csrf import masked
from billhook_gateway.domain.passwords import normal_password
from billhook_gateway.domain.roles import ROLES
from billhook_gateway.domain.sessions import ABSOLUTE
from billhook_gateway.door import SIGN_IN, caller, door, own_path
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


T = TypeVar("T", Credentials, NewPassword)


@blueprint.route(SIGN_IN, methods=["POST"])
@public
def enter() -> Response:
    """Sign in. Form fields (or JSON) ``login``, ``password``, ``next``; answers 303 to ``next``, or JSON to JSON.

    Raises SignInFailed, SignInTooSoon, TooManySignIns, Invalid.
    """
    typed = _typed(Credentials)
    user = prove(typed.login, typed.password)
    return _open(user, typed.next)


@blueprint.route("/sign-out", methods=["POST"])
@signed_in
def leave() -> Response:
    """End this browser's session; 303 to the sign-in page, 204 to JSON and keys."""
    present = caller()
    if present.session_id is not None and present.user_id is not None:
        with door().database.transaction() as session:
            sessions.end_session(session, door().clock, present.session_id, present.user_id)
    response = Response(status=204) if not _is_form() else _redirect(SIGN_IN)
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
    present = caller()
    if present.user_id is None or present.identity is None:
        raise Forbidden("An API key has no password.")
    typed = _typed(NewPassword)
    user = prove(present.login, typed.current_password)
    with door().database.transaction() as session:
        users.set_password(session, door().clock, present.identity.allows, user.id, typed.password)
    return _open(user, typed.next)


def prove(login: str, password: str) -> User:
    """The user whose login and password these are. Raises SignInFailed, SignInTooSoon, TooManySignIns.

    Three steps: count the try, look at the password outside any transaction, write down how it went.
    """
    clock, database = door().clock, door().database
    secret = _bytes(password)
    with turn():
        with database.transaction() as session:
            user = sign_in.begin_attempt(session, clock, login)
        good = matches(user.password_hash if user else None, secret)
    if user is None or not good:
        with database.transaction() as session:
            sign_in.note_failure(session, clock, user)
        raise sign_in.SignInFailed
    new_hash = hash_password(password) if is_outdated(user.password_hash) else None
    with database.transaction() as session:
        sign_in.note_success(session, user, new_hash)
    return user


def _open(user: User, wanted: str) -> Response:
    """A session under a new token; one that the browser brought is over."""
    settings, clock, cookie = door().settings, door().clock, door().authenticator.cookie
    trace = replace(current_trace(), actor=f"user:{user.id}")
    with tracing(trace), door().database.transaction() as session:
        sessions.end_session_of_token(session, request.cookies.get(cookie, ""))
        opened = sessions.open_session(
            session, clock, user, ip=request.remote_addr or "", user_agent=request.headers.get("User-Agent", "")
        )
    if _is_form():
        response = _redirect(own_path(wanted))
    else:
        response = json_response(
            {
                "name": user.name,
                "role": user.role,
                "permissions": sorted(ROLES[user.role].permissions),
                "csrf_token": masked(opened.csrf_secret),
                "expires_at": clock.now() + ABSOLUTE,
            }
        )
    response.set_cookie(cookie, opened.token, secure=settings.https, httponly=True, samesite="Lax", path="/")
    return response


def _is_form() -> bool:
    return request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}


def _typed(kind: type[T]) -> T:
    try:
        if _is_form():
            return msgspec.convert(request.form.to_dict(), kind)
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        names = [name for name in kind.__struct_fields__ if name != "next"]
        errors = [FieldError(f"/{name}", "This must be text.") for name in names]
        raise Invalid(f"Send {' and '.join(names)} as JSON text or form fields.", errors=errors) from error


def _bytes(password: str) -> bytes:
    """What was typed, as it was hashed; a password that could never have been set fails like any wrong one."""
    try:
        return normal_password(password)
    except Invalid:
        return b""


def _redirect(path: str) -> Response:
    return cast(Response, redirect(path, 303))
