"""One's own account: the password, and where one is signed in."""

from collections.abc import Mapping

from flask import Blueprint, Response

from billhook_common.auth import signed_in
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import on_to, page

blueprint = Blueprint("own_account_pages", __name__)


@blueprint.route("/account", methods=["GET"])
@signed_in
def show_account() -> str:
    """Name, role, password, sessions."""
    return account_page({})


@blueprint.route("/account/sessions/<uuid:session_id>/end", methods=["POST"])
@signed_in
def end_session(session_id: object) -> Response:
    """Sign out in another browser."""
    services().post("gateway", f"/sessions/{session_id}/end")
    return on_to("/account", "That browser is signed out")


def account_page(errors: Mapping[str, list[str]]) -> str:
    """The page, with what was wrong with a new password."""
    client, here = services(), caller()
    return page(
        "access/account.html",
        me=client.get("gateway", "/sessions/caller"),
        sessions=client.get("gateway", "/sessions"),
        this_session=str(here.session_id) if here.session_id else "",
        errors=errors,
    )
