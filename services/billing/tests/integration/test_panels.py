"""Each figure of a dashboard equals the list that it links to."""

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest

from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration


def total(items: Iterable[dict[str, Any]], *path: str) -> Decimal:
    amounts = []
    for item in items:
        value: Any = item
        for name in path:
            value = value[name]
        amounts.append(Decimal(value))
    return sum(amounts, Decimal(0))


def a_busy_month(sales: Any, facts: Any) -> None:
    """Charges of two dates, payments, a debt of each age and a customer of another currency's plan not sold."""
    plan, voice = sales.plan(price="20.00"), sales.plan("Voice", "121.00", tax_included=True, period_months=12)
    customers = sales.customers(*(f"u{number}" for number in range(8)))
    for customer in customers:
        sales.subscribe(customer, plan, starts_on="2026-11-01", quantity="1.5")
    sales.subscribe(customers[0], voice, starts_on="2026-11-01")
    half = [{"kind": "percent", "value": "50", "from": "2026-11-01", "until": "2027-11-01"}]
    sales.subscribe(customers[1], plan, starts_on="2026-11-01", discounts=half)
    pending = sales.subscribe(customers[2], plan, starts_on="2027-03-01")
    assert pending["state"] == "active"
    sales.run("2026-11-01")
    sales.harness.deliver(facts.payment(customers[0], "50.00"), facts.payment(customers[1], "500.00"))
    sales.run("2026-12-01")


def test_receivables_equal_the_lists_of_items(sales: Any, facts: Any) -> None:
    a_busy_month(sales, facts)
    for days in (0, 1, 30, 31, 90, 91, 400):
        today = dt.date(2026, 11, 15) + dt.timedelta(days=days)
        sales.harness.clock.set(dt.datetime(today.year, today.month, today.day, 12, tzinfo=dt.UTC))
        panel = sales.get("/panels/receivables")
        open_, overdue = sales.walk("/items", state="open"), sales.walk("/items", state="overdue")
        assert (panel["owed_count"], Decimal(panel["owed"]["amount"])) == (len(open_), total(open_, "open", "amount"))
        assert panel["overdue_count"] == len(overdue)
        assert Decimal(panel["overdue"]["amount"]) == total(overdue, "open", "amount")
        assert Decimal(panel["not_due"]["amount"]) == total(open_, "open", "amount") - total(overdue, "open", "amount")
        for bucket in panel["buckets"]:
            until = 10_000 if bucket["until_days"] is None else bucket["until_days"]
            aged = [
                item for item in overdue
                if bucket["from_days"] <= (today - dt.date.fromisoformat(item["due_on"])).days <= until
            ]  # fmt: skip
            assert (bucket["count"], Decimal(bucket["sum"]["amount"])) == (len(aged), total(aged, "open", "amount"))


def test_what_was_charged_equals_the_list_of_the_month(sales: Any, facts: Any) -> None:
    a_busy_month(sales, facts)
    for at, month, next_month in ((24, "2026-11-01", "2026-12-01"), (31, "2026-12-01", "2027-01-01")):
        sales.harness.clock.set(dt.datetime(2026, int(month[5:7]), min(at, 30), 12, tzinfo=dt.UTC))
        panel = sales.get("/panels/charged")
        assert (panel["from"], panel["until"]) == (month, next_month)
        charges = [
            item for item in sales.walk("/transactions", kind="charge") if month <= item["posted_on"] < next_month
        ]
        assert (panel["count"], Decimal(panel["sum"]["amount"])) == (len(charges), total(charges, "amount", "amount"))
        assert panel["count"] == 8


def test_recurring_revenue_equals_the_list_of_active_services(sales: Any, facts: Any) -> None:
    a_busy_month(sales, facts)
    for today in (dt.date(2026, 11, 24), dt.date(2027, 3, 1), dt.date(2027, 11, 1)):
        sales.harness.clock.set(dt.datetime(today.year, today.month, today.day, 12, tzinfo=dt.UTC))
        active = [item for item in sales.walk("/subscriptions", state="active") if item["starts_on"] <= str(today)]
        panel = sales.get("/panels/recurring")
        assert (panel["count"], Decimal(panel["sum"]["amount"])) == (len(active), total(active, "monthly", "amount"))
    stopped = sales.walk("/subscriptions")[0]
    sales.client.patch(f"/subscriptions/{stopped['id']}", {"state": "stopped"})
    assert sales.get("/panels/recurring")["count"] == panel["count"] - 1


