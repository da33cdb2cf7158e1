"""Money in a currency in which no customer is billed: it waits, and cannot be made anybody's."""

from typing import Any

import pytest

from billhook_common.contracts.payments import EntryUnmatched, PaymentReceived, RefundSent

pytestmark = pytest.mark.integration

KORUNA = {"amount": "500.00", "currency": "CZK"}


@pytest.mark.parametrize("path", ["/payments", "/refunds"])
def test_nobody_pays_or_is_paid_in_a_foreign_currency(world: Any, path: str) -> None:
    body = {"customer_id": str(world.customer().customer_id), "amount": KORUNA, "method": "cash"}
    answer = world.client.post(path, body)
    assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-home-currency")
    assert world.harness.published(PaymentReceived) == world.harness.published(RefundSent) == []


def test_a_foreign_entry_waits_in_the_queue_and_stays_there(world: Any) -> None:
    anna = world.customer()
    statement = world.imported(
        world.file(world.line("500.00", f"for {anna.payment_reference}", currency="CZK"), currency="CZK")
    )
    (line,) = world.entries(statement)
    assert (line["state"], line["reason"]) == ("queued", "CZK cannot pay what is billed in EUR")
    (told,) = world.harness.published(EntryUnmatched)
    assert str(told.amount) == "500.00 CZK"
    half = {"customer_id": str(anna.customer_id), "amount": {"amount": "250.00", "currency": "CZK"}}
    for act, body in (("accept", {"customer_id": half["customer_id"]}), ("split", {"parts": [half, half]})):
        answer = world.client.post(f"/entries/{line['id']}/{act}", body)
        assert (answer.status_code, answer.json["type"]) == (409, "/problems/not-home-currency"), answer.text
    assert world.harness.published(PaymentReceived) == []


def test_a_refund_says_how_it_was_paid(world: Any) -> None:
    customer = str(world.customer().customer_id)
    body = {"customer_id": customer, "amount": {"amount": "5.00", "currency": "EUR"}, "method": "cash"}
    assert world.client.post("/refunds", body).status_code == 201
    assert [told.method for told in world.harness.published(RefundSent)] == ["cash"]
