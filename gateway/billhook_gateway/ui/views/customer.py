"""One customer: overview, services, transactions, invoices, payments, tickets, equipment."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_common.errors import NotFound
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import asked, attempt, fields, filled, form_key, new_key, on_to, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("customer_pages", __name__)

LATEST = 8
FEW = 4

_TABS: dict[str, tuple[str, str, str]] = {
    "services": ("billing:read", "billing", "/subscriptions"),
    "transactions": ("billing:read", "billing", "/transactions"),
    "invoices": ("invoicing:read", "invoicing", "/invoices"),
    "payments": ("payments:read", "payments", "/payments"),
    "tickets": ("tickets:read", "tickets", "/tickets"),
    "equipment": ("inventory:read", "inventory", "/items"),
}
_CONTEXT = {"services": "subscriptions"}


@blueprint.route("/customers/<uuid:customer_id>", methods=["GET"])
@requires("crm:read")
def overview(customer_id: object) -> str:
    """Balance, what happened last, who it is."""
    client, mine = services(), {"customer_id": str(customer_id)}
    customer = client.get("crm", f"/customers/{customer_id}")
    wanted: dict[str, tuple[str, str, str, Mapping[str, Any]]] = {
        "account": ("billing:read", "billing", f"/accounts/{customer_id}", {}),
        "open_items": ("billing:read", "billing", "/items", mine | {"state": "open", "limit": LATEST}),
        "transactions": ("billing:read", "billing", "/transactions", mine | asked("kind") | {"limit": LATEST}),
        "subscriptions": ("billing:read", "billing", "/subscriptions", mine),
        "invoices": ("invoicing:read", "invoicing", "/invoices", mine | {"limit": FEW}),
        "tickets": ("tickets:read", "tickets", "/tickets", mine | {"state": "open", "limit": FEW}),
    }
    identity = caller().identity
    assert identity is not None
    answers = client.gather(
        **{
            name: (service, path, query)
            for name, (right, service, path, query) in wanted.items()
            if identity.allows(right)
        }
    )
    return page("customers/overview.html", customer=customer, tab="", counts=None, next_charge=None,
                **note_outages(answers))  # fmt: skip


@blueprint.route("/customers/<uuid:customer_id>/<tab>", methods=["GET"])
@requires("crm:read")
def show_tab(customer_id: object, tab: str) -> str:
    """One tab; what needs another right is not there for those without it."""
    identity = caller().identity
    assert identity is not None
    if tab not in _TABS or not identity.allows(_TABS[tab][0]):
        raise NotFound("There is no such page.")
    client, (_, service, path) = services(), _TABS[tab]
    customer = client.get("crm", f"/customers/{customer_id}")
    query = {"customer_id": str(customer_id)} | asked("kind")
    found = note_outages(client.gather(found=(service, path, query)))["found"]
    return page(f"customers/{tab}.html", customer=customer, tab=tab, counts=None, **{_CONTEXT.get(tab, tab): found})


@blueprint.route("/customers/<uuid:customer_id>/services/new", methods=["GET"])
@requires("billing:write")
def new_service(customer_id: object) -> str:
    """The form of a new service."""
    return _service_form(customer_id, {})


@blueprint.route("/customers/<uuid:customer_id>/services/new", methods=["POST"])
@requires("billing:write")
def add_service(customer_id: object) -> Response:
    """Sell a plan to the customer; the billing day is the customer's, so it is saved with them."""

    def act() -> Any:
        body = filled(fields())
        day = body.pop("billing_day", "")
        if day.isdigit():
            services().patch("billing", f"/accounts/{customer_id}/settings", {"billing_day": int(day)})
        return services().post("billing", "/subscriptions", body | {"customer_id": str(customer_id)})

    return attempt(
        act,
        lambda errors: _service_form(customer_id, fields(), errors),
        lambda made: on_to(f"/customers/{customer_id}", f"{made['plan_name']} is on from {made['starts_on']}"),
    )


@blueprint.route("/customers/<uuid:customer_id>/correction", methods=["GET"])
@requires("billing:write")
def new_correction(customer_id: object) -> str:
    """The form of a correction."""
    return _correction_form(customer_id, {}, new_key())


@blueprint.route("/customers/<uuid:customer_id>/correction", methods=["POST"])
@requires("billing:write")
def add_correction(customer_id: object) -> Response:
    """Post a correction (R27)."""
    typed = fields()
    currency = services().get("billing", f"/accounts/{customer_id}")["currency"]
    body = {
        "customer_id": str(customer_id),
        "kind": "correction",
        "side": typed.get("side", ""),
        "amount": {"amount": typed.get("amount", ""), "currency": currency},
        "description": typed.get("description", ""),
    } | filled({"posted_on": typed.get("posted_on", "")})
    return attempt(
        lambda: services().post("billing", "/transactions", body, key=form_key()),
        lambda errors: _correction_form(customer_id, typed, new_key(), errors),
        lambda _: on_to(f"/customers/{customer_id}", "The correction is posted"),
    )


def _service_form(customer_id: object, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    client = services()
    found = note_outages(client.gather(account=("billing", f"/accounts/{customer_id}")))
    return page(
        "customers/service_form.html",
        customer=client.get("crm", f"/customers/{customer_id}"),
        account=found["account"],
        plans=client.get("billing", "/plans", enabled="true", limit=500),
        values=values,
        errors=errors or {},
    )


def _correction_form(
    customer_id: object, values: Mapping[str, Any], key: str, errors: Mapping[str, list[str]] | None = None
) -> str:
    client = services()
    return page(
        "customers/correction.html",
        customer=client.get("crm", f"/customers/{customer_id}"),
        currency=client.get("billing", f"/accounts/{customer_id}")["currency"],
        values=values,
        errors=errors or {},
        idempotency_key=request.form.get("idempotency_key", key) if not errors else key,
    )
