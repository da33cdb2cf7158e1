"""Invoices: the list, one, its PDF."""

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import asked, page, passed_on
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("invoice_pages", __name__)


@blueprint.route("/invoices", methods=["GET"])
@requires("invoicing:read")
def list_invoices() -> str:
    """The list with its totals; ``state=overdue`` is a flag of the API, not a state."""
    query = asked("q", "state", "run_id", "month", "sort")
    if query.get("state") == "overdue":
        query["overdue"] = "true"
        del query["state"]
    found = services().get("invoicing", "/invoices", **query, totals="true")
    return page("invoices/list.html", invoices=found, totals=found.get("totals"))


@blueprint.route("/invoices/<uuid:invoice_id>", methods=["GET"])
@requires("invoicing:read")
def show_invoice(invoice_id: object) -> str:
    """One invoice, and the payments that name it."""
    client, identity = services(), caller().identity
    invoice = client.get("invoicing", f"/invoices/{invoice_id}")
    payments = None
    if identity is not None and identity.allows("payments:read"):
        query = {"document_id": str(invoice_id)}
        payments = note_outages(client.gather(payments=("payments", "/payments", query)))["payments"]
    return page("invoices/page.html", invoice=invoice, payments=payments)


@blueprint.route("/invoices/<uuid:invoice_id>/pdf", methods=["GET"])
@requires("invoicing:read")
def show_pdf(invoice_id: object) -> Response:
    """The invoice as it is sent."""
    return passed_on(services().open("invoicing", f"/invoices/{invoice_id}/pdf"))