def test_of_nothing_every_figure_is_nothing(sales: Any) -> None:
    nothing = {"amount": "0.00", "currency": "EUR"}
    assert sales.get("/panels/recurring") == {"count": 0, "sum": nothing}
    assert sales.get("/panels/charged")["sum"] == sales.get("/panels/receivables")["owed"] == nothing


def test_rights_decide(harness: ServiceHarness) -> None:
    for path in ("/panels/receivables", "/panels/charged", "/panels/recurring"):
        for client, status in (
            (harness.stranger(), 401),
            (harness.client("crm:read", "billing:write"), 403),
            (harness.client("billing:read"), 200),
        ):
            assert client.get(path).status_code == status


def revenue(sales: Any) -> dict[str, dict[str, Decimal]]:
    """By month, checked against the lists of its movements and against the month before it."""
    panel = sales.get("/panels/revenue")["items"]
    months = {
        one["month"]: {name: Decimal(value["amount"]) for name, value in one.items() if name != "month"}
        for one in panel
    }
    closing = Decimal(0)
    for month, sums in months.items():
        assert sums["opening"] == closing or month == panel[0]["month"]
        closing = sums["closing"]
        for movement in ("new", "expansion", "contraction", "churn"):
            listed = sales.walk("/revenue", month=month, movement=movement)
            assert {one["movement"] for one in listed} <= {movement}
            assert total(listed, "change", "amount") == sums[movement], (month, movement)
            totals = sales.get("/revenue", month=month, movement=movement, totals="true")["totals"]
            assert (totals["count"], Decimal(totals["change"]["amount"])) == (len(listed), sums[movement])
    return months


def test_revenue_moves_by_month_as_its_lists_say(sales: Any) -> None:
    plan = sales.plan(price="20.00")
    first, second, third = sales.customers("one", "two", "three")
    old = sales.subscribe(first, plan, starts_on="2026-01-10")
    half = [{"kind": "percent", "value": "50", "from": "2026-03-01", "until": "2026-06-01"}]
    sales.subscribe(second, plan, starts_on="2026-02-01", discounts=half)
    sales.subscribe(third, plan, starts_on="2026-11-03")
    sales.subscribe(first, plan, starts_on="2026-11-05", price="7.00")
    months = revenue(sales)
    assert {name: sums["closing"] for name, sums in months.items()} == {
        "2025-12": 0, "2026-01": 20, "2026-02": 40, "2026-03": 30, "2026-04": 30, "2026-05": 30, "2026-06": 40,
        "2026-07": 40, "2026-08": 40, "2026-09": 40, "2026-10": 40, "2026-11": 67,
    }  # fmt: skip
    assert (months["2026-03"]["contraction"], months["2026-06"]["expansion"]) == (-10, 10)
    assert (months["2026-11"]["new"], months["2026-11"]["expansion"]) == (20, 7)

    today = sales.harness.clock.today()
    changed = sales.harness.client("*").patch(f"/subscriptions/{old['id']}", json={"price": "5.00"})
    assert changed.status_code == 200
    assert revenue(sales)["2026-11"]["contraction"] == -8
    ended = sales.harness.client("*").post(f"/subscriptions/{old['id']}/end", json={"ends_before": today.isoformat()})
    assert ended.status_code == 200
    months = revenue(sales)
    assert (months["2026-11"]["contraction"], months["2026-11"]["closing"]) == (-13, 47)
    assert months["2026-11"]["closing"] == Decimal(sales.get("/panels/recurring")["sum"]["amount"])
    assert months["2026-10"]["closing"] == 40


def test_revenue_to_come_is_not_counted_yet_and_a_service_that_is_stopped_is_worth_nothing(sales: Any) -> None:
    plan = sales.plan(price="20.00")
    (customer,) = sales.customers("one")
    service = sales.subscribe(customer, plan, starts_on="2026-09-01")
    sales.subscribe(customer, plan, starts_on="2027-03-01")
    assert revenue(sales)["2026-11"]["closing"] == 20
    client = sales.harness.client("*")
    assert client.patch(f"/subscriptions/{service['id']}", json={"state": "stopped"}).status_code == 200
    months = revenue(sales)
    assert (months["2026-11"]["churn"], months["2026-11"]["closing"]) == (-20, 0)
    assert client.patch(f"/subscriptions/{service['id']}", json={"state": "active"}).status_code == 200
    assert revenue(sales)["2026-11"] == {
        "opening": 20, "new": 0, "expansion": 0, "contraction": 0, "churn": 0, "closing": 20,
    }  # fmt: skip
    assert sales.client.get("/revenue", movement="sideways").status_code == 422
