"""Tickets: the list, one with its messages, new ones."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request

from billhook_common.auth import requires
from billhook_gateway.door import services
from billhook_gateway.ui.views.asking import asked, attempt, customer_numbered, fields, filled, on_to, page, ticked
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("ticket_pages", __name__)


@blueprint.route("/tickets", methods=["GET"])
@requires("tickets:read")
def list_tickets() -> str:
    """Open ones, unless a status is asked for."""
    query = asked("status")
    found = services().get("tickets", "/tickets", **(query if "status" in query else query | {"state": "open"}))
    panel = note_outages(services().gather(panel=("tickets", "/panels/tickets")))["panel"]
    return page("tickets/list.html", tickets=found, open_count=panel["open"] if panel else None)


@blueprint.route("/tickets/new", methods=["GET"])
@requires("tickets:write")
def new_ticket() -> str:
    """The form of a new ticket, about a customer if one is named."""
    return _form(request.args.get("customer", ""), {})


@blueprint.route("/tickets/new", methods=["POST"])
@requires("tickets:write")
def open_ticket() -> Response:
    """Open a ticket; a customer is named by number."""
    typed = fields()
    number, customer_id = typed.pop("customer_number", ""), typed.get("customer_id", "")
    if number and not customer_id:
        customer_id = customer_numbered(number)
        if not customer_id:
            errors = {"customer_number": ["There is no customer with this number."]}
            return Response(_form("", typed | {"customer_number": number}, errors), status=422)
    body = filled(typed) | ({"customer_id": customer_id} if customer_id else {})
    return attempt(
        lambda: services().post("tickets", "/tickets", body),
        lambda errors: _form(customer_id, typed | {"customer_number": number}, errors),
        lambda made: on_to(f"/tickets/{made['id']}", f"{made['number']} is open"),
    )


@blueprint.route("/tickets/<uuid:ticket_id>", methods=["GET"])
@requires("tickets:read")
def show_ticket(ticket_id: object) -> str:
    """One ticket with its messages."""
    return _page(ticket_id, {})


@blueprint.route("/tickets/<uuid:ticket_id>/messages", methods=["POST"])
@requires("tickets:write")
def write_message(ticket_id: object) -> Response:
    """Reply, or leave a note."""
    body = {"body": fields().get("body", ""), "note": ticked("note")}
    return attempt(
        lambda: services().post("tickets", f"/tickets/{ticket_id}/messages", body),
        lambda errors: _page(ticket_id, fields(), errors),
        lambda _: on_to(f"/tickets/{ticket_id}"),
    )


@blueprint.route("/tickets/<uuid:ticket_id>/<any(close, reopen):step>", methods=["POST"])
@requires("tickets:write")
def move_ticket(ticket_id: object, step: str) -> Response:
    """Close or reopen it."""
    services().post("tickets", f"/tickets/{ticket_id}/{step}")
    return on_to(f"/tickets/{ticket_id}")


def _page(ticket_id: object, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    ticket = services().get("tickets", f"/tickets/{ticket_id}")
    return page("tickets/page.html", ticket=ticket, values=values, errors=errors or {})


def _form(customer_id: str, values: Mapping[str, Any], errors: Mapping[str, list[str]] | None = None) -> str:
    customer = services().get("crm", f"/customers/{customer_id}") if customer_id else None
    return page("tickets/form.html", customer=customer, values=values, errors=errors or {})
