"""Facts from other services: each has one effect, waits for what it needs, or stands aside visibly."""

from typing import Any

import pytest

from billhook_common.contracts.billing import ItemChanged, TransactionPosted
from billhook_common.contracts.crm import CustomerChanged
from billhook_common.contracts.payments import EntryUnmatched, NamedDocument
from billhook_common.ids import uuid7
from billhook_common.testing.harness import wire

pytestmark = pytest.mark.integration


def entries(books: Any) -> dict[str, int]:
    """The sum of each account, in whole euros."""
    rows = books.read("SELECT account, CAST(sum(amount) / 100 AS bigint) FROM ledger_entry GROUP BY account")
    return {account: amount for account, amount in rows if amount}


def test_an_account_is_opened_in_the_home_currency_and_keeps_the_newest_version(books: Any) -> None:
    created = books.a_customer()
    fields = {name: getattr(created, name) for name in created.__struct_fields__}
    newer = CustomerChanged(**fields | {"version": 3, "name": "Anna Malá", "login": "mala"})
    older = CustomerChanged(**fields | {"version": 2, "name": "Anna Velká"})
    books.harness.deliver(newer, created, older)
    account = books.harness.client().get(f"/accounts/{created.customer_id}").json
    assert account["customer"]["name"] == "Anna Malá"
    assert account["balance"] == {"amount": "0.00", "currency": "EUR"}
    assert account["settings"] == {"mode": "invoice", "billing_day": 1, "prepaid_months": 1, "due_days": 14}


def test_a_login_that_is_still_anothers_waits_until_it_is_free(books: Any) -> None:
    first, second = books.a_customer(), books.a_customer()
    fields = {name: getattr(first, name) for name in first.__struct_fields__}
    freed = CustomerChanged(**fields | {"version": 2, "login": "other"})
    taken = type(second)(**{name: getattr(second, name) for name in second.__struct_fields__} | {"login": first.login})
    books.harness.deliver(first)
    books.harness.deliver(taken, books.a_customer())
    assert [row["state"] for row in books.harness.unfinished()] == ["failed"]
    books.harness.deliver(freed)
    assert books.harness.retry() == 1
    assert books.harness.unfinished() == []


def test_a_fact_about_an_unknown_customer_waits_for_the_customer(books: Any, facts: Any) -> None:
    created = books.a_customer()
    payment = facts.payment(created.customer_id, 30)
    books.harness.deliver(
        payment, facts.invoice(created.customer_id, 50), facts.refund(created.customer_id, 5), facts.reversal(payment)
    )
    assert {row["state"] for row in books.harness.unfinished()} == {"failed"}
    books.harness.deliver(created)
    while books.harness.retry():
        pass
    assert books.harness.unfinished() == []
    assert books.balance(created.customer_id) == -50 - 5


def test_one_unknown_customer_does_not_hold_up_the_batch(books: Any, facts: Any) -> None:
    known = [books.customer() for _ in range(5)]
    strays = facts.payment(uuid7(), 30)
    payments = [facts.payment(customer_id, 10) for customer_id in known]
    books.harness.deliver(*payments[:3], strays, *payments[3:])
    assert len(books.harness.unfinished()) == 1
    assert [books.balance(customer_id) for customer_id in known] == [10] * 5


