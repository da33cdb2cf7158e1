"""The next charge of a customer over HTTP: the same figures as the run that follows."""

from decimal import Decimal
from typing import Any

import pytest

from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration

NOTHING = {"on": None, "net": None, "tax": None, "total": None, "lines": []}


def test_it_is_what_the_next_run_charges(sales: Any) -> None:
    customer = sales.customer()
    path = f"/accounts/{customer}/next-charge"
    assert sales.get(path) == NOTHING
    sales.subscribe(customer, sales.plan(price="20.58"))
    sales.subscribe(customer, sales.plan("Static IPv4", price="4.13", period_months=3))
    promised = sales.get(path)
    assert promised["on"] == "2026-12-01"
    run = sales.run(promised["on"])
    assert run["charged_totals"]["gross"] == promised["total"]["amount"]
    parts = Decimal(promised["net"]["amount"]), Decimal(promised["tax"]["amount"])
    assert sum(parts) == Decimal(promised["total"]["amount"])
    assert [line["text"] for line in promised["lines"]] == ["Fiber 300", "Static IPv4"]
    following = sales.get(path)
    assert (following["on"], following["net"]["amount"]) == ("2027-01-01", "20.58")


def test_who_has_left_or_is_unknown_is_charged_nothing(sales: Any) -> None:
    customer = sales.customer()
    sales.subscribe(customer, sales.plan())
    sales.archive(customer)
    assert sales.get(f"/accounts/{customer}/next-charge") == NOTHING
    assert sales.client.get(f"/accounts/{uuid7()}/next-charge").status_code == 404
