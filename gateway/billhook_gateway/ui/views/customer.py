"""One customer: overview and tabs, each with the number of what is behind it."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint

from billhook_common.auth import requires
from billhook_common.errors import Forbidden, NotFound
from billhook_gateway.client import ServiceClient
from billhook_gateway.door import caller, services
from billhook_gateway.ui.views.asking import asked, page
from billhook_gateway.ui.views.frame import note_outages

blueprint = Blueprint("customer_pages", __name__)

LATEST = 8
FEW = 4

Wanted = dict[str, tuple[str, str, str, Mapping[str, Any]]]
"""By name: the right that it needs, the service, the path and the query."""

_TABS: dict[str, tuple[str, str, str]] = {
    "services": ("billing:read", "billing", "/subscriptions"),
    "transactions": ("billing:read", "billing", "/transactions"),
    "invoices": ("invoicing:read", "invoicing", "/invoices"),
    "payments": ("payments:read", "payments", "/payments"),
    "tickets": ("tickets:read", "tickets", "/tickets"),
    "equipment": ("inventory:read", "inventory", "/items"),
}
_CONTEXT = {"services": "subscriptions"}
_ADDED_UP: dict[str, Callable[[Mapping[str, Any]], int]] = {
    "transactions": lambda totals: sum(side["count"] for sides in totals.values() for side in sides.values()),
    "invoices": lambda totals: int(totals["count"]),
    "payments": lambda totals: int(totals["count"]),
}
"""Tabs whose services count for us: how their totals are read."""
_FILTERS = {"transactions": ("kind",), "invoices": ("sort",), "payments": ("sort",)}


@blueprint.route("/customers/<uuid:customer_id>", methods=["GET"])
@requires("crm:read")
def overview(customer_id: object) -> str:
    """Balance, what happened last, who it is."""
    client, mine = services(), {"customer_id": str(customer_id)}
    customer = client.get("crm", f"/customers/{customer_id}")
    wanted: Wanted = {
        "account": ("billing:read", "billing", f"/accounts/{customer_id}", {}),
        "next_charge": ("billing:read", "billing", f"/accounts/{customer_id}/next-charge", {}),
        "open_items": ("billing:read", "billing", "/items", mine | {"state": "open", "limit": LATEST}),
        "transactions": ("billing:read", "billing", "/transactions", mine | asked("kind") | {"limit": LATEST}),
        "subscriptions": ("billing:read", "billing", "/subscriptions", mine),
        "invoices": ("invoicing:read", "invoicing", "/invoices", mine | {"limit": FEW}),
        "tickets": ("tickets:read", "tickets", "/tickets", mine | {"state": "open", "limit": FEW}),
    }
    counted = {f"count {tab}": query for tab, query in _counting(customer_id).items()}
    answers = _allowed(client, wanted | counted)
    return page("customers/overview.html", customer=customer, tab="", counts=_counts(answers), **_named(answers))


@blueprint.route("/customers/<uuid:customer_id>/<tab>", methods=["GET"])
@requires("crm:read")
def show_tab(customer_id: object, tab: str) -> str:
    """One tab. Raises NotFound, and Forbidden for what needs another right."""
    if tab not in _TABS:
        raise NotFound("There is no such page.")
    identity = caller().identity
    assert identity is not None
    right, service, path = _TABS[tab]
    if not identity.allows(right):
        raise Forbidden(f"The right {right} is missing.")
    client = services()
    customer = client.get("crm", f"/customers/{customer_id}")
    query = {"customer_id": str(customer_id)} | asked(*_FILTERS.get(tab, ()))
    counted = {f"count {name}": counting for name, counting in _counting(customer_id).items()}
    answers = _allowed(client, {_CONTEXT.get(tab, tab): (right, service, path, query)} | counted)
    return page(f"customers/{tab}.html", customer=customer, tab=tab, counts=_counts(answers), **_named(answers))


def _counting(customer_id: object) -> Wanted:
    """What tells how much is behind each tab: totals where the service adds up, else the list itself."""
    mine = {"customer_id": str(customer_id)}
    return {
        tab: (right, service, path, mine | ({"limit": 1, "totals": "true"} if tab in _ADDED_UP else {}))
        for tab, (right, service, path) in _TABS.items()
    }


def _allowed(client: ServiceClient, wanted: Wanted) -> dict[str, Any]:
    identity = caller().identity
    assert identity is not None
    asked_for = {
        name: (service, path, query) for name, (right, service, path, query) in wanted.items() if identity.allows(right)
    }
    return note_outages(client.gather(**asked_for))


def _named(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: answer for name, answer in answers.items() if not name.startswith("count ")}


def _counts(answers: Mapping[str, Any]) -> dict[str, int]:
    """How many there are behind each tab; a tab that is not known, or has more than a page, has no number."""
    counts = {}
    for tab in _TABS:
        answer = answers.get(f"count {tab}")
        if answer is None:
            continue
        if tab in _ADDED_UP:
            counts[tab] = _ADDED_UP[tab](answer["totals"])
        elif answer["next"] is None:
            counts[tab] = len(answer["items"])
    return counts
