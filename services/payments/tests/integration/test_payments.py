"""Payments by hand: taken once, listed, counted, voided; refunds."""

import datetime as dt
import threading
from collections import Counter
from typing import Any

import pytest

from billhook_common.contracts.payments import NamedDocument, PaymentReceived, PaymentReversed, RefundSent
from billhook_common.ids import uuid7
from billhook_common.money import Money

pytestmark = pytest.mark.integration


def eur(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


def take(world: Any, customer: Any, amount: str = "29.90", *, key: str | None = "", **more: Any) -> Any:
    body = {"customer_id": str(customer.customer_id), "amount": eur(amount), "method": "cash", **more}
    return world.client.post("/payments", body, key=key)


def test_a_payment_is_recorded_numbered_and_told(world: Any) -> None:
    anna = world.customer()
    invoice = world.invoice(anna.customer_id)
    answer = take(
        world, anna, received_on="2026-11-20", reference="receipt 7", note="at the door",
        documents=[{"document_id": str(invoice.document_id)}], key="till-1",
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    payment = answer.json
    assert (payment["number"], payment["state"], payment["method"]) == ("PAY-000001", "confirmed", "cash")
    assert (payment["amount"], payment["customer"]["name"]) == (eur("29.90"), "Anna Nováková")
    assert (payment["received_on"], payment["booked_on"]) == ("2026-11-20", "2026-11-20")
    assert (payment["reference"], payment["note"], payment["entered_by"]) == ("receipt 7", "at the door", "Test")
    assert payment["source_key"] == "till-1"
    assert [one["amount"] for one in payment["documents"]] == ["29.90"]
    (told,) = world.harness.published(PaymentReceived)
    assert (str(told.payment_id), told.number, told.customer_id, told.amount, told.method, told.received_on) == (
        payment["id"], "PAY-000001", anna.customer_id, Money.of("29.90", "EUR"), "cash", dt.date(2026, 11, 20),
    )  # fmt: skip
    assert told.documents == (NamedDocument(document_id=invoice.document_id),)
    assert world.client.get(f"/payments/{payment['id']}").json == payment


def test_a_payment_received_today_needs_no_date(world: Any) -> None:
    assert take(world, world.customer()).json["received_on"] == "2026-11-24"


def test_a_command_repeated_with_its_key_is_one_payment(world: Any) -> None:
    anna = world.customer()
    first, second = take(world, anna, key="k1"), take(world, anna, key="k1")
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(world.harness.published(PaymentReceived)) == 1
    other = take(world, anna, "30.00", key="k1")
    assert (other.status_code, other.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert take(world, anna, key=None).status_code == 400
    assert [one["number"] for one in world.walk("/payments", source_key="k1")] == ["PAY-000001"]


def test_a_key_used_many_times_at_once_is_one_payment(world: Any) -> None:
    anna = world.customer()
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(take(world, anna, key="same").status_code)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {201: 8}
    assert len(world.harness.published(PaymentReceived)) == 1


def test_a_refused_payment_takes_no_number(world: Any) -> None:
    anna = world.customer()
    assert take(world, anna, "0.00").status_code == 422
    assert take(world, anna).json["number"] == "PAY-000001"


BAD_PAYMENTS: dict[str, tuple[dict[str, Any], int, str]] = {
    "nothing": ({"amount": eur("0.00")}, 422, "amount-not-positive"),
    "negative": ({"amount": eur("-1.00")}, 422, "amount-not-positive"),
    "parts of a cent": ({"amount": eur("0.001")}, 422, "invalid"),
    "not a number": ({"amount": eur("NaN")}, 422, "invalid"),
    "infinite": ({"amount": eur("Infinity")}, 422, "invalid"),
    "huge": ({"amount": eur("1e309")}, 422, "invalid"),
    "number": ({"amount": 29.9}, 422, "invalid"),
    "currency": ({"amount": {"amount": "1.00", "currency": "XXX"}}, 422, "invalid"),
    "method": ({"method": "cheque"}, 422, "invalid"),
    "tomorrow": ({"received_on": "2026-11-25"}, 422, "date-in-future"),
    "no day": ({"received_on": "2026-02-30"}, 422, "invalid"),
    "unknown customer": ({"customer_id": str(uuid7())}, 409, "not-known-yet"),
    "no uuid": ({"customer_id": "1"}, 422, "invalid"),
    "unknown document": ({"documents": [{"document_id": str(uuid7())}]}, 409, "not-known-yet"),
    "more": ({"balance": "1000.00"}, 422, "invalid"),
    "state": ({"state": "voided"}, 422, "invalid"),
    "control characters": ({"note": "a\u202eb"}, 422, "invalid"),
    "nul": ({"reference": "a\x00"}, 422, "invalid"),
}


def test_a_bad_payment_is_refused(world: Any) -> None:
    good = {"customer_id": str(world.customer().customer_id), "amount": eur("29.90"), "method": "cash"}
    for name, (changes, status, problem) in BAD_PAYMENTS.items():
        answer = world.client.post("/payments", {**good, **changes})
        assert (answer.status_code, answer.json["type"]) == (status, f"/problems/{problem}"), (name, answer.text)
        assert answer.content_type == "application/problem+json"
    assert world.harness.published(PaymentReceived) == []


def test_a_voided_payment_stays_on_record(world: Any) -> None:
    payment = take(world, world.customer()).json
    assert world.client.post(f"/payments/{payment['id']}/reverse", {}).status_code == 422
    voided = world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "counted twice"})
    assert voided.status_code == 200, voided.text
    assert (voided.json["state"], voided.json["void_reason"], voided.json["voided_by"]) == (
        "voided", "counted twice", "Test",
    )  # fmt: skip
    (reversal,) = world.harness.published(PaymentReversed)
    assert (str(reversal.payment_id), str(reversal.amount), reversal.reversed_on, reversal.reason_code) == (
        payment["id"], "29.90 EUR", dt.date(2026, 11, 24), "voided",
    )  # fmt: skip
    again = world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "again"})
    assert (again.status_code, again.json["type"]) == (409, "/problems/payment-voided")
    assert world.client.post(f"/payments/{uuid7()}/reverse", {"reason": "x"}).status_code == 404
    assert world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "x"}, key=None).status_code == 400