def test_an_event_that_comes_again_has_one_effect(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    invoice = facts.invoice(customer_id, 100)
    payment = facts.payment(customer_id, 100)
    events = [invoice, payment, facts.credit_note(invoice, 30), facts.reversal(payment), facts.refund(customer_id, 10)]
    raws = [wire(fact, books.harness.clock.now())[0] for fact in events]
    for raw in raws:
        books.harness.inbox.accept([raw, raw])
    once = books.settlement(customer_id)
    told = len(books.harness.published(TransactionPosted)), len(books.harness.published(ItemChanged))
    books.harness.inbox.accept(raws[::-1])
    books.harness.deliver(*events)
    assert books.harness.unfinished() == []
    assert books.settlement(customer_id) == once
    assert once["balance"] == -100 + 30 - 10
    assert told == (len(books.harness.published(TransactionPosted)), len(books.harness.published(ItemChanged)))


def test_a_payment_of_the_same_id_and_another_amount_stands_aside(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    payment = facts.payment(customer_id, 100)
    books.harness.deliver(payment, facts.payment(customer_id, 99, payment_id=payment.payment_id))
    (row,) = books.harness.unfinished()
    assert row["fingerprint"].startswith("PostedDifferently")
    assert books.balance(customer_id) == 100


@pytest.mark.parametrize(
    ("method", "account"), [("cash", "cash"), ("card", "card"), ("transfer", "bank"), ("direct_debit", "bank")]
)
def test_money_lies_where_the_method_says(books: Any, facts: Any, method: str, account: str) -> None:
    books.harness.deliver(facts.payment(books.customer(), 30, method=method))
    assert entries(books) == {"customers": 30, account: -30}


def test_unmatched_money_waits_in_suspense_and_leaves_it_when_it_is_paired(books: Any, facts: Any) -> None:
    entry = EntryUnmatched(entry_id=uuid7(), amount=facts.euros(30), booked_on=facts.day(3), reason="no reference")
    books.harness.deliver(entry)
    assert entries(books) == {"suspense": 30, "bank": -30}
    listed = books.harness.client().get("/transactions", kind="unmatched").json["items"][0]
    assert (listed["amount"]["amount"], listed["side"], listed["customer"]) == ("30.00", "credit", None)
    assert listed["change"]["amount"] == "0.00"
    books.harness.deliver(facts.payment(books.customer(), 30, from_suspense=entry.entry_id))
    assert entries(books) == {"customers": 30, "bank": -30}


def test_a_document_that_is_named_twice_counts_once_with_both_amounts(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    first, second = facts.invoice(customer_id, 50), facts.invoice(customer_id, 50, number="2026002", due=facts.day(1))
    named = tuple(NamedDocument(document_id=first.document_id, amount=amount) for amount in ("10.00", "15.00"))
    books.harness.deliver(first, second, facts.payment(customer_id, 30, documents=named))
    assert books.settlement(customer_id)["pays"] == {
        ("Payment P1", "Invoice 2026001"): 25,
        ("Payment P1", "Invoice 2026002"): 5,
    }


def test_a_document_of_another_customer_is_not_paid_with_this_money(books: Any, facts: Any) -> None:
    mine, theirs = books.customer(), books.customer()
    invoice = facts.invoice(theirs, 50)
    books.harness.deliver(invoice, facts.payment(mine, 50, invoice.document_id))
    assert books.settlement(mine)["credits"] == {"Payment P1": (50, 50)}
    assert books.settlement(theirs)["items"]["Invoice 2026001"][:2] == (50, 50)


def test_a_reversal_of_another_amount_stands_aside(books: Any, facts: Any) -> None:
    payment = facts.payment(books.customer(), 100)
    part = facts.reversal(facts.payment(payment.customer_id, 99, payment_id=payment.payment_id))
    books.harness.deliver(payment, part)
    (row,) = books.harness.unfinished()
    assert row["fingerprint"].startswith("ReversalDiffers")


def test_an_invoice_is_linked_to_its_charge_and_its_due_date_counts(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 121, due=facts.day(15))
    invoice = facts.invoice(customer_id, 121, charge_id=charge_id, due=facts.day(17))
    books.harness.deliver(invoice)
    (told,) = books.harness.published(ItemChanged)
    assert (told.document_id, told.version, told.open, told.due_on) == (
        invoice.document_id, 2, facts.euros(121), facts.day(17),
    )  # fmt: skip
    listed = books.harness.client().get("/transactions", customer_id=customer_id).json["items"][0]
    assert (listed["document_id"], listed["document_number"]) == (str(invoice.document_id), "2026001")


def test_an_invoice_of_an_unknown_charge_waits(books: Any, facts: Any) -> None:
    books.harness.deliver(facts.invoice(books.customer(), 121, charge_id=uuid7()))
    (row,) = books.harness.unfinished()
    assert (row["state"], row["fingerprint"][:6]) == ("failed", "NotYet")


@pytest.mark.parametrize("wrong", [{"gross": "122.00"}, {"net": "99.99"}, {"taxes": []}, {"currency": "CZK"}])
def test_an_invoice_whose_totals_are_not_those_of_its_charge_stands_aside(books: Any, facts: Any, wrong: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 121)
    books.harness.deliver(facts.invoice(customer_id, 121, charge_id=charge_id, **wrong))
    (row,) = books.harness.unfinished()
    assert row["fingerprint"].startswith("TotalsDiffer")
    assert books.read("SELECT document_id FROM open_item") == [(None,)]


def test_an_invoice_with_the_same_gross_and_another_tax_stands_aside(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 121)
    other = facts.invoice(customer_id, 100)
    tax = {
        "net": "101.00",
        "tax": "20.00",
        "gross": "121.00",
        "taxes": [{"rate": "20", "net": "101.00", "tax": "20.00"}],
    }
    wrong = facts.invoice(customer_id, 121, charge_id=charge_id, **tax)
    books.harness.deliver(wrong, other)
    (row,) = books.harness.unfinished()
    assert row["fingerprint"].startswith("TotalsDiffer")


def test_a_second_document_for_one_charge_stands_aside(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 121)
    first, second = (facts.invoice(customer_id, 121, charge_id=charge_id) for _ in range(2))
    books.harness.deliver(first, second)
    (row,) = books.harness.unfinished()
    assert row["fingerprint"].startswith("ChargeHasDocument")
    assert len(books.read("SELECT 1 FROM open_item WHERE document_id IS NOT NULL")) == 1


def test_a_free_period_has_an_item_that_its_invoice_finds(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    charge_id = books.charge(customer_id, 0)
    books.harness.deliver(facts.invoice(customer_id, 0, charge_id=charge_id))
    assert books.harness.unfinished() == []
    assert books.settlement(customer_id)["items"] == {"Internet": (0, 0, facts.day(15), "2026001")}
