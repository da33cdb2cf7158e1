"""The dashboard: figures that the services compute, each a link to the list it was counted from."""

from typing import Any

from flask import Blueprint

from billhook_common.auth import signed_in
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("home_pages", __name__)

LATEST = 6
TOP = 8

_WANTED: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "receivables": ("billing:read", "billing", "/panels/receivables", {}),
    "debtors": ("billing:read", "billing", "/accounts", {"owing": "true", "limit": TOP}),
    "transactions": ("billing:read", "billing", "/transactions", {"limit": LATEST}),
    "invoiced": ("invoicing:read", "invoicing", "/panels/invoiced", {}),
    "months": ("invoicing:read", "invoicing", "/panels/months", {}),
    "collected": ("payments:read", "payments", "/panels/payments", {}),
    "payers": ("payments:read", "payments", "/panels/payers", {}),
    "unmatched": ("payments:pair", "payments", "/panels/unmatched", {}),
    "open_tickets": ("tickets:read", "tickets", "/panels/tickets", {}),
}


@blueprint.route("/", methods=["GET"])
@signed_in
def home() -> str:
    """What matters now."""
    identity = caller().identity
    assert identity is not None
    wanted = {
        name: (service, path, query)
        for name, (right, service, path, query) in _WANTED.items()
        if identity.allows(right)
    }
    found = note_outages(services().gather(**wanted))
    if found.get("debtors"):
        found["debtors"] = [
            {"customer": account["customer"], "amount": account["balance"]} for account in found["debtors"]["items"]
        ]
    if found.get("invoiced"):
        found["invoiced"] = {"sum": found["invoiced"]["gross"], "count": found["invoiced"]["count"]}
    if found.get("months"):
        found["months"] = _income(found["months"]["items"], found.get("collected"))
    if found.get("payers"):
        found["payers"] = found["payers"]["items"]
    if found.get("unmatched"):
        found["unmatched"] = found["unmatched"]["count"]
    if found.get("open_tickets"):
        found["open_tickets"] = found["open_tickets"]["open"]
    return page("home.html", **found)


def _income(invoiced: list[dict[str, Any]], collected: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Invoiced and collected by month; nothing is drawn for a month that a service does not tell."""
    received = {one["month"]: one["sum"] for one in collected["months"]} if collected else {}
    return [
        {"month": one["month"], "invoiced": one["gross"], "collected": received.get(one["month"])} for one in invoiced
    ]
