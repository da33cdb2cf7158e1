"""Invoices: the list, one, its PDF."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import asked, page, passed_on
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("invoice_pages", __name__)


@blueprint.route("/invoices", methods=["GET"])
@requires("invoicing:read")
def list_invoices() -> str:
    """The list with its totals."""
    query = asked("q", "state", "run_id", "month", "sort")
    found = services().get("invoicing", "/invoices", **query, totals="true")
    return page("invoices/list.html", invoices=found, totals=found.get("totals"))


@blueprint.route("/invoices/<uuid:invoice_id>", methods=["GET"])
@requires("invoicing:read")
def show_invoice(invoice_id: object) -> str:
    """One invoice, and what it is settled by."""
    client, identity = services(), caller().identity
    assert identity is not None
    invoice = client.get("invoicing", f"/invoices/{invoice_id}")
    wanted: dict[str, tuple[str, str, Mapping[str, Any]]] = {}
    if identity.allows("billing:read"):
        wanted["item"] = ("billing", f"/items/{invoice['transaction_id']}", {})
    if identity.allows("payments:read"):
        wanted["payments"] = ("payments", "/payments", {"document_id": str(invoice_id)})
    found = note_outages(client.gather(**wanted))
    return page("invoices/page.html", invoice=invoice, settled_by=_settled_by(found))


def _settled_by(found: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """What pays the invoice, as billing allocates it; a payment that names the invoice is a link to it."""
    item, named = found.get("item"), found.get("payments")
    if item is None:
        return None
    links = {one["number"]: one["id"] for one in named["items"]} if named else {}
    return [
        allocation
        | {"payment_id": next((links[number] for number in links if number in allocation["description"]), "")}
        for allocation in item["allocations"]
    ]


@blueprint.route("/invoices/<uuid:invoice_id>/pdf", methods=["GET"])
@requires("invoicing:read")
def show_pdf(invoice_id: object) -> Response:
    """The invoice as it is sent."""
    return passed_on(services().open("invoicing", f"/invoices/{invoice_id}/pdf"))
