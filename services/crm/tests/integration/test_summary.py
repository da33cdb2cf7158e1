"""What billing says about customers, in any order of arrival."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from billhook_common.contracts import Fact
from billhook_common.contracts.billing import (
    CustomerCharged,
    ItemChanged,
    SubscriptionActivated,
    SubscriptionChanged,
    SubscriptionEnded,
    TransactionPosted,
)
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.ids import uuid7
from billhook_common.money import Money
from billhook_common.testing import ServiceHarness

pytestmark = pytest.mark.integration

DAY = dt.date(2026, 11, 1)


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def charged(customer_id: UUID, account_version: int, balance: str) -> CustomerCharged:
    return CustomerCharged(
        charge_id=uuid7(), transaction_id=uuid7(), customer_id=customer_id, bill_date=DAY, due_on=DAY,
        period_from=DAY, period_until=DAY, currency="EUR", tax_included=False, lines=[], taxes=[], net=Decimal(0),
        tax=Decimal(0), gross=Decimal(0), balance_after=euros(balance), account_version=account_version,
        wants_document=True,
    )  # fmt: skip


def posted(customer_id: UUID, account_version: int, balance: str, **facts: Any) -> TransactionPosted:
    defaults: dict[str, Any] = {"kind": "payment", "side": "credit", "posted_on": DAY, "amount": euros("1.00")}
    return TransactionPosted(
        transaction_id=uuid7(), customer_id=customer_id, balance_after=euros(balance),
        account_version=account_version, description="", **(defaults | facts),
    )  # fmt: skip


def item(customer_id: UUID, transaction_id: UUID, version: int, open_: str, due_on: dt.date = DAY) -> ItemChanged:
    return ItemChanged(
        transaction_id=transaction_id, version=version, customer_id=customer_id, total=euros("30.00"),
        open=euros(open_), due_on=due_on,
    )  # fmt: skip


def sold(kind: type[Any], customer_id: UUID, subscription_id: UUID, version: int, **facts: Any) -> Fact:
    defaults: dict[str, Any] = {
        "plan_name": "Air 100", "state": "active", "monthly": euros("21.50"), "billing_day": 1, "ends_before": None,
    }  # fmt: skip
    fact: Fact = kind(
        subscription_id=subscription_id, version=version, customer_id=customer_id, plan_id=uuid7(),
        price=Decimal("21.50"), quantity=Decimal(1), currency="EUR", starts_on=DAY, **(defaults | facts),
    )  # fmt: skip
    return fact


def a_customer(harness: ServiceHarness, **details: Any) -> UUID:
    answer = harness.client().post("/customers", {"name": "Eva", "lifecycle": "active", **details})
    return UUID(answer.json["id"])


def figures(harness: ServiceHarness, customer_id: UUID) -> dict[str, Any]:
    read = harness.client().get(f"/customers/{customer_id}").json
    (listed,) = [row for row in harness.client().get("/customers").json["items"] if row["id"] == str(customer_id)]
    names = ("plan", "monthly", "billing_day", "balance", "overdue", "last_payment_on", "status")
    assert all(read[name] == listed[name] for name in names)
    return {name: read[name]["amount"] if isinstance(read[name], dict) else read[name] for name in names}


def test_a_month_is_seen_in_the_list(harness: ServiceHarness) -> None:
    customer_id, debt = a_customer(harness), uuid7()
    harness.deliver(
        sold(SubscriptionActivated, customer_id, uuid7(), 1, billing_day=5),
        sold(SubscriptionActivated, customer_id, uuid7(), 1, plan_name="TV", monthly=euros("5.00")),
        charged(customer_id, 1, "-26.50"),
        item(customer_id, debt, 1, "26.50"),
    )
    assert figures(harness, customer_id) == {
        "plan": "Air 100, TV", "monthly": "26.50", "billing_day": 5, "balance": "-26.50", "overdue": "26.50",
        "last_payment_on": None, "status": "active",
    }  # fmt: skip
    harness.deliver(posted(customer_id, 2, "0.00", posted_on=dt.date(2026, 11, 20)), item(customer_id, debt, 2, "0.00"))
    after = figures(harness, customer_id)
    assert (after["balance"], after["overdue"], after["last_payment_on"]) == ("0.00", "0.00", "2026-11-20")


def test_every_order_of_arrival_gives_the_same_figures(harness: ServiceHarness) -> None:
    shuffle = random.Random(7).shuffle
    seen = set()
    for size in (1, 3, 50):
        for _ in range(6):
            customer_id, first, second, service = a_customer(harness), uuid7(), uuid7(), uuid7()
            facts = [
                sold(SubscriptionActivated, customer_id, service, 1),
                sold(SubscriptionChanged, customer_id, service, 2, plan_name="Air 300", monthly=euros("30.00")),
                charged(customer_id, 1, "-21.50"), charged(customer_id, 3, "-31.50"),
                posted(customer_id, 2, "-1.50", posted_on=dt.date(2026, 11, 20)),
                posted(customer_id, 4, "-30.00", posted_on=dt.date(2026, 11, 10)),
                posted(customer_id, 5, "-29.00", kind="credit", posted_on=dt.date(2026, 11, 23)),
                item(customer_id, first, 1, "21.50"), item(customer_id, first, 2, "1.50"),
                item(customer_id, first, 3, "0.00"), item(customer_id, second, 1, "30.00", dt.date(2026, 11, 23)),
                item(customer_id, second, 2, "29.00", dt.date(2026, 11, 23)),
            ]  # fmt: skip
            shuffle(facts)
            for start in range(0, len(facts), size):
                harness.deliver(*facts[start : start + size])
            seen.add(tuple(figures(harness, customer_id).values()))
    assert seen == {("Air 300", "30.00", 1, "-29.00", "29.00", "2026-11-20", "active")}
    assert harness.unfinished() == []


def test_an_event_delivered_twice_changes_nothing(harness: ServiceHarness) -> None:
    customer_id, event_id = a_customer(harness), uuid7()
    for _ in range(2):
        harness.deliver(posted(customer_id, 1, "5.00"), event_id=event_id)
    assert figures(harness, customer_id)["balance"] == "5.00"


def test_overdue_begins_the_day_after_the_due_date(harness: ServiceHarness) -> None:
    customer_id = a_customer(harness)
    harness.deliver(item(customer_id, uuid7(), 1, "10.00", dt.date(2026, 11, 24)))
    client = harness.client()
    assert figures(harness, customer_id)["overdue"] == "0.00"
    assert client.get("/customers", overdue="true").json["items"] == []
    harness.clock.advance(dt.timedelta(days=1))
    assert figures(harness, customer_id)["overdue"] == "10.00"
    assert len(client.get("/customers", overdue="true").json["items"]) == 1
    assert client.get("/customers/count", overdue="false").json == {"total": 1, "filtered": 0}
    assert client.get("/panels/customers").json["overdue"] == 1


def test_only_payments_count_as_payments(harness: ServiceHarness) -> None:
    customer_id = a_customer(harness)
    harness.deliver(
        posted(customer_id, 1, "1.00", kind="credit"), posted(customer_id, 2, "0.00", kind="payment", side="debit")
    )
    assert figures(harness, customer_id)["last_payment_on"] is None


def test_a_service_is_shown_until_it_ends(harness: ServiceHarness) -> None:
    customer_id, service = a_customer(harness), uuid7()
    harness.deliver(sold(SubscriptionEnded, customer_id, service, 2, ends_before=dt.date(2026, 11, 26)))
    harness.deliver(sold(SubscriptionActivated, customer_id, service, 1))
    assert figures(harness, customer_id)["plan"] == "Air 100"
    harness.clock.advance(dt.timedelta(days=2))
    assert (figures(harness, customer_id)["plan"], figures(harness, customer_id)["monthly"]) == ("", None)


@pytest.mark.parametrize("state", ["pending", "stopped", "disabled", "archived"])
def test_only_active_services_are_shown(harness: ServiceHarness, state: str) -> None:
    customer_id = a_customer(harness, lifecycle="new")
    harness.deliver(sold(SubscriptionChanged, customer_id, uuid7(), 1, state=state))
    assert (figures(harness, customer_id)["plan"], figures(harness, customer_id)["status"]) == ("", "new")


def test_the_list_sorts_and_filters_by_balance(harness: ServiceHarness) -> None:
    client = harness.client()
    ids = [a_customer(harness) for _ in range(4)]
    for customer_id, balance in zip(ids, ("-5.00", "7.00", "0.00", "-9.00"), strict=True):
        harness.deliver(charged(customer_id, 1, balance))
    order = [item["balance"]["amount"] for item in client.get("/customers", sort="balance").json["items"]]
    assert order == ["-9.00", "-5.00", "0.00", "7.00"]
    assert client.get("/customers/count", balance="negative").json["filtered"] == 2
    assert client.get("/customers/count", balance="positive").json["filtered"] == 1


def test_money_of_another_currency_is_shown_in_it(harness: ServiceHarness) -> None:
    customer_id = a_customer(harness)
    harness.deliver(_in_yen(customer_id, Money.of("1200", "JPY")))
    read = harness.client().get(f"/customers/{customer_id}").json
    assert read["balance"] == {"amount": "1200", "currency": "JPY"}
    assert read["overdue"] == {"amount": "0", "currency": "JPY"}


def _in_yen(customer_id: UUID, balance: Money) -> TransactionPosted:
    return TransactionPosted(
        transaction_id=uuid7(), customer_id=customer_id, kind="payment", side="credit", amount=balance,
        balance_after=balance, account_version=1, posted_on=DAY, description="",
    )  # fmt: skip


def test_a_first_service_makes_a_new_customer_active(harness: ServiceHarness) -> None:
    customer_id, service = a_customer(harness, lifecycle="new"), uuid7()
    harness.deliver(
        sold(SubscriptionEnded, customer_id, service, 2, state="stopped"),
        sold(SubscriptionActivated, customer_id, service, 1),
        sold(SubscriptionActivated, customer_id, uuid7(), 1),
    )
    assert figures(harness, customer_id)["status"] == "active"
    (told,) = harness.published(CustomerChanged)
    assert (told.customer_id, told.lifecycle, told.version) == (customer_id, "active", 2)


@pytest.mark.parametrize(("imported", "status"), [("inactive", "active"), ("blocked", "blocked")])
def test_a_service_ends_inactivity_but_not_blocking(harness: ServiceHarness, imported: str, status: str) -> None:
    customer_id = a_customer(harness, imported_status=imported)
    harness.deliver(sold(SubscriptionActivated, customer_id, uuid7(), 1))
    assert figures(harness, customer_id)["status"] == status


def test_an_archived_customer_stays_archived(harness: ServiceHarness) -> None:
    customer_id = a_customer(harness, imported_status="inactive")
    harness.client().post(f"/customers/{customer_id}/archive")
    harness.deliver(sold(SubscriptionActivated, customer_id, uuid7(), 1))
    assert figures(harness, customer_id)["status"] == "archived"


def test_figures_of_an_unknown_customer_do_no_harm(harness: ServiceHarness) -> None:
    stranger = uuid7()
    harness.deliver(
        charged(stranger, 1, "-1.00"), posted(stranger, 2, "0.00"), item(stranger, uuid7(), 1, "1.00"),
        sold(SubscriptionActivated, stranger, uuid7(), 1),
    )  # fmt: skip
    assert harness.unfinished() == []
    client = harness.client()
    assert client.get("/customers").json["items"] == []
    assert client.get("/customers/count", balance="zero").json == {"total": 0, "filtered": 0}
    assert client.get("/customers/count", overdue="true").json == {"total": 0, "filtered": 0}


def test_a_run_of_thousands_comes_in_few_statements(harness: ServiceHarness) -> None:
    ids = [a_customer(harness) for _ in range(3)]
    facts = [charged(ids[n % 3], n // 3 + 1, f"-{n}.00") for n in range(600)]
    harness.deliver(*facts)
    assert {figures(harness, customer_id)["balance"] for customer_id in ids} == {"-597.00", "-598.00", "-599.00"}
