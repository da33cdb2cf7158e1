"""The pages of the second factor."""

from collections.abc import Mapping, Sequence

import segno
from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from billhook_common.auth import half_signed_in
from billhook_gateway.account import a_person
from billhook_gateway.door import SIGN_IN_CODE, TWO_FACTOR, SecondFactorMissing, caller, own_path
from billhook_gateway.entering import go_on
from billhook_gateway.two_factor import pending_setup
from billhook_gateway.ui.views.asking import page

blueprint = Blueprint("two_factor_pages", __name__)


@blueprint.route(SIGN_IN_CODE, methods=["GET"])
@half_signed_in
def ask_for_code() -> ResponseReturnValue:
    """The second step of a sign-in."""
    if caller().step != "code":
        return go_on(_wanted())
    return code_page({})


@blueprint.route(TWO_FACTOR, methods=["GET"])
@half_signed_in
def show_second_factor() -> ResponseReturnValue:
    """Set it up, or look after it."""
    present = a_person()
    if present.step == "code":
        raise SecondFactorMissing
    return second_factor_page({})


def code_page(errors: Mapping[str, list[str]]) -> str:
    """The form that asks for a code."""
    return page("access/code.html", next=_wanted(), errors=errors)


def second_factor_page(errors: Mapping[str, list[str]]) -> str:
    """What is to be done next: start, scan and confirm, or look after what is set up."""
    present = a_person()
    assert present.user_id is not None
    setup = None if present.proved else pending_setup(present.user_id)
    return page(
        "access/second_factor.html",
        proved=present.proved,
        demanded=present.step == "enrol",
        setup=setup,
        qr=_drawn(setup.uri) if setup else "",
        next=_wanted(),
        errors=errors,
    )


def codes_page(codes: Sequence[str], wanted: str) -> str:
    """The recovery codes, once."""
    return page("access/recovery_codes.html", codes=codes, next=wanted)


def _wanted() -> str:
    return own_path(request.values.get("next", "/"))


def _drawn(uri: str) -> Markup:
    """The QR code as SVG: dark on white in either theme, or apps would not read it."""
    code = segno.make_qr(uri, error="m")
    drawn = code.svg_inline(scale=4, border=4, light="#ffffff", svgclass="qr", lineclass=None, title="QR code")
    return Markup(drawn)  # noqa: S704 - segno draws squares; the text is not in it