def test_a_payment_is_voided_once_however_many_try(world: Any) -> None:
    payment = take(world, world.customer()).json
    statuses: list[int] = []

    def void() -> None:
        statuses.append(world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "x"}).status_code)

    threads = [threading.Thread(target=void) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(statuses) == {200: 1, 409: 3}
    assert len(world.harness.published(PaymentReversed)) == 1


def test_reversing_a_payment_from_the_bank_puts_its_entry_back_into_the_queue(world: Any) -> None:
    anna = world.customer()
    statement = world.imported(world.file(world.line("29.90", f"for {anna.payment_reference}")))
    (payment,) = world.walk("/payments", customer_id=str(anna.customer_id))
    assert payment["statement_id"] == statement["id"]
    assert world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "not hers"}).status_code == 200
    (entry,) = world.walk("/entries")
    assert (entry["id"], entry["state"]) == (payment["entry_id"], "queued")
    again = world.client.post(f"/payments/{payment['id']}/reverse", {"reason": "again"})
    assert again.status_code == 409


def a_till(world: Any) -> tuple[Any, Any]:
    """Two customers with seven payments over three months, one of them voided."""
    anna, jan = world.customer("Anna Nováková"), world.customer("Jan Dvořák")
    days = ("2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01", "2026-11-24")
    for number, day in enumerate(days, 1):
        take(world, anna, f"{number}.00", method="card" if number % 2 else "cash", received_on=day, reference=f"R{day}")
    take(world, jan, "100.00", method="bank_transfer")
    voided = take(world, jan, "50.00").json
    world.client.post(f"/payments/{voided['id']}/reverse", {"reason": "x"})
    return anna, jan


