"""Customers: the list, its export, new and changed ones."""

from collections.abc import Iterator, Mapping
from typing import Any

from flask import Blueprint, Response, request, stream_with_context

from billhook_common.auth import requires
from billhook_common.tabular.exporting import csv_pieces
from billhook_gateway.client import ServiceClient
from billhook_gateway.door import services
from billhook_gateway.ui.conflicts import seen
from billhook_gateway.ui.forms import flat, nested
from billhook_gateway.ui.views.asking import asked, attempt, fields, filled, on_to, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("customer_list_pages", __name__)

FILTERS = ("q", "status", "category", "balance", "overdue")
EXPORTED = (
    "number",
    "login",
    "name",
    "category",
    "status",
    "email",
    "phone",
    "city",
    "plan",
    "balance",
    "last_payment_on",
)
PAGE_ROWS = 500
MOST_CHOSEN = 500
"""More are exported by a filter."""


@blueprint.route("/customers", methods=["GET"])
@requires("crm:read")
def list_customers() -> str:
    """The list, its filters in the URL."""
    wanted = asked(*FILTERS)
    found = services().get("crm", "/customers", **wanted, **asked("sort"))
    wanted.pop("after", None)
    count = note_outages(services().gather(count=("crm", "/customers/count", wanted)))["count"]
    return page("customers/list.html", customers=found, count=count)


@blueprint.route("/customers/export", methods=["GET"])
@requires("crm:read")
def export_customers() -> Response:
    """The chosen customers, or all that the filter leaves, as CSV."""
    client, ids = services(), request.args.getlist("id")[:MOST_CHOSEN]
    wanted = asked(*FILTERS)
    wanted.pop("after", None)
    rows = _chosen(client, ids) if ids else _filtered(client, wanted)
    response = Response(stream_with_context(csv_pieces(EXPORTED, map(_cells, rows))), mimetype="text/csv")
    response.headers["Content-Disposition"] = 'attachment; filename="customers.csv"'
    return response


@blueprint.route("/customers/new", methods=["GET"])
@requires("crm:write")
def new_customer() -> str:
    """The form of a new customer."""
    return page("customers/form.html", customer=None, values={})


@blueprint.route("/customers/new", methods=["POST"])
@requires("crm:write")
def add_customer() -> Response:
    """A new customer."""

    def again(errors: Mapping[str, list[str]]) -> str:
        return page("customers/form.html", customer=None, values=fields(), errors=errors)

    return attempt(
        lambda: services().post("crm", "/customers", _body()),
        again,
        lambda made: on_to(f"/customers/{made['id']}", f"{made['name']} is a customer now"),
    )


@blueprint.route("/customers/<uuid:customer_id>/edit", methods=["GET"])
@requires("crm:write")
def edit_customer(customer_id: object) -> str:
    """The form of a customer."""
    customer = services().get("crm", f"/customers/{customer_id}")
    return page("customers/form.html", customer=customer, values=flat(customer))


@blueprint.route("/customers/<uuid:customer_id>/edit", methods=["POST"])
@requires("crm:write")
def change_customer(customer_id: object) -> Response:
    """Save a customer."""

    def again(errors: Mapping[str, list[str]]) -> str:
        customer = services().get("crm", f"/customers/{customer_id}")
        return page("customers/form.html", customer=customer, values=fields(), errors=errors)

    body = nested(fields())
    return attempt(
        lambda: services().patch("crm", f"/customers/{customer_id}", body, seen=seen()),
        again,
        lambda _: on_to(f"/customers/{customer_id}", "Saved"),
    )


@blueprint.route("/customers/<uuid:customer_id>/archive", methods=["POST"])
@requires("crm:write")
def archive_customer(customer_id: object) -> Response:
    """The customer has left."""
    services().post("crm", f"/customers/{customer_id}/archive")
    return on_to(f"/customers/{customer_id}", "Archived; everything on record stays")


def _body() -> dict[str, Any]:
    return filled(nested(fields()))


def _filtered(client: ServiceClient, wanted: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    after: dict[str, str] = {}
    while True:
        found = client.get("crm", "/customers", **wanted, **after, limit=PAGE_ROWS)
        yield from found["items"]
        if not found["next"]:
            return
        after = {"after": found["next"]}


def _chosen(client: ServiceClient, ids: list[str]) -> Iterator[dict[str, Any]]:
    for customer_id in ids:
        yield client.get("crm", f"/customers/{customer_id}")


def _cells(customer: Mapping[str, Any]) -> list[str]:
    cells = {name: customer.get(name) for name in EXPORTED} | {"balance": customer["balance"]["amount"]}
    return ["" if value is None else str(value) for value in cells.values()]
