"""Devices: the list, one with its history, new ones, and where they go."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, attempt, customer_numbered, fields, filled, on_to, page

blueprint = Blueprint("inventory_pages", __name__)


@blueprint.route("/inventory", methods=["GET"])
@requires("inventory:read")
def list_items() -> str:
    """All devices."""
    return page("inventory/list.html", items=services().get("inventory", "/items", **asked("q", "status")))


@blueprint.route("/inventory/new", methods=["GET"])
@requires("inventory:write")
def new_item() -> str:
    """The form of a new device."""
    return _form({})


@blueprint.route("/inventory/new", methods=["POST"])
@requires("inventory:write")
def add_item() -> Response:
    """A new device in stock."""
    return attempt(
        lambda: services().post("inventory", "/items", filled(fields())),
        lambda errors: _form(fields(), errors),
        lambda made: on_to("/inventory", f"{made['serial']} is in stock"),
    )


@blueprint.route("/inventory/<uuid:item_id>", methods=["GET"])
@requires("inventory:read")
def show_item(item_id: object) -> str:
    """One device and what happened to it."""
    return _page(item_id, {}, {})


@blueprint.route("/inventory/<uuid:item_id>/assign", methods=["POST"])
@requires("inventory:write")
def assign_item(item_id: object) -> Response:
    """The device goes to a customer, who is named by number."""
    typed = fields()
    customer_id = customer_numbered(typed.get("customer_number", ""))
    if not customer_id:
        errors = {"customer_number": ["There is no customer with this number."]}
        return Response(_page(item_id, typed, errors), status=422)
    body = {"customer_id": customer_id} | filled({"note": typed.get("note", "")})
    return attempt(
        lambda: services().post("inventory", f"/items/{item_id}/assign", body),
        lambda errors: _page(item_id, typed, errors),
        lambda made: on_to(f"/inventory/{item_id}", f"{made['serial']} is with {made['customer']['name']}"),
    )


@blueprint.route("/inventory/<uuid:item_id>/return", methods=["POST"])
@requires("inventory:write")
def return_item(item_id: object) -> Response:
    """The device comes back into stock."""
    return attempt(
        lambda: services().post("inventory", f"/items/{item_id}/return", filled(fields())),
        lambda errors: _page(item_id, fields(), errors),
        lambda made: on_to(f"/inventory/{item_id}", f"{made['serial']} is back in stock"),
    )


def _form(values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    products = services().get("inventory", "/products", limit=500)
    return page("inventory/form.html", values=values, errors=errors or {}, products=products)


def _page(item_id: object, values: Mapping[str, Any], errors: Mapping[str, list[str]]) -> str:
    item = services().get("inventory", f"/items/{item_id}")
    return page("inventory/page.html", item=item, values=values, errors=errors)
