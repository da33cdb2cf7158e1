"""A forgotten password: ask for a link, and set a new password with it. HTML forms and JSON alike."""

import msgspec
from flask import Blueprint, Response

from billhook_common.auth import public
from billhook_common.errors import NotFound
from billhook_gateway.actions import password_reset
from billhook_gateway.actions.tries import count_address
from billhook_gateway.door import SIGN_IN, door
from billhook_gateway.entering import address, go_on, is_form, typed

blueprint = Blueprint("recovery", __name__)
FORGOT_PASSWORD = "/forgot-password"  # noqa: S105 - a path
RESET_PASSWORD = "/reset-password"  # noqa: S105 - a path


class Forgotten(msgspec.Struct, frozen=True, kw_only=True):
    """Whose password was forgotten: the login or the e-mail address."""

    login: str


class Reset(msgspec.Struct, frozen=True, kw_only=True):
    """A new password, and the token of the link that allows to set it."""

    token: str
    password: str


@blueprint.route(FORGOT_PASSWORD, methods=["POST"])
@public
def forget() -> Response:
    """Have a link mailed, if there is such a user with an e-mail address; the answer is the same if not.

    Field ``login``. 303, or 202 to JSON. Raises SignInTooSoon, AddressTooSoon, NotFound (no public address is set).
    """
    refuse_without_address()
    forgotten = typed(Forgotten)
    with door().database.transaction() as session:
        password_reset.ask_for_reset(session, door().clock, forgotten.login, address())
    return go_on(f"{FORGOT_PASSWORD}?sent=1") if is_form() else Response(status=202)


@blueprint.route(RESET_PASSWORD, methods=["POST"])
@public
def reset() -> Response:
    """Set a new password with a link's token; ends all sessions. Fields ``token``, ``password``.

    303 to the sign-in, or 204 to JSON. Raises ResetLinkOver, PasswordRefused, AddressTooSoon, TooManySignIns.
    """
    new = typed(Reset)
    clock, database = door().clock, door().database
    with database.transaction() as session:
        count_address(session, clock, address())
    with database.transaction() as session:
        password_reset.reset_password(session, clock, new.token, new.password)
    return go_on(f"{SIGN_IN}?reset=1") if is_form() else Response(status=204)


def refuse_without_address() -> None:
    """Raise NotFound where no link can be made: it must never be made of what a browser calls us."""
    if not door().settings.public_url:
        raise NotFound("Passwords are not reset by mail here; ask your administrator.")