def test_lists_are_paged_filtered_sorted_and_equal_to_their_totals(world: Any) -> None:
    anna, jan = a_till(world)
    everything = world.walk("/payments", limit=2)
    assert [one["number"] for one in everything] == [f"PAY-{number:06d}" for number in range(7, 0, -1)]
    filters: list[dict[str, Any]] = [
        {}, {"customer_id": str(anna.customer_id)}, {"method": "card"}, {"state": "voided"}, {"state": "confirmed"},
        {"from": "2026-10-01", "until": "2026-11-01"}, {"from": "2026-11-24"}, {"q": "dvorak"}, {"q": "PAY-000003"},
        {"q": "R2026-10"}, {"q": "nobody"}, {"method": "cash", "customer_id": str(jan.customer_id)},
    ]  # fmt: skip
    counts = []
    for wanted in filters:
        items = world.walk("/payments", limit=2, **wanted)
        totals = world.client.get("/payments", totals="true", **wanted).json["totals"]
        assert totals["count"] == len(items)
        assert Money.of(totals["sum"]["amount"], "EUR").minor == sum(
            Money.of(item["amount"]["amount"], "EUR").minor for item in items
        )
        by_method = {one["method"]: one["count"] for one in totals["by_method"]}
        assert by_method == Counter(item["method"] for item in items)
        counts.append(len(items))
    assert counts == [7, 5, 3, 1, 6, 2, 3, 2, 1, 2, 0, 1]
    by_amount = [one["amount"]["amount"] for one in world.walk("/payments", sort="amount", limit=3)]
    assert by_amount == ["1.00", "2.00", "3.00", "4.00", "5.00", "50.00", "100.00"]
    by_day = [one["received_on"] for one in world.walk("/payments", sort="-received_on", limit=3)]
    assert by_day == sorted(by_day, reverse=True)


def test_the_panels_equal_their_lists(world: Any) -> None:
    anna, jan = a_till(world)
    for query, first, until in (({}, "2026-11-01", "2026-12-01"), ({"month": "2026-10"}, "2026-10-01", "2026-11-01")):
        panel = world.client.get("/panels/payments", **query).json
        assert (panel["from"], panel["until"]) == (first, until)
        listed = {"from": first, "until": until, "state": "confirmed"}
        totals = world.client.get("/payments", totals="true", **listed).json["totals"]
        assert {name: panel[name] for name in totals} == totals
        assert panel["count"] == len(world.walk("/payments", **listed))
        assert panel["months"][-1] == {"month": first[:7], "count": panel["count"], "sum": panel["sum"]}
        assert len(panel["months"]) == 12
    payers = world.client.get("/panels/payers").json["items"]
    assert [(one["customer"]["id"], one["amount"], one["count"]) for one in payers] == [
        (str(jan.customer_id), eur("100.00"), 1), (str(anna.customer_id), eur("9.00"), 2),
    ]  # fmt: skip


def test_the_panel_of_unmatched_entries_equals_the_queue(world: Any) -> None:
    anna = world.customer(lifecycle="archived")
    nothing = {"count": 0, "sum": eur("0.00")}
    assert world.client.get("/panels/unmatched").json == {
        **nothing, "oldest": None, "proposed": nothing, "queued": nothing,
    }  # fmt: skip
    older = world.line("3.00", "a", on=dt.date(2026, 11, 20))
    named = world.line("4.00", f"for {anna.payment_reference}")
    world.imported(
        world.file(world.line("1.50", "b"), older, named, world.line("-7.00"), world.line("9.00", currency="CZK"))
    )
    panel = world.client.get("/panels/unmatched").json
    queue = world.walk("/entries", limit=1)
    assert [one["amount"]["amount"] for one in queue] == ["3.00", "1.50", "4.00", "9.00"]
    assert (panel["count"], panel["sum"], panel["oldest"]) == (4, eur("8.50"), "2026-11-20")
    for state in ("proposed", "queued"):
        assert panel[state]["count"] == len(world.walk("/entries", state=state))


def test_a_refund_is_recorded_numbered_and_told(world: Any) -> None:
    anna = world.customer()
    body = {"customer_id": str(anna.customer_id), "amount": eur("10.00"), "note": "moved away"}
    answer = world.client.post("/refunds", body, key="r1")
    assert answer.status_code == 201, answer.text
    refund = answer.json
    assert (refund["number"], refund["sent_on"], refund["method"]) == ("REF-000001", "2026-11-24", "bank_transfer")
    (told,) = world.harness.published(RefundSent)
    assert (str(told.refund_id), told.customer_id, str(told.amount)) == (refund["id"], anna.customer_id, "10.00 EUR")
    assert world.client.post("/refunds", body, key="r1").json == refund
    assert world.walk("/refunds", customer_id=str(anna.customer_id)) == [refund]
    assert world.client.get(f"/refunds/{refund['id']}").json == refund
    assert world.walk("/refunds", customer_id=str(uuid7())) == []
    for wrong in ({"amount": eur("0.00")}, {"sent_on": "2026-11-25"}, {"customer_id": None}):
        assert world.client.post("/refunds", {**body, **wrong}).status_code == 422
    assert world.client.post("/refunds", body, key=None).status_code == 400
