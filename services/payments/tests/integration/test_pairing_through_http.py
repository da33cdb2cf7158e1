"""From a line of a bank file to the customer's payment: by reference, number, amount; else a person is asked."""

import datetime as dt
from typing import Any

import pytest

from billhook_common.clock import FixedClock
from billhook_common.contracts.payments import EntryUnmatched, NamedDocument, PaymentReceived
from billhook_common.money import Money
from billhook_common.service import Service
from billhook_common.testing import ServiceHarness
from billhook_common.testing.databases import TestDatabases

pytestmark = pytest.mark.integration

PAYER = "CZ6508000000192000145399"


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def only_payment(world: Any) -> PaymentReceived:
    (payment,) = world.harness.published(PaymentReceived)
    assert isinstance(payment, PaymentReceived)
    return payment


def test_the_payment_reference_of_a_customer_pairs_and_posts_at_import(world: Any) -> None:
    anna = world.customer()
    statement = world.imported(world.file(world.line("29.90", f"internet {anna.payment_reference}", bank_ref="B1")))
    assert (statement["counts"]["processed"], statement["paired"]["sum"]["amount"]) == (1, "29.90")
    payment = only_payment(world)
    assert (payment.customer_id, payment.number, payment.amount) == (anna.customer_id, "PAY-000001", eur("29.90"))
    assert (payment.method, payment.received_on, payment.booked_on) == ("bank_transfer", world.day, world.day)
    assert (payment.documents, payment.from_suspense) == ((), None)
    assert payment.reference == f"internet {anna.payment_reference}"
    assert world.harness.published(EntryUnmatched) == []
    (line,) = world.entries(statement)
    assert (line["state"], line["customer"]["name"], line["decided_by"]) == ("processed", "Anna Nováková", "rules")
    assert line["reasons"] == ["payment reference"]
    detail = world.client.get(f"/entries/{line['id']}").json
    assert (detail["payment_number"], detail["rules_version"]) == ("PAY-000001", "1")
    assert detail["evidence"][0]["rule"] == "payment_reference"


def test_an_old_payment_reference_still_means_its_customer(world: Any) -> None:
    anna = world.customer(payment_reference="5550001112")
    world.customer(customer_id=anna.customer_id, version=2, payment_reference="5550009998")
    world.imported(world.file(world.line("10.00", "VS 5550001112"), world.line("11.00", "VS 5550009998")))
    assert [one.customer_id for one in world.harness.published(PaymentReceived)] == [anna.customer_id] * 2


def test_the_invoice_in_the_text_names_customer_and_document(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id)
    world.imported(world.file(world.line("29.90", f"payment of {invoice.number}, thank you")))
    payment = only_payment(world)
    assert payment.customer_id == anna.customer_id
    assert payment.documents == (NamedDocument(document_id=invoice.document_id),)
    shown = world.client.get(f"/payments/{payment.payment_id}").json
    assert shown["documents"] == [
        {"document_id": str(invoice.document_id), "number": invoice.number, "amount": "29.90"}
    ]
    assert shown["entered_by"] == "rules"


def test_the_structured_reference_of_an_invoice_is_enough(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id, payment_reference="RF462026000123")
    world.imported(world.file(world.line("29.90", reference="RF46 2026 0001 23")))
    payment = only_payment(world)
    assert payment.documents == (NamedDocument(document_id=invoice.document_id),)
    assert payment.reference == "RF46 2026 0001 23"


def test_several_invoices_share_the_payment_in_the_order_in_which_they_are_named(world: Any) -> None:
    anna = world.customer()
    first, second = world.invoice(anna.customer_id, "30.00"), world.invoice(anna.customer_id, "20.00")
    world.imported(world.file(world.line("50.00", f"{second.number} {first.number}")))
    shown = world.client.get(f"/payments/{only_payment(world).payment_id}").json
    assert [(one["number"], one["amount"]) for one in shown["documents"]] == [
        (second.number, "20.00"), (first.number, "30.00"),
    ]  # fmt: skip


def test_amount_and_name_only_propose(world: Any) -> None:
    anna = world.customer("Anna Nováková")
    world.customer("Jan Dvořák")
    invoice = world.invoice(anna.customer_id, "47.13")
    statement = world.imported(world.file(world.line("47.13", "internet", name="NOVAKOVA ANNA", account=PAYER)))
    assert world.harness.published(PaymentReceived) == []
    (waiting,) = world.harness.published(EntryUnmatched)
    assert (waiting.amount, waiting.booked_on) == (eur("47.13"), world.day)
    (line,) = world.entries(statement, state="to_check")
    assert (line["state"], line["in_suspense"], line["candidates"][0]["customer"]["name"]) == (
        "proposed", True, "Anna Nováková",
    )  # fmt: skip
    assert line["iban_masked"] == "CZ65 0800 •••• •••• •••• 5399"
    detail = world.client.get(f"/entries/{line['id']}").json
    (candidate,) = detail["candidates"]
    assert candidate["customer"]["id"] == str(anna.customer_id)
    assert candidate["open"] == {"amount": "47.13", "currency": "EUR"}
    assert candidate["score"] == line["score"] >= 50
    assert f"The amount is what is open of {invoice.number}" in candidate["reasons"]
    assert {"amount", "name"} <= set(line["reasons"])


