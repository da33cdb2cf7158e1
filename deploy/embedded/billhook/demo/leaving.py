"""Between two months: some customers leave, some take a faster plan, some a slower one."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from billhook.demo.client import Client
from billhook.demo.month import Say

_LADDER = ("Air 50", "Air 100", "Fibre 300", "Fibre 600", "Fibre 1000")
"""Plans from slow to fast."""
_LEAVE, _UP, _DOWN = 7, 21, 28
"""Below which draw of a thousand a customer does what."""


def change_services(client: Client, months_on: int, first: dt.date, say: Say) -> None:
    """Everything from ``first`` on, which is today; whoever has left is archived every other time."""
    plans = {plan["name"]: plan["id"] for plan in client.pages("/billing/plans")}
    left = up = down = 0
    services = sorted(client.pages("/billing/subscriptions", state="active"), key=_number)
    for service in services:
        draw = _number(service) * 6_121 * (months_on + 3) % 1_000
        if draw >= _DOWN or service["starts_on"] >= first.isoformat():
            continue
        if draw < _LEAVE:
            _end(client, service, first)
            if _number(service) % 2:
                client.post(f"/crm/customers/{service['customer']['id']}/archive", key=f"demo-archive-{service['id']}")
            left += 1
        elif _moved(client, service, plans, first, 1 if draw < _UP else -1):
            up, down = (up + 1, down) if draw < _UP else (up, down + 1)
    say(f"changes      {left} customers left, {up} took a faster plan, {down} a slower one")


def _number(service: Mapping[str, Any]) -> int:
    return int(service["customer"]["number"])


def _end(client: Client, service: Mapping[str, Any], first: dt.date) -> None:
    end = {"ends_before": max(first.isoformat(), service["charged_until"] or "")}
    client.post(f"/billing/subscriptions/{service['id']}/end", end, key=f"demo-end-{service['id']}")


def _moved(client: Client, service: Mapping[str, Any], plans: Mapping[str, str], first: dt.date, steps: int) -> bool:
    """Sell the next plan on the ladder instead, if there is one."""
    if service["plan_name"] not in _LADDER or service["ends_before"]:
        return False
    place = _LADDER.index(service["plan_name"]) + steps
    if not 0 <= place < len(_LADDER) or _LADDER[place] not in plans:
        return False
    new = {
        "customer_id": service["customer"]["id"],
        "plan_id": plans[_LADDER[place]],
        "starts_on": first.isoformat(),
    }
    # Sold first: when this is cut off between the two, the next time around it meets itself and goes on.
    client.post("/billing/subscriptions", new, key=f"demo-move-{service['id']}")
    _end(client, service, first)
    return True
