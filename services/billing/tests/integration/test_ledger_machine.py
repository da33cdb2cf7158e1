"""Any order of charges, payments, invoices, reversals, credit notes and refunds, with redelivery: the books are right.

What is stored is compared with the domain's ``settle`` over the facts that have arrived, after every step.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from billhook_billing.domain.settlement import Credit, Item, Named, settle
from billhook_common.contracts.billing import ItemChanged, TransactionPosted
from billhook_common.contracts.invoicing import CreditNoteIssued, InvoiceIssued
from billhook_common.contracts.payments import PaymentReceived, PaymentReversed, RefundSent
from billhook_common.ids import derive_id, uuid7

pytestmark = pytest.mark.integration

AMOUNTS = st.sampled_from([10, 20, 30])
DAYS = st.integers(min_value=1, max_value=3)
LATE = st.booleans()


@dataclass(frozen=True)
class Charge:
    """A charge of a run, in whole euros."""

    charge_id: UUID
    customer_id: UUID
    gross: int
    due_on: dt.date
    documented: bool


class LedgerMachine(RuleBasedStateMachine):
    """Facts are made, arrive in any order, and come again."""

    books: Any
    facts: Any

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[tuple[UUID, object]] = []
        self.arrived: list[tuple[UUID, object]] = []
        self.made: list[object] = []
        self.number = 0

    @initialize()
    def a_customer(self) -> None:
        self.customer_id = self.books.customer()

    def make(self, fact: object, *, late: bool) -> None:
        """A fact is made; it arrives at once or later."""
        self.made.append(fact)
        if late:
            self.waiting.append((uuid7(), fact))
        else:
            self.arrived.append((uuid7(), fact))
            self.deliver(*self.arrived[-1])

    def of(self, *kinds: type) -> list[Any]:
        return [fact for fact in self.made if isinstance(fact, kinds)]

    def next_number(self) -> str:
        self.number += 1
        return f"{self.number:04}"

    @rule(gross=AMOUNTS, due=st.tuples(DAYS, DAYS), documented=st.booleans(), late=LATE, invoice_late=LATE)
    def charge(self, gross: int, due: tuple[int, int], documented: bool, late: bool, invoice_late: bool) -> None:
        charge = Charge(uuid7(), self.customer_id, gross, self.facts.day(min(due)), documented)
        self.make(charge, late=late)
        if documented:
            number, due_on = self.next_number(), self.facts.day(max(due))
            invoice = self.facts.invoice(self.customer_id, gross, charge_id=charge.charge_id, number=number, due=due_on)
            self.make(invoice, late=invoice_late)

    @rule(gross=AMOUNTS, due=DAYS, late=LATE)
    def invoice_by_hand(self, gross: int, due: int, late: bool) -> None:
        invoice = self.facts.invoice(self.customer_id, gross, number=self.next_number(), due=self.facts.day(due))
        self.make(invoice, late=late)

    @rule(amount=AMOUNTS, on=DAYS, late=LATE, data=st.data())
    def payment(self, amount: int, on: int, late: bool, data: Any) -> None:
        documents = [fact.document_id for fact in self.of(InvoiceIssued)]
        named = data.draw(st.lists(st.sampled_from(documents), max_size=2, unique=True)) if documents else []
        payment = self.facts.payment(self.customer_id, amount, *named, number=self.next_number(), on=self.facts.day(on))
        self.make(payment, late=late)

    @rule(amount=AMOUNTS, on=DAYS, late=LATE)
    def refund(self, amount: int, on: int, late: bool) -> None:
        self.make(self.facts.refund(self.customer_id, amount, on=self.facts.day(on)), late=late)

    @precondition(lambda self: self.of(PaymentReceived))
    @rule(late=LATE, data=st.data())
    def reversal(self, late: bool, data: Any) -> None:
        reversed_ids = {fact.payment_id for fact in self.of(PaymentReversed)}
        payment = data.draw(st.sampled_from(self.of(PaymentReceived)))
        if payment.payment_id not in reversed_ids:
            self.make(self.facts.reversal(payment), late=late)

    @precondition(lambda self: self.of(InvoiceIssued))
    @rule(gross=AMOUNTS, on=DAYS, late=LATE, data=st.data())
    def credit_note(self, gross: int, on: int, late: bool, data: Any) -> None:
        invoice = data.draw(st.sampled_from(self.of(InvoiceIssued)))
        self.make(self.facts.credit_note(invoice, gross, number=self.next_number(), on=self.facts.day(on)), late=late)

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def arrive(self, data: Any) -> None:
        at = data.draw(st.integers(0, len(self.waiting) - 1))
        self.arrived.append(self.waiting.pop(at))
        self.deliver(*self.arrived[-1])

    @precondition(lambda self: len(self.waiting) > 1)
    @rule()
    def arrive_together(self) -> None:
        events = [row for row in self.waiting if not isinstance(row[1], Charge)]
        self.waiting = [row for row in self.waiting if isinstance(row[1], Charge)]
        self.arrived.extend(events)
        self.books.harness.deliver(*[fact for _, fact in events])
        self.retry()

    @precondition(lambda self: self.arrived)
    @rule(data=st.data(), same_event=st.booleans())
    def come_again(self, data: Any, same_event: bool) -> None:
        event_id, fact = data.draw(st.sampled_from(self.arrived))
        self.deliver(event_id if same_event else uuid7(), fact)

    def deliver(self, event_id: UUID, fact: object) -> None:
        if isinstance(fact, Charge):
            self.books.charge(
                fact.customer_id, fact.gross, charge_id=fact.charge_id, due=fact.due_on, documented=fact.documented
            )
        else:
            self.books.harness.deliver(fact, event_id=event_id)
        self.retry()

    def retry(self) -> None:
        while self.books.harness.retry():
            pass

    def expected(self) -> tuple[list[Item], list[Credit], list[Named]]:
        """The facts that have arrived, as the domain sees them; amounts in minor units."""
        arrived = [fact for _, fact in self.arrived]
        invoices = {fact.charge_id: fact for fact in arrived if isinstance(fact, InvoiceIssued) and fact.charge_id}
        reversed_ids = {fact.payment_id for fact in arrived if isinstance(fact, PaymentReversed)}
        items, credits, documents, named = [], [], {}, []
        for fact in arrived:
            if isinstance(fact, Charge):
                number, due_on = "" if fact.documented else None, fact.due_on
                item_id = derive_id("charge", fact.charge_id)
                if fact.charge_id in invoices:
                    invoice = invoices[fact.charge_id]
                    number, due_on = invoice.number, invoice.due_on
                    documents[invoice.document_id] = item_id
                items.append(Item(item_id, fact.gross * 100, due_on, number))
            elif isinstance(fact, InvoiceIssued) and fact.charge_id is None:
                item_id = documents[fact.document_id] = derive_id("document", fact.document_id)
                items.append(Item(item_id, int(fact.gross * 100), fact.due_on, fact.number))
            elif isinstance(fact, RefundSent):
                items.append(Item(derive_id("refund", fact.refund_id), fact.amount.minor, fact.sent_on))
            elif isinstance(fact, PaymentReceived) and fact.payment_id not in reversed_ids:
                credit_id = derive_id("payment", fact.payment_id)
                credits.append(Credit(credit_id, fact.amount.minor, fact.received_on))
                named += [(credit_id, document.document_id) for document in fact.documents]
            elif isinstance(fact, CreditNoteIssued):
                credit_id = derive_id("document", fact.document_id)
                credits.append(Credit(credit_id, int(fact.gross * 100), fact.issued_on, is_credit_note=True))
                named.append((credit_id, fact.refers_to))
        known = [
            Named(credit_id, documents[document_id]) for credit_id, document_id in named if document_id in documents
        ]
        return items, credits, known

    @invariant()
    def stored_is_what_the_facts_say(self) -> None:
        items, credits, named = self.expected()
        settlement = settle(items, credits, named)
        read, who = self.books.read, {"id": self.customer_id}
        stored_open = read("SELECT transaction_id, open FROM open_item WHERE customer_id = :id", **who)
        assert dict(stored_open) == settlement.open_minor
        left = read("SELECT transaction_id, unallocated FROM credit WHERE customer_id = :id AND total > 0", **who)
        assert dict(left) == settlement.unallocated_minor
        pays = read(
            "SELECT credit_id, item_id, CAST(sum(amount) AS bigint) FROM allocation WHERE customer_id = :id "
            "GROUP BY 1, 2 HAVING sum(amount) <> 0",
            **who,
        )
        assert sorted(pays) == sorted(tuple(row) for row in settlement.allocations)
        balance = sum(row.amount_minor for row in credits) - sum(row.amount_minor for row in items)
        assert read("SELECT balance FROM account WHERE customer_id = :id", **who) == [(balance,)]

    def teardown(self) -> None:
        if not hasattr(self, "customer_id"):
            return
        self.books.prove()
        items, credits, named = self.expected()
        # A listener that keeps the highest version of each item, in any order, knows what is open.
        believed = {item.item_id: item.amount_minor for item in items}
        heard = [fact for fact in self.books.harness.published(ItemChanged) if fact.customer_id == self.customer_id]
        for told in sorted(heard, key=lambda fact: fact.version):
            believed[told.transaction_id] = told.open.minor
        assert believed == settle(items, credits, named).open_minor
        posted = [
            fact for fact in self.books.harness.published(TransactionPosted) if fact.customer_id == self.customer_id
        ]
        assert len(posted) == len({fact.account_version for fact in posted})


def test_any_order_of_facts_with_redelivery_keeps_the_books_right(books: Any, facts: Any) -> None:
    machine = type("Machine", (LedgerMachine,), {"books": books, "facts": facts})
    limits = settings(
        max_examples=20, stateful_step_count=25, deadline=None, database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )  # fmt: skip
    run_state_machine_as_test(machine, settings=limits)
