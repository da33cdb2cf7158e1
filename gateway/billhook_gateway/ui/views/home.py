"""The dashboard: figures that the services compute, each a link to the list it was counted from."""

from typing import Any

from flask import Blueprint

from billhook_common.auth import signed_in
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("home_pages", __name__)

LATEST = 7
TOP = 10
FEWEST_MONTHS = 6
"""A chart of less looks broken; months before the first figure are left out down to here."""

Wanted = dict[str, tuple[str, str, str, dict[str, Any]]]
"""By name: the right that it needs, the service, the path and the query."""

_WANTED: Wanted = {
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
_FIRST_STEPS: Wanted = {
    "company": ("gateway:admin", "gateway", "/company", {}),
    "customers": ("crm:import", "crm", "/customers/count", {}),
    "plans": ("billing:write", "billing", "/plans", {"limit": 1}),
    "runs": ("billing:run", "billing", "/runs", {"limit": 1}),
    "statements": ("payments:import", "payments", "/statements", {"limit": 1}),
}


@blueprint.route("/", methods=["GET"])
@signed_in
def home() -> str:
    """What matters now; before the first invoice what to do first."""
    found = _allowed(_WANTED)
    months = _income(found)
    is_new = found.get("months") is not None and not months
    if found.get("debtors"):
        found["debtors"] = [
            {"customer": account["customer"], "amount": account["balance"]} for account in found["debtors"]["items"]
        ]
    if found.get("invoiced"):
        found["invoiced"] = {"sum": found["invoiced"]["gross"], "count": found["invoiced"]["count"]}
    if found.get("payers"):
        found["payers"] = found["payers"]["items"]
    if found.get("unmatched"):
        found["unmatched"] = found["unmatched"]["count"]
    if found.get("open_tickets"):
        found["open_tickets"] = found["open_tickets"]["open"]
    found["months"] = months
    return page("home.html", **found, steps=_steps() if is_new else {}, is_new=is_new)


def _allowed(wanted: Wanted) -> dict[str, Any]:
    """What the caller may see of ``wanted``; None for what did not come."""
    identity = caller().identity
    assert identity is not None
    return note_outages(
        services().gather(
            **{
                name: (service, path, query)
                for name, (right, service, path, query) in wanted.items()
                if identity.allows(right)
            }
        )
    )


def _income(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Invoiced and collected by month, from the first month with a figure on; empty when there is none at all."""
    invoiced, collected = found.get("months"), found.get("collected")
    if not invoiced:
        return []
    received = {one["month"]: one for one in collected["months"]} if collected else {}
    months = [
        {
            "month": one["month"],
            "invoiced": one["gross"],
            "collected": received[one["month"]]["sum"] if received else None,
            "is_empty": not one["count"] and not received.get(one["month"], {}).get("count"),
        }
        for one in invoiced["items"]
    ]
    filled = [at for at, month in enumerate(months) if not month["is_empty"]]
    return months[min(filled[0], len(months) - FEWEST_MONTHS) :] if filled else []


def _steps() -> dict[str, bool | None]:
    """Which of the first steps the caller may take, and whether it is done; None: its service does not say."""
    told = _allowed(_FIRST_STEPS)
    return {name: None if answer is None else _is_done(name, answer) for name, answer in told.items()}


def _is_done(name: str, answer: dict[str, Any]) -> bool:
    if name == "company":
        return bool(answer["version"])
    return bool(answer["total"] if name == "customers" else answer["items"])
