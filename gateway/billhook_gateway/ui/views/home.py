"""The dashboard: figures that the services compute, each a link to the list it was counted from."""

from decimal import Decimal
from typing import Any

from flask import Blueprint

from billhook_common.auth import signed_in
from billhook_gateway.door import caller, services
from billhook_gateway.panels import Unavailable
from billhook_gateway.ui.views.asking import page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("home_pages", __name__)

LATEST = 7
LATEST_RUNS = 2
TOP = 10
FEWEST_MONTHS = 6
"""A chart of less looks broken; months before the first figure are left out down to here."""

Wanted = dict[str, tuple[str, str, str, dict[str, Any]]]
"""By name: the right that it needs, the service, the path and the query."""

_WANTED: Wanted = {
    "revenue": ("billing:read", "billing", "/panels/revenue", {}),
    "receivables": ("billing:read", "billing", "/panels/receivables", {}),
    "debtors": ("billing:read", "billing", "/accounts", {"owing": "true", "limit": TOP}),
    "transactions": ("billing:read", "billing", "/transactions", {"limit": LATEST}),
    "invoiced": ("invoicing:read", "invoicing", "/panels/invoiced", {}),
    "months": ("invoicing:read", "invoicing", "/panels/months", {}),
    "collected": ("payments:read", "payments", "/panels/payments", {}),
    "payers": ("payments:read", "payments", "/panels/payers", {}),
    "unmatched": ("payments:pair", "payments", "/panels/unmatched", {}),
    "open_tickets": ("tickets:read", "tickets", "/panels/tickets", {}),
    "customers": ("crm:read", "crm", "/panels/customers", {}),
    "runs": ("billing:run", "billing", "/runs", {"limit": LATEST_RUNS}),
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
    """What matters now; before the first invoice what to do first. The page asks for itself again while it is seen.

    ``stale`` names what is shown as it last was, since its service does not answer, with the instant.
    """
    found, stale = _allowed(_WANTED)
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
    if found.get("revenue"):
        found["revenue"] = _since_the_first(found["revenue"]["items"])
    if found.get("runs"):
        found["runs"] = found["runs"]["items"]
    found["months"] = months
    return page("home.html", **found, stale=stale, steps=_steps() if is_new else {}, is_new=is_new)


def _allowed(wanted: Wanted) -> tuple[dict[str, Any], dict[str, str]]:
    """What the caller may see of ``wanted``, the last good value of what did not come, and from when those are.

    None for what neither came nor came before.
    """
    identity = caller().identity
    assert identity is not None
    answers = services().gather(
        **{
            name: (service, path, query)
            for name, (right, service, path, query) in wanted.items()
            if identity.allows(right)
        }
    )
    kept = {
        name: (answer.value, answer.at.isoformat())
        for name, answer in answers.items()
        if isinstance(answer, Unavailable) and answer.at is not None
    }
    found = note_outages(answers) | {name: value for name, (value, _) in kept.items()}
    return found, {name: at for name, (_, at) in kept.items()}


def _since_the_first(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The months of revenue from the first with any on, but not fewer than a chart needs."""
    filled = [at for at, month in enumerate(months) if Decimal(month["closing"]["amount"])]
    return months[min(filled[0], len(months) - FEWEST_MONTHS) :] if filled else []


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
    told, _ = _allowed(_FIRST_STEPS)
    return {name: None if answer is None else _is_done(name, answer) for name, answer in told.items()}


def _is_done(name: str, answer: dict[str, Any]) -> bool:
    if name == "company":
        return bool(answer["version"])
    return bool(answer["total"] if name == "customers" else answer["items"])
