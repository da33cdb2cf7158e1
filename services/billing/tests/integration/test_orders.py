"""Orders of arrival O1, O2, O3, O8, O9, O11, O13: whatever comes first, the books are the same (events.md 5)."""

import random
from collections.abc import Callable
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from billhook_billing.actions.post import NewTransaction
from billhook_billing.domain import ledger
from billhook_common.contracts import Fact
from billhook_common.contracts.billing import ItemChanged
from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration

Steps = dict[str, Callable[[], object]]
Scenario = Callable[[Any, Any, UUID], Steps]


def in_every_order(books: Any, facts: Any, scenario: Scenario, at_most: int = 24) -> dict[str, Any]:
    """Play the steps for a new customer in every order; all must leave the same books, which are returned."""
    settlements = []
    names = list(scenario(books, facts, uuid7()))
    orders = list(permutations(names))
    for order in random.Random(1).sample(orders, min(at_most, len(orders))):
        customer_id = books.customer()
        steps = scenario(books, facts, customer_id)
        for name in order:
            steps[name]()
        while books.harness.retry():
            pass
        assert books.harness.unfinished() == [], order
        settlements.append((order, books.settlement(customer_id)))
    first, expected = settlements[0]
    for order, settlement in settlements[1:]:
        assert settlement == expected, f"{order} differs from {first}"
    books.prove()
    return expected


def deliver(books: Any, fact: Fact) -> Callable[[], object]:
    return lambda: books.harness.deliver(fact)


def charge_of(books: Any, customer_id: UUID, gross: int, charge_id: UUID, **options: Any) -> Callable[[], object]:
    return lambda: books.charge(customer_id, gross, charge_id=charge_id, **options)


