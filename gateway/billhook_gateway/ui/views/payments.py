"""Payments: the list, one, one by hand, taking one back."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.ui.views.asking import (
    asked,
    attempt,
    fields,
    filled,
    form_key,
    month_range,
    new_key,
    on_to,
    page,
)
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("payment_pages", __name__)

OPEN_ITEMS = 100


@blueprint.route("/payments", methods=["GET"])
@requires("payments:read")
def list_payments() -> str:
    """The list with its totals."""
    query = asked("q", "method", "state", "sort", "customer_id") | month_range("from", "until")
    found = services().get("payments", "/payments", **query, totals="true")
    return page("payments/list.html", payments=found, totals=found.get("totals"))


@blueprint.route("/payments/new", methods=["GET"])
@requires("payments:write")
def new_payment() -> str | Response:
    """First who pays, then how much for what."""
    customer_id, document = request.args.get("customer", ""), request.args.get("document", "")
    if customer_id:
        return _form(customer_id, {"documents": [document]} if document else {})
    q = request.args.get("q", "").strip()
    found = services().get("payments", "/customers/search", q=q)["items"] if q else []
    if len(found) == 1 and "HX-Request" not in request.headers:
        # Enter was pressed, or a scanner did it: the only one who fits is meant.
        return on_to(f"/payments/new?customer={found[0]['id']}")
    return page("payments/form.html", customer=None, found=found)


@blueprint.route("/payments/new", methods=["POST"])
@requires("payments:write")
def enter_payment() -> Response:
    """Post a payment for the documents that are ticked."""
    typed, documents = fields(), [one for one in request.form.getlist("document_id") if one]
    customer_id = typed.get("customer_id", "")
    body = {
        "customer_id": customer_id,
        "amount": {"amount": typed.get("amount", ""), "currency": door().settings.currency},
        "method": typed.get("method", ""),
        "documents": [{"document_id": one} for one in documents],
    } | filled({"received_on": typed.get("received_on", ""), "reference": typed.get("reference", "")})
    return attempt(
        lambda: services().post("payments", "/payments", body, key=form_key()),
        lambda errors: _form(customer_id, typed | {"documents": documents}, errors),
        lambda made: on_to(f"/customers/{customer_id}", f"{made['number']} is posted"),
    )


@blueprint.route("/payments/<uuid:payment_id>", methods=["GET"])
@requires("payments:read")
def show_payment(payment_id: object) -> str:
    """One payment."""
    payment = services().get("payments", f"/payments/{payment_id}")
    return page("payments/page.html", payment=payment, idempotency_key=new_key())


@blueprint.route("/payments/<uuid:payment_id>/void", methods=["POST"])
@requires("payments:reverse")
def void_payment(payment_id: object) -> Response:
    """Take a payment back by a reversal; it stays in the list."""
    body = {"reason": fields().get("reason", "")}

    def again(errors: Mapping[str, list[str]]) -> str:
        payment = services().get("payments", f"/payments/{payment_id}")
        return page("payments/page.html", payment=payment, idempotency_key=new_key(), errors=errors)

    return attempt(
        lambda: services().post("payments", f"/payments/{payment_id}/reverse", body, key=form_key()),
        again,
        lambda _: on_to(f"/payments/{payment_id}", "The payment is taken back"),
    )


def _form(customer_id: str, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    client = services()
    customer = client.get("crm", f"/customers/{customer_id}")
    found = note_outages(
        client.gather(
            account=("billing", f"/accounts/{customer_id}"),
            open_items=("billing", "/items", {"customer_id": customer_id, "state": "open", "limit": OPEN_ITEMS}),
        )
    )
    account = found["account"]
    amount = account["open"]["amount"] if account and account["open"]["amount"] != "0.00" else ""
    if "documents" in values and found["open_items"] and not errors:
        # Only one document is to be paid: its open amount.
        amount = next(
            (
                item["open"]["amount"]
                for item in found["open_items"]["items"]
                if item["document_id"] in values["documents"]
            ),
            amount,
        )
    return page(
        "payments/form.html",
        customer=customer,
        values={"amount": amount, **values},
        errors=errors or {},
        currency=door().settings.currency,
        idempotency_key=new_key(),
        **found,
    )
