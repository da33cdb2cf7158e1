"""Recurring revenue: the customers behind each of the dashboard's bars."""

from flask import Blueprint

from billhook_common.auth import requires
from billhook_gateway.door import door, services
from billhook_gateway.ui.views.asking import asked, month_range, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("revenue_pages", __name__)

MOVEMENTS = ("new", "expansion", "contraction", "churn")


@blueprint.route("/revenue", methods=["GET"])
@requires("billing:read")
def list_revenue() -> str:
    """Whose recurring revenue moved in a month, the present one unless ``?month=2026-10`` says another."""
    client, query = services(), asked("month", "movement")
    if not month_range("from", "until"):
        query.pop("month", None)
    if query.get("movement") not in MOVEMENTS:
        query.pop("movement", None)
    moved = client.get("billing", "/revenue", **query, totals="true")
    chosen = query.get("month") or f"{door().clock.today():%Y-%m}"
    months = note_outages(client.gather(months=("billing", "/panels/revenue")))["months"]
    month = next((one for one in months["items"] if one["month"] == chosen), None) if months else None
    return page("revenue/list.html", moved=moved, totals=moved["totals"], month=month, chosen=chosen)
