"""Ledger transactions of all customers."""

from flask import Blueprint

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, page

blueprint = Blueprint("transaction_pages", __name__)


@blueprint.route("/transactions", methods=["GET"])
@requires("billing:read")
def list_transactions() -> str:
    """Newest first, with their totals."""
    found = services().get("billing", "/transactions", **asked("kind", "run_id"), totals="true")
    return page("transactions/list.html", transactions=found, totals=found.get("totals"))
