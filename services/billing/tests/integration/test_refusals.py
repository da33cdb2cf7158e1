"""What is refused before it reaches the books, with the field named; what is sent twice and done once."""

from typing import Any

import pytest

from billhook_common.contracts.payments import EntryUnmatched
from billhook_common.ids import uuid7
from billhook_common.money import Money

pytestmark = pytest.mark.integration


def test_selling_twice_with_one_key_bills_once(sales: Any) -> None:
    body = {"customer_id": str(sales.customer()), "plan_id": sales.plan(), "starts_on": "2026-12-01"}
    first, second = (sales.client.post("/subscriptions", body, key="sold-once") for _ in range(2))
    assert (first.status_code, first.json) == (201, second.json)
    assert len(sales.walk("/subscriptions")) == 1
    assert sales.client.post("/subscriptions", body, key=None).status_code == 400


def test_a_price_that_no_ledger_holds_is_refused_at_the_price(sales: Any) -> None:
    body = {"customer_id": str(sales.customer()), "plan_id": sales.plan(), "starts_on": "2026-12-01"}
    largest = {"price": "999999999999", "quantity": "10"}
    assert sales.client.post("/subscriptions", body | largest).status_code == 201
    assert sales.wrongly_answered("post", "/subscriptions", body, [(largest | {"quantity": "11"}, "/price")]) == []


@pytest.mark.parametrize("text", ["bad\u202etxt", "nul\x00", "bell\x07"])
def test_invisible_characters_stay_out_of_the_ledger(sales: Any, text: str) -> None:
    customer = sales.customer()
    body = {
        "customer_id": str(customer), "kind": "correction", "side": "credit", "description": "Welcome",
        "amount": {"amount": "15.00", "currency": "EUR"},
    }  # fmt: skip
    assert sales.wrongly_answered("post", "/transactions", body, [({"description": text}, "/description")]) == []
    posted = sales.client.post("/transactions", body).json
    path = f"/transactions/{posted['id']}/reverse"
    assert sales.wrongly_answered("post", path, {}, [({"reason": text}, "/reason")]) == []
    assert len(sales.get("/transactions")["items"]) == 1


def test_a_quote_takes_no_one_or_several_discounts(sales: Any) -> None:
    question = {
        "price": "100.00", "currency": "EUR", "tax_rate": "0", "tax_included": False, "quantity": "1",
        "period_months": 1, "billing_day": 1, "starts_on": "2026-12-01", "from": "2026-12-01", "until": "2027-01-01",
    }  # fmt: skip
    tenth = {"kind": "percent", "value": "10"}
    for discounts, net in ((None, "100.00"), ([], "100.00"), (tenth, "90.00"), ([tenth, tenth], "81.00")):
        answer = sales.client.post("/quote", question | {"discounts": discounts, "proration": None})
        assert (answer.status_code, answer.json.get("net")) == (200, net), answer.text
    wrong = [({"discounts": {"kind": "half", "value": "10"}}, "/discounts/0/kind"), ({"discounts": "10"}, "/discounts")]
    assert sales.wrongly_answered("post", "/quote", question, wrong) == []


def test_items_of_some_days_come_by_due_date(sales: Any, facts: Any) -> None:
    customer = sales.customer()
    for number, due in enumerate((20, 10, 15)):
        invoice = facts.invoice(customer, 121, number=f"I{number}", due=facts.day(due))
        sales.harness.deliver(invoice)
    found = sales.walk("/items", state="all", due_from="2026-11-10", due_until="2026-11-20")
    assert [item["due_on"] for item in found] == ["2026-11-10", "2026-11-15"]


def test_money_in_a_foreign_currency_waits_in_suspense(books: Any) -> None:
    amount = Money.of("500.00", "CZK")
    books.harness.deliver(
        EntryUnmatched(entry_id=uuid7(), amount=amount, booked_on=books.harness.clock.today(), reason="CZK")
    )
    totals = books.harness.client().get("/trial-balance").json["totals"]
    assert [(row["currency"], row["balance"]) for row in totals] == [("CZK", "0.00")]


@pytest.mark.parametrize(("method", "account"), [("cash", "cash"), ("card", "card"), ("bank_transfer", "bank")])
def test_a_refund_leaves_the_account_of_its_method(books: Any, facts: Any, method: str, account: str) -> None:
    customer = books.customer()
    known = facts.refund(customer, 10)
    fields = {name: getattr(known, name) for name in known.__struct_fields__} | {"method": method}
    books.harness.deliver(type(known)(**fields))
    legs = books.read("SELECT account, amount FROM ledger_entry WHERE customer_id IS NULL")
    assert legs == [(account, 1000)]
