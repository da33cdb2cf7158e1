"""What signing in, by whatever steps, has in common: reading what was typed, opening a session, going on."""

from dataclasses import replace
from typing import TypeVar, cast
from urllib.parse import urlencode

import msgspec
from flask import Response, redirect, request

from billhook_common.api import json_response
from billhook_common.errors import FieldError, Invalid
from billhook_common.trace import current_trace, tracing
from billhook_gateway.actions import sessions
from billhook_gateway.domain.csrf import masked
from billhook_gateway.domain.roles import ROLES
from billhook_gateway.domain.sessions import ABSOLUTE, HALF, missing_step
from billhook_gateway.door import STEPS, door, own_path
from billhook_gateway.models import User

T = TypeVar("T", bound=msgspec.Struct)


def typed(kind: type[T]) -> T:
    """The form's fields, or the JSON body. Raises Invalid, naming the fields."""
    try:
        if is_form():
            return msgspec.convert(request.form.to_dict(), kind)
        return msgspec.json.decode(request.get_data(), type=kind)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError) as error:
        names = [name for name in kind.__struct_fields__ if name != "next"]
        errors = [FieldError(f"/{name}", "This must be text.") for name in names]
        raise Invalid(f"Send {' and '.join(names)} as JSON text or form fields.", errors=errors) from error


def is_form() -> bool:
    """Whether a person's form came, and not a program's JSON."""
    return request.mimetype in {"application/x-www-form-urlencoded", "multipart/form-data"}


def address() -> str:
    """Where the request comes from: the connection, or what our own proxies say of it."""
    return request.remote_addr or ""


def start_session(user: User, *, proved: bool) -> tuple[sessions.OpenedSession, str]:
    """A session under a new token, and what it still lacks; one that the browser brought is over."""
    clock, cookie = door().clock, door().authenticator.cookie
    demanded = user.role in door().demanding_roles()
    step = missing_step(proved=proved, has_second_factor=user.second_factor_at is not None, demanded=demanded)
    browser = sessions.Browser(ip=address(), user_agent=request.headers.get("User-Agent", ""))
    trace = replace(current_trace(), actor=f"user:{user.id}")
    with tracing(trace), door().database.transaction() as session:
        sessions.end_session_of_token(session, request.cookies.get(cookie, ""))
        opened = sessions.open_session(session, clock, user, browser, proved=proved, step=step)
    return opened, step


def open_session(user: User, wanted: str, *, proved: bool = False) -> Response:
    """Sign ``user`` in: on to ``wanted``, or to what is still missing; JSON to JSON."""
    opened, step = start_session(user, proved=proved)
    if is_form():
        path = own_path(wanted)
        response = go_on(f"{STEPS[step]}?{urlencode({'next': path})}" if step else path)
    else:
        response = json_response(
            {
                "name": user.name,
                "role": user.role,
                "permissions": [] if step else sorted(ROLES[user.role].permissions),
                "csrf_token": masked(opened.csrf_secret),
                "expires_at": door().clock.now() + (HALF if step else ABSOLUTE),
                "second_factor": step or None,
            }
        )
    set_cookie(response, opened)
    return response


def set_cookie(response: Response, opened: sessions.OpenedSession) -> None:
    """Give the session's token to the browser, out of reach of scripts."""
    cookie, https = door().authenticator.cookie, door().settings.https
    response.set_cookie(cookie, opened.token, secure=https, httponly=True, samesite="Lax", path="/")


def go_on(path: str) -> Response:
    """See other."""
    return cast(Response, redirect(path, 303))
