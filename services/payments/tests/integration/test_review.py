"""A person decides: accept, split, ignore, restore, undo; every decision once, and every one can be taken back."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from billhook_common.contracts.payments import EntryUnmatched, NamedDocument, PaymentReceived, PaymentReversed
from billhook_common.ids import uuid7
from billhook_common.money import Money

pytestmark = pytest.mark.integration

PAYER = "CZ6508000000192000145399"


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def waiting_entry(world: Any, amount: str = "29.90", **ways: Any) -> str:
    statement = world.imported(world.file(world.line(amount, "thanks", **ways)))
    (entry,) = world.entries(statement)
    assert entry["state"] == "queued"
    return str(entry["id"])


def call(world: Any, entry_id: str, verb: str, body: Any = None) -> Any:
    return world.client.post(f"/entries/{entry_id}/{verb}", body)


def accept(world: Any, entry_id: str, customer_id: UUID, **more: Any) -> Any:
    return call(world, entry_id, "accept", {"customer_id": str(customer_id), **more})


def test_an_accepted_entry_leaves_suspense_for_the_customer(world: Any) -> None:
    anna = world.customer()
    entry_id = waiting_entry(world)
    answer = accept(world, entry_id, anna.customer_id)
    assert answer.status_code == 200, answer.text
    assert (answer.json["state"], answer.json["customer"]["name"]) == ("manually_paired", "Anna Nováková")
    assert (answer.json["payment_number"], answer.json["decided_by"]) == ("PAY-000001", "Test")
    (payment,) = world.harness.published(PaymentReceived)
    assert (str(payment.from_suspense), payment.customer_id) == (entry_id, anna.customer_id)
    # Received when the bank booked it; in the customer's books on the day on which the customer was found (R30).
    assert (payment.received_on, payment.booked_on) == (world.day, world.harness.clock.today())
    statement = world.statement(answer.json["statement_id"])
    assert (statement["paired"], statement["queued"]["count"]) == ({"count": 1, "sum": eur("29.90")}, 0)


def test_the_documents_that_the_rules_found_are_paid_unless_others_are_named(world: Any) -> None:
    anna = world.customer(lifecycle="archived")
    found, other = world.invoice(anna.customer_id, "29.90"), world.invoice(anna.customer_id, "10.00")
    lines = [world.line("29.90", found.number), world.line("29.91", found.number), world.line("29.92", found.number)]
    entries = world.entries(world.imported(world.file(*lines)))
    assert [entry["state"] for entry in entries] == ["proposed"] * 3
    accept(world, entries[0]["id"], anna.customer_id)
    accept(world, entries[1]["id"], anna.customer_id, documents=[])
    stated = [
        {"document_id": str(other.document_id), "amount": eur("9.00")}, {"document_id": str(found.document_id)},
    ]  # fmt: skip
    assert accept(world, entries[2]["id"], anna.customer_id, documents=stated).status_code == 200
    named = [one.documents for one in world.harness.published(PaymentReceived)]
    assert named == [
        (NamedDocument(document_id=found.document_id),),
        (),
        (
            NamedDocument(document_id=other.document_id, amount=Money.of("9.00", "EUR").amount),
            NamedDocument(document_id=found.document_id),
        ),
    ]


def test_an_entry_is_decided_once(world: Any) -> None:
    anna, jan = world.customer(), world.customer("Jan Dvořák")
    entry_id = waiting_entry(world)
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda who=who: statuses.append(accept(world, entry_id, who.customer_id).status_code))
        for who in (anna, jan)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 409]
    assert len(world.harness.published(PaymentReceived)) == 1
    for verb, body in (("accept", {"customer_id": str(anna.customer_id)}), ("ignore", {"reason": "x"})):
        answer = call(world, entry_id, verb, body)
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/entry-decided")


def test_a_split_pays_for_several_customers_and_sums_to_the_entry(world: Any) -> None:
    anna, jan = world.customer(), world.customer("Jan Dvořák")
    entry_id = waiting_entry(world, "50.00", account=PAYER)

    def parts(first: str, second: str) -> dict[str, Any]:
        return {"parts": [
            {"customer_id": str(anna.customer_id), "amount": eur(first)},
            {"customer_id": str(jan.customer_id), "amount": eur(second)},
        ]}  # fmt: skip

    for first, second in (("20.00", "20.00"), ("60.00", "-10.00"), ("50.00", "0.00")):
        assert call(world, entry_id, "split", parts(first, second)).status_code == 422
    koruna = parts("20.00", "30.00")
    koruna["parts"][1]["amount"]["currency"] = "CZK"
    assert call(world, entry_id, "split", koruna).json["type"] == "/problems/wrong-currency"
    answer = call(world, entry_id, "split", parts("20.00", "30.00"))
    assert (answer.status_code, answer.json["state"]) == (200, "manually_paired")
    assert [(one["number"], one["amount"]) for one in answer.json["payments"]] == [
        ("PAY-000001", eur("20.00")), ("PAY-000002", eur("30.00")),
    ]  # fmt: skip
    assert {str(one.from_suspense) for one in world.harness.published(PaymentReceived)} == {entry_id}
    # One part alone cannot be taken back: the bank's line is one.
    refused = world.client.post(f"/payments/{answer.json['payments'][0]['id']}/reverse", {"reason": "wrong"})
    assert (refused.status_code, refused.json["type"]) == (409, "/problems/part-of-split")
    assert call(world, entry_id, "undo", {}).json["state"] == "queued"
    assert len(world.harness.published(PaymentReversed)) == 2
    # An account that pays for several tells nothing.
    statement = world.imported(world.file(world.line("7.00", "again", account=PAYER), sequence="9"))
    assert world.entries(statement)[0]["candidates"] == []


def test_an_ignored_entry_stays_on_its_statement_and_can_be_restored(world: Any) -> None:
    entry_id = waiting_entry(world)
    assert call(world, entry_id, "ignore", {}).status_code == 422
    ignored = call(world, entry_id, "ignore", {"reason": "Transfer between our accounts"}).json
    assert (ignored["state"], ignored["reason"]) == ("ignored", "Transfer between our accounts")
    assert world.statement(ignored["statement_id"])["ignored"] == {"count": 1, "sum": eur("29.90")}
    assert world.walk("/entries") == []
    restored = call(world, entry_id, "restore").json
    assert (restored["state"], restored["reason"]) == ("queued", "Nothing in the payment names a customer")
    assert [entry["id"] for entry in world.walk("/entries")] == [entry_id]
    answer = call(world, entry_id, "restore")
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/entry-undecided")
    assert len(world.harness.published(EntryUnmatched)) == 1


def test_undo_reverses_what_was_posted_and_the_money_waits_in_suspense(world: Any) -> None:
    anna, jan = world.customer(), world.customer("Jan Dvořák")
    statement = world.imported(world.file(world.line("29.90", f"for {anna.payment_reference}", account=PAYER)))
    (entry,) = world.entries(statement)
    assert entry["state"] == "processed"
    undone = call(world, entry["id"], "undo", {"reason": "Anna paid for Jan"}).json
    assert (undone["state"], undone["in_suspense"], undone["payments"]) == ("queued", True, [])
    (payment,), (reversal,) = world.harness.published(PaymentReceived), world.harness.published(PaymentReversed)
    assert (reversal.payment_id, reversal.amount, reversal.reason_code, reversal.reason) == (
        payment.payment_id, payment.amount, "wrong_pairing", "Anna paid for Jan",
    )  # fmt: skip
    (waiting,) = world.harness.published(EntryUnmatched)
    assert (str(waiting.entry_id), waiting.booked_on) == (entry["id"], world.harness.clock.today())
    assert world.client.get(f"/payments/{payment.payment_id}").json["state"] == "voided"
    accept(world, entry["id"], jan.customer_id)
    again = world.harness.published(PaymentReceived)[1]
    assert (again.customer_id, str(again.from_suspense)) == (jan.customer_id, entry["id"])
    # The account that was paired wrongly once is never paired automatically again (R52).
    later = world.imported(world.file(world.line("5.00", f"for {anna.payment_reference}", account=PAYER), sequence="2"))
    (line,) = world.entries(later)
    assert (line["state"], line["reason"]) == ("proposed", "The payer's account is blocked for automatic pairing")


def test_undo_after_suspense_does_not_put_it_there_twice(world: Any) -> None:
    anna = world.customer()
    entry_id = waiting_entry(world)
    for _ in range(2):
        accept(world, entry_id, anna.customer_id)
        assert call(world, entry_id, "undo", {}).json["state"] == "queued"
    assert len(world.harness.published(EntryUnmatched)) == 1
    assert len(world.harness.published(PaymentReversed)) == 2
    assert len({one.reversal_id for one in world.harness.published(PaymentReversed)}) == 2


def test_what_was_proposed_is_proposed_again_after_undo(world: Any) -> None:
    anna = world.customer(lifecycle="archived")
    statement = world.imported(world.file(world.line("29.90", f"for {anna.payment_reference}")))
    (entry,) = world.entries(statement)
    call(world, entry["id"], "ignore", {"reason": "x"})
    restored = call(world, entry["id"], "restore").json
    assert (restored["state"], restored["reason"]) == ("proposed", "The customer's account is closed")
    accept(world, entry["id"], anna.customer_id)
    assert call(world, entry["id"], "undo", {}).json["state"] == "proposed"


def test_remembering_the_account_is_a_choice(world: Any) -> None:
    anna = world.customer()
    world.invoice(anna.customer_id, "12.34")
    accept(world, waiting_entry(world, "1.00", account=PAYER), anna.customer_id, remember_iban=False)
    line = world.line("2.00", "b", account=PAYER)
    second = world.entries(world.imported(world.file(line, sequence="2")))[0]
    assert second["candidates"] == []
    accept(world, second["id"], anna.customer_id)
    third = world.entries(world.imported(world.file(world.line("12.34", "c", account=PAYER), sequence="3")))[0]
    assert (third["state"], "account seen before" in third["reasons"]) == ("proposed", True)


BodyOf = Callable[[Any, Any, Any], dict[str, Any]]
BAD_ACCEPTANCES: dict[str, tuple[BodyOf, int, str]] = {
    "nobody": (lambda a, b, i: {}, 422, "invalid"),
    "unknown customer": (lambda a, b, i: {"customer_id": str(uuid7())}, 409, "not-known-yet"),
    "unknown document": (
        lambda a, b, i: {"customer_id": str(a), "documents": [{"document_id": str(uuid7())}]}, 409, "not-known-yet",
    ),
    "another's document": (
        lambda a, b, i: {"customer_id": str(b), "documents": [{"document_id": str(i)}]},
        409, "document-of-another-customer",
    ),
    "twice": (
        lambda a, b, i: {"customer_id": str(a), "documents": [{"document_id": str(i)}] * 2},
        422, "document-named-twice",
    ),
    "too much": (
        lambda a, b, i: {"customer_id": str(a), "documents": [{"document_id": str(i), "amount": eur("29.91")}]},
        422, "named-too-much",
    ),
    "nothing": (
        lambda a, b, i: {"customer_id": str(a), "documents": [{"document_id": str(i), "amount": eur("0.00")}]},
        422, "amount-not-positive",
    ),
    "currency": (
        lambda a, b, i: {
            "customer_id": str(a),
            "documents": [{"document_id": str(i), "amount": {"amount": "1.00", "currency": "CZK"}}],
        },
        409, "wrong-currency",
    ),
    "more": (lambda a, b, i: {"customer_id": str(a), "state": "processed"}, 422, "invalid"),
}  # fmt: skip


def test_a_bad_acceptance_is_refused_and_nothing_is_posted(world: Any) -> None:
    anna, jan = world.customer(), world.customer("Jan Dvořák")
    invoice = world.invoice(anna.customer_id)
    entry_id = waiting_entry(world)
    for name, (body, status, problem) in BAD_ACCEPTANCES.items():
        answer = call(world, entry_id, "accept", body(anna.customer_id, jan.customer_id, invoice.document_id))
        assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}"), (name, answer.text)
    assert world.harness.published(PaymentReceived) == []
    assert world.client.get(f"/entries/{entry_id}").json["state"] == "queued"


def test_debits_and_announcements_belong_to_nobody(world: Any) -> None:
    anna = world.customer()
    statement = world.imported(world.file(world.line("-7.00", "fee"), world.line("7.00", "soon", status="PDNG")))
    for entry in world.entries(statement):
        answer = accept(world, entry["id"], anna.customer_id)
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/entry-not-payment")


def test_an_entry_that_is_not_there_is_not_found(world: Any) -> None:
    customer_id = str(world.customer().customer_id)
    bodies = {
        "accept": {"customer_id": customer_id}, "ignore": {"reason": "x"}, "undo": {},
        "split": {"parts": [{"customer_id": customer_id, "amount": eur("1.00")}] * 2},
    }  # fmt: skip
    for verb in (*bodies, "restore"):
        assert call(world, str(uuid7()), verb, bodies.get(verb)).status_code == 404
