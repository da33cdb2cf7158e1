"""Devices: the list, and new ones."""

from flask import Blueprint, Response

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, attempt, fields, filled, on_to, page

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
    return page("inventory/form.html", values={})


@blueprint.route("/inventory/new", methods=["POST"])
@requires("inventory:write")
def add_item() -> Response:
    """A new device in stock."""
    return attempt(
        lambda: services().post("inventory", "/items", filled(fields())),
        lambda errors: page("inventory/form.html", values=fields(), errors=errors),
        lambda made: on_to("/inventory", f"{made['serial']} is in stock"),
    )
