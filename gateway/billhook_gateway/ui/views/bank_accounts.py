"""The operator's bank accounts, whose statements can be imported."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.views.asking import asked, attempt, fields, on_to, page, ticked

blueprint = Blueprint("bank_account_pages", __name__)


@blueprint.route("/bank/accounts", methods=["GET"])
@requires("payments:import")
def list_accounts() -> str:
    """All accounts."""
    return page("bank/accounts.html", accounts=services().get("payments", "/bank-accounts", **asked()))


@blueprint.route("/bank/accounts/new", methods=["GET"])
@requires("payments:import")
def new_account() -> str:
    """The form of a new account."""
    return _form(None, {})


@blueprint.route("/bank/accounts/new", methods=["POST"])
@requires("payments:import")
def add_account() -> Response:
    """A new account."""
    body = fields() | {"review_first": ticked("review_first")}
    return attempt(
        lambda: services().post("payments", "/bank-accounts", body),
        lambda errors: _form(None, body, errors),
        lambda made: on_to("/bank/accounts", f"Statements of {made['name']} can be imported"),
    )


@blueprint.route("/bank/accounts/<uuid:account_id>", methods=["GET"])
@requires("payments:import")
def edit_account(account_id: object) -> str:
    """The form of an account."""
    account = services().get("payments", f"/bank-accounts/{account_id}")
    return _form(account, account)


@blueprint.route("/bank/accounts/<uuid:account_id>", methods=["POST"])
@requires("payments:import")
def change_account(account_id: object) -> Response:
    """Save an account; its number stays."""
    body = fields() | {"review_first": ticked("review_first")}
    return attempt(
        lambda: services().patch("payments", f"/bank-accounts/{account_id}", body, seen=seen()),
        lambda errors: _form(services().get("payments", f"/bank-accounts/{account_id}"), body, errors),
        lambda _: on_to("/bank/accounts", "Saved"),
    )


def _form(
    account: Mapping[str, Any] | None, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None
) -> str:
    currency = account["currency"] if account else door().settings.currency
    return page("bank/account_form.html", account=account, values=values, errors=errors or {}, currency=currency)
