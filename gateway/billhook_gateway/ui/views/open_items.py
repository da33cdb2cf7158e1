"""Open items: everything that customers still owe, what is overdue first."""

import datetime as dt

from flask import Blueprint, request

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.ui.views.asking import asked, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("open_item_pages", __name__)


@blueprint.route("/open-items", methods=["GET"])
@requires("billing:read")
def list_open_items() -> str:
    """Oldest due date first, with their sum; ``?late=31-60`` or ``?late=91-`` are days past due."""
    client, query = services(), asked("state", "customer_id") | _late(request.args.get("late", ""))
    found = client.get("billing", "/items", **query, totals="true")
    customer = None
    if "customer_id" in query:
        customer = note_outages(client.gather(customer=("crm", f"/customers/{query['customer_id']}")))["customer"]
    return page("open_items/list.html", items=found, totals=found.get("totals"), customer=customer)


def _late(days: str) -> dict[str, str]:
    """Days past due, both included, as the half-open due days that the API wants."""
    from_days, _, until_days = days.partition("-")
    if not (from_days.isdigit() and (not until_days or until_days.isdigit()) and len(days) <= 9):
        return {}
    today = door().clock.today()
    due = {"due_until": str(today - dt.timedelta(days=int(from_days) - 1))}
    return due | ({"due_from": str(today - dt.timedelta(days=int(until_days)))} if until_days else {})
