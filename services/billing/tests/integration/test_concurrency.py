"""Two sessions at one account: nothing is lost, nothing doubled, nobody waits in a circle."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from billhook_billing.actions.post import NewTransaction, post
from billhook_billing.actions.settle import settle_customers
from billhook_billing.domain import ledger
from billhook_common.ids import uuid7

pytestmark = pytest.mark.integration


def together(*actions: Callable[[], object]) -> list[BaseException]:
    """Start all at once; returns what they raised."""
    errors: list[BaseException] = []
    start = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> None:
        start.wait()
        try:
            action()
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return errors


def a_correction(facts: Any, customer_id: UUID, new_id: UUID | None = None) -> NewTransaction:
    return NewTransaction(
        id=new_id or uuid7(), posting=ledger.correction(customer_id, facts.euros(1)), customer_id=customer_id,
        posted_on=facts.today, description="Goodwill",
    )  # fmt: skip


def test_two_posts_on_one_customer_both_count(books: Any, facts: Any) -> None:
    customer_id = books.customer()

    def post_ten() -> None:
        for _ in range(10):
            books.post(a_correction(facts, customer_id))

    assert together(post_ten, post_ten) == []
    assert books.balance(customer_id) == 20
    rows = books.read("SELECT balance_after FROM ledger_entry WHERE customer_id = :id ORDER BY id", id=customer_id)
    assert [row[0] for row in rows] == [100 * number for number in range(1, 21)]
    assert books.read("SELECT version FROM account") == [(20,)]


def test_one_id_posted_by_two_sessions_has_one_effect(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    for _ in range(10):
        new = a_correction(facts, customer_id)
        assert together(lambda new=new: books.post(new), lambda new=new: books.post(new)) == []
    assert books.balance(customer_id) == 10


def test_batches_of_the_same_customers_in_other_orders_do_not_deadlock(books: Any, facts: Any) -> None:
    customers = [books.customer() for _ in range(30)]

    def post_all(order: list[UUID]) -> None:
        for _ in range(5):
            with books.harness.session() as session:
                post(session, books.harness.clock, [a_correction(facts, customer_id) for customer_id in order])
                settle_customers(session, books.harness.clock, order)

    assert together(lambda: post_all(customers), lambda: post_all(customers[::-1])) == []
    assert {books.balance(customer_id) for customer_id in customers} == {10}


def test_a_payment_and_its_invoice_at_the_same_moment_meet(books: Any, facts: Any) -> None:
    for _ in range(10):
        customer_id = books.customer()
        charge_id = books.charge(customer_id, 121)
        invoice = facts.invoice(customer_id, 121, charge_id=charge_id)
        payment = facts.payment(customer_id, 121, invoice.document_id)
        assert together(lambda i=invoice: books.harness.deliver(i), lambda p=payment: books.harness.deliver(p)) == []
        assert books.settlement(customer_id)["pays"] == {("Payment P1", "Internet"): 121}


def test_two_reversals_at_once_take_back_once(books: Any, facts: Any) -> None:
    customer_id = books.customer()
    (posted,) = books.post(a_correction(facts, customer_id))
    codes: list[int] = []

    def reverse() -> None:
        codes.append(books.harness.client().post(f"/transactions/{posted.id}/reverse").status_code)

    assert together(reverse, reverse) == []
    assert sorted(codes) == [201, 409]
    assert books.balance(customer_id) == 0
