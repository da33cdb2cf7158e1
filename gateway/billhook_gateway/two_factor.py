"""The second factor at the door: set up, proved at sign-in, renewed, removed. HTML forms and JSON alike.

What a page shows once (recovery codes) is the answer to the form that made it.
"""

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from flask import Blueprint, Response

from billhook_common.api import json_response
from billhook_common.auth import half_signed_in, signed_in
from billhook_gateway.account import a_person, prove
from billhook_gateway.actions import second_factor, sessions
from billhook_gateway.caller import Caller
from billhook_gateway.domain.csrf import masked
from billhook_gateway.domain.totp import in_groups, setup_uri
from billhook_gateway.door import SIGN_IN_CODE, TWO_FACTOR, SecondFactorMissing, caller, door, own_path
from billhook_gateway.entering import address, go_on, is_form, open_session, set_cookie, start_session, typed
from billhook_gateway.models import User

blueprint = Blueprint("two_factor", __name__)


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A code of the app, or a recovery code."""

    code: str
    next: str = "/"


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """One's password; not needed when it was proved a moment ago."""

    current_password: str = ""
    next: str = "/"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Both factors."""

    current_password: str
    code: str


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """What an app needs to know: the secret in groups of four, and the URI of the QR code."""

    secret: str
    uri: str


@blueprint.route(SIGN_IN_CODE, methods=["POST"])
@half_signed_in
def send_code() -> Response:
    """The second step of a sign-in: field ``code``. Raises CodeWrong, SignInTooSoon."""
    present = caller()
    given = typed(Code)
    if present.step != "code" or present.user_id is None:
        return go_on(own_path(given.next))
    user = prove_code(present.user_id, given.code)
    return open_session(user, given.next, proved=True)


@blueprint.route(f"{TWO_FACTOR}/start", methods=["POST"])
@half_signed_in
def start() -> Response:
    """Make a secret to be confirmed. Whole sessions prove the password again: a browser left open is not enough.

    303 to the page with the QR code, or JSON ``{secret, uri}``. Raises SignInFailed, SecondFactorThere, Unavailable.
    """
    present = _may_enrol()
    given = typed(Start)
    if not present.step:
        prove(present.login, given.current_password)
    assert present.user_id is not None
    with door().database.transaction() as session:
        second_factor.start_second_factor(session, door().clock, present.user_id, door().sealer)
    if is_form():
        return go_on(f"{TWO_FACTOR}?{urlencode({'next': own_path(given.next)})}")
    setup = pending_setup(present.user_id)
    return json_response(setup)


@blueprint.route(TWO_FACTOR, methods=["POST"])
@half_signed_in
def confirm() -> Response:
    """Confirm the secret with its first code; answers with ten recovery codes, once, and a session under a new token.

    Raises CodeWrong, SignInTooSoon, SecondFactorThere, SecondFactorAbsent.
    """
    user_id = _may_enrol().user_id
    assert user_id is not None
    given = typed(Code)
    clock, database, ip = door().clock, door().database, address()
    with database.transaction() as session:
        second_factor.count_code(session, clock, user_id, ip)
    with database.transaction() as session:
        codes = second_factor.confirm_second_factor(session, clock, user_id, given.code, door().sealer, ip)
        user = session.get_one(User, user_id)
    if codes is None:
        raise second_factor.CodeWrong
    return _with_codes(user, codes, given.next)


@blueprint.route(f"{TWO_FACTOR}/remove", methods=["POST"])
@signed_in
def remove() -> Response:
    """Take the second factor away, with both factors as proof; signs out everywhere else.

    Raises SignInFailed, CodeWrong, SignInTooSoon, SecondFactorAbsent, SecondFactorDemanded.
    """
    present = a_person()
    proof = typed(Proof)
    if present.role in door().demanding_roles():
        raise second_factor.SecondFactorDemanded
    user = _prove_both(present, proof)
    with door().database.transaction() as session:
        held = session.get_one(User, user.id, with_for_update=True)
        second_factor.remove_second_factor(session, door().clock, held, "second_factor_removed")
        sessions.end_all_sessions(session, user.id)
    return open_session(held, "/account?second_factor=removed")


@blueprint.route(f"{TWO_FACTOR}/codes", methods=["POST"])
@signed_in
def renew_codes() -> Response:
    """Ten new recovery codes in place of the old ones, with both factors as proof."""
    user = _prove_both(a_person(), typed(Proof))
    with door().database.transaction() as session:
        codes = second_factor.renew_recovery_codes(session, door().clock, user.id)
    return _with_codes(user, codes, "/account")


def pending_setup(user_id: UUID) -> Setup | None:
    """What the app needs for the secret that waits to be confirmed; None when none waits."""
    with door().database.transaction() as session:
        user = session.get_one(User, user_id)
    pending = second_factor.pending_secret(door().clock, user)
    if pending is None:
        return None
    secret = door().sealer.open(pending)
    return Setup(secret=in_groups(secret), uri=setup_uri(secret, user.login, door().company_name() or "Billhook"))


def prove_code(user_id: UUID, code: str) -> User:
    """The user whose code this is; it is used up. Raises CodeWrong, SignInTooSoon."""
    clock, database, ip = door().clock, door().database, address()
    with database.transaction() as session:
        second_factor.count_code(session, clock, user_id, ip)
    with database.transaction() as session:
        good = second_factor.is_good_code(session, clock, user_id, code, door().sealer, ip)
        user = session.get_one(User, user_id)
    if not good:
        raise second_factor.CodeWrong
    return user


def _prove_both(present: Caller, proof: Proof) -> User:
    user = prove(present.login, proof.current_password)
    if user.second_factor_at is None:
        raise second_factor.SecondFactorAbsent
    return prove_code(user.id, proof.code)


def _may_enrol() -> Caller:
    present = a_person()
    if present.step == "code":
        raise SecondFactorMissing("Send a code of the factor that is set up.")
    return present


def _with_codes(user: User, codes: Sequence[str], wanted: str) -> Response:
    opened, _ = start_session(user, proved=True)
    token = masked(opened.csrf_secret)
    if is_form():
        page = door().codes_page
        assert page is not None
        response = Response(page(codes, own_path(wanted)))
    else:
        response = json_response({"recovery_codes": codes, "csrf_token": token})
    set_cookie(response, opened)
    return response
