"""What is sold to a customer, and corrections of the balance."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.views.asking import attempt, fields, filled, form_key, new_key, on_to, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("customer_billing_pages", __name__, url_prefix="/customers/<uuid:customer_id>")


@blueprint.route("/services/new", methods=["GET"])
@requires("billing:write")
def new_service(customer_id: object) -> str:
    """The form of a new service."""
    return _service_form(customer_id, {}, new_key())


@blueprint.route("/services/new", methods=["POST"])
@requires("billing:write")
def add_service(customer_id: object) -> Response:
    """Sell a plan to the customer; the billing day is the customer's, so it is saved with them."""

    def act() -> Any:
        body = filled(fields())
        day = body.pop("billing_day", "")
        if day.isdigit():
            services().patch("billing", f"/accounts/{customer_id}/settings", {"billing_day": int(day)})
        body["customer_id"] = str(customer_id)
        return services().post("billing", "/subscriptions", body, key=form_key())

    return attempt(
        act,
        lambda errors: _service_form(customer_id, fields(), new_key(), errors),
        lambda made: on_to(f"/customers/{customer_id}", f"{made['plan_name']} is on from {made['starts_on']}"),
    )


@blueprint.route("/services/<uuid:service_id>", methods=["GET"])
@requires("billing:write")
def edit_service(customer_id: object, service_id: object) -> str:
    """The form of a service."""
    service = _service(service_id)
    return _edit_form(customer_id, service, service, {})


@blueprint.route("/services/<uuid:service_id>", methods=["POST"])
@requires("billing:write")
def change_service(customer_id: object, service_id: object) -> Response:
    """Save a service; days that are charged already stay as they are."""
    typed: dict[str, Any] = fields()
    return attempt(
        lambda: services().patch("billing", f"/subscriptions/{service_id}", filled(typed), seen=seen()),
        lambda errors: _edit_form(customer_id, _service(service_id), typed, errors),
        lambda _: on_to(f"/customers/{customer_id}/services", "Saved for the days not charged yet"),
    )


@blueprint.route("/services/<uuid:service_id>/end", methods=["POST"])
@requires("billing:write")
def end_service(customer_id: object, service_id: object) -> Response:
    """Give a service its last day."""

    def act() -> Any:
        body = {"ends_before": _day_after(fields().get("last_day", ""))}
        return services().post("billing", f"/subscriptions/{service_id}/end", body)

    def again(errors: Mapping[str, list[str]]) -> str:
        service = _service(service_id)
        renamed = {"last_day" if name == "ends_before" else name: found for name, found in errors.items()}
        return _edit_form(customer_id, service, service, renamed)

    return attempt(act, again, lambda made: on_to(f"/customers/{customer_id}/services", f"{made['plan_name']} ends"))


@blueprint.route("/correction", methods=["GET"])
@requires("billing:write")
def new_correction(customer_id: object) -> str:
    """The form of a correction."""
    return _correction_form(customer_id, {}, new_key())


@blueprint.route("/correction", methods=["POST"])
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
    } | filled({"date": typed.get("date", "")})
    return attempt(
        lambda: services().post("billing", "/transactions", body, key=form_key()),
        lambda errors: _correction_form(customer_id, typed, new_key(), errors),
        lambda _: on_to(f"/customers/{customer_id}", "The correction is posted"),
    )


def _service_form(
    customer_id: object, values: Mapping[str, Any], key: str, errors: Mapping[str, list[str]] | None = None
) -> str:
    client = services()
    found = note_outages(client.gather(account=("billing", f"/accounts/{customer_id}")))
    return page(
        "customers/service_form.html",
        customer=client.get("crm", f"/customers/{customer_id}"),
        account=found["account"],
        plans=client.get("billing", "/plans", enabled="true", limit=500),
        idempotency_key=key,
        values=values,
        errors=errors or {},
    )


def _service(service_id: object) -> dict[str, Any]:
    service: dict[str, Any] = services().get("billing", f"/subscriptions/{service_id}")
    return service


def _day_after(day: str) -> str:
    """People say the last day, the API the first one after it (R2); what is no date is for the API to refuse."""
    try:
        return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def _edit_form(
    customer_id: object, service: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, list[str]]
) -> str:
    customer = services().get("crm", f"/customers/{customer_id}")
    return page("customers/service.html", customer=customer, service=service, values=values, errors=errors)


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