def test_o1_o2_charge_payment_and_invoice_in_any_order(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        charge_id = uuid7()
        return {
            "charge": charge_of(books, customer_id, 121, charge_id),
            "payment": deliver(books, facts.payment(customer_id, 121)),
            "invoice": deliver(books, facts.invoice(customer_id, 121, charge_id=charge_id)),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["balance"] == 0
    assert settled["items"] == {"Internet": (121, 0, facts.day(15), "2026001")}
    assert settled["pays"] == {("Payment P1", "Internet"): 121}


def test_o1_a_charge_that_credit_covers_is_never_overdue(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    books.harness.deliver(facts.payment(customer_id, 200))
    books.charge(customer_id, 121, due=facts.day(2))
    client = books.harness.client()
    assert client.get("/items", state="overdue").json["items"] == []
    account = client.get(f"/accounts/{customer_id}").json
    assert account["overdue"]["amount"] == account["open"]["amount"] == "0.00"
    assert account["balance"] == account["unallocated"] == {"amount": "79.00", "currency": "EUR"}


def test_o2_the_invoice_is_born_paid(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 121)
    invoice = facts.invoice(customer_id, 121, charge_id=charge_id)
    books.harness.deliver(facts.payment(customer_id, 121))
    books.harness.deliver(invoice)
    told = [item for item in books.harness.published(ItemChanged) if item.document_id == invoice.document_id]
    assert [(item.open, item.total) for item in told] == [(facts.euros(0), facts.euros(121))]
    assert [item.version for item in books.harness.published(ItemChanged)] == [2, 3]


def test_o3_a_payment_names_an_invoice_that_billing_has_not_seen(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        charge_id = uuid7()
        invoice = facts.invoice(customer_id, 121, charge_id=charge_id, number="2026002", due=facts.day(20))
        older = facts.invoice(customer_id, 100, number="2026001", due=facts.day(1))
        return {
            "older": deliver(books, older),
            "charge": charge_of(books, customer_id, 121, charge_id, due=facts.day(20)),
            "invoice": deliver(books, invoice),
            "payment": deliver(books, facts.payment(customer_id, 121, invoice.document_id)),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["pays"] == {("Payment P1", "Internet"): 121}
    assert settled["items"]["Invoice 2026001"] == (100, 100, facts.day(1), "2026001")


def test_o3_until_the_invoice_comes_the_money_is_ordinary_credit(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    books.harness.deliver(facts.invoice(customer_id, 100, number="2026001"))
    newer = facts.invoice(customer_id, 50, number="2026002", due=facts.day(28))
    books.harness.deliver(facts.payment(customer_id, 60, newer.document_id))
    assert books.settlement(customer_id)["pays"] == {("Payment P1", "Invoice 2026001"): 60}
    books.harness.deliver(newer)
    assert books.settlement(customer_id)["pays"] == {
        ("Payment P1", "Invoice 2026002"): 50,
        ("Payment P1", "Invoice 2026001"): 10,
    }


def test_o8_o9_the_credit_note_settles_its_invoice_first_and_the_payment_is_credit(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        invoice = facts.invoice(customer_id, 121)
        return {
            "invoice": deliver(books, invoice),
            "credit note": deliver(books, facts.credit_note(invoice, 121)),
            "payment": deliver(books, facts.payment(customer_id, 121, invoice.document_id)),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["balance"] == 121
    assert settled["pays"] == {("Credit note CN1", "Invoice 2026001"): 121}
    assert settled["credits"] == {"Credit note CN1": (121, 0), "Payment P1": (121, 121)}


def test_o9_the_newest_payment_is_released_first(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        invoice = facts.invoice(customer_id, 100)
        return {
            "invoice": deliver(books, invoice),
            "older": deliver(books, facts.payment(customer_id, 60, number="P1", on=facts.day(3))),
            "newer": deliver(books, facts.payment(customer_id, 40, number="P2", on=facts.day(9))),
            "credit note": deliver(books, facts.credit_note(invoice, 50)),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["pays"] == {("Credit note CN1", "Invoice 2026001"): 50, ("Payment P1", "Invoice 2026001"): 50}
    assert settled["credits"]["Payment P2"] == (40, 40)


def test_o11_refund_manual_credit_opening_balance_and_write_off_reach_settlement(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        client = books.harness.client()

        def by_hand(kind: str, side: str, amount: str, on: int, description: str) -> Callable[[], object]:
            body = {
                "customer_id": str(customer_id), "kind": kind, "side": side, "description": description,
                "amount": {"amount": amount, "currency": "EUR"}, "date": str(facts.day(on)),
            }  # fmt: skip
            return lambda: client.post("/transactions", body)

        def write_off() -> None:
            books.post(
                NewTransaction(
                    id=uuid7(),
                    posting=ledger.write_off(customer_id, facts.euros(5)),
                    customer_id=customer_id,
                    posted_on=facts.day(23),
                    description="Write-off",
                )
            )

        return {
            "opening": by_hand("opening", "debit", "20.00", 1, "Opening balance"),
            "credit": by_hand("correction", "credit", "50.00", 4, "Goodwill"),
            "refund": deliver(books, facts.refund(customer_id, 30)),
            "invoice": deliver(books, facts.invoice(customer_id, 12)),
            "write-off": write_off,
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["balance"] == 50 - 20 - 30 - 12 + 5
    assert settled["pays"] == {
        ("Goodwill", "Opening balance"): 20,
        ("Goodwill", "Refund"): 30,
        ("Write-off", "Invoice 2026001"): 5,
    }
    assert settled["items"]["Invoice 2026001"] == (12, 7, facts.day(15), "2026001")


def test_o13_a_reversal_waits_for_its_payment_and_the_invoice_is_open_with_its_own_due_date(
    books: Any, facts: Any
) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        charge_id = uuid7()
        invoice = facts.invoice(customer_id, 121, charge_id=charge_id)
        payment = facts.payment(customer_id, 121, invoice.document_id)
        return {
            "charge": charge_of(books, customer_id, 121, charge_id),
            "invoice": deliver(books, invoice),
            "payment": deliver(books, payment),
            "reversal": deliver(books, facts.reversal(payment)),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["balance"] == -121
    assert settled["items"] == {"Internet": (121, 121, facts.day(15), "2026001")}
    assert settled["credits"] == {"Payment P1": (0, 0)}
    assert settled["pays"] == {}


def test_a_released_payment_pays_the_invoice_of_another_credit_that_was_reversed(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    first, second = facts.payment(customer_id, 100), facts.payment(customer_id, 100, number="P2", on=facts.day(12))
    books.harness.deliver(facts.invoice(customer_id, 100), first, second)
    assert books.settlement(customer_id)["pays"] == {("Payment P1", "Invoice 2026001"): 100}
    books.harness.deliver(facts.reversal(first))
    assert books.settlement(customer_id)["pays"] == {("Payment P2", "Invoice 2026001"): 100}


def test_a_new_charge_does_not_take_the_money_that_paid_last_months_invoice(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    october = facts.invoice(customer_id, 121, due=facts.day(15, 10), number="2026001")
    books.harness.deliver(october, facts.payment(customer_id, 121))
    told = len(books.harness.published(ItemChanged))
    charge_id = books.charge(customer_id, 121, due=facts.day(15))
    assert len(books.harness.published(ItemChanged)) == told
    assert books.settlement(customer_id)["pays"] == {("Payment P1", "Invoice 2026001"): 121}
    books.harness.deliver(facts.invoice(customer_id, 121, charge_id=charge_id, number="2026002"))
    assert books.settlement(customer_id)["pays"] == {("Payment P1", "Invoice 2026001"): 121}


def test_a_charge_that_ranks_before_what_is_paid_takes_the_money(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        return {
            "later": charge_of(books, customer_id, 100, uuid7(), due=facts.day(20), text="later"),
            "payment": deliver(books, facts.payment(customer_id, 100)),
            "earlier": charge_of(books, customer_id, 100, uuid7(), due=facts.day(5), text="earlier"),
            "without document": charge_of(
                books, customer_id, 30, uuid7(), due=facts.day(25), text="fee", documented=False
            ),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["pays"] == {("Payment P1", "fee"): 30, ("Payment P1", "earlier"): 70}


def test_an_invoice_that_is_due_later_than_its_charge_passes_the_items_between(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        charge_id = uuid7()
        return {
            "first": charge_of(books, customer_id, 100, charge_id, due=facts.day(15), text="first"),
            "second": charge_of(books, customer_id, 100, uuid7(), due=facts.day(16), text="second"),
            "payment": deliver(books, facts.payment(customer_id, 100)),
            "invoice": deliver(books, facts.invoice(customer_id, 100, charge_id=charge_id, due=facts.day(17))),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["pays"] == {("Payment P1", "second"): 100}
    assert settled["items"]["first"] == (100, 100, facts.day(17), "2026001")


def test_the_older_of_two_payments_pays_also_when_it_comes_last(books: Any, facts: Any) -> None:
    def scenario(books: Any, facts: Any, customer_id: UUID) -> Steps:
        return {
            "invoice": deliver(books, facts.invoice(customer_id, 100)),
            "newer": deliver(books, facts.payment(customer_id, 100, number="P2", on=facts.day(9))),
            "older": deliver(books, facts.payment(customer_id, 100, number="P1", on=facts.day(3))),
        }

    settled = in_every_order(books, facts, scenario)
    assert settled["pays"] == {("Payment P1", "Invoice 2026001"): 100}