def test_two_customers_named_are_asked_about(world: Any) -> None:
    anna, jan = world.customer("Anna Nováková"), world.customer("Jan Dvořák")
    text = f"{anna.payment_reference} and {jan.payment_reference}"
    statement = world.imported(world.file(world.line("29.90", text)))
    (line,) = world.entries(statement)
    assert line["state"] == "proposed"
    assert line["reason"] == "References of different customers are in the payment"
    assert len(world.client.get(f"/entries/{line['id']}").json["candidates"]) == 2


def test_an_archived_customer_is_never_paired_automatically(world: Any) -> None:
    anna = world.customer(lifecycle="archived")
    statement = world.imported(world.file(world.line("29.90", f"for {anna.payment_reference}")))
    assert world.entries(statement)[0]["state"] == "proposed"


def test_an_account_that_paid_twice_is_remembered(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id, "33.33")
    for number in (1, 2):
        line = world.line(f"{number}.00", f"for {anna.payment_reference}", account=PAYER)
        world.imported(world.file(line, sequence=str(number)))
    world.imported(world.file(world.line("33.33", "no reference", account=PAYER), sequence="3"))
    payments = world.harness.published(PaymentReceived)
    assert [(one.customer_id, str(one.amount)) for one in payments][2] == (anna.customer_id, "33.33 EUR")
    assert invoice.document_id not in {one.document_id for one in payments[2].documents}


def test_a_second_payment_of_a_paid_invoice_is_asked_about(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id)
    world.open_amount(invoice, "0.00")
    statement = world.imported(world.file(world.line("29.90", invoice.number)))
    (line,) = world.entries(statement)
    assert (line["state"], "already paid" in line["reasons"]) == ("proposed", True)
    assert any(one["rule"] == "already_paid" for one in world.client.get(f"/entries/{line['id']}").json["evidence"])


def test_a_paid_invoice_is_forgotten_after_a_while(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id, issued_on=dt.date(2026, 7, 1))
    world.open_amount(invoice, "0.00")
    statement = world.imported(world.file(world.line("29.90", invoice.number)))
    assert world.entries(statement)[0]["state"] == "queued"


def test_money_in_another_currency_than_the_customer_owes_is_asked_about(world: Any) -> None:
    anna = world.customer()
    world.invoice(anna.customer_id, "500.00", currency="CZK")
    statement = world.imported(world.file(world.line("29.90", f"for {anna.payment_reference}")))
    (line,) = world.entries(statement)
    assert (line["state"], line["reason"]) == ("proposed", "The customer is not billed in EUR")
    answer = world.client.post(f"/entries/{line['id']}/accept", {"customer_id": str(anna.customer_id)})
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/wrong-currency")


def test_above_the_operators_limit_a_person_confirms(
    service: Service, databases: TestDatabases, clock: FixedClock, make_world: Any
) -> None:
    dsn = databases.create(service)
    harness = ServiceHarness(service, dsn, clock, auto_limit="100.00")
    world = make_world(harness)
    anna = world.customer()
    lines = [world.line(amount, f"for {anna.payment_reference}") for amount in ("100.00", "100.01")]
    entries = world.entries(world.imported(world.file(*lines)))
    assert [entry["state"] for entry in entries] == ["processed", "proposed"]
    decided = world.client.put("/settings/auto_limit", {"value": "200.00"}, headers={"If-Match": '"0"'})
    assert (decided.json["default"], decided.json["value"]) == ("100.00", "200.00")
    lines = [world.line(amount, f"for {anna.payment_reference}") for amount in ("200.00", "200.01")]
    entries = world.entries(world.imported(world.file(*lines, sequence="2")))
    assert [entry["state"] for entry in entries] == ["processed", "proposed"]
    harness.close()
    databases.drop(dsn)


def test_numbers_are_gapless_over_imports_and_manual_payments(world: Any) -> None:
    anna = world.customer()
    for number in (1, 2):
        lines = [world.line(f"{n}.00", f"{number} for {anna.payment_reference}") for n in range(1, 4)]
        world.imported(world.file(*lines, sequence=str(number)))
        body = {"customer_id": str(anna.customer_id), "amount": {"amount": "9.00", "currency": "EUR"}, "method": "cash"}
        assert world.client.post("/payments", body).status_code == 201
    numbers = [one.number for one in world.harness.published(PaymentReceived)]
    assert numbers == [f"PAY-{number:06d}" for number in range(1, 9)]
