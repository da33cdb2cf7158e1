"""The pages of a forgotten password."""

from collections.abc import Mapping

from flask import Blueprint, request

from billhook_common.auth import public
from billhook_gateway.recovery import FORGOT_PASSWORD, RESET_PASSWORD, refuse_without_address
from billhook_gateway.ui.views.asking import page

blueprint = Blueprint("recovery_pages", __name__)


@blueprint.route(FORGOT_PASSWORD, methods=["GET"])
@public
def forgot_password() -> str:
    """Ask for a link, or read that one is on its way."""
    refuse_without_address()
    return forgotten_page({})


@blueprint.route(RESET_PASSWORD, methods=["GET"])
@public
def new_password() -> str:
    """Where the link leads. Looking at it uses nothing up: mail programs look at links, too."""
    return reset_page(request.args.get("token", ""), {})


def forgotten_page(errors: Mapping[str, list[str]]) -> str:
    """The form that asks for a link."""
    return page("access/forgot_password.html", login=request.form.get("login", ""), errors=errors)


def reset_page(token: str, errors: Mapping[str, list[str]], *, over: bool = False) -> str:
    """The form of the new password; ``over``: the link is no longer good."""
    return page("access/reset_password.html", token=token, errors=errors, over=over)
